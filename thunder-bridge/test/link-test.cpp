#include <atomic>

#include "check.h"
#include "fake-daemon.h"
#include "recorder.h"
#include "runtime.h"

namespace link_test {

using bridge::Json;
using bridge::Runtime;
using std::chrono::milliseconds;

namespace {

Runtime::Options quick(const FakeDaemon& daemon)
{
    Runtime::Options options;
    options.link.target.socketPath = daemon.socketPath();
    options.link.callTimeout = milliseconds(20000);
    options.link.firstRetry = milliseconds(5);
    options.link.lastRetry = milliseconds(20);
    options.settle = milliseconds(5);
    return options;
}

Json::Object started(const std::string& id) { return {{"type", "started"}, {"appInstanceId", id}}; }
Json nothing(const std::string&, const Json&) { return {}; }
void silence(const std::string&) {}

std::uint32_t info(Runtime& runtime)
{
    std::string text;
    return runtime.getInfo("a", text);
}

} // namespace

TEST("while the daemon is away every call is ERROR_UNAVAILABLE at once, and none when it is back")
{
    FakeDaemon daemon(nothing);
    daemon.stop();
    Runtime runtime(quick(daemon), silence);
    const auto begin = std::chrono::steady_clock::now();
    EQUAL(info(runtime), 2u);
    EQUAL(runtime.operate("suspend", "a"), 2u);
    HOLDS(std::chrono::steady_clock::now() - begin < milliseconds(2000));
    daemon.start();
    UNTIL(info(runtime) == 0);
    daemon.stop();
    UNTIL(info(runtime) == 2);
    daemon.start();
    UNTIL(info(runtime) == 0);
    EQUAL(daemon.connections(), 2);
}

TEST("events of the time without connection are told once and in order, also across several restarts")
{
    FakeDaemon daemon(nothing);
    Recorder sink;
    Runtime runtime(quick(daemon), silence);
    runtime.add(&sink, sink.reference());
    UNTIL(info(runtime) == 0);
    std::string expected;
    for (int round = 0; round < 5; round++) {
        daemon.stop();
        for (int event = 0; event < 250; event++) daemon.commit(started(std::to_string(round * 1000 + event)));
        daemon.start();
        UNTIL(daemon.isSubscribed());
        daemon.publish(started("live " + std::to_string(round)));
    }
    UNTIL(sink.count() >= 1255);
    const std::vector<std::string> heard = sink.heard();
    EQUAL(heard.size(), 1255u);
    EQUAL(heard[0], "started 0");
    EQUAL(heard[249], "started 249");
    EQUAL(heard[250], "started live 0");
    EQUAL(heard[1254], "started live 4");
}

TEST("a sink that is slow loses nothing when far more comes than the queue holds")
{
    FakeDaemon daemon(nothing);
    Recorder sink([](const bridge::Notification&) { std::this_thread::sleep_for(std::chrono::microseconds(100)); });
    Runtime::Options options = quick(daemon);
    options.maxQueued = 16;
    Runtime runtime(options, silence);
    runtime.add(&sink, sink.reference());
    UNTIL(info(runtime) == 0);
    for (int event = 0; event < 2000; event++) daemon.publish(started(std::to_string(event)));
    UNTIL(sink.count() >= 2000);
    const std::vector<std::string> heard = sink.heard();
    for (std::size_t event = 0; event < heard.size(); event++) EQUAL(heard[event], "started " + std::to_string(event));
    HOLDS(daemon.pages() > 10);
}

TEST("a call whose answer is lost ends with ERROR_UNAVAILABLE as soon as the connection does")
{
    std::atomic<bool> isAsked{false};
    std::atomic<bool> goOn{false};
    FakeDaemon daemon([&](const std::string& method, const Json&) -> Json {
        isAsked = method == "suspend" || isAsked;
        while (method == "suspend" && !goOn) std::this_thread::sleep_for(milliseconds(1));
        return {};
    });
    Runtime runtime(quick(daemon), silence);
    UNTIL(info(runtime) == 0);
    check::Threads losing;
    losing.all.emplace_back([&] {
        while (!isAsked) std::this_thread::sleep_for(milliseconds(1));
        daemon.sendRaw(std::string("\xff\xff", 2)); // no frame
        goOn = true;
    });
    EQUAL(runtime.operate("suspend", "a"), 2u);
    UNTIL(info(runtime) == 0);
}

TEST("a daemon that does not answer is given up, and what it takes too long for is ERROR_TIMEDOUT")
{
    FakeDaemon daemon([](const std::string& method, const Json&) -> Json {
        if (method == "suspend") std::this_thread::sleep_for(milliseconds(300));
        return {};
    });
    Runtime::Options options = quick(daemon);
    options.link.callTimeout = milliseconds(100);
    options.link.quiet = milliseconds(50);
    Runtime runtime(options, silence);
    UNTIL(info(runtime) == 0);
    EQUAL(runtime.operate("suspend", "a"), 11u);
    UNTIL(info(runtime) == 0);
    const int before = daemon.connections();
    daemon.isDeaf = true;
    UNTIL(info(runtime) == 2);
    daemon.isDeaf = false;
    UNTIL(info(runtime) == 0);
    HOLDS(daemon.connections() > before);
}

TEST("what the daemon must not send ends that connection only")
{
    FakeDaemon daemon(nothing);
    Runtime::Options options = quick(daemon);
    options.link.target.maxMessageBytes = 100'000;
    Runtime runtime(options, silence);
    UNTIL(info(runtime) == 0);
    const std::string tooLong = std::string("\x81\x7f\0\0\0\0\0\x0f\xff\xff", 10) + std::string(200'000, 'x');
    for (const std::string& bytes : {std::string("\x81\x05{not}", 7), tooLong, std::string("\x88\x05\x03\xf5slow", 7)}) {
        const int before = daemon.connections();
        daemon.sendRaw(bytes);
        UNTIL(daemon.connections() > before && info(runtime) == 0);
    }
    std::string huge;
    EQUAL(runtime.annotate("a", "key", std::string(200'000, 'x')), 16u);
    EQUAL(info(runtime), 0u);
}

TEST("many threads call and end while the daemon comes and goes")
{
    FakeDaemon daemon(nothing);
    Recorder sink;
    auto runtime = std::make_unique<Runtime>(quick(daemon), silence);
    runtime->add(&sink, sink.reference());
    std::atomic<bool> isEnding{false};
    std::atomic<int> answered{0};
    std::atomic<int> odd{0};
    check::Threads callers{[&] { isEnding = true; }, {}};
    for (int caller = 0; caller < 4; caller++) {
        callers.all.emplace_back([&, caller] {
            while (!isEnding) {
                const std::uint32_t code = runtime->operate("suspend", std::to_string(caller));
                if (code == 0) answered++;
                else std::this_thread::sleep_for(milliseconds(1));
                if (code != 0 && code != 2) odd++;
            }
        });
    }
    for (int round = 0; round < 5; round++) {
        const int before = answered;
        UNTIL(answered > before + 20);
        daemon.publish(started(std::to_string(round)));
        daemon.stop();
        daemon.start();
    }
    UNTIL(sink.count() == 5);
    EQUAL(odd.load(), 0);
    runtime->stop();
    HOLDS(runtime->remove(&sink));
    EQUAL(sink.references(), 0);
}

} // namespace link_test
