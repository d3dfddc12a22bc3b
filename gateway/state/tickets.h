// Tickets: each stands for a token, once and for a short time. A page puts one into the URL of a WebSocket or
// of an event stream, where a token itself would be read by everything that logs URLs.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "crypto/digest.h"

namespace postern::state {

// For all workers; any thread. A ticket itself is kept nowhere, only its SHA-256.
class Tickets {
 public:
  static constexpr size_t count_max = 100'000;
  static constexpr size_t of_token_max = 64;  // so that one client leaves room for the others
  static constexpr size_t bytes_max = size_t{64} * 1024 * 1024;  // of their tokens

  Tickets() = default;
  ~Tickets();
  Tickets(const Tickets&) = delete;
  Tickets& operator=(const Tickets&) = delete;

  // Returns a new ticket for the token, 43 characters that a URL may hold; nullopt: too many are out,
  // or too many of this token.
  std::optional<std::string> issue(std::string_view token, base::Instant now, base::Duration lifetime);
  // Returns the token of the ticket, the first time and before its lifetime is over; nullopt: no such ticket.
  std::optional<std::string> redeem(std::string_view ticket, base::Instant now);

  size_t size() const;

 private:
  using OfToken = std::map<crypto::Sha256Digest, size_t>;
  struct Ticket {
    std::string token;
    OfToken::iterator of_token;
    std::multimap<base::Instant, const crypto::Sha256Digest*>::iterator end;
  };
  using ByDigest = std::map<crypto::Sha256Digest, Ticket>;

  void forget(base::Instant now);
  void remove(ByDigest::iterator ticket);

  mutable std::mutex mutex_;
  ByDigest tickets_;
  std::multimap<base::Instant, const crypto::Sha256Digest*>
      ends_;           // keys of tickets_ by the end of their time
  OfToken of_tokens_;  // how many of each token are out
  size_t bytes_ = 0;
};

}  // namespace postern::state
