#include <charconv>
#include <cstdlib>

#include "json.h"
#include "utf8.h"

namespace bridge {
namespace {

constexpr int maxDepth = 64;

/** Recursive descent over RFC 8259. Every function returns nothing at the first fault. */
class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    std::optional<Json> document()
    {
        std::optional<Json> value = parseValue(0);
        skipSpace();
        return at_ == text_.size() ? std::move(value) : std::nullopt;
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;

    void skipSpace()
    {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) at_++;
    }

    bool take(std::string_view word)
    {
        if (text_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }

    bool takeSign(char sign)
    {
        skipSpace();
        if (at_ >= text_.size() || text_[at_] != sign) return false;
        at_++;
        return true;
    }

    std::optional<Json> parseValue(int depth)
    {
        if (depth > maxDepth) return std::nullopt;
        if (takeSign('{')) return parseObject(depth);
        if (takeSign('[')) return parseArray(depth);
        if (takeSign('"')) return parseText();
        if (take("true")) return Json(true);
        if (take("false")) return Json(false);
        if (take("null")) return Json();
        return parseNumber();
    }

    std::optional<Json> parseArray(int depth)
    {
        Json::Array items;
        if (takeSign(']')) return Json(std::move(items));
        do {
            std::optional<Json> item = parseValue(depth + 1);
            if (!item) return std::nullopt;
            items.push_back(std::move(*item));
        } while (takeSign(','));
        if (!takeSign(']')) return std::nullopt;
        return Json(std::move(items));
    }

    std::optional<Json> parseObject(int depth)
    {
        Json::Object members;
        if (takeSign('}')) return Json(std::move(members));
        do {
            if (!takeSign('"')) return std::nullopt;
            std::optional<std::string> name = parseText();
            if (!name || !takeSign(':')) return std::nullopt;
            std::optional<Json> value = parseValue(depth + 1);
            if (!value) return std::nullopt;
            members.emplace_back(std::move(*name), std::move(*value));
        } while (takeSign(','));
        if (!takeSign('}')) return std::nullopt;
        return Json(std::move(members));
    }

    /** The quotation mark at its beginning was read. */
    std::optional<std::string> parseText()
    {
        std::string out;
        while (at_ < text_.size()) {
            const char sign = text_[at_];
            if (sign == '"') {
                at_++;
                return out;
            }
            if (static_cast<unsigned char>(sign) < 0x20) return std::nullopt;
            if (sign == '\\') {
                at_++;
                if (!parseEscape(out)) return std::nullopt;
            } else {
                at_ += appendCharacter(out, text_.substr(at_));
            }
        }
        return std::nullopt;
    }

    bool parseEscape(std::string& out)
    {
        constexpr std::string_view names = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        if (at_ >= text_.size()) return false;
        const char name = text_[at_++];
        const std::size_t index = names.find(name);
        if (index != std::string_view::npos) {
            out += meanings[index];
            return true;
        }
        if (name != 'u') return false;
        std::optional<std::uint32_t> unit = parseHex();
        if (!unit) return false;
        if (*unit >= 0xD800 && *unit < 0xDC00 && text_.substr(at_, 2) == "\\u") {
            const std::size_t before = at_;
            at_ += 2;
            const std::optional<std::uint32_t> low = parseHex();
            if (!low) return false;
            if (*low >= 0xDC00 && *low < 0xE000) unit = 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00);
            else at_ = before; // a lone half; what follows it stands for itself
        }
        appendCodePoint(out, *unit);
        return true;
    }

    std::optional<std::uint32_t> parseHex()
    {
        std::uint32_t value = 0;
        const std::string_view digits = text_.substr(at_, 4);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (error != std::errc() || digits.size() != 4 || end != digits.data() + 4) return std::nullopt;
        at_ += 4;
        return value;
    }

    std::optional<Json> parseNumber()
    {
        const std::size_t begin = at_;
        const auto digits = [this] {
            const std::size_t first = at_;
            while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') at_++;
            return at_ - first;
        };
        take("-");
        const bool isZero = text_.substr(at_, 1) == "0";
        const std::size_t whole = digits();
        if (whole == 0 || (isZero && whole > 1)) return std::nullopt;
        if (take(".") && digits() == 0) return std::nullopt;
        if (take("e") || take("E")) {
            if (!take("+")) take("-");
            if (digits() == 0) return std::nullopt;
        }
        // a copy, as strtod wants an end; libstdc++ has from_chars for double only since GCC 11
        const std::string number(text_.substr(begin, at_ - begin));
        return Json(std::strtod(number.c_str(), nullptr));
    }
};

} // namespace

std::optional<Json> Json::parse(std::string_view text) { return Parser(text).document(); }

} // namespace bridge
