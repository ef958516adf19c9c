/** `bridge-tests`: all tests but those of a real daemon; `bridge-tests --daemon SOCKET`: those. */
#include <cstdio>
#include <cstring>
#include <vector>

#include "check.h"
#include "real-daemon.h"

namespace {

struct Test {
    const char* name;
    void (*body)();
};

std::vector<Test>& tests()
{
    static std::vector<Test> all;
    return all;
}

std::string socketOfDaemon;

} // namespace

void check::add(const char* name, void (*body)()) { tests().push_back({name, body}); }

const std::string& realDaemonSocket() { return socketOfDaemon; }

int main(int count, char** arguments)
{
    const bool isReal = count == 3 && std::strcmp(arguments[1], "--daemon") == 0;
    if (isReal) socketOfDaemon = arguments[2];
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    int failed = 0;
    int passed = 0;
    for (const Test& test : tests()) {
        if ((std::strncmp(test.name, "real daemon: ", 13) == 0) != isReal) continue;
        try {
            test.body();
            passed++;
            std::printf("✔ %s\n", test.name);
        } catch (const std::exception& error) {
            failed++;
            std::printf("✖ %s\n    %s\n", test.name, error.what());
        }
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
