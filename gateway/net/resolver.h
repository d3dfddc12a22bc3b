// Names to addresses, and services to targets, remembered per worker for as long as their answers live. A
// name that was known goes on being known while nobody can be asked: a stale answer is better than none.
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

  // `source` outlives it. `seed`: of the order among targets of one priority.
  Resolver(base::Turn& turn, NameSource& source, uint32_t seed = std::random_device{}());
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Addresses of a name or a literal, at least one; IPv6 and IPv4 in turn, so that a dialer can fall back
  // from one to the other, and of each family another one first every time. On failure `why` gets a few
  // words.
  base::Task<base::Result<Addresses>> resolve(base::Scope& scope, std::string_view name, std::string& why);
  // Targets of a service, at least one, in the order in which they are to be tried this time.
  base::Task<base::Result<Targets>> resolve_service(base::Scope& scope, std::string_view name,
                                                    std::string& why);

  // Whether `peer` is still where the name leads, as far as is known. Never waits: what has grown old is
  // asked for again, and holds until that is answered. A host's `peer` may have any port.
  bool leads_to(NameKind kind, std::string_view name, const base::SocketAddress& peer);

  // Other servers may know other answers.
  void forget();

  // An answer is used for as long as its TTL says, within these bounds.
  static constexpr base::Duration fresh_min = std::chrono::seconds(1);
  static constexpr base::Duration fresh_max = std::chrono::minutes(5);
  // After that it is asked for again, and the old answer is used when the new one takes long or fails.
  static constexpr base::Duration patience = std::chrono::milliseconds(500);
  static constexpr base::Duration stale_max = std::chrono::hours(1);
  static constexpr base::Duration after_failure = std::chrono::seconds(2);  // nobody is asked again before
  static constexpr size_t names_max = 1024;                                 // of each kind

 private:
  struct Entry;
  struct Waiter;
  struct IgnoringCase {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
  };
  using Entries = std::map<std::string, std::unique_ptr<Entry>, IgnoringCase>;

  Entry* find(NameKind kind, std::string_view name);  // makes room for it; null when there is none
  base::Task<base::Result<bool>> bring(base::Scope& scope, Entry& entry);
  bool make_room(Entries& entries);

  base::Turn& turn_;
  NameSource& source_;
  std::minstd_rand random_;
  std::array<Entries, 2> entries_;  // by kind
};

}  // namespace postern::net
