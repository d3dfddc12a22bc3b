#include "state/revocations.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

using namespace postern::state;
using Kind = Revocation::Kind;
using Added = Revocations::Added;

namespace {

constexpr int64_t now = 1'700'000'000;

TokenMarks marks(std::string_view issuer, std::string_view id, std::string_view subject,
                 std::string_view session, int64_t issued_at = now - 10) {
  return {mark_of(issuer), mark_of(id), mark_of(subject), mark_of(session), issued_at};
}

const TokenMarks ann = marks("https://a", "t1", "ann", "s1");

Revocation of(Kind kind, std::string value, std::string issuer = "", int64_t before = 0) {
  return {kind, std::move(value), std::move(issuer), before, now + 100};
}

bool revokes(const Revocation& revocation, const TokenMarks& token, int64_t at = now) {
  const auto table = std::make_unique<Revocations>();
  REQUIRE(table->add(revocation, now) == Added::added);
  return table->is_revoked(token, at);
}

}  // namespace

TEST_CASE("revocations: each kind names its tokens, of the issuer or of any") {
  CHECK(revokes(of(Kind::token, "t1"), ann));
  CHECK(revokes(of(Kind::subject, "ann"), ann));
  CHECK(revokes(of(Kind::session, "s1"), ann));
  for (const Kind kind : {Kind::token, Kind::subject, Kind::session}) {
    const std::string value = kind == Kind::token ? "t1" : kind == Kind::subject ? "ann" : "s1";
    CAPTURE(value);
    CHECK(revokes(of(kind, value, "https://a"), ann));
    CHECK_FALSE(revokes(of(kind, value, "https://b"), ann));
    CHECK_FALSE(revokes(of(kind, "other"), ann));
    CHECK_FALSE(revokes(of(kind, "https://a"), ann));
    CHECK_FALSE(revokes(of(kind, value), marks("https://a", "", "", "")));
  }
  CHECK_FALSE(revokes(of(Kind::token, "ann"), ann));  // a sub is no jti
  CHECK_FALSE(revokes(of(Kind::subject, "ann", "https://a"), marks("", "t1", "ann", "s1")));
}

TEST_CASE("revocations: issued before a time, to the second") {
  const auto issued = [](int64_t at) { return marks("https://a", "t1", "ann", "s1", at); };
  CHECK(revokes(of(Kind::subject_before, "ann", "", now), issued(now - 1)));
  CHECK_FALSE(revokes(of(Kind::subject_before, "ann", "", now), issued(now)));
  CHECK_FALSE(revokes(of(Kind::subject_before, "bob", "", now), issued(now - 1)));
  CHECK(revokes(of(Kind::subject_before, "ann", "", now), issued(TokenMarks::never_issued)));
  CHECK(revokes(of(Kind::all_before, "", "", now), issued(now - 1)));
  CHECK_FALSE(revokes(of(Kind::all_before, "", "", now), issued(now)));
  CHECK(revokes(of(Kind::all_before, "", "https://a", now), issued(now - 1)));
  CHECK_FALSE(revokes(of(Kind::all_before, "", "https://b", now), issued(now - 1)));
  CHECK(revokes(of(Kind::subject, "ann"), issued(now + 50)));  // whenever it was issued
}

TEST_CASE("revocations: an entry ends at its time, and the longest of several counts") {
  const auto table = std::make_unique<Revocations>();
  CHECK(table->add(of(Kind::subject, "ann"), now) == Added::added);
  CHECK(table->is_revoked(ann, now + 99));
  CHECK_FALSE(table->is_revoked(ann, now + 100));
  Revocation longer = of(Kind::subject, "ann");
  longer.until = now + 200;
  CHECK(table->add(longer, now) == Added::known);
  CHECK(table->add(of(Kind::subject, "ann"), now) == Added::known);
  CHECK(table->is_revoked(ann, now + 199));
  CHECK_FALSE(table->is_revoked(ann, now + 200));
  CHECK(table->size() == 1);
  // An old one that was not removed yet lends the next one nothing.
  CHECK(table->add({Kind::subject, "ann", "", 0, now + 310}, now + 300) == Added::added);
  CHECK_FALSE(table->is_revoked(ann, now + 310));
  CHECK(table->size() == 1);
}

TEST_CASE("revocations: a ban and a time of the same subject do not lengthen each other") {
  const auto table = std::make_unique<Revocations>();
  table->add({Kind::subject, "ann", "", 0, now + 10}, now);
  table->add({Kind::subject_before, "ann", "", now, now + 1000}, now);
  const TokenMarks fresh = marks("https://a", "t2", "ann", "s2", now + 5);
  CHECK(table->is_revoked(fresh, now + 9));
  CHECK_FALSE(table->is_revoked(fresh, now + 10));
  CHECK(table->is_revoked(ann, now + 999));
}

TEST_CASE("revocations: the generation changes with each, and not with a look or a sweep") {
  const auto table = std::make_unique<Revocations>();
  const uint64_t first = table->generation();
  CHECK(first != 0);
  CHECK_FALSE(table->is_revoked(ann, now));
  table->sweep(now);
  CHECK(table->generation() == first);
  table->add(of(Kind::token, "t9"), now);
  const uint64_t second = table->generation();
  CHECK(second != first);
  table->add(of(Kind::token, "t9"), now);
  CHECK(table->generation() != second);
}

TEST_CASE("revocations: sweeping removes what does not count, and gives the memory back") {
  const auto table = std::make_unique<Revocations>();
  for (int i = 0; i < 20'000; ++i)
    table->add({Kind::token, std::to_string(i), "", 0, i % 2 == 0 ? now + 10 : now + 1000}, now);
  CHECK(table->size() == 20'000);
  CHECK(table->size(Kind::token) == 20'000);
  const size_t full = table->memory();
  for (size_t i = 0; i < Revocations::sweeps_of_all; ++i) table->sweep(now + 9);
  CHECK(table->size() == 20'000);
  for (size_t i = 0; i < Revocations::sweeps_of_all; ++i) table->sweep(now + 10);
  CHECK(table->size() == 10'000);
  CHECK(table->memory() <= full);
  CHECK(table->is_revoked(marks("", "7", "", ""), now + 10));
  CHECK_FALSE(table->is_revoked(marks("", "8", "", ""), now + 10));
  for (size_t i = 0; i < Revocations::sweeps_of_all; ++i) table->sweep(now + 1000);
  CHECK(table->empty());
  CHECK(table->size(Kind::token) == 0);
  CHECK(table->memory() == 0);
}

TEST_CASE("revocations: a full table refuses, forgets nothing, and takes the room of those that ended") {
  const auto table = std::make_unique<Revocations>();
  for (size_t i = 0; i < Revocations::entries_max; ++i)
    table->add({Kind::token, std::to_string(i), "", 0, i < 1000 ? now + 100 : now + 1000}, now);
  CHECK(table->size() == Revocations::entries_max);
  CHECK(table->memory() <= Revocations::memory_max);
  MESSAGE("bytes of a full table: " << table->memory());
  CHECK(table->add(of(Kind::token, "one more"), now) == Added::full);
  CHECK(table->add(of(Kind::token, "7"), now) == Added::known);  // it needs no room
  CHECK(table->refused() == 1);
  CHECK(table->add(of(Kind::session, "s9"), now, Revocations::Asker::logout) == Added::full);
  CHECK(table->is_revoked(marks("", "0", "", ""), now));
  CHECK(table->is_revoked(marks("", "1048575", "", ""), now));
  CHECK_FALSE(table->is_revoked(marks("", "one more", "", ""), now));
  CHECK(table->add({Kind::token, "one more", "", 0, now + 900}, now + 105) == Added::added);
  CHECK(table->size() == Revocations::entries_max - 999);
  CHECK(table->is_revoked(marks("", "one more", "", ""), now + 105));
}

TEST_CASE("revocations: logouts leave room to the operator") {
  const auto table = std::make_unique<Revocations>();
  for (size_t i = 0; i < Revocations::entries_max - Revocations::kept_for_operator; ++i)
    table->add(of(Kind::session, std::to_string(i)), now, Revocations::Asker::logout);
  CHECK(table->add(of(Kind::session, "one more"), now, Revocations::Asker::logout) == Added::full);
  CHECK(table->add(of(Kind::session, "one more"), now) == Added::added);
}

TEST_CASE("revocations: the newest are listed, with bounded texts, as long as they count") {
  const auto table = std::make_unique<Revocations>();
  for (size_t i = 0; i < Revocations::listed_max + 5; ++i)
    table->add(of(Kind::token, std::to_string(i)), now);
  auto listed = table->newest(now);
  CHECK(listed.size() == Revocations::listed_max);
  CHECK(listed.front().value == "5");
  CHECK(listed.back().value == std::to_string(Revocations::listed_max + 4));
  CHECK(table->newest(now + 100).empty());
  table->add(of(Kind::subject, std::string(5000, 'x')), now);
  CHECK(table->newest(now).back().value.size() == Revocations::text_max);
  CHECK(table->is_revoked(marks("", "", std::string(5000, 'x'), ""), now));
}

TEST_CASE("revocations: many threads add and look at once") {
  const auto table = std::make_unique<Revocations>();
  std::atomic<bool> done{false};
  std::atomic<int> missed{0};
  std::thread reader([&] {
    while (!done) {
      const uint64_t generation = table->generation();
      if (table->is_revoked(ann, now) && generation == 0) ++missed;
      table->sweep(now);
    }
  });
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer)
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 5000; ++i) {
        const std::string name = std::to_string(writer * 5000 + i);
        table->add(of(Kind::token, name), now);
        if (!table->is_revoked(marks("", name, "", ""), now)) ++missed;
      }
    });
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  CHECK(missed == 0);
  CHECK(table->size() == 15'000);
}
