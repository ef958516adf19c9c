/** The connection to the daemon: made, kept, and made again, by a thread of its own. */
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "calls.h"
#include "channel.h"
#include "follower.h"

namespace bridge {

class Link {
public:
    using Milliseconds = std::chrono::milliseconds;
    struct Options {
        Channel::Target target;
        Milliseconds callTimeout{120'000};
        /** Between two attempts: from the first to the second, twice as long each time. */
        Milliseconds firstRetry{100};
        Milliseconds lastRetry{2000};
        /** A ping is sent after this time without a message; the connection is given up after three times as long. */
        Milliseconds quiet{10'000};
        /** The daemon's own limit of one WebSocket is 256. */
        std::size_t maxCalls = 128;
    };
    struct Listener {
        Follower::Outlet events;
        std::function<void(const std::string&)> log;
    };

    Link(Options options, Listener listener);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    /** Begins to connect. */
    void start();
    /** Ends the connection and all calls. */
    void stop();

    /** Calls a method of the daemon and waits; any thread. ERROR_UNAVAILABLE at once while there is no connection. */
    Outcome call(const std::string& method, Json params);
    /** The follower may have room again. Any thread. */
    void wake();

private:
    void run();
    /** Until the connection is lost. */
    void serve(Channel& channel);
    void receive(Channel& channel, const std::string& text);
    bool request(Channel& channel, const char* method, std::uint64_t id, Json params);
    void follow(Channel& channel, std::optional<Json> next);
    void waitUntilRetry(Milliseconds time);
    void clearWake();

    const Options options_;
    const Listener listener_;
    Calls calls_;
    Follower follower_;
    Descriptor wake_;
    std::mutex mutex_;
    std::shared_ptr<Channel> channel_;
    std::atomic<bool> isEnding_{false};
    std::thread thread_;
};

} // namespace bridge
