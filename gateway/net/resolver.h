// Resolves names to addresses and services to targets, with a cache per worker whose entries are valid for
// their TTL. While no name server can be reached, an expired entry is still used: a stale answer is better
// than none.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/slot.h"
#include "base/task.h"
#include "net/name_source.h"

namespace postern::net {

class Resolver {
 public:
  using Addresses = std::vector<base::IpAddress>;
  using Targets = std::vector<ServiceTarget>;

  // `source` must outlive the resolver. `seed` determines the order among targets of one priority.
  Resolver(base::Turn& turn, NameSource& source, uint32_t seed = std::random_device{}());
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Addresses of a name or a literal, at least one. IPv6 and IPv4 addresses alternate, so that a dialer can
  // fall back from one to the other, and each family begins with a different address every time. On failure
  // `why` receives a few words.
  base::Task<base::Result<Addresses>> resolve(base::Scope& scope, std::string_view name, std::string& why);
  // Targets of a service, at least one, in the order in which they must be tried this time.
  base::Task<base::Result<Targets>> resolve_service(base::Scope& scope, std::string_view name,
                                                    std::string& why);

  // Whether the name still resolves to `peer`, as far as the cache knows. Never waits: an expired entry is
  // queried again, and is used until the answer arrives. For a host, `peer` may have any port.
  bool leads_to(NameKind kind, std::string_view name, const base::SocketAddress& peer);

  // Clears the cache, because other name servers may give other answers.
  void forget();

  // An answer is fresh for its TTL, within these bounds.
  static constexpr base::Duration fresh_min = std::chrono::seconds(1);
  static constexpr base::Duration fresh_max = std::chrono::minutes(5);
  // After that it is queried again; the old answer is used when the new one takes longer than `patience` or
  // fails.
  static constexpr base::Duration patience = std::chrono::milliseconds(500);
  static constexpr base::Duration stale_max = std::chrono::hours(1);
  static constexpr base::Duration after_failure = std::chrono::seconds(2);  // no query before
  static constexpr size_t names_max = 1024;                                 // of each kind

 private:
  struct Entry;
  struct Waiter;
  struct IgnoringCase {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
  };
  using Entries = std::map<std::string, std::unique_ptr<Entry>, IgnoringCase>;

  Entry* find(NameKind kind, std::string_view name);  // makes an entry; null when the cache is full
  base::Task<base::Result<bool>> bring(base::Scope& scope, Entry& entry);
  bool make_room(Entries& entries);

  base::Turn& turn_;
  NameSource& source_;
  std::minstd_rand random_;
  std::array<Entries, 2> entries_;  // indexed by NameKind
};

}  // namespace postern::net
