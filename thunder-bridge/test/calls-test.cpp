#include "calls.h"
#include "check.h"

namespace calls_test {

using bridge::Calls;
using std::chrono::milliseconds;

TEST("calls are refused while there is no connection, and ended when it is lost")
{
    Calls calls(2);
    EQUAL(calls.begin().refusal.code, 2u);
    calls.open();
    const auto place = calls.begin();
    std::thread losing([&] { calls.close("gone"); });
    EQUAL(calls.wait(place.id, milliseconds(10000)).code, 2u);
    losing.join();
    HOLDS(calls.begin().refusal.wasNotSent);
}

TEST("calls are bounded in number and time, and an answer that is too late is dropped")
{
    Calls calls(2);
    calls.open();
    const auto one = calls.begin();
    const auto two = calls.begin();
    EQUAL(calls.begin().refusal.code, 12u);
    EQUAL(calls.wait(one.id, milliseconds(1)).code, 11u);
    calls.answer(one.id, {});
    calls.answer(two.id, {5, "no", {}, false});
    EQUAL(calls.wait(two.id, milliseconds(1)).code, 5u);
    HOLDS(calls.begin().id != 0);
}

} // namespace calls_test
