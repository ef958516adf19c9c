#include "follower.h"

#include <algorithm>

namespace bridge {
namespace {

constexpr std::uint64_t pageSize = 100;

Json since(std::uint64_t number, std::uint64_t limit) { return Json::Object{{"since", number}, {"limit", limit}}; }

} // namespace

Json Follower::connected()
{
    seen_ = 0;
    if (!last_) {
        mode_ = Mode::beginning;
        return since(0, 1); // of interest is its lastSeq alone: what was before us is no news
    }
    // without room a page of one: the connection has to become usable, and the event stays in the log until it is asked for again
    mode_ = Mode::paging;
    return since(*last_, std::clamp<std::uint64_t>(outlet_.room(), 1, pageSize));
}

std::optional<Json> Follower::page(const Json& result)
{
    const std::uint64_t newest = result["lastSeq"].count().value_or(0);
    if (mode_ == Mode::beginning) {
        last_ = newest;
        if (seen_ <= newest) {
            mode_ = Mode::live;
            return std::nullopt;
        }
        return ask();
    }
    if (newest < last()) {
        last_ = 0; // another log than before: all of it is news
        return ask();
    }
    const std::uint64_t before = last();
    if (const Json::Array* events = result["events"].array()) {
        for (const Json& event : *events) {
            if (outlet_.room() == 0) return ask();
            const std::uint64_t seq = event["seq"].count().value_or(0);
            if (seq > last()) accept(event, seq);
        }
    }
    const bool hasMoved = last() > before;
    if (!hasMoved && newest > last()) last_ = newest; // those in between are no longer kept
    if (last() >= newest && (last() >= seen_ || !hasMoved)) {
        mode_ = Mode::live;
        return std::nullopt;
    }
    return ask();
}

std::optional<Json> Follower::live(const Json& event)
{
    const std::uint64_t seq = event["seq"].count().value_or(0);
    if (mode_ != Mode::live) {
        seen_ = std::max(seen_, seq);
        return std::nullopt;
    }
    if (seq <= last()) return std::nullopt;
    if (seq == last() + 1 && outlet_.room() > 0) {
        accept(event, seq);
        return std::nullopt;
    }
    seen_ = seq;
    return ask();
}

std::optional<Json> Follower::roomAgain() { return mode_ == Mode::waiting ? ask() : std::nullopt; }

std::optional<Json> Follower::ask()
{
    const std::uint64_t room = outlet_.room();
    mode_ = room == 0 ? Mode::waiting : Mode::paging;
    if (room == 0) return std::nullopt;
    return since(last(), std::min(room, pageSize));
}

void Follower::accept(const Json& event, std::uint64_t seq)
{
    last_ = seq;
    if (std::optional<Notification> notification = notificationOf(event)) outlet_.take(std::move(*notification));
}

} // namespace bridge
