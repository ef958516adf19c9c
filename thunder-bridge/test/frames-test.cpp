#include "check.h"
#include "frames.h"

namespace frames_test {

using bridge::FrameReader;
using bridge::Message;
using bridge::Opcode;

namespace {
/** As a server sends it: without mask. */
std::string frame(int firstByte, const std::string& payload)
{
    std::string bytes(1, static_cast<char>(firstByte));
    if (payload.size() < 126) {
        bytes += static_cast<char>(payload.size());
    } else {
        bytes += static_cast<char>(127);
        for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(payload.size() >> shift & 0xFF);
    }
    return bytes + payload;
}
std::string faultOf(const std::string& bytes)
{
    FrameReader reader(1000);
    reader.feed(bytes);
    while (reader.next()) {}
    return reader.fault();
}
} // namespace

TEST("a message in parts is joined, also byte by byte and with a ping in its middle")
{
    const std::string bytes = frame(0x01, "one ") + frame(0x89, "?") + frame(0x00, "two ") + frame(0x80, std::string(200, 'x'));
    FrameReader reader(1000);
    std::string heard;
    for (const char byte : bytes) {
        reader.feed(std::string_view(&byte, 1));
        while (const std::optional<Message> message = reader.next()) heard += message->payload + "|";
    }
    EQUAL(heard, "?|one two " + std::string(200, 'x') + "|");
}

TEST("what breaks the protocol or is too long ends the reading")
{
    EQUAL(faultOf(frame(0x81, std::string(1001, 'x'))), "a message that is too long");
    EQUAL(faultOf(frame(0x01, std::string(600, 'x')) + frame(0x80, std::string(401, 'x'))), "a message that is too long");
    EQUAL(faultOf(frame(0x01, "a") + frame(0x81, "b")), "a message inside another one, or a part of none");
    EQUAL(faultOf(frame(0x80, "a")), "a message inside another one, or a part of none");
    EQUAL(faultOf(frame(0xC1, "a")), "a frame with bits that were not agreed on");
    EQUAL(faultOf(frame(0x83, "a")), "a frame with bits that were not agreed on");
    EQUAL(faultOf(std::string("\x81\x80", 2)), "a masked frame");
    EQUAL(faultOf(frame(0x09, "a")), "a control frame in parts, or of more than 125 bytes");
    EQUAL(faultOf(std::string("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10)), "a message that is too long");
    EQUAL(faultOf(frame(0x81, std::string(1000, 'x'))), "");
}

TEST("a client's frame is masked and has the shortest length that holds it")
{
    EQUAL(bridge::encodeFrame(Opcode::text, "ab", {1, 2, 3, 4}), std::string("\x81\x82\x01\x02\x03\x04\x60\x60", 8));
    EQUAL(bridge::encodeFrame(Opcode::text, std::string(126, 'x'), {}).size(), 2u + 2 + 4 + 126);
    EQUAL(bridge::encodeFrame(Opcode::text, std::string(65536, 'x'), {}).size(), 2u + 8 + 4 + 65536);
}

} // namespace frames_test
