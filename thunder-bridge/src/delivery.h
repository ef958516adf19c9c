/** Brings notifications to the sinks: one thread, in order, and those of an operation only after its caller has its answer. */
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "notification.h"

namespace bridge {

/** Somebody who is told. Its owner's reference is taken when it is made and given up when it is destroyed. */
class Sink {
public:
    virtual ~Sink() = default;
    virtual void notify(const Notification& notification) = 0;
};

/** Safe for use by any thread. No lock is held while a sink is told, so a sink may call everything here, `remove` too. */
class Delivery {
public:
    struct Options {
        /** Between a call's return and the first event of that instance: the time in which a caller on another thread arms its
         *  wait. LifecycleManager does so after `Run` and `Terminate` have returned (State.cpp). */
        std::chrono::milliseconds settle{25};
        std::size_t maxQueued = 1024;
        /** Called when the queue was full and is half empty, by the delivering thread. */
        std::function<void()> onRoom;
    };

    explicit Delivery(Options options);
    ~Delivery();
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    /** `identity`: the same for the same sink. False: it is there already. */
    bool add(const void* identity, std::shared_ptr<Sink> sink);
    /** After it the sink is not told any more, also not by a delivery that was under way. False: there is none. */
    bool remove(const void* identity);

    std::size_t room() const;
    /** Never blocks. What does not fit is dropped: look at `room` before. */
    void push(Notification notification);

    /** While it lives, and for the settling time after, nothing of that instance that came after its beginning is delivered. What
     *  came before does not wait for it, so that a caller who calls all the time delays no event for ever. */
    class Hold {
    public:
        Hold(Delivery& delivery, std::string appInstanceId);
        ~Hold();
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;

    private:
        Delivery& delivery_;
        const std::string appInstanceId_;
        std::uint64_t number_ = 0;
    };

private:
    using Clock = std::chrono::steady_clock;
    using Lock = std::unique_lock<std::mutex>;
    /** A call. */
    struct Held {
        std::uint64_t number;
        /** When what it holds may go; the end of time while it is under way. */
        Clock::time_point until;
    };
    struct Queued {
        Notification notification;
        /** Of the newest call when it came. */
        std::uint64_t call;
    };
    struct Member {
        const void* identity;
        std::shared_ptr<Sink> sink;
    };

    void run();
    void deliver(Lock& lock, Notification notification);
    std::shared_ptr<Sink> find(const void* identity) const;
    /** The first one that may go now. */
    std::deque<Queued>::iterator ready(Clock::time_point now);
    void waitForWork(Lock& lock, Clock::time_point now);
    void forgetSettled(Clock::time_point now);

    Options options_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::condition_variable told_;
    std::deque<Queued> queue_;
    /** By instance. */
    std::map<std::string, std::vector<Held>> held_;
    std::uint64_t lastCall_ = 0;
    std::vector<Member> members_;
    /** The sink that is being told. */
    const void* telling_ = nullptr;
    bool wasFull_ = false;
    bool isEnding_ = false;
    std::thread thread_;
};

} // namespace bridge
