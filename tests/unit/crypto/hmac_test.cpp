#include "crypto/hmac.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "crypto/base64.h"

using namespace postern::crypto;

TEST_CASE("hmac: the second test case of RFC 4231 comes out for each digest") {
  auto mac = [](Algorithm algorithm) {
    return encode_base64url(HmacKey(algorithm, "Jefe").sign("what do ya want for nothing?"));
  };
  auto expected = [](std::string_view hex) {
    std::string bytes;
    for (size_t index = 0; index < hex.size(); index += 2)
      bytes += static_cast<char>(std::stoi(std::string(hex.substr(index, 2)), nullptr, 16));
    return encode_base64url(bytes);
  };
  CHECK(mac(Algorithm::hs256) ==
        expected("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
  CHECK(mac(Algorithm::hs384) == expected("af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                                          "8e2240ca5e69e2c78b3239ecfab21649"));
  CHECK(mac(Algorithm::hs512) ==
        expected("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                 "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"));
}

TEST_CASE("hmac: a mac is good only whole, unchanged and for its data") {
  HmacKey key(Algorithm::hs256, "secret");
  std::string mac = key.sign("data");
  CHECK(key.verify("data", mac));
  CHECK_FALSE(key.verify("datb", mac));
  CHECK_FALSE(key.verify("data", ""));
  CHECK_FALSE(key.verify("data", mac + '\0'));
  for (size_t index = 0; index < mac.size(); ++index) {
    std::string other = mac;
    other[index] = static_cast<char>(other[index] ^ 1);
    CHECK_FALSE(key.verify("data", other));
    CHECK_FALSE(key.verify("data", std::string_view(mac).substr(0, index)));
  }
}

TEST_CASE("hmac: another secret or digest does not verify") {
  std::string mac = HmacKey(Algorithm::hs512, "secret").sign("data");
  CHECK_FALSE(HmacKey(Algorithm::hs512, "Secret").verify("data", mac));
  CHECK_FALSE(HmacKey(Algorithm::hs256, "secret").verify("data", std::string_view(mac).substr(0, 32)));
}

TEST_CASE("hmac: a key stays the same however often and on whatever thread it is used") {
  HmacKey key(Algorithm::hs256, std::string(200, 'k'));
  std::string mac = key.sign("data");
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (size_t index = 0; index < good.size(); ++index)
    threads.emplace_back([&, index] {
      for (int round = 0; round < 100; ++round) good[index] += key.verify("data", mac) ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  for (int count : good) CHECK(count == 100);
}

TEST_CASE("hmac: equality looks at sizes and every byte") {
  CHECK(constant_time_equal("", ""));
  CHECK(constant_time_equal("abc", "abc"));
  CHECK_FALSE(constant_time_equal("abc", "abd"));
  CHECK_FALSE(constant_time_equal("abc", "ab"));
}
