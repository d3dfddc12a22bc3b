// Names to addresses, through the system's resolver on libuv's thread pool, cached per worker. Answers keep
// both families, IPv6 and IPv4 in turn, so that a dialer can fall back from one to the other.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ip_address.h"
#include "base/slot.h"
#include "base/task.h"
#include "net/loop.h"

namespace postern::net {

class Resolver {
 public:
  explicit Resolver(Loop& loop) : loop_(loop) {}
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Addresses of a name or a literal; at least one. An answer is used for `fresh_for`; when a later look-up
  // fails, the old answer is used on (serve stale) until it is `stale_for` old.
  base::Task<base::Result<std::vector<base::IpAddress>>> resolve(base::Scope& scope, std::string_view name);

  static constexpr base::Duration fresh_for = std::chrono::seconds(30);
  static constexpr base::Duration stale_for = std::chrono::minutes(30);
  static constexpr size_t entries_max = 1024;

 private:
  struct Query;
  using Addresses = std::vector<base::IpAddress>;
  struct Entry {
    Addresses addresses;
    base::Instant since;
  };

  Loop& loop_;
  std::unordered_map<std::string, Entry> cache_;
  base::Link queries_;  // running; they outlive the resolver if they must
};

}  // namespace postern::net
