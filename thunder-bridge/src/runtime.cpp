#include "runtime.h"

namespace bridge {
namespace {

/** What the daemon does not know of a run that it was never asked for. */
constexpr const char* notAsked = "ERROR_UNAVAILABLE";

Json::Object subject(const std::string& appInstanceId) { return {{"appInstanceId", appInstanceId}}; }

void addIfGiven(Json::Object& params, const char* name, const Json& value)
{
    if (!value.isNull()) params.emplace_back(name, value);
}

} // namespace

Runtime::Runtime(Options options, std::function<void(const std::string&)> log)
    : log_(std::move(log)),
      link_(options.link, {{[this] { return delivery_.room(); },
                            [this](Notification notification) { delivery_.push(std::move(notification)); }},
                           log_}),
      delivery_({options.settle, options.maxQueued, [this] { link_.wake(); }})
{
    link_.start();
}

Runtime::~Runtime() { link_.stop(); }

std::uint32_t Runtime::run(const Order& order)
{
    Json::Object params = {{"appId", order.appId}, {"appInstanceId", order.appInstanceId}};
    params.emplace_back("userId", order.userId);
    params.emplace_back("groupId", order.groupId);
    addIfGiven(params, "ports", order.ports);
    addIfGiven(params, "paths", order.paths);
    addIfGiven(params, "debugSettings", order.debugSettings);
    params.emplace_back("runtimeConfigObject", order.config);
    const Delivery::Hold hold(delivery_, order.appInstanceId);
    const Outcome outcome = ask("run", std::move(params), order.appInstanceId);
    // LifecycleManager takes back what it has begun at onFailure, not at a refused Run, and the daemon cannot tell it
    if (outcome.wasNotSent) delivery_.push({Kind::failure, order.appInstanceId, notAsked, 0, {}});
    return outcome.code;
}

std::uint32_t Runtime::operate(const std::string& method, const std::string& appInstanceId)
{
    const Delivery::Hold hold(delivery_, appInstanceId);
    return ask(method, subject(appInstanceId), appInstanceId).code;
}

std::uint32_t Runtime::wake(const std::string& appInstanceId, std::uint8_t state)
{
    const Delivery::Hold hold(delivery_, appInstanceId);
    Json::Object params = subject(appInstanceId);
    params.emplace_back("runtimeState", "RUNTIME_STATE_" + std::string(stateName(state)));
    return ask("wake", std::move(params), appInstanceId).code;
}

std::uint32_t Runtime::getInfo(const std::string& appInstanceId, std::string& info)
{
    const Outcome outcome = ask("getInfo", subject(appInstanceId), appInstanceId);
    if (outcome.code == code::none) info = outcome.result.textOr();
    return outcome.code;
}

std::uint32_t Runtime::annotate(const std::string& appInstanceId, const std::string& key, const std::string& value)
{
    Json::Object params = subject(appInstanceId);
    params.emplace_back("key", key);
    params.emplace_back("value", value);
    return ask("annotate", std::move(params), appInstanceId).code;
}

std::uint32_t Runtime::bare(const std::string& method) { return ask(method, Json::Object{}, "").code; }

Outcome Runtime::ask(const std::string& method, Json params, const std::string& appInstanceId)
{
    Outcome outcome = link_.call(method, std::move(params));
    if (outcome.code != code::none) {
        log_(method + " " + appInstanceId + ": error " + std::to_string(outcome.code) + ": " + outcome.why);
    }
    return outcome;
}

} // namespace bridge
