/** What a sink of IRuntimeManager::INotification is told. */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "json.h"

namespace bridge {

enum class Kind { started, terminated, failure, stateChanged };

struct Notification {
    Kind kind;
    std::string appInstanceId;
    /** Of a failure: a code of docs/errors.md, or upstream's word for it. */
    std::string error;
    /** Of a change: the number of IRuntimeManager::RuntimeState. */
    std::uint8_t state = 0;
    /** Of an end: what newer interfaces tell as well; nothing where the exit was not seen. */
    std::optional<std::int32_t> exitCode;
};

/** `RUNNING` and so on, of a number of IRuntimeManager::RuntimeState; `UNKNOWN` for what is none. */
std::string_view stateName(std::uint8_t number);

/** Of an event of the daemon's numbered log (docs/api.md, Events). Nothing for those that the interface has no word for. */
std::optional<Notification> notificationOf(const Json& event);

} // namespace bridge
