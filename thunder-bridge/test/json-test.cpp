#include "check.h"
#include "json.h"

namespace json_test {

using bridge::Json;

namespace {
std::string again(const std::string& text)
{
    const std::optional<Json> value = Json::parse(text);
    return value ? value->write() : "refused";
}
} // namespace

TEST("JSON is read and written as it was")
{
    const std::string text = R"({"a":[1,-2.5,true,false,null,"x"],"b":{"c":"\"\\é"},"n":9007199254740992})";
    EQUAL(again(text), text);
    EQUAL(again(" [ 1 , 2e3 ] "), "[1,2000]");
    EQUAL(again(R"("\u00e9\/\ud83d\ude00\u0000")"), std::string("\"é/😀\\u0000\""));
}

TEST("what is no JSON is refused, and so is what is nested too deep")
{
    for (const char* text : {"", "{", "[1,]", "{\"a\"}", "01", "1.", "-", "nul", "\"\n\"", "\"\\x\"", "\"\\u12\"", "[1]]", "\"open",
                             "{\"a\":1,}", "\"\\", "\"\\ud800\\u1\""}) {
        EQUAL(again(text), "refused");
    }
    EQUAL(again(std::string(100000, '[')), "refused");
    EQUAL(again(std::string(65, '[') + std::string(65, ']')), std::string(65, '[') + std::string(65, ']'));
    EQUAL(again(std::string(66, '[') + std::string(66, ']')), "refused");
}

TEST("every prefix of a message is refused and none reads beyond its end")
{
    const std::string text = R"({"a":[1,-2.5e+3,true,null,"x\ud83d\ude00é"]})";
    for (std::size_t size = 0; size < text.size(); size++) {
        const std::string part(text.data(), size);
        EQUAL(again(part), "refused");
    }
}

TEST("texts that are no UTF-8 are written as valid UTF-8")
{
    EQUAL(Json("a\xff\xc3(\xed\xa0\x80z").write(), "\"a\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBDz\"");
    EQUAL(Json("\xf0\x9f\x98").write(), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    EQUAL(again(R"("\ud800x")"), "\"\xEF\xBF\xBDx\"");
}

TEST("numbers that are no counts are told as that")
{
    HOLDS(!Json(-1).count() && !Json(1.5).count() && !Json("1").count() && !Json(1e300).count());
    EQUAL(*Json(std::uint64_t{1} << 53).count(), std::uint64_t{1} << 53);
}

} // namespace json_test
