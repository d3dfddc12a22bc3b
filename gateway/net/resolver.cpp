#include "net/resolver.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "net/service_records.h"

namespace postern::net {

// The cache entry of one name, with the coroutines that wait for its answer.
struct Resolver::Entry final : NameSource::Asker {
  Entry(base::Turn& the_turn, NameSource& the_source, NameKind the_kind, std::string the_name)
      : turn(the_turn), source(the_source), kind(the_kind), name(std::move(the_name)) {}

  bool fresh() const { return known && turn.now < fresh_until; }
  bool usable() const { return known && turn.now < stale_until; }
  bool busy() const { return asking || waiters.linked(); }
  // Sends a query, unless one is open or one has failed a moment ago.
  void refresh() {
    if (asking || turn.now < asks_again_at) return;
    asking = true;
    source.ask(kind, name, *this);
  }

  void on_answer(NameAnswer answer) override;
  void on_failure(std::string_view words) override;
  void tell();

  base::Turn& turn;
  NameSource& source;
  const NameKind kind;
  const std::string name;
  base::Link waiters;
  Addresses v6;
  Addresses v4;
  Targets targets;
  size_t answered = 0;  // how often it was used; another address comes first each time
  std::string_view why;
  base::Instant fresh_until{};
  base::Instant stale_until{};
  base::Instant asks_again_at{};
  bool known = false;
  bool asking = false;
};

// A coroutine that waits for an entry; leaves the list when the coroutine is destroyed.
struct Resolver::Waiter {
  explicit Waiter(Entry& entry) { entry.waiters.append(link); }
  base::Slot<bool> told;
  base::LinkIn<Waiter> link{this};
};

void Resolver::Entry::on_answer(NameAnswer answer) {
  v6.clear();
  v4.clear();
  for (const base::IpAddress& address : answer.addresses) (address.is_v6() ? v6 : v4).push_back(address);
  targets = std::move(answer.targets);
  fresh_until = turn.now + std::clamp(answer.lifetime, fresh_min, fresh_max);
  stale_until = fresh_until + stale_max;
  known = true;
  tell();
}

void Resolver::Entry::on_failure(std::string_view words) {
  why = words;
  asks_again_at = turn.now + after_failure;
  tell();
}

void Resolver::Entry::tell() {
  asking = false;
  for (base::Link* at = waiters.next; at != &waiters; at = at->next) {
    Waiter* waiter = base::LinkIn<Waiter>::of(at);
    if (!waiter->told.filled()) waiter->told.put(true);
  }
}

Resolver::Resolver(base::Turn& turn, NameSource& source, uint32_t seed)
    : turn_(turn), source_(source), random_(seed) {}

Resolver::~Resolver() = default;

bool Resolver::IgnoringCase::operator()(std::string_view a, std::string_view b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return base::lower(x) < base::lower(y); });
}

void Resolver::forget() {
  for (const Entries& entries : entries_) {
    for (const auto& [name, entry] : entries) {
      entry->known = false;
      entry->asks_again_at = {};
    }
  }
}

bool Resolver::make_room(Entries& entries) {
  if (entries.size() < names_max) return true;
  std::erase_if(entries, [](const auto& named) { return !named.second->busy() && !named.second->usable(); });
  if (entries.size() < names_max) return true;
  std::erase_if(entries, [](const auto& named) { return !named.second->busy(); });
  return entries.size() < names_max;
}

Resolver::Entry* Resolver::find(NameKind kind, std::string_view name) {
  Entries& entries = entries_[static_cast<size_t>(kind)];
  const auto known = entries.find(name);
  if (known != entries.end()) return known->second.get();
  if (!make_room(entries)) return nullptr;
  auto entry = std::make_unique<Entry>(turn_, source_, kind, std::string(name));
  return entries.emplace(name, std::move(entry)).first->second.get();
}

// Makes the entry as fresh as possible: waits for an answer when the entry is not fresh.
base::Task<base::Result<bool>> Resolver::bring(base::Scope& scope, Entry& entry) {
  if (entry.fresh()) co_return true;
  entry.refresh();
  if (entry.asking) {
    Waiter waiter(entry);
    // While a stale answer is usable, wait for the new one only for a limited time.
    const base::Duration limit = entry.usable() ? patience : base::no_limit;
    base::Phase phase(scope, base::Stage::resolve, limit, base::Cause::upstream_unresolved);
    base::Result<bool> told = co_await waiter.told.take(scope);
    static_cast<void>(told);  // answered or timed out: only the state of the entry counts now
  }
  if (scope.failure()) co_return base::fail(*scope.failure());
  if (!entry.usable()) co_return base::fail(base::Cause::upstream_unresolved, base::Stage::resolve);
  co_return true;
}

base::Task<base::Result<Resolver::Addresses>> Resolver::resolve(base::Scope& scope, std::string_view name,
                                                                std::string& why) {
  if (const std::optional<base::IpAddress> literal = base::IpAddress::parse(name))
    co_return Addresses{*literal};
  // Both loopback addresses, whatever this machine's files say about the name (RFC 6761 6.3): servers often
  // listen on only one of the two, which is a frequent cause of failed connects.
  if (base::equal_ignoring_case(name, "localhost"))
    co_return Addresses{base::IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}),
                        base::IpAddress::v4({127, 0, 0, 1})};
  Entry* entry = find(NameKind::host, name);
  if (!entry) co_return base::fail(base::Cause::overloaded, base::Stage::resolve);
  base::Task<base::Result<bool>> bringing = bring(scope, *entry);
  base::Result<bool> brought = co_await bringing;
  if (!brought) {
    why = entry->why;
    co_return base::fail(brought.error());
  }
  const Addresses& v6 = entry->v6;
  const Addresses& v4 = entry->v4;
  const size_t first = entry->answered++;
  Addresses mixed;
  for (size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
    if (i < v6.size()) mixed.push_back(v6[(first + i) % v6.size()]);
    if (i < v4.size()) mixed.push_back(v4[(first + i) % v4.size()]);
  }
  co_return std::move(mixed);
}

base::Task<base::Result<Resolver::Targets>> Resolver::resolve_service(base::Scope& scope,
                                                                      std::string_view name,
                                                                      std::string& why) {
  Entry* entry = find(NameKind::service, name);
  if (!entry) co_return base::fail(base::Cause::overloaded, base::Stage::resolve);
  base::Task<base::Result<bool>> bringing = bring(scope, *entry);
  base::Result<bool> brought = co_await bringing;
  if (!brought) {
    why = entry->why;
    co_return base::fail(brought.error());
  }
  Targets targets = entry->targets;
  order_targets(targets, random_);
  co_return std::move(targets);
}

bool Resolver::leads_to(NameKind kind, std::string_view name, const base::SocketAddress& peer) {
  if (kind == NameKind::host) {
    if (const std::optional<base::IpAddress> literal = base::IpAddress::parse(name))
      return *literal == peer.ip;
    if (base::equal_ignoring_case(name, "localhost")) return peer.ip.is_loopback();
  }
  const Entries& entries = entries_[static_cast<size_t>(kind)];
  const auto known = entries.find(name);
  if (known == entries.end()) return true;
  Entry& entry = *known->second;
  if (!entry.fresh()) entry.refresh();
  if (!entry.known) return true;
  if (kind == NameKind::host) {
    const Addresses& family = peer.ip.is_v6() ? entry.v6 : entry.v4;
    return std::find(family.begin(), family.end(), peer.ip) != family.end();
  }
  return std::any_of(entry.targets.begin(), entry.targets.end(), [&](const ServiceTarget& target) {
    return target.port == peer.port && leads_to(NameKind::host, target.host, peer);
  });
}

}  // namespace postern::net
