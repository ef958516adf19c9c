#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bridge {

/** Appends the first character of `text`, or U+FFFD for a byte that begins none. Returns the bytes that it has read. */
std::size_t appendCharacter(std::string& out, std::string_view text);

/** Appends a code point; U+FFFD for surrogates and what is beyond Unicode. */
void appendCodePoint(std::string& out, std::uint32_t codePoint);

} // namespace bridge
