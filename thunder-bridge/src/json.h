/** JSON as the daemon speaks it. Ours, since a device without Thunder's headers and a stock CI machine have no library for it
 *  (docs/decisions/0195). */
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bridge {

class Json {
public:
    using Array = std::vector<Json>;
    using Member = std::pair<std::string, Json>;
    /** In the order in which they were written; of two with one name the first counts. */
    using Object = std::vector<Member>;

    Json() = default;
    Json(std::nullptr_t) {}
    Json(bool value) : value_(value) {}
    Json(double value) : value_(value) {}
    Json(int value) : value_(static_cast<double>(value)) {}
    Json(std::uint32_t value) : value_(static_cast<double>(value)) {}
    /** Exact up to 2^53, which no number of an event reaches. */
    Json(std::uint64_t value) : value_(static_cast<double>(value)) {}
    Json(std::string value) : value_(std::move(value)) {}
    Json(std::string_view value) : value_(std::string(value)) {}
    Json(const char* value) : value_(std::string(value)) {}
    Json(Array value) : value_(std::move(value)) {}
    Json(Object value) : value_(std::move(value)) {}

    bool isNull() const { return std::holds_alternative<std::monostate>(value_); }
    /** Null when it is of another type. */
    const bool* boolean() const { return std::get_if<bool>(&value_); }
    const double* number() const { return std::get_if<double>(&value_); }
    const std::string* text() const { return std::get_if<std::string>(&value_); }
    const Array* array() const { return std::get_if<Array>(&value_); }
    const Object* object() const { return std::get_if<Object>(&value_); }

    /** The member of an object; null JSON where there is none. */
    const Json& operator[](std::string_view name) const;
    /** A whole number from 0 to 2^53; nothing for anything else. */
    std::optional<std::uint64_t> count() const;
    /** The text; empty for anything else. */
    const std::string& textOr() const;

    /** Valid UTF-8 whatever the texts hold: bytes that are none become U+FFFD, as the daemon ends connections that send such. */
    std::string write() const;
    /** Nothing for what is no JSON, or is nested deeper than 64 levels, as the daemon's own limit is. */
    static std::optional<Json> parse(std::string_view text);

private:
    std::variant<std::monostate, bool, double, std::string, Array, Object> value_;
};

} // namespace bridge
