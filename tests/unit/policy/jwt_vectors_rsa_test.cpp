// RSA signatures (RFC 7518 sections 3.3 and 3.5, RFC 8017 sections 8 and 9): paddings that a reader which
// looks at less than all of them would take, and PSS with other parameters.
#include <doctest/doctest.h>

#include "base/error.h"
#include "crypto/base64.h"
#include "jwt_vectors.h"
#include "support/odd_signatures.h"

namespace postern::vectors {

using base::Cause;
using crypto::Algorithm;
using namespace std::string_view_literals;

namespace {

std::string joined(Algorithm algorithm, std::string_view signature) {
  return support::join_token(header_of(algorithm), good_claims, signature);
}

std::string text_for(Algorithm algorithm) { return support::signed_text(header_of(algorithm), good_claims); }

void add_paddings(Vectors& vectors) {
  const support::SigningKey& key = support::rsa_key();
  const std::string info = support::sha256_digest_info(text_for(Algorithm::rs256));
  const std::string digest = info.substr(19);
  const auto add = [&](std::string_view what, const std::string& block,
                       std::optional<Cause> refused = Cause::token_signature) {
    vectors.push_back({"RS256 padding: " + std::string(what), keys_for(Algorithm::rs256),
                       joined(Algorithm::rs256, support::sign_block(key, block)), refused});
  };
  const std::string good = support::pkcs1_block(info);
  add("as it should be", good, std::nullopt);
  const auto changed = [&](size_t index, char byte) {
    std::string block = good;
    block[index] = byte;
    return block;
  };
  add("block type 0", changed(1, '\0'));
  add("block type 2", changed(1, '\x02'));
  add("filled with zero", support::pkcs1_block(info, 256, '\0'));
  add("filled with another byte", support::pkcs1_block(info, 256, '\xfe'));
  add("the last byte of the filler is another", changed(256 - info.size() - 2, '\xfe'));
  add("no zero behind the filler", changed(256 - info.size() - 1, '\xff'));
  // A short filler leaves room for bytes that make a small number's power fit (the forgery of 2006).
  const std::string rest(256 - 3 - 8 - info.size(), '\x5a');
  add("eight bytes of filler, and others behind the digest", support::pkcs1_block(info + rest));
  add("eight bytes of filler, and others before the digest", support::pkcs1_block(rest + info));
  add("no filler", std::string("\x00\x01\x00", 3) + info + std::string(256 - 3 - info.size(), '\x5a'));
  add("the digest alone", support::pkcs1_block(digest));
  add("the digest twice", support::pkcs1_block(info + digest));
  const auto other_info = [&](std::string_view head) {
    return support::pkcs1_block(std::string(head) + digest);
  };
  add("no NULL in the algorithm",
      other_info("\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20"sv));
  add("a NULL with content",
      other_info("\x30\x33\x30\x0f\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x02\xab\xcd\x04\x20"sv));
  add("a length in the long form",
      other_info("\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"sv));
  add("the name of SHA-1", other_info("\x30\x2d\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x20"sv));
  add("the name of SHA-512",
      other_info("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x20"sv));
  add("the digest of other claims", support::pkcs1_block(support::sha256_digest_info(
                                        support::signed_text(header_of(Algorithm::rs256), "{}"))));
}

void add_numbers(Vectors& vectors) {
  const support::SigningKey& key = support::rsa_key();
  const std::string modulus = *crypto::decode_base64url(key.public_jwk()["n"].get<std::string>());
  const std::string one = std::string(255, '\0') + '\x01';
  for (Algorithm algorithm : {Algorithm::rs256, Algorithm::ps256}) {
    const auto add = [&](std::string_view what, std::string_view signature) {
      vectors.push_back({std::string(name(algorithm)) + " number: " + std::string(what), keys_for(algorithm),
                         joined(algorithm, signature), Cause::token_signature});
    };
    add("one", one);
    add("two", support::sum(one, one));
    add("the modulus", modulus);
    add("the modulus less one", support::difference(modulus, one));
    add("one more than the modulus", support::sum(modulus, one));
    // A key of another size: the signature is longer than the modulus.
    const std::string good = key.sign(algorithm, text_for(algorithm));
    add("with the modulus added", support::sum('\0' + good, modulus));
    add("the digest itself", support::sha256_digest_info(text_for(algorithm)));
  }
}

// A signature whose first byte is zero has 256 bytes all the same. About one in 256 is such.
void add_leading_zero(Vectors& vectors) {
  const support::SigningKey& key = support::rsa_key();
  for (int number = 0; number < 20'000; ++number) {
    const std::string claims = R"({"jti":)" + std::to_string(number) + "}";
    const std::string text = support::signed_text(header_of(Algorithm::rs256), claims);
    const std::string signature = key.sign(Algorithm::rs256, text);
    if (signature[0] != '\0') continue;
    const auto with = [&](std::string_view bytes) {
      return support::join_token(header_of(Algorithm::rs256), claims, bytes);
    };
    vectors.push_back({"RS256 number: begins with zero", keys_for(Algorithm::rs256), with(signature)});
    vectors.push_back({"RS256 number: begins with zero, which was left out", keys_for(Algorithm::rs256),
                       with(signature.substr(1)), Cause::token_signature});
    return;
  }
}

void add_pss(Vectors& vectors) {
  const support::SigningKey& key = support::rsa_key();
  const auto add = [&](Algorithm algorithm, std::string_view what, const support::PssForm& form,
                       std::optional<Cause> refused = Cause::token_signature) {
    vectors.push_back({std::string(name(algorithm)) + " parameters: " + std::string(what),
                       keys_for(algorithm),
                       joined(algorithm, support::sign_pss(key, form, text_for(algorithm))), refused});
  };
  const struct {
    Algorithm algorithm;
    const char* digest;
    int size;
  } rows[] = {
      {Algorithm::ps256, "SHA256", 32}, {Algorithm::ps384, "SHA384", 48}, {Algorithm::ps512, "SHA512", 64}};
  for (const auto& [algorithm, digest, size] : rows) {
    add(algorithm, "as they should be", {digest, digest, size}, std::nullopt);
    add(algorithm, "no salt", {digest, digest, 0});
    add(algorithm, "a salt of 20 bytes", {digest, digest, 20});
    add(algorithm, "a salt that is a byte short", {digest, digest, size - 1});
    add(algorithm, "a salt that is a byte long", {digest, digest, size + 1});
    add(algorithm, "the longest salt", {digest, digest, 256 - size - 2});
    add(algorithm, "MGF1 with SHA-1", {digest, "SHA1", size});
    add(algorithm, "MGF1 with SHA-224", {digest, "SHA224", size});
    add(algorithm, "SHA-1 for all", {"SHA1", "SHA1", 20});
    const char* another = std::string_view(digest) == "SHA256" ? "SHA512" : "SHA256";
    add(algorithm, "MGF1 with another digest", {digest, another, size});
    add(algorithm, "another digest", {another, digest, size});
    add(algorithm, "another digest for both", {another, another, size});
  }
  const std::pair<Algorithm, Algorithm> crossed[] = {{Algorithm::rs256, Algorithm::ps256},
                                                     {Algorithm::rs384, Algorithm::ps384},
                                                     {Algorithm::rs512, Algorithm::ps512}};
  for (const auto& [pkcs1, pss] : crossed) {
    vectors.push_back({std::string(name(pkcs1)) + " parameters: a PSS signature", keys_for(pkcs1),
                       joined(pkcs1, key.sign(pss, text_for(pkcs1))), Cause::token_signature});
    vectors.push_back({std::string(name(pss)) + " parameters: a PKCS#1 signature", keys_for(pss),
                       joined(pss, key.sign(pkcs1, text_for(pss))), Cause::token_signature});
  }
}

}  // namespace

Vectors rsa_vectors() {
  Vectors vectors;
  add_paddings(vectors);
  add_numbers(vectors);
  add_leading_zero(vectors);
  add_pss(vectors);
  return vectors;
}

}  // namespace postern::vectors

TEST_CASE("jwt vectors: RSA signatures") { postern::vectors::check_vectors(postern::vectors::rsa_vectors()); }
