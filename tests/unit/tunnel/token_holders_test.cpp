#include "tunnel/token_holders.h"

#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <utility>

#include "support/turn_fixture.h"

using namespace postern;
using namespace postern::tunnel;
using namespace std::chrono_literals;
using state::Revocation;

namespace {

int64_t now = 1'700'000'000;
std::chrono::milliseconds unix_time() { return std::chrono::seconds(now); }

std::unique_ptr<HeldToken> held(std::string_view subject) {
  if (subject.empty()) return nullptr;
  auto token = std::make_unique<HeldToken>();
  token->marks.subject = state::mark_of(subject);
  token->expires_at = now + 58;  // a leeway of two seconds
  token->accepted_until = now + 60;
  token->grace = 5s;
  return token;
}

struct Holder final : TokenHolder {
  Holder(TokenHolders& all, std::unique_ptr<HeldToken> token) : TokenHolder(all, std::move(token)) {}
  void on_revoked() override { ++revoked; }
  int revoked = 0;
};

// A token without claims.
struct Newer final : state::SessionToken {
  explicit Newer(int64_t the_end, uint64_t the_key = 7) : end(the_end), key_number(the_key) {}
  state::TokenMarks marks() const override {
    return {.id = state::mark_of("newer"), .subject = state::mark_of("ann")};
  }
  int64_t expires_at() const override { return end == std::numeric_limits<int64_t>::max() ? end : end - 2; }
  int64_t accepted_until() const override { return end; }
  uint64_t key() const override { return key_number; }
  state::MarkDigest digest_of(const std::vector<std::string>&) const override { return {}; }
  int64_t end;
  uint64_t key_number;
};

struct Fixture {
  // Of a session with this subject.
  std::unique_ptr<HeldToken> renewable() {
    std::unique_ptr<HeldToken> token = held("ann");
    token->place = sessions.join(session, "request", {});
    return token;
  }
  size_t renew(int64_t until) { return sessions.renew(session, std::make_shared<const Newer>(until)); }
  void revoke(std::string subject) {
    revocations->add({Revocation::Kind::subject, std::move(subject), "", 0, now + 100}, now);
  }
  const state::MarkDigest session = state::session_of("login", held("ann")->marks);
  state::LiveSessions sessions;
  support::TurnFixture turns;
  std::unique_ptr<state::Revocations> revocations = std::make_unique<state::Revocations>();
  Holder holder(std::string_view subject) { return {holders, held(subject)}; }
  TokenHolders holders{turns.turn, *revocations, &unix_time};
};

}  // namespace

TEST_CASE("token holders: those of a revoked token are told once, soon, and the others not") {
  Fixture f;
  Holder ann = f.holder("ann"), bob = f.holder("bob"), anonymous = f.holder("");
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
  Holder early = f.holder("bob");
  f.holders.join(early);
  f.turns.advance(1s);
  Holder late = f.holder("ann");
  f.holders.join(late);
  CHECK(late.revoked == 0);
  f.turns.advance(20ms);
  CHECK(late.revoked == 1);
  CHECK(early.revoked == 0);
}

TEST_CASE("token holders: one that is gone is not told, and nobody looks for nobody") {
  Fixture f;
  auto gone = std::make_unique<Holder>(f.holders, held("ann"));
  f.holders.join(*gone);
  gone.reset();
  f.revoke("ann");
  f.turns.advance(1s);
  CHECK_FALSE(f.turns.step());
}

TEST_CASE("token holders: a newer token takes the place of the older one, and its time with it") {
  Fixture f;
  Holder ann(f.holders, f.renewable());
  f.holders.join(ann);
  const base::Instant began = f.turns.turn.now;
  CHECK(ann.token_ends() == began + 65s);
  CHECK(ann.token_expires() == began + 58s);
  CHECK_FALSE(ann.renew_token());
  CHECK(f.renew(now + 30) == 1);  // it does not last longer
  CHECK_FALSE(ann.renew_token());
  CHECK(ann.token_ends() == began + 65s);
  CHECK(f.renew(now + 300) == 1);
  CHECK(f.renew(now + 200) == 1);  // the older of two
  CHECK(ann.renew_token());
  CHECK(ann.token_ends() == began + 305s);
  CHECK(ann.token_key() == 7);
  CHECK_FALSE(ann.renew_token());
  CHECK(f.renew(std::numeric_limits<int64_t>::max()) == 1);
  CHECK(ann.renew_token());
  CHECK(ann.token_ends() == std::nullopt);
}

TEST_CASE("token holders: a revoked token renews nothing, and a renewed one is revoked by the newer name") {
  Fixture f;
  f.revocations->add({Revocation::Kind::token, "newer", "", 0, now + 100}, now);
  Holder ann(f.holders, f.renewable());
  f.holders.join(ann);
  CHECK(f.renew(now + 300) == 1);
  CHECK_FALSE(ann.renew_token());
  CHECK(ann.revoked == 0);

  Fixture other;
  Holder also_ann(other.holders, other.renewable());
  other.holders.join(also_ann);
  CHECK(other.renew(now + 300) == 1);
  other.revocations->add({Revocation::Kind::token, "newer", "", 0, now + 100}, now);
  other.turns.advance(1s);
  CHECK(also_ann.revoked == 0);  // the older token, which it still hangs on, was not revoked
}

TEST_CASE("token holders: a token that a holder was given itself must be of its session") {
  Fixture f;
  Holder ann(f.holders, f.renewable());
  CHECK_FALSE(ann.renew_token(state::session_of("other", held("ann")->marks), Newer(now + 300)));
  CHECK(ann.renew_token(f.session, Newer(now + 300)));
  Holder fixed = f.holder("ann");
  CHECK_FALSE(fixed.renew_token(f.session, Newer(now + 300)));
}
