#include "runtime.h"

namespace bridge {
namespace {

/** Why an app was kept from starting; empty: it was not, or nobody knows. */
std::string refusalOf(const Outcome& outcome)
{
    if (outcome.wasNotSent) return "ERROR_UNAVAILABLE";
    // these two say that an instance of that id is there and lives on
    const bool isThere = outcome.name == "ALREADY_EXISTS" || outcome.name == "BUSY";
    return isThere ? "" : outcome.name;
}

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
    // upstream's plugin tells of each refused run by OnFailure (RuntimeManagerImplementation.cpp, notifyParameterCheckFailure), and
    // LifecycleManager reports the app as unloaded only then; the daemon has events of what it has begun
    std::string refusal = refusalOf(outcome);
    if (!refusal.empty() && !delivery_.hasFailure(order.appInstanceId)) {
        delivery_.push({Kind::failure, order.appInstanceId, std::move(refusal), 0, {}});
    }
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
