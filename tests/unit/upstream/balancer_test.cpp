#include "upstream/balancer.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

using namespace postern::upstream;

namespace {

// Candidates that own their credits.
struct Field {
  explicit Field(const std::vector<uint64_t>& weights) : credits(weights.size()) {
    for (size_t i = 0; i < weights.size(); ++i)
      all.push_back(
          {i, weights[i], 0, hash_of("http://10.0.0." + std::to_string(i + 1) + ":80"), &credits[i]});
  }
  std::vector<int64_t> credits;
  std::vector<Candidate> all;
};

template <class Choose>
std::vector<size_t> shares(const Field& field, size_t picks, Choose&& choose) {
  std::vector<size_t> count(field.all.size());
  for (size_t i = 0; i < picks; ++i) ++count[choose(i)];
  return count;
}

uint64_t key(size_t number) { return hash_of("user-" + std::to_string(number)); }

}  // namespace

TEST_CASE("balancer: in turn gives every endpoint exactly its weight") {
  Field field({5, 3, 2});
  CHECK(shares(field, 10'000, [&](size_t) { return in_turn(field.all); }) ==
        std::vector<size_t>{5000, 3000, 2000});
}

TEST_CASE("balancer: in turn is smooth, in the order that nginx documents") {
  Field field({5, 1, 1});
  std::vector<size_t> order;
  for (int i = 0; i < 7; ++i) order.push_back(in_turn(field.all));
  CHECK(order == std::vector<size_t>{0, 0, 1, 0, 2, 0, 0});
  for (const int64_t credit : field.credits) CHECK(credit == 0);
}

TEST_CASE("balancer: in turn nobody is ever more than one request ahead of or behind its share") {
  for (const std::vector<uint64_t>& weights :
       {std::vector<uint64_t>{4, 3, 1}, {10, 1, 1, 1, 1}, {7, 5, 3}, {100, 99}, {1, 1, 1, 1, 1, 1}}) {
    Field field(weights);
    double total = 0;
    for (const uint64_t weight : weights) total += static_cast<double>(weight);
    std::vector<double> count(weights.size());
    double worst = 0;
    for (int i = 1; i <= 10'000; ++i) {
      ++count[in_turn(field.all)];
      for (size_t each = 0; each < weights.size(); ++each)
        worst = std::max(worst, std::abs(count[each] - i * static_cast<double>(weights[each]) / total));
    }
    CHECK(worst <= 1.0);
  }
}

TEST_CASE("balancer: in turn goes on smoothly when the candidates change") {
  Field field({1, 1, 1});
  std::vector<size_t> count(3);
  for (int i = 0; i < 3'000; ++i) {
    if (i % 7 == 0) {  // the last candidate is sometimes missing
      ++count[in_turn(Candidates(field.all).first(2))];
      continue;
    }
    ++count[in_turn(field.all)];
  }
  CHECK(count[0] + count[1] + count[2] == 3'000);
  CHECK(std::abs(static_cast<int>(count[0]) - static_cast<int>(count[1])) <= 2);
  CHECK(count[2] < count[0]);
  CHECK(count[2] > 800);
}

TEST_CASE("balancer: the least loaded for its weight is chosen, equals in turn by weight") {
  Field field({1, 4, 1});
  field.all[0].load = 1;
  field.all[1].load = 3;
  field.all[2].load = 1;
  CHECK(least_loaded(field.all) == 1);  // 3/4 is less than 1/1
  field.all[1].load = 5;
  CHECK(shares(field, 10, [&](size_t) { return least_loaded(field.all); }) == std::vector<size_t>{5, 0, 5});
  field.all[0].load = field.all[2].load = 0;
  field.all[1].load = 0;
  Field idle({3, 1});
  CHECK(shares(idle, 8, [&](size_t) { return least_loaded(idle.all); }) == std::vector<size_t>{6, 2});
}

TEST_CASE("balancer: with requests that stay, least loaded fills endpoints by weight") {
  Field field({3, 2, 1});
  for (int i = 0; i < 600; ++i) ++field.all[least_loaded(field.all)].load;
  CHECK(field.all[0].load == 300);
  CHECK(field.all[1].load == 200);
  CHECK(field.all[2].load == 100);
}

TEST_CASE("balancer: of two that are drawn the less loaded is chosen, never the worst of all") {
  Field field({1, 1, 1, 1});
  field.all[2].load = 10;
  Random random(7);
  const auto count = shares(field, 10'000, [&](size_t) { return less_loaded_of_two(field.all, random); });
  CHECK(count[2] == 0);
  for (size_t i : {0u, 1u, 3u}) CHECK(count[i] > 3'000);
  Field one({1});
  CHECK(less_loaded_of_two(one.all, random) == 0);
}

TEST_CASE("balancer: two choices keep standing load even, where one lets it drift") {
  Field two(std::vector<uint64_t>(16, 1));
  Field one(std::vector<uint64_t>(16, 1));
  Random random(11);
  const auto worst = [](const Field& field) {
    uint64_t most = 0;
    for (const Candidate& candidate : field.all) most = std::max(most, candidate.load);
    return most;
  };
  for (int i = 0; i < 10'000; ++i) {
    ++two.all[less_loaded_of_two(two.all, random)].load;
    ++one.all[at_random(one.all, random)].load;
  }
  CHECK(worst(two) <= 10'000 / 16 + 5);
  CHECK(worst(one) > worst(two));
}

TEST_CASE("balancer: at random draws by weight") {
  Field field({5, 3, 2});
  Random random(42);
  const auto count = shares(field, 10'000, [&](size_t) { return at_random(field.all, random); });
  CHECK(std::abs(static_cast<int>(count[0]) - 5'000) < 200);  // four standard deviations
  CHECK(std::abs(static_cast<int>(count[1]) - 3'000) < 200);
  CHECK(std::abs(static_cast<int>(count[2]) - 2'000) < 200);
}

TEST_CASE("balancer: by key spreads keys by weight, and the same key goes to the same endpoint") {
  Field field({1, 1, 2, 1});
  const auto count = shares(field, 10'000, [&](size_t i) { return by_key(field.all, key(i)); });
  for (size_t i : {0u, 1u, 3u}) CHECK(std::abs(static_cast<int>(count[i]) - 2'000) < 170);
  CHECK(std::abs(static_cast<int>(count[2]) - 4'000) < 200);
  for (size_t i = 0; i < 100; ++i) CHECK(by_key(field.all, key(i)) == by_key(field.all, key(i)));
}

TEST_CASE("balancer: an endpoint that leaves moves its keys only, and spreads them over all others") {
  Field field(std::vector<uint64_t>(10, 1));
  std::vector<Candidate> without = field.all;
  without.erase(without.begin() + 4);
  size_t moved = 0;
  std::vector<size_t> gained(10);
  for (size_t i = 0; i < 10'000; ++i) {
    const size_t before = field.all[by_key(field.all, key(i))].index;
    const size_t after = without[by_key(without, key(i))].index;
    if (before == after) continue;
    CHECK(before == 4);
    ++moved;
    ++gained[after];
  }
  CHECK(std::abs(static_cast<int>(moved) - 1'000) < 120);  // 1/N
  for (size_t i = 0; i < 10; ++i)
    if (i != 4) CHECK(gained[i] > 70);
}

TEST_CASE("balancer: an endpoint that joins takes 1/N of the keys, wherever it stands in the list") {
  Field field(std::vector<uint64_t>(10, 1));
  std::vector<Candidate> before(field.all.begin() + 1, field.all.end());
  size_t moved = 0;
  for (size_t i = 0; i < 10'000; ++i) {
    const size_t old_one = before[by_key(before, key(i))].index;
    const size_t new_one = field.all[by_key(field.all, key(i))].index;
    if (old_one == new_one) continue;
    CHECK(new_one == 0);
    ++moved;
  }
  CHECK(std::abs(static_cast<int>(moved) - 1'000) < 120);
}

TEST_CASE("balancer: a weight that grows only draws keys to its endpoint") {
  Field before({4, 4, 1});
  Field after({4, 4, 4});
  for (size_t i = 0; i < 10'000; ++i) {
    const size_t old_one = by_key(before.all, key(i));
    const size_t new_one = by_key(after.all, key(i));
    if (old_one != new_one) CHECK(new_one == 2);
  }
}

TEST_CASE("balancer: instances of all versions agree on hashes") {
  CHECK(hash_of("") == 0xf52a15e9a9b5e89b);
  CHECK(hash_of("http://127.0.0.1:3001") == hash_of(std::string("http://127.0.0.1:") + "3001"));
  CHECK(hash_of("a") != hash_of("b"));
}
