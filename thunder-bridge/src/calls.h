/** Calls that wait for their answers, of the connection that is open now. */
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "outcome.h"

namespace bridge {

/** Safe for use by any thread. */
class Calls {
public:
    explicit Calls(std::size_t maxWaiting) : maxWaiting_(maxWaiting) {}

    /** From now on calls are taken. */
    void open();
    /** Ends all of them with ERROR_UNAVAILABLE, and refuses others until `open`. */
    void close(const std::string& why);

    /** A place for a call, or why there is none. */
    struct Place {
        std::uint64_t id = 0;
        Outcome refusal;
    };
    Place begin();
    /** The answer of a call; of one that nobody waits for any more it is dropped. */
    void answer(std::uint64_t id, Outcome outcome);
    /** Gives the place up. */
    Outcome wait(std::uint64_t id, std::chrono::milliseconds timeout);

private:
    const std::size_t maxWaiting_;
    std::mutex mutex_;
    std::condition_variable answered_;
    std::map<std::uint64_t, std::optional<Outcome>> waiting_;
    std::string closedWhy_ = "the daemon was not reached yet";
    bool isOpen_ = false;
    /** Below are those of the link itself. */
    std::uint64_t nextId_ = 100;
};

} // namespace bridge
