#include "crypto/base64.h"

#include <doctest/doctest.h>

using namespace postern::crypto;
using namespace std::string_view_literals;

namespace {

struct Pair {
  std::string_view bytes;
  std::string_view text;
};

// The test vectors of RFC 4648 section 10.
constexpr Pair vectors[] = {{"", ""},
                            {"f", "Zg=="},
                            {"fo", "Zm8="},
                            {"foo", "Zm9v"},
                            {"foob", "Zm9vYg=="},
                            {"fooba", "Zm9vYmE="},
                            {"foobar", "Zm9vYmFy"}};

std::string_view without_padding(std::string_view text) { return text.substr(0, text.find('=')); }

}  // namespace

TEST_CASE("base64: the vectors of RFC 4648 go both ways") {
  for (const Pair& pair : vectors) {
    CHECK(encode_base64(pair.bytes) == pair.text);
    CHECK(decode_base64(pair.text) == pair.bytes);
    CHECK(encode_base64url(pair.bytes) == without_padding(pair.text));
    CHECK(decode_base64url(without_padding(pair.text)) == pair.bytes);
  }
}

TEST_CASE("base64: the two alphabets differ in two letters and exclude each other's") {
  std::string_view bytes = "\xfb\xff\xfe"sv;
  CHECK(encode_base64(bytes) == "+//+");
  CHECK(encode_base64url(bytes) == "-__-");
  CHECK(decode_base64("+//+") == bytes);
  CHECK(decode_base64url("-__-") == bytes);
  CHECK_FALSE(decode_base64("-__-").has_value());
  CHECK_FALSE(decode_base64url("+//+").has_value());
}

TEST_CASE("base64: every byte value survives at every length modulo three") {
  std::string bytes;
  for (int value = 0; value < 512; ++value) {
    bytes += static_cast<char>(value * 7);
    CHECK(decode_base64url(encode_base64url(bytes)) == bytes);
    CHECK(decode_base64(encode_base64(bytes)) == bytes);
  }
}

TEST_CASE("base64: every byte outside the alphabet is refused at every place") {
  for (int value = 0; value < 256; ++value) {
    auto byte = static_cast<char>(value);
    bool common =
        (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    for (size_t place = 0; place < 7; ++place) {
      std::string text = "AAAAAAA";
      text[place] = byte;
      bool is_last = place == 6;  // the last letter of an incomplete group: its two low bits must be zero
      bool letter = common || byte == '-' || byte == '_';
      if (!letter) CHECK_FALSE(decode_base64url(text).has_value());
      if (letter && !is_last) CHECK(decode_base64url(text).has_value());
      text += '=';
      if (!common && byte != '+' && byte != '/' && byte != '=') CHECK_FALSE(decode_base64(text).has_value());
      if (byte == '=') CHECK(decode_base64(text).has_value() == is_last);  // "AAAAAA=="
    }
  }
}

TEST_CASE("base64: unused bits must be zero") {
  CHECK(decode_base64url("Zg") == "f");
  for (std::string_view text : {"Zh", "Zi", "Zj", "Zk", "Zv"})
    CHECK_FALSE(decode_base64url(text).has_value());
  CHECK(decode_base64url("Zm8") == "fo");
  for (std::string_view text : {"Zm9", "Zm-", "Zm_"}) CHECK_FALSE(decode_base64url(text).has_value());
  CHECK_FALSE(decode_base64("Zh==").has_value());
  CHECK_FALSE(decode_base64("Zm9=").has_value());
}

TEST_CASE("base64: padding is forbidden in the URL form and exact in the standard form") {
  for (std::string_view text : {"Zg==", "Zg=", "Zm8=", "Zm9v=", "=", "===="})
    CHECK_FALSE(decode_base64url(text).has_value());
  for (std::string_view text :
       {"Zg", "Zg=", "Zm8", "Zm9v=", "Zm9v====", "=", "==", "====", "Z===", "Zg==Zg==", "Zg=A", "Zm8=Zm8="})
    CHECK_FALSE_MESSAGE(decode_base64(text).has_value(), std::string(text));
}

TEST_CASE("base64: lengths of one modulo four mean nothing") {
  CHECK_FALSE(decode_base64url("A").has_value());
  CHECK_FALSE(decode_base64url("AAAAA").has_value());
}

TEST_CASE("base64: what OpenSSL's decoder lets through is refused") {
  for (std::string_view text : {"aGVsbG8\n"sv, " aGVsbG8"sv, "aGVs bG8"sv, "aGVsbG8\0"sv, "aGVs\r\nbG8"sv})
    CHECK_FALSE(decode_base64url(text).has_value());
  for (std::string_view text : {"aGVs-bG8="sv, "aGVsbG8=\n"sv, " aGVsbG8="sv, "aGVsbG8= "sv})
    CHECK_FALSE(decode_base64(text).has_value());
}

TEST_CASE("base64: the key of RFC 6455 section 1.3 has sixteen bytes") {
  auto key = decode_base64("dGhlIHNhbXBsZSBub25jZQ==");
  REQUIRE(key.has_value());
  CHECK(*key == "the sample nonce");
}
