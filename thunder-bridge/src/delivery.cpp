#include "delivery.h"

#include <algorithm>

namespace bridge {
namespace {

/** A sink that hangs must not hang its `remove` for ever; the reference keeps its memory valid meanwhile. */
constexpr std::chrono::seconds maxWaitForSink{2};

} // namespace

Delivery::Delivery(Options options) : options_(std::move(options)), thread_([this] { run(); }) {}

Delivery::~Delivery()
{
    {
        const Lock lock(mutex_);
        isEnding_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

bool Delivery::add(const void* identity, std::shared_ptr<Sink> sink)
{
    const Lock lock(mutex_);
    if (find(identity)) return false;
    members_.push_back({identity, std::move(sink)});
    return true;
}

bool Delivery::remove(const void* identity)
{
    std::shared_ptr<Sink> last; // destroyed after the lock: its reference may be the last one of its owner
    Lock lock(mutex_);
    const auto isIt = [identity](const Member& member) { return member.identity == identity; };
    const auto member = std::find_if(members_.begin(), members_.end(), isIt);
    if (member == members_.end()) return false;
    last = std::move(member->sink);
    members_.erase(member);
    if (std::this_thread::get_id() != thread_.get_id()) {
        told_.wait_for(lock, maxWaitForSink, [&] { return telling_ != identity; });
    }
    lock.unlock();
    return true;
}

std::size_t Delivery::room() const
{
    const Lock lock(mutex_);
    return options_.maxQueued - std::min(options_.maxQueued, queue_.size());
}

void Delivery::push(Notification notification)
{
    {
        const Lock lock(mutex_);
        if (queue_.size() < options_.maxQueued) queue_.push_back({std::move(notification), lastCall_});
        wasFull_ = wasFull_ || queue_.size() >= options_.maxQueued;
    }
    changed_.notify_all();
}

Delivery::Hold::Hold(Delivery& delivery, std::string appInstanceId)
    : delivery_(delivery), appInstanceId_(std::move(appInstanceId))
{
    const Lock lock(delivery_.mutex_);
    number_ = ++delivery_.lastCall_;
    delivery_.held_[appInstanceId_].push_back({number_, Clock::time_point::max()});
}

Delivery::Hold::~Hold()
{
    {
        const Lock lock(delivery_.mutex_);
        for (Held& held : delivery_.held_[appInstanceId_]) {
            if (held.number == number_) held.until = Clock::now() + delivery_.options_.settle;
        }
    }
    delivery_.changed_.notify_all();
}

void Delivery::run()
{
    Lock lock(mutex_);
    while (!isEnding_) {
        const Clock::time_point now = Clock::now();
        forgetSettled(now);
        const auto first = ready(now);
        if (first == queue_.end()) {
            waitForWork(lock, now);
            continue;
        }
        Notification notification = std::move(first->notification);
        queue_.erase(first);
        deliver(lock, std::move(notification));
    }
}

void Delivery::deliver(Lock& lock, Notification notification)
{
    std::vector<const void*> identities;
    for (const Member& member : members_) identities.push_back(member.identity);
    for (const void* identity : identities) {
        std::shared_ptr<Sink> sink = find(identity);
        if (!sink) continue; // removed since
        telling_ = identity;
        lock.unlock();
        sink->notify(notification);
        sink.reset(); // before `remove` returns: a sink that is part of a larger object goes with that
        lock.lock();
        telling_ = nullptr;
        told_.notify_all();
    }
    if (!wasFull_ || queue_.size() > options_.maxQueued / 2) return;
    wasFull_ = false;
    if (!options_.onRoom) return;
    lock.unlock();
    options_.onRoom();
    lock.lock();
}

std::shared_ptr<Sink> Delivery::find(const void* identity) const
{
    for (const Member& member : members_) {
        if (member.identity == identity) return member.sink;
    }
    return nullptr;
}

std::deque<Delivery::Queued>::iterator Delivery::ready(Clock::time_point now)
{
    // of one instance the older event waits for no call that the newer one does not wait for: their order stays
    return std::find_if(queue_.begin(), queue_.end(), [&](const Queued& queued) {
        const auto calls = held_.find(queued.notification.appInstanceId);
        if (calls == held_.end()) return true;
        return std::none_of(calls->second.begin(), calls->second.end(),
                            [&](const Held& held) { return held.number <= queued.call && held.until > now; });
    });
}

/** Until something changes, or the first call has settled. */
void Delivery::waitForWork(Lock& lock, Clock::time_point now)
{
    Clock::time_point next = now + std::chrono::hours(1);
    for (const auto& [id, calls] : held_) {
        for (const Held& held : calls) next = std::min(next, held.until);
    }
    changed_.wait_until(lock, next);
}

void Delivery::forgetSettled(Clock::time_point now)
{
    for (auto entry = held_.begin(); entry != held_.end();) {
        std::vector<Held>& calls = entry->second;
        calls.erase(std::remove_if(calls.begin(), calls.end(), [now](const Held& held) { return held.until <= now; }), calls.end());
        entry = calls.empty() ? held_.erase(entry) : std::next(entry);
    }
}

} // namespace bridge
