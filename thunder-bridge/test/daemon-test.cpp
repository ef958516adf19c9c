/** The same against the real daemon: what the fake claims of it holds. Its app is a directory of the machine's own programs. */
#include <cstdlib>

#include "check.h"
#include "real-daemon.h"
#include "recorder.h"
#include "runtime.h"

namespace daemon_test {

using bridge::Json;
using bridge::Notification;
using bridge::Runtime;

namespace {

struct Box {
    std::atomic<bool> isArmed{false};
    std::atomic<int> missed{0};
    Recorder sink{[this](const Notification&) { missed += isArmed ? 0 : 1; }};
    std::string log;
    std::unique_ptr<Runtime> runtime;

    Box()
    {
        Runtime::Options options;
        options.link.target.socketPath = realDaemonSocket();
        runtime = std::make_unique<Runtime>(options, [](const std::string& text) { std::printf("    %s\n", text.c_str()); });
        runtime->add(&sink, sink.reference());
        std::string info;
        UNTIL(runtime->getInfo("nobody", info) == 1); // NOT_FOUND, once the daemon is reached
    }

    template <typename Call>
    void armedAfter(Call call)
    {
        isArmed = false;
        const std::uint32_t code = call();
        isArmed = true;
        EQUAL(code, 0u);
    }
};

/** As PackageManager and LifecycleManager fill it: every member is there. */
Json config(const char* package)
{
    return Json::Object{{"dial", false}, {"wanLanAccess", false}, {"thunder", false}, {"systemMemoryLimit", 134217728},
                        {"gpuMemoryLimit", 0}, {"envVariables", R"(["TARGET_STATE=3"])"}, {"userId", 0}, {"groupId", 0},
                        {"dataImageSize", 0}, {"resourceManagerClientEnabled", true}, {"dialId", "com.example.bridge"},
                        {"command", "counter"}, {"appType", "INTERACTIVE"}, {"appPath", package}, {"runtimePath", ""},
                        {"logFilePath", ""}, {"logFileMaxSize", 0}, {"logLevels", "[]"}, {"mapi", false}, {"fkpsFiles", "[]"},
                        {"capabilities", ""}, {"ralfPkgPath", ""}, {"fireboltVersion", ""}, {"enableDebugger", false},
                        {"unpackedPath", ""}};
}

std::string changed(const std::string& id, int state) { return "stateChanged " + id + " " + std::to_string(state); }

} // namespace

TEST("real daemon: an app's life as LifecycleManager leads it, each answer before its events")
{
    const char* package = std::getenv("BRIDGE_TEST_PACKAGE");
    HOLDS(package != nullptr);
    Box box;
    const std::string id = "bridge-1";
    Runtime::Order order;
    order.appId = "com.example.bridge";
    order.appInstanceId = id;
    order.paths = Json::Array{};
    order.debugSettings = Json::Array{};
    order.config = config(package);
    box.armedAfter([&] { return box.runtime->run(order); });
    UNTIL(box.sink.has(changed(id, 2)));
    std::string info;
    EQUAL(box.runtime->getInfo(id, info), 0u);
    EQUAL((*Json::parse(info))["state"].textOr(), "RUNNING");
    box.armedAfter([&] { return box.runtime->operate("suspend", id); });
    UNTIL(box.sink.has(changed(id, 3)));
    EQUAL(box.runtime->operate("suspend", id), 5u);
    box.armedAfter([&] { return box.runtime->operate("hibernate", id); });
    UNTIL(box.sink.has(changed(id, 5)));
    box.armedAfter([&] { return box.runtime->wake(id, 2); });
    UNTIL(box.sink.heard().back() == changed(id, 2));
    EQUAL(box.runtime->annotate(id, "from", "bridge"), 0u);
    EQUAL(box.runtime->bare("mount"), 54u);
    box.armedAfter([&] { return box.runtime->operate("kill", id); });
    UNTIL(box.sink.has("terminated " + id + " 137"));
    EQUAL(box.missed.load(), 0);
}

TEST("real daemon: a run that cannot start is an error and an onFailure after it")
{
    Box box;
    Runtime::Order order;
    order.appId = "com.example.none";
    order.appInstanceId = "bridge-2";
    order.config = config("/nowhere");
    HOLDS(box.runtime->run(order) != 0);
}

} // namespace daemon_test
