/** Follows the daemon's event log by number: nothing is missed and nothing told twice, whatever happens to the connection. */
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "json.h"
#include "notification.h"

namespace bridge {

/** Plain logic, used by one thread. It holds the number of the last event and nothing else of the daemon's. */
class Follower {
public:
    struct Outlet {
        /** How many more notifications can be taken now. */
        std::function<std::size_t()> room;
        std::function<void(Notification)> take;
    };

    explicit Follower(Outlet outlet) : outlet_(std::move(outlet)) {}

    /** A connection is open. Returns the parameters of the `getEvents` to begin with. */
    Json connected();
    /** The answer of `getEvents`. Returns the parameters of the next one, if one is needed now. */
    std::optional<Json> page(const Json& result);
    /** An event came by itself. Returns the parameters of a `getEvents`, if there is a gap or no room. */
    std::optional<Json> live(const Json& event);
    /** There is room again. Returns the parameters of the `getEvents` that has waited for it. */
    std::optional<Json> roomAgain();

    std::uint64_t last() const { return last_.value_or(0); }
    /** Everything up to the first page of this connection is known: calls may begin. */
    bool isCaughtUp() const { return mode_ == Mode::live; }

private:
    enum class Mode {
        /** The number to begin with is asked for. */
        beginning,
        /** A page is asked for. */
        paging,
        /** A page would be asked for if there were room. */
        waiting,
        live,
    };

    std::optional<Json> ask();
    void accept(const Json& event, std::uint64_t seq);

    Outlet outlet_;
    Mode mode_ = Mode::beginning;
    std::optional<std::uint64_t> last_;
    /** The highest number that has come by itself and was left to a page. */
    std::uint64_t seen_ = 0;
};

} // namespace bridge
