// What is open under a token: WebSockets, event streams and other long answers. When a token is revoked, what
// hangs on it ends at once, and not at the rate of a drain. A newer token of the same session can take its
// place.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/intrusive_list.h"
#include "base/timer_wheel.h"
#include "base/turn.h"
#include "state/live_sessions.h"
#include "state/revocations.h"

namespace postern::tunnel {

class TokenHolders;

struct HeldToken {
  state::TokenMarks marks{};
  uint64_t key = 0;            // that has signed it
  int64_t expires_at = 0;      // Unix seconds; see policy::VerifiedToken
  int64_t accepted_until = 0;  // likewise
  // How long after that its holder ends; nullopt: it does not end with its token.
  std::optional<base::Duration> grace{};
  std::unique_ptr<state::LiveSessions::Place> place{};  // null: no newer token takes its place
};

// One of them; registered from TokenHolders::join() until it is destroyed.
class TokenHolder {
 public:
  // Null: there is no token, and nothing is registered. `all` outlives the holder.
  TokenHolder(TokenHolders& all, std::unique_ptr<HeldToken> token);
  TokenHolder(const TokenHolder&) = delete;
  TokenHolder& operator=(const TokenHolder&) = delete;

  // The key that has signed the token; 0: there is no token.
  uint64_t token_key() const { return token_ ? token_->key : 0; }
  // When it has expired and the grace is over; nullopt: the holder does not end with a token.
  const std::optional<base::Instant>& token_ends() const { return ends_; }
  // When it expires, without leeway and grace; likewise.
  const std::optional<base::Instant>& token_expires() const { return expires_; }

  // Lets a newer token of the session take its place, if one came: one that lasts longer. True if it did.
  bool renew_token();
  // The same with a token that the holder was given itself; `session`: state::session_of() it. False if it is
  // of another session, does not fit the rules under which the holder was opened, or does not last longer.
  bool renew_token(const state::MarkDigest& session, const state::SessionToken& newer);

 protected:
  ~TokenHolder() = default;
  // Its token is revoked: it must end. It is not registered any more, and must not destroy other holders.
  virtual void on_revoked() = 0;

 private:
  friend class TokenHolders;
  bool replace_token(const state::SessionToken& newer);
  void note_times();
  bool is_revoked(int64_t now) const;

  TokenHolders& all_;
  std::unique_ptr<HeldToken> token_;
  // Of the token that has taken the place of the first; null: none has. The first one's stay beside them: who
  // revokes the token that has opened a socket means the socket.
  std::unique_ptr<const state::TokenMarks> newer_marks_;
  std::optional<base::Instant> ends_;
  std::optional<base::Instant> expires_;
  base::LinkIn<TokenHolder> link_;
};

// Looks whether revocations were added, at an interval: so any thread may add them without knowing the
// workers, and however many come, a worker looks at what it has open a few times a second.
class TokenHolders final : private base::Timer {
 public:
  static constexpr base::Duration look_every = std::chrono::milliseconds(200);

  // `unix_time` is the wall clock. `revocations` outlives it.
  TokenHolders(base::Turn& turn, const state::Revocations& revocations,
               std::chrono::milliseconds (*unix_time)())
      : turn_(turn), revocations_(revocations), unix_time_(unix_time) {}
  ~TokenHolders() override = default;

  // A holder whose token was revoked since its request was judged ends in one of the next turns.
  void join(TokenHolder& holder);

 private:
  friend class TokenHolder;
  void on_deadline() override;
  void end_revoked();
  // Unix seconds.
  int64_t unix_now() const { return std::chrono::floor<std::chrono::seconds>(unix_time_()).count(); }
  // nullopt for a time that never comes.
  std::optional<base::Instant> instant_of(int64_t unix_seconds) const;

  base::Turn& turn_;
  const state::Revocations& revocations_;
  std::chrono::milliseconds (*unix_time_)();
  base::Link holders_;
  uint64_t seen_ = 0;  // generation of the revocations at the last look
};

}  // namespace postern::tunnel
