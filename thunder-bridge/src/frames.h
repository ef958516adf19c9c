/** The frames of a WebSocket, seen from the client (RFC 6455 §5). */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bridge {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/** One whole frame. A client's frames are masked. */
std::string encodeFrame(Opcode opcode, std::string_view payload, const std::array<std::uint8_t, 4>& mask);

struct Message {
    Opcode opcode;
    std::string payload;
};

/** Makes messages of the bytes that a server sends. */
class FrameReader {
public:
    explicit FrameReader(std::size_t maxMessageBytes) : maxMessageBytes_(maxMessageBytes) {}

    void feed(std::string_view bytes) { buffer_ += bytes; }
    /** The next whole message; nothing until there is one, or after a fault. */
    std::optional<Message> next();
    /** What the server did wrong, after which nothing of it can be read; empty: nothing. */
    const std::string& fault() const { return fault_; }

private:
    struct Header {
        bool isLast;
        Opcode opcode;
        std::size_t headerBytes;
        std::size_t payloadBytes;
    };

    std::optional<Header> readHeader();
    std::optional<Message> take(const Header& header);
    std::nullopt_t fail(const char* why);

    std::size_t maxMessageBytes_;
    std::string buffer_;
    std::optional<Message> partial_;
    std::string fault_;
};

} // namespace bridge
