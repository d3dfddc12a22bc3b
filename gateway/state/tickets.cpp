#include "state/tickets.h"

#include <array>
#include <utility>

#include "crypto/base64.h"
#include "crypto/password_hash.h"
#include "crypto/random.h"

namespace postern::state {

Tickets::~Tickets() {
  for (auto& [digest, ticket] : tickets_) crypto::wipe(ticket.token);
}

std::optional<std::string> Tickets::issue(std::string_view token, base::Instant now,
                                          base::Duration lifetime) {
  std::array<uint8_t, 32> random;
  crypto::fill_random(random);
  std::string ticket = crypto::encode_base64url(crypto::as_bytes(random));
  const std::lock_guard lock(mutex_);
  forget(now);
  if (tickets_.size() >= count_max || bytes_ + token.size() > bytes_max) return std::nullopt;
  const auto of_token = of_tokens_.try_emplace(crypto::sha256(token), 0).first;
  if (of_token->second >= of_token_max) return std::nullopt;
  ++of_token->second;
  const auto made = tickets_.try_emplace(crypto::sha256(ticket)).first;
  made->second.token = token;
  made->second.of_token = of_token;
  made->second.end = ends_.emplace(now + lifetime, &made->first);
  bytes_ += token.size();
  return ticket;
}

std::optional<std::string> Tickets::redeem(std::string_view ticket, base::Instant now) {
  const crypto::Sha256Digest digest = crypto::sha256(ticket);
  const std::lock_guard lock(mutex_);
  forget(now);
  const auto found = tickets_.find(digest);
  if (found == tickets_.end()) return std::nullopt;
  std::string token = found->second.token;
  remove(found);
  return token;
}

size_t Tickets::size() const {
  const std::lock_guard lock(mutex_);
  return tickets_.size();
}

void Tickets::forget(base::Instant now) {
  while (!ends_.empty() && ends_.begin()->first <= now) remove(tickets_.find(*ends_.begin()->second));
}

void Tickets::remove(ByDigest::iterator ticket) {
  bytes_ -= ticket->second.token.size();
  crypto::wipe(ticket->second.token);
  if (--ticket->second.of_token->second == 0) of_tokens_.erase(ticket->second.of_token);
  ends_.erase(ticket->second.end);
  tickets_.erase(ticket);
}

}  // namespace postern::state
