#include "runtime.h"

#include <atomic>

#include "check.h"
#include "fake-daemon.h"
#include "recorder.h"

namespace runtime_test {

using bridge::Json;
using bridge::Runtime;
using std::chrono::milliseconds;

namespace {

/** A daemon that moves one app about as the real one does: events first, then the answer (api.md, Events). */
struct Box {
    std::string asked;
    std::atomic<bool> isArmed{false};
    std::atomic<int> missed{0};
    FakeDaemon daemon{[this](const std::string& method, const Json& params) { return answer(method, params); }};
    Recorder sink{[this](const bridge::Notification&) { missed += isArmed ? 0 : 1; }};
    std::unique_ptr<Runtime> runtime;

    Box()
    {
        Runtime::Options options;
        options.link.target.socketPath = daemon.socketPath();
        options.link.firstRetry = milliseconds(5);
        runtime = std::make_unique<Runtime>(options, [](const std::string&) {});
        runtime->add(&sink, sink.reference());
        std::string info;
        UNTIL(runtime->getInfo("a", info) != 2);
    }

    Json answer(const std::string& method, const Json& params)
    {
        asked = method + " " + params.write();
        const Json id = params["appInstanceId"];
        if (method == "run") {
            change(id, "RUNNING");
            daemon.publish({{"type", "started"}, {"appInstanceId", id}});
            return Json::Object{{"appInstanceId", id}};
        }
        if (method == "kill") {
            daemon.publish({{"type", "terminated"}, {"appInstanceId", id}, {"exit", Json::Object{{"code", 137}}}});
        }
        if (method == "suspend") change(id, "SUSPENDED");
        if (method == "getInfo") return R"({"state":"RUNNING"})";
        if (method == "hibernate") return Json::Object{{"error", Json::Object{{"code", 5}, {"message", "not now"}}}};
        return {};
    }

    void change(const Json& id, const char* state)
    {
        daemon.publish({{"type", "stateChanged"}, {"appInstanceId", id}, {"new", state}});
    }

    /** As LifecycleManager: it arms its wait after the call has returned. */
    template <typename Call>
    std::uint32_t armedAfter(Call call)
    {
        isArmed = false;
        const std::uint32_t code = call();
        isArmed = true;
        return code;
    }
};

Runtime::Order order(const std::string& id)
{
    Runtime::Order it;
    it.appId = "com.example.app";
    it.appInstanceId = id;
    it.ports = Json::Array{3473};
    it.paths = Json::Array{};
    it.config = Json::Object{{"command", "counter"}, {"systemMemoryLimit", -1}};
    return it;
}

} // namespace

TEST("answers come before the events that they cause")
{
    Box box;
    for (int round = 0; round < 5; round++) {
        const std::string id = std::to_string(round);
        EQUAL(box.armedAfter([&] { return box.runtime->run(order(id)); }), 0u);
        UNTIL(box.sink.has("started " + id));
        EQUAL(box.armedAfter([&] { return box.runtime->operate("suspend", id); }), 0u);
        UNTIL(box.sink.has("stateChanged " + id + " 3"));
        EQUAL(box.armedAfter([&] { return box.runtime->operate("kill", id); }), 0u);
        UNTIL(box.sink.has("terminated " + id + " 137"));
    }
    EQUAL(box.missed.load(), 0);
}

TEST("the parameters go on as the interface has them, and lists that were not given are left out")
{
    Box box;
    box.runtime->run(order("a"));
    EQUAL(box.asked, R"(run {"appId":"com.example.app","appInstanceId":"a","userId":0,"groupId":0,"ports":[3473],"paths":[],)"
                     R"("runtimeConfigObject":{"command":"counter","systemMemoryLimit":-1}})");
    box.runtime->wake("a", 3);
    EQUAL(box.asked, R"(wake {"appInstanceId":"a","runtimeState":"RUNTIME_STATE_SUSPENDED"})");
    box.runtime->wake("a", 200);
    EQUAL(box.asked, R"(wake {"appInstanceId":"a","runtimeState":"RUNTIME_STATE_UNKNOWN"})");
    box.runtime->annotate("a", "k", "v\xff");
    EQUAL(box.asked, "annotate {\"appInstanceId\":\"a\",\"key\":\"k\",\"value\":\"v\xEF\xBF\xBD\"}");
    box.runtime->bare("mount");
    EQUAL(box.asked, "mount {}");
}

TEST("results and errors of the daemon are those of the call")
{
    Box box;
    std::string info;
    EQUAL(box.runtime->getInfo("a", info), 0u);
    EQUAL(info, R"({"state":"RUNNING"})");
    EQUAL(box.runtime->operate("hibernate", "a"), 5u);
}

TEST("a run that the daemon was never asked for is an onFailure as well, and one that it refused is not")
{
    Box box;
    box.daemon.stop();
    std::string info;
    UNTIL(box.runtime->getInfo("a", info) == 2);
    EQUAL(box.armedAfter([&] { return box.runtime->run(order("b")); }), 2u);
    UNTIL(box.sink.has("failure b ERROR_UNAVAILABLE"));
    EQUAL(box.missed.load(), 0);
    EQUAL(box.runtime->operate("kill", "b"), 2u);
    EQUAL(box.sink.count(), 1u);
}

} // namespace runtime_test
