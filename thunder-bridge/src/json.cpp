#include "json.h"

#include <cmath>
#include <cstdio>

#include "utf8.h"

namespace bridge {
namespace {

constexpr double maxExact = 9007199254740992.0; // 2^53

void writeText(std::string& out, std::string_view text)
{
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte == '"' || byte == '\\') {
            out += '\\';
            out += text[at++];
        } else if (byte < 0x20) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            out += escaped;
            at++;
        } else {
            at += appendCharacter(out, text.substr(at));
        }
    }
    out += '"';
}

void writeNumber(std::string& out, double value)
{
    char digits[40];
    if (!std::isfinite(value)) {
        out += "null"; // JSON has no other word for it
        return;
    }
    const bool isWhole = std::fabs(value) <= maxExact && std::floor(value) == value;
    std::snprintf(digits, sizeof digits, isWhole ? "%.0f" : "%.17g", value);
    out += digits;
}

void writeValue(std::string& out, const Json& value)
{
    if (const auto* text = value.text()) {
        writeText(out, *text);
    } else if (const auto* number = value.number()) {
        writeNumber(out, *number);
    } else if (const auto* boolean = value.boolean()) {
        out += *boolean ? "true" : "false";
    } else if (const auto* array = value.array()) {
        out += '[';
        for (const Json& item : *array) {
            if (&item != array->data()) out += ',';
            writeValue(out, item);
        }
        out += ']';
    } else if (const auto* object = value.object()) {
        out += '{';
        for (const Json::Member& member : *object) {
            if (&member != object->data()) out += ',';
            writeText(out, member.first);
            out += ':';
            writeValue(out, member.second);
        }
        out += '}';
    } else {
        out += "null";
    }
}

} // namespace

const Json& Json::operator[](std::string_view name) const
{
    static const Json nothing;
    if (const Object* members = object()) {
        for (const Member& member : *members) {
            if (member.first == name) return member.second;
        }
    }
    return nothing;
}

std::optional<std::uint64_t> Json::count() const
{
    const double* value = number();
    if (value == nullptr || *value < 0 || *value > maxExact || std::floor(*value) != *value) return std::nullopt;
    return static_cast<std::uint64_t>(*value);
}

const std::string& Json::textOr() const
{
    static const std::string nothing;
    const std::string* value = text();
    return value == nullptr ? nothing : *value;
}

std::string Json::write() const
{
    std::string out;
    writeValue(out, *this);
    return out;
}

} // namespace bridge
