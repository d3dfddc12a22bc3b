#include "policy/basic_credentials.h"

#include <doctest/doctest.h>

#include <string>

#include "crypto/base64.h"

using namespace postern::policy;
using postern::crypto::encode_base64;

namespace {

// "user / password" of a field, "none" for another scheme, or the error.
std::string read(std::string_view field) {
  const auto credentials = read_basic_credentials(field);
  if (!credentials) return std::string(credentials.error());
  if (!*credentials) return "none";
  return (*credentials)->user + " / " + (*credentials)->password;
}

std::string read_decoded(const std::string& decoded) { return read("Basic " + encode_base64(decoded)); }

}  // namespace

TEST_CASE("basic credentials: the examples of RFC 7617") {
  CHECK(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == "Aladdin / open sesame");
  CHECK(read("Basic dGVzdDoxMjPCow==") == "test / 123\xc2\xa3");
  CHECK(read("basic\tQWxhZGRpbjpvcGVuIHNlc2FtZQ==") == "Aladdin / open sesame");  // as some servers read it
}

TEST_CASE("basic credentials: the scheme has no case, and is the whole word") {
  CHECK(read("basic QTpi") == "A / b");
  CHECK(read("BASIC   QTpi") == "A / b");
  CHECK(read("Basics QTpi") == "none");
  CHECK(read("Bearer QTpi") == "none");
  CHECK(read("") == "none");
  CHECK(read("QTpi") == "none");
}

TEST_CASE("basic credentials: the first colon separates, and each side may be empty") {
  CHECK(read_decoded("a:b:c") == "a / b:c");
  CHECK(read_decoded(":b") == " / b");
  CHECK(read_decoded("a:") == "a / ");
  CHECK(read_decoded("a") == "the credentials have no colon between user and password");
}

TEST_CASE("basic credentials: what is not strictly Base64 is refused") {
  for (const char* field :
       {"Basic QTpi=", "Basic QTpiYw", "Basic QTp i", "Basic QT-i", "Basic QTpi, Basic QTpi", "Basic QTpi ",
        "Basic QTpiY1==", "Basic =", "Basic *"}) {
    CAPTURE(field);
    const std::string said = read(field);
    CHECK((said == "the credentials are not Base64 (RFC 4648, with padding)" || said == "none"));
  }
  CHECK(read("Basic") == "the credentials have no colon between user and password");
  CHECK(read("Basic ") == "the credentials have no colon between user and password");
}

TEST_CASE("basic credentials: no control characters, and no texts without an end") {
  CHECK(read_decoded(std::string("a\0:b", 4)) == "the credentials have a control character");
  CHECK(read_decoded("a:b\n") == "the credentials have a control character");
  CHECK(read_decoded("a:b\x7f") == "the credentials have a control character");
  CHECK(read_decoded(std::string(255, 'a') + ":b") == std::string(255, 'a') + " / b");
  CHECK(read_decoded(std::string(256, 'a') + ":b") == "the user name is longer than 255 bytes");
  CHECK(read_decoded("a:" + std::string(511, 'b')) == "a / " + std::string(511, 'b'));
  CHECK(read_decoded("a:" + std::string(512, 'b')) == "the password is longer than 511 bytes");
}
