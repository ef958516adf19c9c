/** IRuntimeManager in plain C++: what the plugin's methods do, free of Thunder's headers. */
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "delivery.h"
#include "link.h"

namespace bridge {

/** Holds no state of apps: the daemon has that. All methods are safe for any thread and block until the daemon has answered. */
class Runtime {
public:
    struct Options {
        Link::Options link;
        std::chrono::milliseconds settle{25};
        std::size_t maxQueued = 1024;
    };
    /** Of `Run`: `config` has the members of RuntimeConfig; lists that were not given are null. */
    struct Order {
        std::string appId;
        std::string appInstanceId;
        std::uint32_t userId = 0;
        std::uint32_t groupId = 0;
        Json ports;
        Json paths;
        Json debugSettings;
        Json config;
    };

    Runtime(Options options, std::function<void(const std::string&)> log);
    ~Runtime();
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;

    /** Ends the connection: every call, also those under way, is ERROR_UNAVAILABLE from now on. */
    void stop() { link_.stop(); }

    bool add(const void* identity, std::shared_ptr<Sink> sink) { return delivery_.add(identity, std::move(sink)); }
    bool remove(const void* identity) { return delivery_.remove(identity); }

    std::uint32_t run(const Order& order);
    /** suspend, resume, hibernate, terminate, kill. */
    std::uint32_t operate(const std::string& method, const std::string& appInstanceId);
    /** `state`: a number of IRuntimeManager::RuntimeState, which goes on as its name. */
    std::uint32_t wake(const std::string& appInstanceId, std::uint8_t state);
    std::uint32_t getInfo(const std::string& appInstanceId, std::string& info);
    std::uint32_t annotate(const std::string& appInstanceId, const std::string& key, const std::string& value);
    /** mount, unmount: upstream's have no parameters, and the daemon says what it misses. */
    std::uint32_t bare(const std::string& method);

private:
    Outcome ask(const std::string& method, Json params, const std::string& appInstanceId);

    const std::function<void(const std::string&)> log_;
    Link link_;
    /** After the link, whose thread fills it and is ended first. */
    Delivery delivery_;
};

} // namespace bridge
