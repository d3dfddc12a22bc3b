#include "state/tickets.h"

#include <doctest/doctest.h>

#include <string>

using postern::base::Instant;
using postern::state::Tickets;
using namespace std::chrono_literals;

TEST_CASE("tickets: each gives its token once") {
  Tickets tickets;
  const Instant now{};
  const auto first = tickets.issue("token of alice", now, 30s);
  const auto second = tickets.issue("token of bob", now, 30s);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->size() == 43);
  CHECK(first->find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
        std::string::npos);
  CHECK(*first != *second);
  CHECK(tickets.redeem(*first, now) == "token of alice");
  CHECK(tickets.redeem(*first, now) == std::nullopt);
  CHECK(tickets.redeem(*second, now) == "token of bob");
  CHECK(tickets.redeem("", now) == std::nullopt);
  CHECK(tickets.size() == 0);
}

TEST_CASE("tickets: each has its own time") {
  Tickets tickets;
  const Instant now{};
  const auto longer = tickets.issue("a", now, 60s);
  const auto shorter = tickets.issue("b", now, 30s);
  CHECK(tickets.redeem(*shorter, now + 30s) == std::nullopt);
  CHECK(tickets.size() == 1);
  CHECK(tickets.redeem(*longer, now + 60s - 1ns) == "a");
}

TEST_CASE("tickets: there is a maximum of their number, of their bytes, and of those of one token") {
  Tickets tickets;
  const Instant now{};
  const auto large = [](int number) {
    return std::string(1024 * 1024 - 10, 'x') + std::to_string(1000000000 + number);
  };
  for (int i = 0; i < 64; ++i) CHECK(tickets.issue(large(i), now, 30s));
  CHECK_FALSE(tickets.issue("one more", now, 30s));
  CHECK(tickets.issue("one more", now + 30s, 30s));
  Tickets many;
  std::string last;
  for (size_t i = 0; i < Tickets::count_max; ++i) last = many.issue(std::to_string(i), now, 30s).value_or("");
  CHECK(last.size() == 43);
  CHECK_FALSE(many.issue("t", now, 30s));
  CHECK(many.redeem(last, now));
  CHECK(many.issue("t", now, 30s));
  Tickets mine;
  for (size_t i = 0; i < Tickets::of_token_max; ++i) last = mine.issue("mine", now, 30s).value_or("");
  CHECK_FALSE(mine.issue("mine", now, 30s));
  CHECK(mine.issue("yours", now, 30s));
  CHECK(mine.redeem(last, now));
  CHECK(mine.issue("mine", now, 30s));
}
