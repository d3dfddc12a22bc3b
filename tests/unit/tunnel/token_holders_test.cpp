#include "tunnel/token_holders.h"

#include <doctest/doctest.h>

#include <memory>
#include <utility>

#include "support/turn_fixture.h"

using namespace postern;
using namespace postern::tunnel;
using namespace std::chrono_literals;
using state::Revocation;

namespace {

int64_t now = 1'700'000'000;
int64_t unix_now() { return now; }

struct Holder final : TokenHolder {
  explicit Holder(std::string_view subject)
      : TokenHolder(subject.empty() ? nullptr
                                    : std::make_unique<const state::TokenMarks>(
                                          state::TokenMarks{.subject = state::mark_of(subject)})) {}
  void on_revoked() override { ++revoked; }
  int revoked = 0;
};

struct Fixture {
  void revoke(std::string subject) {
    revocations->add({Revocation::Kind::subject, std::move(subject), "", 0, now + 100}, now);
  }
  support::TurnFixture turns;
  std::unique_ptr<state::Revocations> revocations = std::make_unique<state::Revocations>();
  TokenHolders holders{turns.turn, *revocations, &unix_now};
};

}  // namespace

TEST_CASE("token holders: those of a revoked token are told once, soon, and the others not") {
  Fixture f;
  Holder ann("ann"), bob("bob"), anonymous("");
  for (Holder* one : {&ann, &bob, &anonymous}) f.holders.join(*one);
  f.turns.advance(10s);
  f.revoke("ann");
  f.turns.advance(TokenHolders::look_every + 20ms);
  CHECK(ann.revoked == 1);
  f.revoke("carol");
  f.turns.advance(1s);
  CHECK(ann.revoked == 1);
  CHECK(bob.revoked == 0);
  f.revoke("bob");
  f.turns.advance(1s);
  CHECK(bob.revoked == 1);
  CHECK(anonymous.revoked == 0);
}

TEST_CASE("token holders: one that joins with a token that is revoked already is told in a later turn") {
  Fixture f;
  f.revoke("ann");
  Holder early("bob");
  f.holders.join(early);
  f.turns.advance(1s);
  Holder late("ann");
  f.holders.join(late);
  CHECK(late.revoked == 0);
  f.turns.advance(20ms);
  CHECK(late.revoked == 1);
  CHECK(early.revoked == 0);
}

TEST_CASE("token holders: one that is gone is not told, and nobody looks for nobody") {
  Fixture f;
  auto gone = std::make_unique<Holder>("ann");
  f.holders.join(*gone);
  gone.reset();
  f.revoke("ann");
  f.turns.advance(1s);
  CHECK_FALSE(f.turns.step());
}
