#include "state/password_checks.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace postern;
using namespace postern::state;
using namespace std::chrono_literals;
using Kind = PasswordChecks::Reply::Kind;

namespace {

// Hashes with the lowest cost, of "open sesame".
const auto hash_of_alice = std::make_shared<const crypto::PasswordHash>(
    crypto::PasswordHash::parse("$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy").value());
const auto other_hash = std::make_shared<const crypto::PasswordHash>(
    crypto::PasswordHash::parse("$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW").value());

const base::IpAddress client = base::IpAddress::v4({192, 0, 2, 1});
const base::IpAddress other_client = base::IpAddress::v4({192, 0, 2, 2});

struct Worker final : PasswordChecks::Asker {
  void tell(uint64_t number, bool right) override { told.emplace_back(number, right); }
  std::vector<std::pair<uint64_t, bool>> told;
};

struct Asking {
  Kind ask(std::string_view password, uint64_t number = 1, std::string_view user = "alice",
           bool known = true) {
    const PasswordChecks::Question question{user, password, hash_of_alice, known};
    const PasswordChecks::Reply reply =
        checks.ask(checks.key_of(question), question, from, now, worker, number);
    wait = reply.wait;
    return reply.kind;
  }
  // Tries another wrong password, and has it checked.
  Kind guess(int number) {
    const Kind kind = ask("wrong " + std::to_string(number));
    checks.work_now();
    return kind;
  }

  PasswordChecks checks;
  Worker worker;
  base::IpAddress from = client;
  base::Instant now{1h};
  base::Duration wait{};
};

}  // namespace

TEST_CASE("password checks: an answer is found out once, and then known for its time") {
  Asking asking;
  CHECK(asking.ask("open sesame", 7) == Kind::asked);
  CHECK(asking.worker.told.empty());
  CHECK(asking.checks.work_now());
  CHECK(asking.worker.told == std::vector<std::pair<uint64_t, bool>>{{7, true}});
  CHECK_FALSE(asking.checks.work_now());
  CHECK(asking.ask("open sesame") == Kind::right);
  asking.now += PasswordChecks::right_kept - 1s;
  CHECK(asking.ask("open sesame") == Kind::right);
  asking.now += PasswordChecks::right_kept - 1s;  // who uses it stays in
  CHECK(asking.ask("open sesame") == Kind::right);
  asking.now += PasswordChecks::right_kept;
  CHECK(asking.ask("open sesame") == Kind::asked);
}

TEST_CASE("password checks: a wrong answer is known for a shorter time") {
  Asking asking;
  CHECK(asking.ask("open", 7) == Kind::asked);
  CHECK(asking.checks.work_now());
  CHECK(asking.worker.told == std::vector<std::pair<uint64_t, bool>>{{7, false}});
  CHECK(asking.ask("open") == Kind::wrong);
  asking.now += PasswordChecks::wrong_kept;
  CHECK(asking.ask("open") == Kind::asked);
}

TEST_CASE("password checks: for a user that does not exist no password is right") {
  Asking asking;
  CHECK(asking.ask("open sesame", 7, "mallory", false) == Kind::asked);
  CHECK(asking.checks.work_now());
  CHECK(asking.worker.told == std::vector<std::pair<uint64_t, bool>>{{7, false}});
  CHECK(asking.ask("open sesame", 8) == Kind::asked);  // what is known of the one says nothing of the other
}

TEST_CASE("password checks: every part of a question counts, and each where it stands") {
  PasswordChecks checks;
  const auto key = [&](std::string_view user, std::string_view password, bool known = true) {
    return checks.key_of({user, password, hash_of_alice, known});
  };
  CHECK(key("alice", "secret") == key("alice", "secret"));
  CHECK(key("alice", "secret") != key("alic", "esecret"));
  CHECK(key("alice", "secret") != key("bob", "secret"));
  CHECK(key("alice", "secret") != key("alice", "secret", false));
  CHECK(key("alice", "secret") != checks.key_of({"alice", "secret", other_hash, true}));
  CHECK(key("alice", "secret") != PasswordChecks().key_of({"alice", "secret", hash_of_alice, true}));
  CHECK(key("alice", "secret").find("secret") == std::string::npos);
}

TEST_CASE("password checks: those who ask at the same time share one check") {
  Asking asking;
  CHECK(asking.ask("open sesame", 1) == Kind::asked);
  CHECK(asking.ask("open sesame", 2) == Kind::asked);
  Worker second;
  const PasswordChecks::Question question{"alice", "open sesame", hash_of_alice, true};
  const auto key = asking.checks.key_of(question);
  CHECK(asking.checks.ask(key, question, other_client, asking.now, second, 1).kind == Kind::asked);
  CHECK(asking.checks.waiting() == 1);
  CHECK(asking.checks.work_now());
  CHECK_FALSE(asking.checks.work_now());
  CHECK(asking.worker.told == std::vector<std::pair<uint64_t, bool>>{{1, true}, {2, true}});
  CHECK(second.told == std::vector<std::pair<uint64_t, bool>>{{1, true}});
}

TEST_CASE("password checks: who has gone is told nothing, and a check of nobody is not begun") {
  Asking asking;
  asking.ask("open sesame", 1);
  asking.ask("open sesame", 2);
  const auto key = asking.checks.key_of({"alice", "open sesame", hash_of_alice, true});
  asking.checks.forget(key, asking.worker, 1);
  CHECK(asking.checks.waiting() == 1);
  asking.checks.forget(key, asking.worker, 2);
  CHECK(asking.checks.waiting() == 0);
  CHECK_FALSE(asking.checks.work_now());
  CHECK(asking.worker.told.empty());
  asking.checks.forget(key, asking.worker, 2);  // once more does no harm
}

TEST_CASE("password checks: the queue has an end, and who shares a check needs no place in it") {
  Asking asking;
  for (size_t i = 0; i < PasswordChecks::waiting_max; ++i) {
    asking.from = base::IpAddress::v4({10, 0, 0, static_cast<uint8_t>(i)});
    CHECK(asking.ask("password " + std::to_string(i)) == Kind::asked);
  }
  asking.from = client;
  CHECK(asking.ask("one more") == Kind::full);
  CHECK(asking.ask("password 0", 2) == Kind::asked);
  CHECK(asking.checks.work_now());
  CHECK(asking.ask("one more") == Kind::asked);
}

TEST_CASE("password checks: wrong passwords of one client address are limited, right ones are not") {
  Asking asking;
  for (int i = 0; i < static_cast<int>(PasswordChecks::guesses_at_once); ++i)
    CHECK(asking.guess(i) == Kind::asked);
  CHECK(asking.guess(100) == Kind::limited);
  CHECK(asking.wait == 6s);
  CHECK(asking.guess(1) == Kind::wrong);  // the same one again is no other try
  asking.from = other_client;
  CHECK(asking.guess(101) == Kind::asked);
  asking.from = client;
  CHECK(asking.ask("open sesame") == Kind::limited);  // it would be found out whether it is right
  asking.now += 6s;
  for (int i = 0; i < 100; ++i) {
    CHECK(asking.ask("open sesame", 1, "user" + std::to_string(i)) == Kind::asked);
    CHECK(asking.checks.work_now());
  }
  CHECK(asking.guess(102) == Kind::asked);
  CHECK(asking.guess(103) == Kind::limited);
  CHECK(asking.ask("open sesame", 1, "user0") == Kind::right);
}

TEST_CASE("password checks: many right passwords of one address pass at once, and leave room for others") {
  Asking asking;
  const auto mine = static_cast<int>(PasswordChecks::waiting_of_client_max);
  for (int i = 0; i < mine; ++i)
    CHECK(asking.ask("open sesame", 1, "user" + std::to_string(i)) == Kind::asked);
  CHECK(asking.ask("open sesame", 1, "one more") == Kind::full);
  asking.from = other_client;
  CHECK(asking.ask("open sesame", 1, "another") == Kind::asked);
  asking.from = client;
  CHECK(asking.checks.work_now());
  CHECK(asking.ask("open sesame", 1, "one more") == Kind::asked);
}

TEST_CASE("password checks: wrong ones that were asked at once are all charged") {
  Asking asking;
  for (int i = 0; i < static_cast<int>(PasswordChecks::waiting_of_client_max); ++i)
    CHECK(asking.ask("wrong " + std::to_string(i)) == Kind::asked);
  while (asking.checks.work_now()) continue;
  CHECK(asking.guess(100) == Kind::limited);
  CHECK(asking.wait == 6s * 13);  // 32 tried, of 20 at once
}

TEST_CASE("password checks: threads work until they are stopped") {
  Asking asking;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (asking.checks.work()) {
      }
    });
  std::mutex mutex;
  std::condition_variable all_told;
  struct Counting final : PasswordChecks::Asker {
    Counting(std::mutex& the_mutex, std::condition_variable& the_change)
        : mutex(the_mutex), change(the_change) {}
    void tell(uint64_t, bool right) override {
      const std::lock_guard lock(mutex);
      (right ? rights : wrongs) += 1;
      change.notify_one();
    }
    std::mutex& mutex;
    std::condition_variable& change;
    int rights = 0;
    int wrongs = 0;
  } asker(mutex, all_told);
  for (int i = 0; i < 20; ++i) {
    const std::string user = "user" + std::to_string(i);
    const PasswordChecks::Question question{user, i < 15 ? "open sesame" : "open", hash_of_alice, true};
    const auto reply = asking.checks.ask(asking.checks.key_of(question), question, client, asking.now, asker,
                                         static_cast<uint64_t>(i));
    CHECK(reply.kind == Kind::asked);
  }
  {
    std::unique_lock lock(mutex);
    CHECK(all_told.wait_for(lock, 60s, [&] { return asker.rights + asker.wrongs == 20; }));
    CHECK(asker.rights == 15);
  }
  asking.checks.stop();
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(asking.checks.work());
}
