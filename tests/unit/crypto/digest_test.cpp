#include "crypto/digest.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "crypto/base64.h"

using namespace postern::crypto;

namespace {

template <size_t size>
std::string hex(const std::array<uint8_t, size>& digest) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (uint8_t octet : digest) {
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

}  // namespace

TEST_CASE("digest: the examples of FIPS 180 come out") {
  CHECK(hex(sha1("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(sha384("abc")) ==
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  CHECK(hex(sha512("abc")) ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  CHECK(hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("digest: one call leaves nothing behind for the next") {
  Sha256Digest first = sha256("abc");
  sha256(std::string(100'000, 'x'));
  sha1("abc");
  CHECK(sha256("abc") == first);
}

TEST_CASE("digest: two parts are hashed as one text") {
  CHECK(sha256("ab", "c") == sha256("abc"));
  CHECK(sha256("", "abc") == sha256("abc"));
  CHECK(sha256("abc", "") == sha256("abc"));
}

TEST_CASE("digest: each thread gets the same answer") {
  Sha256Digest elsewhere{};
  std::thread([&] { elsewhere = sha256("abc"); }).join();
  CHECK(elsewhere == sha256("abc"));
}

TEST_CASE("digest: the accept value of RFC 6455 section 1.3 comes out") {
  Sha1Digest digest = sha1("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  CHECK(encode_base64(as_bytes(digest)) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
