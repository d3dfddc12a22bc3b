#include "coding/encoder.h"

#include <doctest/doctest.h>

#include <vector>

#include "support/decoded.h"
#include "support/http_text.h"

using namespace postern;
using namespace postern::coding;
using Then = Encoder::Then;

namespace {

const std::vector<Coding> all{Coding::gzip, Coding::brotli, Coding::zstd};

std::string take(base::ChunkQueue& queue) {
  std::string text;
  while (!queue.empty()) text += queue.pop().text();
  return text;
}

std::string prose(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i)
    text += "{\"id\":" + std::to_string(i * 7919 % 10007) + ",\"name\":\"item " + std::to_string(i) + "\"},";
  text.resize(size);
  return text;
}

// Encodes `body` in pieces of `piece` bytes, each followed by `then`, and finishes at the end.
std::string encoded(Encoder& encoder, std::string_view body, size_t piece, Then then) {
  base::ChunkQueue output;
  for (size_t at = 0; at < body.size(); at += piece)
    REQUIRE(encoder.encode(base::bytes_of(body.substr(at, piece)), then, output));
  REQUIRE(encoder.encode({}, Then::finish, output));
  return take(output);
}

}  // namespace

TEST_CASE("encoder: what is put in comes out again, whatever the pieces") {
  for (const Coding coding : all) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{1000}, size_t{300'000}}) {
      for (const size_t piece : {size_t{1}, size_t{777}, size_t{65'536}}) {
        if (size / piece > 1000) continue;
        for (const Then then : {Then::more, Then::flush}) {
          CAPTURE(token(coding));
          CAPTURE(size);
          CAPTURE(piece);
          const std::string body = prose(size);
          const auto encoder = make_encoder(coding, {}, std::nullopt);
          const auto decoded = support::decode(coding, encoded(*encoder, body, piece, then));
          REQUIRE(decoded.has_value());
          CHECK(decoded->complete);
          CHECK(decoded->body == body);
        }
      }
    }
  }
}

TEST_CASE("encoder: a known size makes no other body") {
  for (const Coding coding : all) {
    for (const size_t size : {size_t{1}, size_t{1024}, size_t{1025}, size_t{100'000}, size_t{3'000'000}}) {
      CAPTURE(token(coding));
      CAPTURE(size);
      const std::string body = prose(size);
      const auto encoder = make_encoder(coding, {}, size);
      const std::string bytes = encoded(*encoder, body, 50'000, Then::more);
      const auto decoded = support::decode(coding, bytes);
      REQUIRE(decoded.has_value());
      CHECK(decoded->complete);
      CHECK(decoded->body == body);
      if (size > 1000) CHECK(bytes.size() < size / 3);
    }
  }
}

TEST_CASE("encoder: every level works") {
  const std::string body = prose(100'000);
  for (const Coding coding : all) {
    for (int level = 1; level <= 9; ++level) {
      const auto encoder = make_encoder(coding, {level, level, level}, std::nullopt);
      const auto decoded = support::decode(coding, encoded(*encoder, body, 10'000, Then::more));
      REQUIRE(decoded.has_value());
      CHECK(decoded->body == body);
    }
  }
}

TEST_CASE("encoder: a flush gives everything so far, and not the end") {
  for (const Coding coding : all) {
    CAPTURE(token(coding));
    const auto encoder = make_encoder(coding, {}, std::nullopt);
    base::ChunkQueue output;
    std::string bytes;
    std::string body;
    for (int i = 0; i < 5; ++i) {
      const std::string event = "event " + std::to_string(i) + "\n";
      body += event;
      REQUIRE(encoder->encode(base::bytes_of(event), Then::flush, output));
      bytes += take(output);
      const auto decoded = support::decode(coding, bytes);
      REQUIRE(decoded.has_value());
      CHECK(decoded->body == body);
      CHECK_FALSE(decoded->complete);
    }
  }
}

TEST_CASE("encoder: without a flush small pieces are kept together") {
  for (const Coding coding : all) {
    CAPTURE(token(coding));
    const std::string body = prose(20'000);
    const auto together = make_encoder(coding, {}, std::nullopt);
    const auto flushed = make_encoder(coding, {}, std::nullopt);
    CHECK(encoded(*together, body, 20, Then::more).size() * 2 <
          encoded(*flushed, body, 20, Then::flush).size());
  }
}

TEST_CASE("encoder: bytes that do not compress grow by little") {
  std::string noise;
  uint64_t state = 1;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    noise += static_cast<char>(state >> 56);
  }
  for (const Coding coding : all) {
    const auto encoder = make_encoder(coding, {}, std::nullopt);
    const std::string bytes = encoded(*encoder, noise, 65'536, Then::more);
    CHECK(bytes.size() < noise.size() + 200);
    CHECK(support::decode(coding, bytes)->body == noise);
  }
}

TEST_CASE("encoder: those that live are counted") {
  const size_t before = live_encoders();
  {
    const auto one = make_encoder(Coding::gzip, {}, 100);
    const auto two = make_encoder(Coding::zstd, {}, 100);
    CHECK(live_encoders() == before + 2);
  }
  CHECK(live_encoders() == before);
}
