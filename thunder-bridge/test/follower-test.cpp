#include "check.h"
#include "follower.h"

namespace follower_test {

using bridge::Follower;
using bridge::Json;
using bridge::Notification;

namespace {

/** A follower, and what it has let through. */
struct Box {
    std::size_t room = 1000;
    std::string heard;
    Follower follower{{[this] { return room; },
                       [this](const Notification& it) {
                           heard += it.appInstanceId + " ";
                           room--;
                       }}};
};

Json event(int seq) { return Json::Object{{"seq", seq}, {"type", "started"}, {"appInstanceId", std::to_string(seq)}}; }

Json page(int first, int last, int newest)
{
    Json::Array events;
    for (int seq = first; seq <= last; seq++) events.push_back(event(seq));
    return Json::Object{{"events", events}, {"lastSeq", newest}};
}

std::string text(const std::optional<Json>& params) { return params ? params->write() : "nothing"; }

void beginAt(Box& box, int newest)
{
    EQUAL(box.follower.connected().write(), R"({"since":0,"limit":1})");
    EQUAL(text(box.follower.page(page(1, 1, newest))), "nothing");
}

} // namespace

TEST("what happened before the bridge began is no news")
{
    Box box;
    beginAt(box, 41);
    HOLDS(box.follower.isCaughtUp());
    EQUAL(text(box.follower.live(event(42))), "nothing");
    EQUAL(text(box.follower.live(event(42))), "nothing");
    EQUAL(box.heard, "42 ");
}

TEST("an event between the registration and the first page is asked for")
{
    Box box;
    HOLDS(!box.follower.connected().isNull());
    EQUAL(text(box.follower.live(event(43))), "nothing");
    EQUAL(text(box.follower.page(page(1, 1, 42))), R"({"since":42,"limit":100})");
    EQUAL(text(box.follower.page(page(43, 43, 43))), "nothing");
    EQUAL(box.heard, "43 ");
}

TEST("a new connection brings what was missed, once and in order, and what comes meanwhile")
{
    Box box;
    beginAt(box, 2);
    EQUAL(box.follower.connected().write(), R"({"since":2,"limit":100})");
    EQUAL(text(box.follower.live(event(6))), "nothing");
    EQUAL(text(box.follower.page(page(3, 4, 5))), R"({"since":4,"limit":100})");
    EQUAL(text(box.follower.page(page(5, 5, 5))), R"({"since":5,"limit":100})");
    EQUAL(text(box.follower.page(page(6, 6, 6))), "nothing");
    EQUAL(text(box.follower.live(event(7))), "nothing");
    EQUAL(box.heard, "3 4 5 6 7 ");
}

TEST("a gap among the events is filled, and one that cannot be filled does not stop the rest")
{
    Box box;
    beginAt(box, 2);
    EQUAL(text(box.follower.live(event(5))), R"({"since":2,"limit":100})");
    EQUAL(text(box.follower.page(page(3, 5, 5))), "nothing");
    EQUAL(text(box.follower.live(event(9))), R"({"since":5,"limit":100})");
    EQUAL(text(box.follower.page(page(9, 9, 9))), "nothing");
    EQUAL(text(box.follower.live(event(12))), R"({"since":9,"limit":100})");
    EQUAL(text(box.follower.page(page(1, 0, 12))), "nothing"); // all of them were dropped from the log
    EQUAL(text(box.follower.live(event(13))), "nothing");
    EQUAL(box.heard, "3 4 5 9 13 ");
}

TEST("a log that begins again is told from its beginning")
{
    Box box;
    beginAt(box, 50);
    EQUAL(box.follower.connected().write(), R"({"since":50,"limit":100})");
    EQUAL(text(box.follower.page(page(1, 0, 3))), R"({"since":0,"limit":100})");
    EQUAL(text(box.follower.page(page(1, 3, 3))), "nothing");
    EQUAL(box.heard, "1 2 3 ");
}

TEST("without room nothing is taken, and with room again nothing is missing")
{
    Box box;
    beginAt(box, 0);
    box.room = 2;
    for (int seq = 1; seq <= 5; seq++) EQUAL(text(box.follower.live(event(seq))), "nothing");
    EQUAL(box.heard, "1 2 ");
    EQUAL(text(box.follower.roomAgain()), "nothing");
    box.room = 2;
    EQUAL(text(box.follower.roomAgain()), R"({"since":2,"limit":2})");
    EQUAL(text(box.follower.page(page(3, 4, 5))), "nothing");
    box.room = 9;
    EQUAL(text(box.follower.roomAgain()), R"({"since":4,"limit":9})");
    EQUAL(text(box.follower.page(page(5, 5, 5))), "nothing");
    EQUAL(text(box.follower.roomAgain()), "nothing");
    EQUAL(box.heard, "1 2 3 4 5 ");
}

TEST("a page of nonsense does not make it ask for ever")
{
    Box box;
    beginAt(box, 1);
    HOLDS(!box.follower.connected().isNull());
    EQUAL(text(box.follower.page(*Json::parse(R"({"events":[{"seq":"x"},7,null],"lastSeq":9})"))), "nothing");
    EQUAL(text(box.follower.page(Json())), R"({"since":0,"limit":100})");
    EQUAL(text(box.follower.page(Json())), "nothing");
    EQUAL(box.heard, "");
}

} // namespace follower_test
