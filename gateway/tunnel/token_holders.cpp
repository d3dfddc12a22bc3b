#include "tunnel/token_holders.h"

namespace postern::tunnel {

void TokenHolders::join(TokenHolder& holder) {
  if (!holder.marks_) return;
  holders_.append(holder.link_);
  if (!revocations_.empty() && revocations_.is_revoked(*holder.marks_, unix_now_())) {
    seen_ = 0;
    turn_.arm(*this, base::Duration::zero());
  } else if (!armed()) {
    turn_.arm(*this, look_every);
  }
}

void TokenHolders::on_deadline() {
  const uint64_t generation = revocations_.generation();  // before the look: what comes later changes it
  if (generation != seen_ && !revocations_.empty()) end_revoked();
  seen_ = generation;
  if (holders_.linked()) turn_.arm(*this, look_every);
}

void TokenHolders::end_revoked() {
  const int64_t now = unix_now_();
  for (base::Link *at = holders_.next, *next = at->next; at != &holders_; at = next, next = at->next) {
    TokenHolder* holder = base::LinkIn<TokenHolder>::of(at);
    if (!revocations_.is_revoked(*holder->marks_, now)) continue;
    at->unlink();
    holder->on_revoked();
  }
}

}  // namespace postern::tunnel
