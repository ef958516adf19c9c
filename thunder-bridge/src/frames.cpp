#include "frames.h"

namespace bridge {
namespace {

bool isControl(Opcode opcode) { return (static_cast<std::uint8_t>(opcode) & 8) != 0; }

bool isKnown(Opcode opcode)
{
    const auto value = static_cast<std::uint8_t>(opcode);
    return value <= 2 || (value >= 8 && value <= 10);
}

} // namespace

std::string encodeFrame(Opcode opcode, std::string_view payload, const std::array<std::uint8_t, 4>& mask)
{
    std::string frame;
    frame.reserve(payload.size() + 14);
    frame += static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode));
    const std::uint64_t size = payload.size();
    const int extended = size < 126 ? 0 : size < 65536 ? 2 : 8;
    frame += static_cast<char>(0x80 | (extended == 0 ? size : extended == 2 ? 126 : 127));
    for (int byte = extended - 1; byte >= 0; byte--) frame += static_cast<char>(size >> (8 * byte) & 0xFF);
    for (const std::uint8_t byte : mask) frame += static_cast<char>(byte);
    for (std::size_t at = 0; at < payload.size(); at++) {
        frame += static_cast<char>(static_cast<std::uint8_t>(payload[at]) ^ mask[at % 4]);
    }
    return frame;
}

std::optional<Message> FrameReader::next()
{
    while (fault_.empty()) {
        const std::optional<Header> header = readHeader();
        if (!header || buffer_.size() < header->headerBytes + header->payloadBytes) return std::nullopt;
        std::optional<Message> message = take(*header);
        if (message) return message;
    }
    return std::nullopt;
}

std::optional<FrameReader::Header> FrameReader::readHeader()
{
    if (buffer_.size() < 2) return std::nullopt;
    const auto byte = [this](std::size_t at) { return static_cast<std::uint8_t>(buffer_[at]); };
    const auto opcode = static_cast<Opcode>(byte(0) & 0x0F);
    const bool isLast = (byte(0) & 0x80) != 0;
    if ((byte(0) & 0x70) != 0 || !isKnown(opcode)) return fail("a frame with bits that were not agreed on");
    if ((byte(1) & 0x80) != 0) return fail("a masked frame");
    const std::uint8_t length = byte(1) & 0x7F;
    const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (isControl(opcode) && (!isLast || extended > 0)) return fail("a control frame in parts, or of more than 125 bytes");
    if (buffer_.size() < 2 + extended) return std::nullopt;
    std::uint64_t size = extended == 0 ? length : 0;
    for (std::size_t at = 0; at < extended; at++) size = size << 8 | byte(2 + at);
    const std::size_t before = partial_ && !isControl(opcode) ? partial_->payload.size() : 0;
    if (size > maxMessageBytes_ - before) return fail("a message that is too long");
    return Header{isLast, opcode, 2 + extended, static_cast<std::size_t>(size)};
}

std::optional<Message> FrameReader::take(const Header& header)
{
    std::string payload = buffer_.substr(header.headerBytes, header.payloadBytes);
    buffer_.erase(0, header.headerBytes + header.payloadBytes);
    if (isControl(header.opcode)) return Message{header.opcode, std::move(payload)};
    const bool isContinued = header.opcode == Opcode::continuation;
    if (isContinued != partial_.has_value()) return fail("a message inside another one, or a part of none");
    if (isContinued) partial_->payload += payload;
    else partial_ = Message{header.opcode, std::move(payload)};
    if (!header.isLast) return std::nullopt;
    std::optional<Message> whole = std::move(partial_);
    partial_.reset();
    return whole;
}

std::nullopt_t FrameReader::fail(const char* why)
{
    fault_ = why;
    buffer_.clear();
    return std::nullopt;
}

} // namespace bridge
