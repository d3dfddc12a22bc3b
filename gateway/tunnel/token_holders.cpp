#include "tunnel/token_holders.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace postern::tunnel {

TokenHolder::TokenHolder(TokenHolders& all, std::unique_ptr<HeldToken> token)
    : all_(all), token_(std::move(token)), link_(this) {
  note_times();
}

void TokenHolder::note_times() {
  if (!token_ || !token_->grace) return;
  ends_ = all_.instant_of(token_->accepted_until);
  if (ends_) *ends_ += *token_->grace;
  expires_ = all_.instant_of(token_->expires_at);
}

bool TokenHolder::is_revoked(int64_t now) const {
  return all_.revocations_.is_revoked(token_->marks, now) ||
         (newer_marks_ && all_.revocations_.is_revoked(*newer_marks_, now));
}

bool TokenHolder::renew_token() {
  if (!token_ || !token_->place) return false;
  const std::shared_ptr<const state::SessionToken> newer = token_->place->take();
  return newer && replace_token(*newer);
}

bool TokenHolder::renew_token(const state::MarkDigest& session, const state::SessionToken& newer) {
  return token_ && token_->place && token_->place->takes(session, newer) && replace_token(newer);
}

bool TokenHolder::replace_token(const state::SessionToken& newer) {
  if (newer.accepted_until() <= token_->accepted_until) return false;
  const state::TokenMarks marks = newer.marks();
  if (!all_.revocations_.empty() && all_.revocations_.is_revoked(marks, all_.unix_now())) return false;
  newer_marks_ = std::make_unique<const state::TokenMarks>(marks);
  token_->key = newer.key();
  token_->expires_at = newer.expires_at();
  token_->accepted_until = newer.accepted_until();
  note_times();
  return true;
}

void TokenHolders::join(TokenHolder& holder) {
  if (!holder.token_) return;
  holders_.append(holder.link_);
  if (!revocations_.empty() && holder.is_revoked(unix_now())) {
    seen_ = 0;
    turn_.arm(*this, base::Duration::zero());
  } else if (!armed()) {
    turn_.arm(*this, look_every);
  }
}

std::optional<base::Instant> TokenHolders::instant_of(int64_t unix_seconds) const {
  if (unix_seconds == std::numeric_limits<int64_t>::max()) return std::nullopt;
  constexpr std::chrono::milliseconds year = std::chrono::hours(24 * 365);
  const std::chrono::milliseconds now = unix_time_();
  const std::chrono::seconds far = std::chrono::ceil<std::chrono::seconds>(now + year);
  const std::chrono::seconds until(std::min<int64_t>(unix_seconds, far.count()));
  return turn_.now + std::max<std::chrono::milliseconds>(until - now, {});
}

void TokenHolders::on_deadline() {
  const uint64_t generation = revocations_.generation();  // before the look: what comes later changes it
  if (generation != seen_ && !revocations_.empty()) end_revoked();
  seen_ = generation;
  if (holders_.linked()) turn_.arm(*this, look_every);
}

// A holder hangs on the first and on the newest token that it was given.
void TokenHolders::end_revoked() {
  const int64_t now = unix_now();
  for (base::Link *at = holders_.next, *next = at->next; at != &holders_; at = next, next = at->next) {
    TokenHolder* holder = base::LinkIn<TokenHolder>::of(at);
    holder->renew_token();
    if (!holder->is_revoked(now)) continue;
    at->unlink();
    holder->on_revoked();
  }
}

}  // namespace postern::tunnel
