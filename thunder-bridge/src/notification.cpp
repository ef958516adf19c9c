#include "notification.h"

#include <array>
#include <string_view>

namespace bridge {
namespace {

/** By number, as in IRuntimeManager::RuntimeState. */
constexpr std::array<std::string_view, 9> states = {"UNKNOWN",     "STARTING",   "RUNNING", "SUSPENDED",   "HIBERNATING",
                                                    "HIBERNATED",  "WAKING",     "TERMINATING", "TERMINATED"};

std::uint8_t stateOf(std::string_view name)
{
    for (std::size_t number = 0; number < states.size(); number++) {
        if (states[number] == name) return static_cast<std::uint8_t>(number);
    }
    return 0;
}

/** A failure that ended the app or kept it from starting. All others would make LifecycleManager report a living app as unloaded
 *  (LifecycleManagerImplementation.cpp, notifyOnFailure); the answers of their calls tell them. */
bool isEnd(const Json& event)
{
    const bool* ended = event["ended"].boolean();
    return ended != nullptr && *ended;
}

std::string failureOf(const Json& event)
{
    const std::string& name = event["error"]["code"].textOr();
    return name == "DISPLAY_FAILED" ? "ERROR_CREATE_DISPLAY" : name;
}

std::optional<std::int32_t> exitCodeOf(const Json& event)
{
    const std::optional<std::uint64_t> exitCode = event["exit"]["code"].count();
    if (!exitCode || *exitCode > 255) return std::nullopt;
    return static_cast<std::int32_t>(*exitCode);
}

} // namespace

std::string_view stateName(std::uint8_t number) { return number < states.size() ? states[number] : states[0]; }

std::optional<Notification> notificationOf(const Json& event)
{
    const std::string& type = event["type"].textOr();
    const std::string& id = event["appInstanceId"].textOr();
    if (type == "started") return Notification{Kind::started, id, "", 0, {}};
    if (type == "terminated") return Notification{Kind::terminated, id, "", 0, exitCodeOf(event)};
    if (type == "stateChanged") return Notification{Kind::stateChanged, id, "", stateOf(event["new"].textOr()), {}};
    if (type == "failure" && isEnd(event)) return Notification{Kind::failure, id, failureOf(event), 0, {}};
    return std::nullopt;
}

} // namespace bridge
