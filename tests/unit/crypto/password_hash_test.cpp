#include "crypto/password_hash.h"

#include <doctest/doctest.h>

#include <string>

#include "crypto/argon2id.h"

using namespace postern::crypto;

namespace {

// Hashes of "open sesame" that other programs have made: libxcrypt through Python, and the argon2 program.
const std::string bcrypt_2b = "$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy";
const std::string bcrypt_2a = "$2a$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy";
const std::string bcrypt_2y = "$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW";
const std::string yescrypt = "$y$j75$.2U.1EE/4Q.07ck0AoU1D.$PZY2FCxQCMGrsHvpU0ThE06GDaEnI1ENECVePrV.6R3";
const std::string sha512crypt =
    "$6$salzsalz$j5bmDHrHTpnxOQyFc8yeN5DF4UdPXyr1AA0Tg3VVlTRkYO0xRLft3BwHAL4c35WW0WbojwxdcO1kD7REiswfd1";
const std::string sha512crypt_rounds =
    "$6$rounds=1000$salzsalz$MJIn/"
    "slFqi.FC5Z9a991entf.t4yrEx6OQ/xPv9ypAH/aRmMjJXtZN44XOPYRVGZPUJvVrzjmneA4yz1iXeX//";

// Of the test vectors of the reference implementation; the password is "password".
const std::string argon2id_reference =
    "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

bool fits(const std::string& hash, const std::string& password) {
  return PasswordHash::parse(hash).value().verify(password);
}

std::string refused(const std::string& text) {
  const auto parsed = PasswordHash::parse(text);
  return parsed ? "taken" : parsed.error();
}

}  // namespace

TEST_CASE("password hash: each kind is verified as others made it") {
  for (const std::string& hash :
       {bcrypt_2a, bcrypt_2b, bcrypt_2y, yescrypt, sha512crypt, sha512crypt_rounds}) {
    CAPTURE(hash);
    CHECK(fits(hash, "open sesame"));
    CHECK_FALSE(fits(hash, "open sesam"));
    CHECK_FALSE(fits(hash, "open sesamf"));
    CHECK_FALSE(fits(hash, ""));
  }
  CHECK(fits("$2b$04$abcdefghijklmnopqrstuuyx2n0Zzopyr9QuYTMCfOJJOj526QVoC", "p\xc3\xa4ssw\xc3\xb6rd"));
}

TEST_CASE("password hash: argon2id is that of the reference implementation, whatever its lanes") {
  CHECK(fits(argon2id_reference, "password"));
  CHECK_FALSE(fits(argon2id_reference, "passwore"));
  CHECK(Argon2id::parse(argon2id_reference)->text() == argon2id_reference);
}

TEST_CASE("password hash: what is made is taken, verified, and another one each time") {
  for (const PasswordAlgorithm algorithm :
       {PasswordAlgorithm::argon2id, PasswordAlgorithm::bcrypt, PasswordAlgorithm::yescrypt}) {
    const PasswordHash hash = PasswordHash::make(algorithm, "tr\xc3\xa8s secret");
    CAPTURE(hash.text());
    CHECK(hash.algorithm() == algorithm);
    CHECK(hash.verify("tr\xc3\xa8s secret"));
    CHECK_FALSE(hash.verify("tres secret"));
    CHECK(PasswordHash::parse(hash.text()).value().algorithm() == algorithm);
  }
  CHECK(PasswordHash::make(PasswordAlgorithm::bcrypt, "a").text() !=
        PasswordHash::make(PasswordAlgorithm::bcrypt, "a").text());
}

TEST_CASE("password hash: what is weak is refused, and the sentence says how to make a good one") {
  CHECK(refused("$apr1$abc$JyUcZ0q2bhTUU8yDRzEUl1") ==
        "is an MD5 hash ($apr1$), which is guessed quickly; make a good one with: postern hash");
  CHECK(refused("$1$abc$BXBqpb9BZcZhXLgbee.0s/").starts_with("is an MD5 hash ($1$)"));
  CHECK(refused("$5$salz$U.AEiIeDXBdoyNFK3DFVyzLbgAKsfHQ9vcjgdH7ZVuD").starts_with("is a SHA-256 hash"));
  CHECK(refused("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=").starts_with("is a SHA hash without a cost"));
  CHECK(refused("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=").starts_with("is a SHA hash without a cost"));
  CHECK(refused("rl.3StKT.4T8M").starts_with("is plain text or a DES hash"));
  CHECK(refused("hunter2") ==
        "is plain text or a DES hash, and no hash that is hard to guess; make a good one with: postern hash");
  CHECK(refused("$2x" + bcrypt_2b.substr(3)).starts_with("is of a bcrypt with a known fault"));
  CHECK(refused("$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc")
            .starts_with("is argon2i,"));
  CHECK(refused("$7$abc").starts_with("is a hash of an unknown kind"));
  CHECK(refused("").ends_with("; make a good one with: postern hash"));
}

TEST_CASE("password hash: a hash that is cut, or costs too much, is refused before it is computed") {
  for (const std::string& hash : {bcrypt_2b, yescrypt, sha512crypt, sha512crypt_rounds, argon2id_reference}) {
    CAPTURE(hash);
    if (hash != argon2id_reference) CHECK(refused(hash.substr(0, hash.size() - 1)) != "taken");
    CHECK(refused(hash + "!") != "taken");
    CHECK(refused(hash + "\n") != "taken");
    for (size_t size = 0; size < hash.size() * 2 / 3; ++size) CHECK(refused(hash.substr(0, size)) != "taken");
  }
  CHECK(refused("$2b$16" + bcrypt_2b.substr(6)) != "taken");
  CHECK(refused("$2b$03" + bcrypt_2b.substr(6)) != "taken");
  CHECK(refused("$2b$4$" + bcrypt_2b.substr(7)) != "taken");
  CHECK(refused("$y$jDT" + yescrypt.substr(6)) != "taken");
  CHECK(refused("$6$rounds=2000001" + sha512crypt.substr(2)) != "taken");
  CHECK(refused("$6$rounds=999" + sha512crypt.substr(2)) != "taken");
  CHECK(refused("$6$rounds=99999999999999999999" + sha512crypt.substr(2)) != "taken");
  const auto with = [](const std::string& cost) {
    return refused("$argon2id$v=19$" + cost + "$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc");
  };
  CHECK(with("m=262144,t=4,p=4") == "taken");
  CHECK(with("m=262145,t=1,p=4") != "taken");
  CHECK(with("m=262144,t=5,p=4") != "taken");
  CHECK(with("m=8,t=1000,p=1") == "taken");
  CHECK(with("m=8,t=1001,p=1") != "taken");
  CHECK(with("m=15,t=1,p=2") != "taken");
  CHECK(with("m=256,t=0,p=1") != "taken");
  CHECK(with("m=256,t=1,p=0") != "taken");
  CHECK(with("t=1,m=256,p=1") != "taken");
  CHECK(refused("$argon2id$v=16$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc") !=
        "taken");
  CHECK(refused("$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ=$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc") !=
        "taken");
}

TEST_CASE("password hash: passwords that cannot be told from others are no passwords") {
  CHECK(password_problem(PasswordAlgorithm::argon2id, "") == "the password is empty");
  CHECK(password_problem(PasswordAlgorithm::argon2id, std::string(511, 'a')) == "");
  CHECK(password_problem(PasswordAlgorithm::argon2id, std::string(512, 'a')) ==
        "the password has 512 bytes, and at most 511 count");
  CHECK(password_problem(PasswordAlgorithm::bcrypt, std::string(72, 'a')) == "");
  CHECK(password_problem(PasswordAlgorithm::bcrypt, std::string(73, 'a')) ==
        "the password has 73 bytes, and at most 72 count");
  CHECK(password_problem(PasswordAlgorithm::yescrypt, "a\tb").find("control character") != std::string::npos);
  CHECK(password_problem(PasswordAlgorithm::yescrypt, "p\xc3\xa4ss") == "");
  CHECK_FALSE(fits(bcrypt_2b, std::string("open sesame\0x", 13)));
  CHECK_FALSE(fits(argon2id_reference, std::string(512, 'a')));
}

TEST_CASE("password hash: a secret that is wiped is empty, and its bytes are gone") {
  std::string secret = "a secret that is too long to stand in the object itself";
  const char* bytes = secret.data();
  wipe(secret);
  CHECK(secret.empty());
  CHECK(bytes[1] == '\0');
  CHECK(bytes[5] == '\0');
}
