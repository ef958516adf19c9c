#include "utf8.h"

namespace bridge {
namespace {

constexpr std::uint32_t replacement = 0xFFFD;

struct Form {
    std::size_t bytes;
    std::uint32_t smallest;
    std::uint32_t bits;
};

/** Of a character by its first byte (RFC 3629 §3); no bytes: it begins none. */
Form formOf(unsigned char first)
{
    if (first < 0x80) return {1, 0, first};
    if (first >= 0xC2 && first < 0xE0) return {2, 0x80, first & 0x1Fu};
    if (first >= 0xE0 && first < 0xF0) return {3, 0x800, first & 0x0Fu};
    if (first >= 0xF0 && first < 0xF5) return {4, 0x10000, first & 0x07u};
    return {0, 0, 0};
}

} // namespace

std::size_t appendCharacter(std::string& out, std::string_view text)
{
    const Form form = formOf(static_cast<unsigned char>(text[0]));
    std::uint32_t codePoint = form.bits;
    bool isWhole = form.bytes > 0 && form.bytes <= text.size();
    for (std::size_t at = 1; isWhole && at < form.bytes; at++) {
        const auto byte = static_cast<unsigned char>(text[at]);
        isWhole = (byte & 0xC0) == 0x80;
        codePoint = codePoint << 6 | (byte & 0x3Fu);
    }
    if (!isWhole || codePoint < form.smallest) {
        appendCodePoint(out, replacement);
        return 1;
    }
    appendCodePoint(out, codePoint);
    return form.bytes;
}

void appendCodePoint(std::string& out, std::uint32_t codePoint)
{
    if (codePoint > 0x10FFFF || (codePoint >= 0xD800 && codePoint < 0xE000)) codePoint = replacement;
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (codePoint < 0x80) {
        put(codePoint);
        return;
    }
    if (codePoint < 0x800) {
        put(0xC0 | codePoint >> 6);
    } else if (codePoint < 0x10000) {
        put(0xE0 | codePoint >> 12);
        put(0x80 | (codePoint >> 6 & 0x3F));
    } else {
        put(0xF0 | codePoint >> 18);
        put(0x80 | (codePoint >> 12 & 0x3F));
        put(0x80 | (codePoint >> 6 & 0x3F));
    }
    put(0x80 | (codePoint & 0x3F));
}

} // namespace bridge
