// Counts the open client connections, in total and per client; shared by all workers.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "base/ip_address.h"

namespace postern::state {

class ClientCounts {
 public:
  // Counts one connection of a client until it is destroyed.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept
        : counts_(std::exchange(other.counts_, nullptr)), client_(other.client_) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(counts_, other.counts_);
      std::swap(client_, other.client_);
      return *this;
    }
    ~Permit() {
      if (counts_) counts_->leave(client_);
    }
    explicit operator bool() const { return counts_ != nullptr; }

   private:
    friend class ClientCounts;
    Permit(ClientCounts& counts, const base::IpAddress& client) : counts_(&counts), client_(client) {}
    ClientCounts* counts_ = nullptr;
    base::IpAddress client_;
  };

  std::atomic<uint32_t> open{0};      // connections that are served
  std::atomic<uint32_t> refusing{0};  // connections that are refused for lack of room

  // Returns an empty permit when the client already has `limit` connections, at least 1. A client is
  // identified by IpAddress::client_network(). The table holds only clients that have connections. Any
  // thread; it takes one of 16 locks, twice per connection.
  Permit enter(const base::IpAddress& client, uint32_t limit);
  size_t clients() const;  // that have connections

 private:
  void leave(const base::IpAddress& client);

  using Network = std::array<uint8_t, 16>;
  struct Stripe {
    mutable std::mutex mutex;
    std::map<std::pair<bool, Network>, uint32_t> connections;
  };
  static constexpr size_t stripe_count = 16;

  Stripe& stripe_of(const base::IpAddress& network);
  std::array<Stripe, stripe_count> stripes_;
};

}  // namespace postern::state
