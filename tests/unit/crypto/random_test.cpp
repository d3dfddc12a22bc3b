#include "crypto/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

using namespace postern::crypto;

TEST_CASE("random: ids are 32 lowercase hex digits and do not repeat over several blocks") {
  IdGenerator generator;
  std::set<std::string> seen;
  for (int round = 0; round < 2000; ++round) {
    Id id = generator.next();
    CHECK(id.view().size() == 32);
    CHECK(id.view().find_first_not_of("0123456789abcdef") == std::string_view::npos);
    seen.emplace(id.view());
  }
  CHECK(seen.size() == 2000);
}

TEST_CASE("random: every digit takes every value") {
  IdGenerator generator;
  std::array<std::set<char>, 32> values;
  for (int round = 0; round < 2000; ++round) {
    Id id = generator.next();
    for (size_t place = 0; place < values.size(); ++place) values[place].insert(id.digits[place]);
  }
  // The chance that a digit misses one of 16 values in 2000 draws is 1e-55.
  for (const auto& digits : values) CHECK(digits.size() == 16);
}

TEST_CASE("random: threads do not share ids") {
  std::string here(random_id().view());
  std::string there;
  std::thread([&] { there = random_id().view(); }).join();
  CHECK(here != there);
}

TEST_CASE("random: a whole span is filled, also an empty and a long one") {
  fill_random({});
  std::vector<uint8_t> bytes((1 << 20) + 64, 0);
  fill_random(bytes);
  auto is_zero = [](uint8_t octet) { return octet == 0; };
  CHECK_FALSE(std::all_of(bytes.begin(), bytes.begin() + 32, is_zero));
  CHECK_FALSE(std::all_of(bytes.end() - 32, bytes.end(), is_zero));
}
