#include "link.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>

namespace bridge {
namespace {

using Clock = std::chrono::steady_clock;

/** Ids of the link's own requests. */
constexpr std::uint64_t registerId = 1;
constexpr std::uint64_t eventsId = 2;

/** A notification is named `<id>.<event>` (docs/api.md). */
constexpr const char* subscriber = "thunder-bridge";
constexpr const char* eventMethod = "thunder-bridge.onEvent";

} // namespace

Link::Link(Options options, Listener listener)
    : options_(std::move(options)), listener_(std::move(listener)), calls_(options_.maxCalls),
      follower_(listener_.events), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
}

Link::~Link() { stop(); }

void Link::start() { thread_ = std::thread([this] { run(); }); }

void Link::stop()
{
    isEnding_ = true;
    wake();
    if (thread_.joinable()) thread_.join();
}

void Link::wake()
{
    const std::uint64_t one = 1;
    // a full counter has woken it already
    if (::write(wake_.get(), &one, sizeof one) < 0) return;
}

void Link::clearWake()
{
    std::uint64_t count = 0;
    if (::read(wake_.get(), &count, sizeof count) < 0) return;
}

Outcome Link::call(const std::string& method, Json params)
{
    const Calls::Place place = calls_.begin();
    if (place.id == 0) return place.refusal;
    const std::string text =
        Json(Json::Object{{"jsonrpc", "2.0"}, {"id", place.id}, {"method", method}, {"params", std::move(params)}}).write();
    std::shared_ptr<Channel> channel;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        channel = channel_;
    }
    if (text.size() > options_.target.maxMessageBytes) {
        calls_.answer(place.id, {code::inputLength, method + ": the parameters are too long", {}, true});
    } else if (!channel || !channel->send(text)) {
        calls_.answer(place.id, {code::unavailable, "the connection to the daemon broke", {}, true});
    }
    return calls_.wait(place.id, options_.callTimeout);
}

void Link::run()
{
    Milliseconds retry = options_.firstRetry;
    std::string lastWhy;
    while (!isEnding_) {
        std::string why;
        if (std::shared_ptr<Channel> channel = Channel::open(options_.target, why)) {
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                channel_ = channel;
            }
            serve(*channel);
            {
                const std::lock_guard<std::mutex> lock(mutex_);
                channel_.reset();
            }
            why = channel->why();
            if (follower_.isCaughtUp()) retry = options_.firstRetry;
        }
        calls_.close(why);
        if (why != lastWhy) listener_.log("no connection to the daemon: " + why);
        lastWhy = why;
        waitUntilRetry(retry);
        retry = std::min(retry * 2, options_.lastRetry);
    }
}

void Link::serve(Channel& channel)
{
    const Json registration = Json::Object{{"event", "onEvent"}, {"id", subscriber}};
    if (!request(channel, "register", registerId, registration)) return;
    follow(channel, follower_.connected());
    Clock::time_point heard = Clock::now();
    for (;;) {
        std::string text;
        const Channel::Got got = channel.receive(wake_.get(), options_.quiet, text);
        if (isEnding_) channel.shut("the bridge ends");
        if (got == Channel::Got::lost || isEnding_) return;
        if (got == Channel::Got::text) {
            heard = Clock::now();
            receive(channel, text);
        } else if (got == Channel::Got::woken) {
            clearWake();
            follow(channel, follower_.roomAgain());
        } else if (Clock::now() - heard > 3 * options_.quiet) {
            channel.shut("the daemon is silent");
        } else {
            // its answer is a text, unlike a pong: that a socket is served does not say that calls are
            request(channel, "version", registerId, Json::Object{});
        }
    }
}

void Link::receive(Channel& channel, const std::string& text)
{
    const std::optional<Json> message = Json::parse(text);
    if (!message) {
        channel.shut("the daemon sent what is no JSON");
        return;
    }
    if ((*message)["method"].textOr() == eventMethod) {
        follow(channel, follower_.live((*message)["params"]));
        return;
    }
    const std::optional<std::uint64_t> id = (*message)["id"].count();
    Outcome outcome = outcomeOf(*message);
    if (id == eventsId || id == registerId) {
        if (outcome.code != code::none) {
            channel.shut("the daemon refuses to tell its events: " + outcome.why);
        } else if (id == eventsId) {
            follow(channel, follower_.page(outcome.result));
            calls_.open(); // from here on nothing that a call sets off can be missed
        }
    } else if (id) {
        calls_.answer(*id, std::move(outcome));
    }
}

bool Link::request(Channel& channel, const char* method, std::uint64_t id, Json params)
{
    return channel.send(
        Json(Json::Object{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}}).write());
}

void Link::follow(Channel& channel, std::optional<Json> next)
{
    if (next) request(channel, "getEvents", eventsId, std::move(*next));
}

void Link::waitUntilRetry(Milliseconds time)
{
    const Clock::time_point end = Clock::now() + time;
    while (!isEnding_ && Clock::now() < end) {
        pollfd wanted{wake_.get(), POLLIN, 0};
        const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now()).count();
        if (::poll(&wanted, 1, static_cast<int>(std::max<Milliseconds::rep>(left, 1))) > 0) clearWake();
    }
}

} // namespace bridge
