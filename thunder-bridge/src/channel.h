/** One WebSocket over the daemon's unix socket. */
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "descriptor.h"
#include "frames.h"

namespace bridge {

class Channel {
public:
    using Milliseconds = std::chrono::milliseconds;
    struct Target {
        std::string socketPath;
        /** A longer message, in either direction, ends the connection. The daemon's own limit is 4 MiB. */
        std::size_t maxMessageBytes = 4u << 20;
        Milliseconds openTimeout{5000};
        /** Within it the daemon must take what is sent. */
        Milliseconds sendTimeout{5000};
    };

    /** Null, and the reason in `why`, when nobody answers there as a WebSocket in time. */
    static std::unique_ptr<Channel> open(const Target& target, std::string& why);

    Channel(Descriptor socket, const Target& target);

    /** One text message; safe for any thread. False: the connection is lost. */
    bool send(std::string_view text);
    /** Waits for the next text message, for a signal at `wakeDescriptor`, or for `timeout`; by one thread. Answers pings. */
    enum class Got { text, woken, nothing, lost };
    Got receive(int wakeDescriptor, Milliseconds timeout, std::string& text);
    /** Ends the connection; whoever waits in `receive` or `send` comes back. Safe for any thread. */
    void shut(std::string why);
    /** Why it was lost. */
    std::string why() const;

private:
    bool handshake(Milliseconds timeout);
    bool write(Opcode opcode, std::string_view payload);
    bool writeAll(std::string_view bytes, Milliseconds timeout);
    /** Reads what is there. False: the connection is lost. */
    bool fill(std::string& into);
    /** A message that was read before; nothing: read more. */
    Got take(std::string& text);

    Descriptor socket_;
    const Target target_;
    FrameReader reader_;
    std::mutex writing_;
    mutable std::mutex reason_;
    std::string why_;
    std::atomic<bool> isShut_{false};
};

} // namespace bridge
