#include "outcome.h"

namespace bridge {
namespace {

/** What the numbers of JSON-RPC mean: docs/errors.md, columns r4 and r5. */
std::uint32_t codeOf(double number)
{
    if (number > 0 && number < 1000) return static_cast<std::uint32_t>(number); // r4: Thunder's own
    if (number <= -31001 && number > -32000) return static_cast<std::uint32_t>(-number) - 31000; // r5: the same, moved
    if (number == -32602) return code::invalidParameter;
    if (number == -32601) return code::unknownMethod;
    if (number == -32604) return code::privileged;
    if (number == -32000) return code::timedOut;
    return code::general;
}

} // namespace

Outcome outcomeOf(const Json& answer)
{
    const Json& error = answer["error"];
    if (error.isNull()) return {code::none, "", answer["result"], false};
    const double* number = error["code"].number();
    std::string why = error["message"].textOr();
    const std::string& next = error["data"]["next"].textOr();
    if (!next.empty()) why += "; next: " + next;
    return {number == nullptr ? code::general : codeOf(*number), std::move(why), {}, false};
}

} // namespace bridge
