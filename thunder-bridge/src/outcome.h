/** What a call of the daemon came to, in Thunder's numbers. */
#pragma once

#include <cstdint>
#include <string>

#include "json.h"

namespace bridge {

/** Those of Core::ERROR_* (Thunder, core/Portability.h) that the bridge answers by itself. */
namespace code {
constexpr std::uint32_t none = 0;
constexpr std::uint32_t general = 1;
constexpr std::uint32_t unavailable = 2;
constexpr std::uint32_t timedOut = 11;
constexpr std::uint32_t inProgress = 12;
constexpr std::uint32_t inputLength = 16;
constexpr std::uint32_t privileged = 24;
constexpr std::uint32_t unknownKey = 22;
constexpr std::uint32_t unknownMethod = 53;
constexpr std::uint32_t invalidParameter = 54;
} // namespace code

struct Outcome {
    std::uint32_t code = code::none;
    /** For the log: the daemon's sentence, or ours. Empty when all is well. */
    std::string why;
    Json result;
    /** The daemon has not seen the call. */
    bool wasNotSent = false;
};

/** Reads an answer of the daemon: its `result`, or the number of its `error` with either profile (docs/errors.md). */
Outcome outcomeOf(const Json& answer);

} // namespace bridge
