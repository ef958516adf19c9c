#include "check.h"
#include "notification.h"
#include "outcome.h"

namespace notification_test {

using bridge::Json;
using bridge::Kind;
using bridge::Notification;

namespace {
Notification of(const char* event)
{
    const std::optional<Notification> notification = bridge::notificationOf(*Json::parse(event));
    if (!notification) throw check::Failure(std::string("no notification of ") + event);
    return *notification;
}
std::uint32_t codeOf(const char* error)
{
    return bridge::outcomeOf(*Json::parse(std::string(R"({"id":1,"error":)") + error + "}")).code;
}
} // namespace

TEST("events of the log become the interface's notifications")
{
    HOLDS(of(R"({"seq":1,"type":"started","appInstanceId":"a","pid":7})").kind == Kind::started);
    const Notification change = of(R"({"type":"stateChanged","appInstanceId":"a","old":"RUNNING","new":"HIBERNATED"})");
    HOLDS(change.kind == Kind::stateChanged && change.appInstanceId == "a");
    EQUAL(int{change.state}, 5); // RUNTIME_STATE_HIBERNATED
    EQUAL(int{of(R"({"type":"stateChanged","new":"RUNNING"})").state}, 2);
    EQUAL(int{of(R"({"type":"stateChanged","new":"TERMINATED"})").state}, 8);
    EQUAL(int{of(R"({"type":"stateChanged","new":"PONDERING"})").state}, 0);
    EQUAL(*of(R"({"type":"terminated","exit":{"code":137,"cause":"killed"}})").exitCode, 137);
    HOLDS(!of(R"({"type":"terminated","exit":{"code":null,"cause":"reboot"}})").exitCode);
}

TEST("only a failure that ended the app, or kept it from starting, is an onFailure")
{
    EQUAL(of(R"({"type":"failure","operation":"run","ended":true,"error":{"code":"START_FAILED"}})").error, "START_FAILED");
    EQUAL(of(R"({"type":"failure","operation":"run","ended":true,"error":{"code":"DISPLAY_FAILED"}})").error, "ERROR_CREATE_DISPLAY");
    for (const char* event : {R"({"type":"failure","operation":"hibernate","ended":false,"error":{"code":"CHECKPOINT_FAILED"}})",
                              R"({"type":"failure","operation":"wake","error":{"code":"RESTORE_FAILED"}})", R"({"type":"mounted"})", "{}",
                              "[]"}) {
        HOLDS(!bridge::notificationOf(*Json::parse(event)));
    }
}

TEST("errors of either profile become Thunder's numbers")
{
    EQUAL(codeOf(R"({"code":5,"message":"x"})"), 5u);
    EQUAL(codeOf(R"({"code":-31005,"message":"x"})"), 5u);
    EQUAL(codeOf(R"({"code":1})"), 1u);
    EQUAL(codeOf(R"({"code":-32602})"), 54u);
    EQUAL(codeOf(R"({"code":-32601})"), 53u);
    EQUAL(codeOf(R"({"code":-32604})"), 24u);
    EQUAL(codeOf(R"({"code":-32000})"), 11u);
    for (const char* odd : {R"({"code":0})", R"({"code":"5"})", R"({"code":1e9})", R"({"code":-31000})", "{}", "7"}) {
        EQUAL(codeOf(odd), 1u);
    }
    EQUAL(bridge::outcomeOf(*Json::parse(R"({"id":1,"result":null})")).code, 0u);
    EQUAL(bridge::outcomeOf(*Json::parse(R"({"id":1,"error":{"code":5,"message":"no","data":{"next":"wait"}}})")).why, "no; next: wait");
}

} // namespace notification_test
