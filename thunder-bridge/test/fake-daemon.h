/** runtimemanagerd's side of the socket, as far as the bridge uses it: WebSocket (RFC 6455) with the strictness of the package `ws`
 *  (src/server/connection.ts), `register`, `getEvents` (src/server/methods.ts), and an event log with numbers. What a test says of
 *  it must be true of the daemon too; daemon-test.cpp asks the real one for the same. */
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "descriptor.h"
#include "json.h"

class FakeDaemon {
public:
    using Json = bridge::Json;
    /** Answers a call: its `result`, or an object with `error`. On the connection's thread. */
    using Method = std::function<Json(const std::string& method, const Json& params)>;

    explicit FakeDaemon(Method method);
    ~FakeDaemon();

    const std::string& socketPath() const { return path_; }
    /** Commits an event and tells it, as the daemon does: first the log, then the subscribers. */
    void publish(Json::Object event);
    /** Commits it and tells nobody, as when a connection is down. */
    void commit(Json::Object event);
    /** Another log, with numbers from the beginning. */
    void forgetEvents();
    /** Older events are no longer kept. */
    void dropEventsBefore(std::uint64_t seq);
    /** Ends its connection, and takes no other one until `start`. */
    void stop();
    void start();
    /** Writes raw bytes to the connection. */
    void sendRaw(const std::string& bytes);
    int connections() const { return connections_; }
    std::uint64_t lastSeq() const;
    /** `getEvents` that were asked for. */
    int pages() const { return pages_; }
    bool isSubscribed() const { return isSubscribed_; }
    /** Does not read any more. */
    std::atomic<bool> isDeaf{false};

private:
    void serve();
    void serveConnection(int socket);
    std::string answer(const Json& request);
    Json page(const Json& params);
    void send(std::uint8_t opcode, const std::string& payload);

    Method method_;
    std::string directory_;
    std::string path_;
    mutable std::mutex mutex_;
    std::mutex writing_;
    std::vector<Json> events_;
    std::uint64_t lastSeq_ = 0;
    std::atomic<int> connections_{0};
    std::atomic<int> pages_{0};
    std::atomic<bool> isSubscribed_{false};
    std::atomic<bool> isEnding_{false};
    std::atomic<int> socket_{-1};
    bridge::Descriptor listener_;
    std::thread thread_;
};
