/** Tests in plain C++: no library for them is on a stock machine. */
#pragma once

#include <chrono>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace check {

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/** A sentence of behaviour, and what shows it. */
void add(const char* name, void (*body)());

struct Registration {
    Registration(const char* name, void (*body)()) { add(name, body); }
};

template <typename Left, typename Right>
void equal(const Left& actual, const Right& expected, const char* what, int line)
{
    if (actual == expected) return;
    std::ostringstream text;
    text << "line " << line << ": " << what << " is " << actual << ", not " << expected;
    throw Failure(text.str());
}

inline void holds(bool value, const char* what, int line)
{
    if (!value) throw Failure("line " + std::to_string(line) + ": " + what);
}

/** Threads that end with their scope, also when a check fails. */
struct Threads {
    std::function<void()> end = [] {};
    std::vector<std::thread> all;
    ~Threads()
    {
        end();
        for (std::thread& thread : all) thread.join();
    }
};

/** Waits for a condition; a failure when it does not come in time. */
template <typename Condition>
void until(Condition condition, const char* what, int line)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) throw Failure("line " + std::to_string(line) + ": not in time: " + what);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

} // namespace check

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEST(name)                                                                                    \
    static void JOIN(test, __LINE__)();                                                               \
    static const check::Registration JOIN(registration, __LINE__)(name, JOIN(test, __LINE__));        \
    static void JOIN(test, __LINE__)()
#define EQUAL(actual, expected) check::equal(actual, expected, #actual, __LINE__)
#define HOLDS(value) check::holds(value, #value, __LINE__)
#define UNTIL(condition) check::until([&] { return condition; }, #condition, __LINE__)
