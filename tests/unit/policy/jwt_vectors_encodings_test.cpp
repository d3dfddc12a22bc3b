// The compact form: three parts in base64url, which have one spelling each (RFC 7515 sections 2 and 7.1).
#include <doctest/doctest.h>

#include "base/error.h"
#include "crypto/base64.h"
#include "jwt_vectors.h"

namespace postern::vectors {

using base::Cause;
using crypto::Algorithm;
using crypto::encode_base64url;

namespace {

using Change = std::string (*)(std::string);

struct Spelling {
  std::string_view name;
  Change change;
};

// The next letter of the alphabet: bits that no byte needs are no longer zero.
std::string with_other_last_letter(std::string part) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  part.back() = alphabet[alphabet.find(part.back()) + 1];
  return part;
}

constexpr Spelling spellings[] = {
    {"one =", [](std::string part) { return part + "="; }},
    {"two =", [](std::string part) { return part + "=="; }},
    {"an escaped =", [](std::string part) { return part + "%3D"; }},
    {"a line feed at its end", [](std::string part) { return part + "\n"; }},
    {"a line break inside", [](std::string part) { return part.insert(8, "\r\n"); }},
    {"a space inside", [](std::string part) { return part.insert(8, " "); }},
    {"a tab in front", [](std::string part) { return "\t" + part; }},
    {"a NUL at its end", [](std::string part) { return part + '\0'; }},
    {"a + for a letter", [](std::string part) { return part.replace(4, 1, "+"); }},
    {"a / for a letter", [](std::string part) { return part.replace(4, 1, "/"); }},
    {"a byte outside ASCII", [](std::string part) { return part.replace(4, 1, "\xc3\xa9"); }},
    {"a full-width letter", [](std::string part) { return part.replace(4, 1, "\xef\xbc\xa1"); }},
    {"one letter too many", [](std::string part) { return part.append((5 - part.size() % 4) % 4, 'A'); }},
    {"unused bits that are set", with_other_last_letter},
};

// All three have a last letter with unused bits: 20, 29 and 32 bytes.
constexpr std::string_view header_json = R"({"alg": "HS256"    })";
constexpr std::string_view claims_json = R"({"sub":"alice", "role":"user"})";

void add_spellings(Vectors& vectors) {
  const std::string header = encode_base64url(header_json);
  const std::string payload = encode_base64url(std::string(claims_json) + " ");
  const std::string good = sealed(header, payload);
  const std::string signature = good.substr(good.rfind('.') + 1);
  vectors.push_back({"encoding: the parts as they are", secret_keys(), good});
  for (const auto& [name, change] : spellings) {
    const std::string what(name);
    vectors.push_back({"encoding: the header with " + what, secret_keys(), sealed(change(header), payload),
                       Cause::token_malformed});
    vectors.push_back({"encoding: the payload with " + what, secret_keys(), sealed(header, change(payload)),
                       Cause::token_malformed});
    vectors.push_back({"encoding: the signature with " + what, secret_keys(),
                       header + '.' + payload + '.' + change(signature), Cause::token_malformed});
  }
}

void add_forms(Vectors& vectors) {
  const std::string good = token_for(Algorithm::hs256);
  const size_t first = good.find('.');
  const size_t second = good.rfind('.');
  const std::string header = good.substr(0, first);
  const std::string payload = good.substr(first + 1, second - first - 1);
  const std::string signature = good.substr(second + 1);
  const auto add = [&](std::string_view what, std::string token) {
    vectors.push_back(
        {"form: " + std::string(what), secret_keys(), std::move(token), Cause::token_malformed});
  };
  add("nothing", "");
  add("one part", header);
  add("two parts", header + '.' + payload);
  add("two parts and a dot", header + '.' + payload + '.');
  add("four parts", good + ".AAAA");
  add("four parts, the last one empty", good + '.');
  add("five parts, an encrypted token",
      header + "." + payload + "." + signature + "." + payload + "." + signature);
  add("only dots", "..");
  add("no header", '.' + payload + '.' + signature);
  add("no payload", header + ".." + signature);
  add("a dot in front", '.' + good);
  add("a space in front", ' ' + good);
  add("a line feed behind", good + '\n');
  add("a byte order mark in front", "\xef\xbb\xbf" + good);
  add("the scheme in front", "Bearer " + good);
  add("in quotes", '"' + good + '"');
  add("two tokens and a comma", good + ", " + good);
  add("escaped dots", header + "%2E" + payload + "%2E" + signature);
  add("full-width dots", header + "\xef\xbc\x8e" + payload + "\xef\xbc\x8e" + signature);
  add("encoded once more", encode_base64url(good));
  add("the JSON form (RFC 7515 section 7.2.2)",
      R"({"payload":")" + payload + R"(","protected":")" + header + R"(","signature":")" + signature + "\"}");
  add("a payload that is not encoded", sealed(encode_base64url(header_of(Algorithm::hs256)), good_claims));
  add("a header that is not encoded", sealed(header_of(Algorithm::hs256), payload));
  add("larger than 16 KiB", token_for(Algorithm::hs256, "{}" + std::string(16 * 1024, ' ')));
  add("a mebibyte of letters", std::string(1024 * 1024, 'A'));
  add("a mebibyte of dots", std::string(1024 * 1024, '.'));
  vectors.push_back({"form: a long token that is not too large", secret_keys(),
                     token_for(Algorithm::hs256, "{}" + std::string(11 * 1024, ' '))});
}

}  // namespace

Vectors encoding_vectors() {
  Vectors vectors;
  add_spellings(vectors);
  add_forms(vectors);
  return vectors;
}

}  // namespace postern::vectors

TEST_CASE("jwt vectors: encodings") { postern::vectors::check_vectors(postern::vectors::encoding_vectors()); }
