#include "state/learned_values.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

using postern::state::LearnedValues;

TEST_CASE("learned values: what was learned is found, learned anew, and forgotten") {
  LearnedValues values;
  CHECK_FALSE(values.find("a"));
  values.learn("a", 1, 1000);
  values.learn("b", 2, 1000);
  CHECK(values.find("a") == 1);
  CHECK(values.find("b") == 2);
  values.learn("a", 3, 1000);
  CHECK(values.find("a") == 3);
  CHECK(values.size() == 2);
  values.forget("a");
  values.forget("never known");
  CHECK_FALSE(values.find("a"));
  CHECK(values.size() == 1);
}

TEST_CASE("learned values: an empty one and a very long one are not learned") {
  LearnedValues values;
  values.learn("", 1, 1000);
  values.learn(std::string(LearnedValues::value_size_max + 1, 'x'), 1, 1000);
  CHECK(values.size() == 0);
  values.learn(std::string(LearnedValues::value_size_max, 'x'), 1, 1000);
  CHECK(values.size() == 1);
}

TEST_CASE("learned values: there are never more than the maximum, and what is used stays") {
  for (const size_t most : {LearnedValues::shard_count, size_t{160}, size_t{1600}}) {
    LearnedValues values;
    values.learn("kept", 7, most);
    for (size_t i = 0; i < 20 * most; ++i) {
      values.learn("session " + std::to_string(i), i, most);
      if (most > LearnedValues::shard_count) CHECK(values.find("kept") == 7);
      CHECK(values.size() <= most);
    }
    CHECK(values.size() == most);
    CHECK(values.find("session " + std::to_string(20 * most - 1)) == 20 * most - 1);
    CHECK_FALSE(values.find("session 0"));
    values.learn("after a reload", 1, LearnedValues::shard_count);  // its shard obeys the smaller maximum
    CHECK(values.size() <= most);
  }
}

TEST_CASE("learned values: any thread may learn and find") {
  LearnedValues values;
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < 4; ++thread)
    threads.emplace_back([&values, thread] {
      for (size_t i = 0; i < 2000; ++i) {
        const std::string value = std::to_string(i % 200);
        values.learn(value, i % 200, 100'000);
        if (thread == 0 && i % 3 == 0) values.forget(value);
        const auto found = values.find(value);
        if (found && *found != i % 200) values.forget("wrong");
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(values.size() <= 200);
  for (size_t i = 0; i < 200; ++i)
    if (const auto found = values.find(std::to_string(i))) CHECK(*found == i);
}
