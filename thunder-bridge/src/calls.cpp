#include "calls.h"

namespace bridge {

void Calls::open()
{
    const std::lock_guard<std::mutex> lock(mutex_);
    isOpen_ = true;
}

void Calls::close(const std::string& why)
{
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        isOpen_ = false;
        closedWhy_ = why;
        for (auto& [id, outcome] : waiting_) {
            if (!outcome) outcome = Outcome{code::unavailable, "the daemon was lost before it answered: " + why, {}, false};
        }
    }
    answered_.notify_all();
}

Calls::Place Calls::begin()
{
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!isOpen_) return {0, {code::unavailable, "the daemon is away: " + closedWhy_, {}, true}};
    if (waiting_.size() >= maxWaiting_) return {0, {code::inProgress, "too many calls wait for the daemon", {}, true}};
    waiting_.emplace(nextId_, std::nullopt);
    return {nextId_++, {}};
}

void Calls::answer(std::uint64_t id, Outcome outcome)
{
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto call = waiting_.find(id);
        if (call == waiting_.end()) return;
        call->second = std::move(outcome);
    }
    answered_.notify_all();
}

Outcome Calls::wait(std::uint64_t id, std::chrono::milliseconds timeout)
{
    std::unique_lock<std::mutex> lock(mutex_);
    const auto call = waiting_.find(id);
    answered_.wait_for(lock, timeout, [&] { return call->second.has_value(); });
    Outcome outcome = call->second.value_or(Outcome{code::timedOut, "no answer in time; the daemon goes on with it", {}, false});
    waiting_.erase(call);
    return outcome;
}

} // namespace bridge
