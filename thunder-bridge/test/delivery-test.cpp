#include <atomic>

#include "check.h"
#include "recorder.h"

namespace delivery_test {

using bridge::Delivery;
using bridge::Kind;
using bridge::Notification;
using std::chrono::milliseconds;

namespace {
Notification changed(const char* id, std::uint8_t state) { return {Kind::stateChanged, id, "", state, {}}; }
Delivery::Options quick(milliseconds settle = milliseconds(5), std::size_t maxQueued = 1024) { return {settle, maxQueued, {}}; }
} // namespace

TEST("every sink is told everything in order, until it is removed")
{
    Recorder one;
    Recorder two;
    Delivery delivery(quick());
    HOLDS(delivery.add(&one, one.reference()));
    HOLDS(!delivery.add(&one, one.reference()));
    EQUAL(one.references(), 1);
    HOLDS(delivery.add(&two, two.reference()));
    for (std::uint8_t state = 1; state < 5; state++) delivery.push(changed("a", state));
    UNTIL(one.count() == 4 && two.count() == 4);
    EQUAL(join(one.heard()), "stateChanged a 1, stateChanged a 2, stateChanged a 3, stateChanged a 4");
    HOLDS(delivery.remove(&one));
    HOLDS(!delivery.remove(&one));
    delivery.push(changed("a", 8));
    UNTIL(two.count() == 5);
    EQUAL(one.count(), 4u);
    EQUAL(one.references(), 0);
}

TEST("an operation's events wait for its answer, and those of other instances do not")
{
    Recorder sink;
    Delivery delivery(quick(milliseconds(60)));
    delivery.add(&sink, sink.reference());
    std::chrono::steady_clock::time_point returned;
    {
        const Delivery::Hold hold(delivery, "a");
        delivery.push(changed("a", 2));
        delivery.push(changed("b", 2));
        delivery.push(changed("a", 3));
        UNTIL(sink.count() == 1);
        EQUAL(join(sink.heard()), "stateChanged b 2");
        returned = std::chrono::steady_clock::now();
    }
    delivery.push(changed("a", 4)); // came after the answer, as fast as the wire is
    UNTIL(sink.count() == 4);
    HOLDS(std::chrono::steady_clock::now() - returned >= milliseconds(60));
    EQUAL(join(sink.heard()), "stateChanged b 2, stateChanged a 2, stateChanged a 3, stateChanged a 4");
}

TEST("a caller that arms its wait after the return misses no event, on four threads at once")
{
    std::atomic<int> missed{0};
    std::atomic<int> told{0};
    std::atomic<bool> isArmed[4] = {};
    std::atomic<int> mine[4] = {};
    Recorder sink([&](const Notification& it) {
        const int caller = it.appInstanceId[0] - '0';
        if (!isArmed[caller]) missed++;
        mine[caller]++;
        told++;
    });
    Delivery delivery(quick(milliseconds(25)));
    delivery.add(&sink, sink.reference());
    {
        check::Threads callers;
        for (int caller = 0; caller < 4; caller++) {
            callers.all.emplace_back([&, caller] {
                const std::string id = std::to_string(caller);
                for (int round = 0; round < 20; round++) {
                    isArmed[caller] = false;
                    {
                        const Delivery::Hold hold(delivery, id);
                        delivery.push(changed(id.c_str(), 2));
                    }
                    isArmed[caller] = true; // as State.cpp does after runtimeManagerHandler->run
                    while (mine[caller] <= round) std::this_thread::sleep_for(milliseconds(1));
                }
            });
        }
    }
    UNTIL(told == 80);
    EQUAL(missed.load(), 0);
}

TEST("a caller who calls all the time delays no event for ever")
{
    Recorder sink;
    Delivery delivery(quick());
    delivery.add(&sink, sink.reference());
    auto call = std::make_unique<Delivery::Hold>(delivery, "a");
    delivery.push(changed("a", 2));
    for (int count = 0; count < 2000 && sink.count() == 0; count++) {
        auto next = std::make_unique<Delivery::Hold>(delivery, "a");
        std::this_thread::sleep_for(milliseconds(1));
        call = std::move(next); // there is always one under way
    }
    EQUAL(sink.count(), 1u);
}

TEST("two calls for one instance hold its events until both have returned")
{
    Recorder sink;
    Delivery delivery(quick());
    delivery.add(&sink, sink.reference());
    auto first = std::make_unique<Delivery::Hold>(delivery, "a");
    auto second = std::make_unique<Delivery::Hold>(delivery, "a");
    delivery.push(changed("a", 8));
    first.reset();
    std::this_thread::sleep_for(milliseconds(30));
    EQUAL(sink.count(), 0u);
    second.reset();
    UNTIL(sink.count() == 1);
}

TEST("after its removal a sink is told nothing and held by nobody, also in the middle of a delivery")
{
    for (int round = 0; round < 200; round++) {
        auto sink = std::make_unique<Recorder>();
        Delivery delivery(quick(milliseconds(0)));
        delivery.add(sink.get(), sink->reference());
        std::thread pusher([&] {
            for (std::uint8_t state = 0; state < 8; state++) delivery.push(changed("a", state));
        });
        HOLDS(delivery.remove(sink.get()));
        EQUAL(sink->references(), 0);
        sink.reset(); // a use of it from here on is what the sanitizers find
        pusher.join();
    }
}

TEST("a sink may remove itself, and add another one, while it is told")
{
    Recorder other;
    Delivery* place = nullptr;
    std::unique_ptr<Recorder> sink;
    sink = std::make_unique<Recorder>([&](const Notification&) {
        place->remove(sink.get());
        place->add(&other, other.reference());
    });
    Delivery delivery(quick());
    place = &delivery;
    delivery.add(sink.get(), sink->reference());
    delivery.push(changed("a", 1));
    UNTIL(sink->references() == 0);
    delivery.push(changed("a", 2));
    UNTIL(other.has("stateChanged a 2"));
    EQUAL(sink->count(), 1u);
}

TEST("the queue is bounded, and tells when there is room again")
{
    std::atomic<int> rooms{0};
    std::atomic<bool> goOn{false};
    Recorder sink([&](const Notification&) {
        while (!goOn) std::this_thread::sleep_for(milliseconds(1));
    });
    Delivery delivery({milliseconds(0), 10, [&] { rooms++; }});
    delivery.add(&sink, sink.reference());
    for (int count = 0; count < 50; count++) delivery.push(changed("a", 1));
    EQUAL(delivery.room(), 0u);
    EQUAL(rooms.load(), 0);
    goOn = true;
    UNTIL(rooms == 1);
    UNTIL(delivery.room() == 10);
    HOLDS(sink.count() <= 12);
}

} // namespace delivery_test
