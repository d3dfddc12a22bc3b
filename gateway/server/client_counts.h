// How many connections clients have open, all of them and each; shared by all workers.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "base/ip_address.h"

namespace postern::server {

class ClientCounts {
 public:
  // A client's permit among its own connections, until this is destroyed.
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

  std::atomic<uint32_t> open{0};      // that are served
  std::atomic<uint32_t> refusing{0};  // that are told that there is no room

  // Empty when the client has `limit` connections. A client is what IpAddress::client_network() says. The
  // table holds as many clients as have connections. Any thread; one lock of 16, twice in a connection's
  // life.
  Permit enter(const base::IpAddress& client, uint32_t limit);
  size_t clients() const;  // that have any

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

}  // namespace postern::server
