#include <doctest/doctest.h>

#include <chrono>

#include "unit/config/support.h"

using namespace postern::config;
using namespace std::chrono_literals;

TEST_CASE("decode revocations: off, on, or with the life of tokens") {
  CHECK_FALSE(load(rest)->revocations.has_value());
  CHECK_FALSE(load("revocations: false\n" + rest)->revocations.has_value());
  CHECK(load("revocations: true\n" + rest)->revocations->token_life == 24h);
  CHECK(load("revocations: { token_life: 90m }\n" + rest)->revocations->token_life == 90min);
  CHECK(said_of_part("revocations: { token_life: 10s }").find("out of range") != std::string::npos);
  CHECK(said_of_part("revocations: { life: 1h }").find("unknown key") != std::string::npos);
}
