#include "net/resolver.h"

#include <netdb.h>

#include <algorithm>

#include "base/ascii.h"
#include "net/socket.h"

namespace postern::net {

// A look-up on libuv's thread pool. It cannot always be cancelled, so it owns itself until libuv is done and
// forgets who asked when they stop waiting.
struct Resolver::Query {
  Query() : place(this) { request.data = this; }
  uv_getaddrinfo_t request{};
  base::Slot<Addresses>* asker = nullptr;
  base::LinkIn<Query> place;

  static void done(uv_getaddrinfo_t* request, int status, addrinfo* found) {
    std::unique_ptr<Query> query(static_cast<Query*>(request->data));
    Addresses v6;
    Addresses v4;
    for (addrinfo* at = found; at; at = at->ai_next) {
      sockaddr_storage storage{};
      std::copy_n(reinterpret_cast<const std::byte*>(at->ai_addr), at->ai_addrlen,
                  reinterpret_cast<std::byte*>(&storage));
      const base::IpAddress address = from_kernel(storage).ip;
      Addresses& family = address.is_v6() ? v6 : v4;
      if (std::find(family.begin(), family.end(), address) == family.end()) family.push_back(address);
    }
    uv_freeaddrinfo(found);
    if (!query->asker) return;
    Addresses mixed;
    for (size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
      if (i < v6.size()) mixed.push_back(v6[i]);
      if (i < v4.size()) mixed.push_back(v4[i]);
    }
    if (status != 0 || mixed.empty())
      query->asker->put(base::fail(base::Cause::upstream_unresolved, base::Stage::resolve));
    else
      query->asker->put(std::move(mixed));
  }
};

Resolver::~Resolver() {
  while (queries_.linked()) {
    Query* query = base::LinkIn<Query>::of(queries_.next);
    query->place.unlink();
    query->asker = nullptr;
  }
}

base::Task<base::Result<std::vector<base::IpAddress>>> Resolver::resolve(base::Scope& scope,
                                                                         std::string_view name) {
  if (const std::optional<base::IpAddress> literal = base::IpAddress::parse(name))
    co_return Addresses{*literal};
  // Both loopback addresses, whatever this machine's files say of the name (RFC 6761 6.3): which of the two a
  // server took is the oldest trap of all.
  if (base::equal_ignoring_case(name, "localhost"))
    co_return Addresses{base::IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}),
                        base::IpAddress::v4({127, 0, 0, 1})};
  const std::string key(name);
  const auto cached = cache_.find(key);
  const base::Instant now = loop_.turn().now;
  if (cached != cache_.end() && now - cached->second.since < fresh_for) co_return cached->second.addresses;

  base::Slot<Addresses> answer;
  auto query = std::make_unique<Query>();
  query->asker = &answer;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const int begun = uv_getaddrinfo(loop_.uv(), &query->request, &Query::done, key.c_str(), nullptr, &hints);
  if (begun != 0) co_return base::fail(base::Cause::upstream_unresolved, base::Stage::resolve);
  Query* running = query.release();  // libuv has it now; done() takes it back
  queries_.append(running->place);

  // When the scope ends the wait first, or the whole story is dropped, the query must forget the slot.
  struct Release {
    base::Slot<Addresses>& slot;
    base::Link& queries;
    ~Release() {
      for (base::Link* at = queries.next; at != &queries; at = at->next) {
        Query* query = base::LinkIn<Query>::of(at);
        if (query->asker != &slot) continue;
        query->asker = nullptr;
        query->place.unlink();
        uv_cancel(reinterpret_cast<uv_req_t*>(&query->request));
        return;
      }
    }
  };
  Release release{answer, queries_};
  base::Result<Addresses> addresses = co_await answer.take(scope);
  if (addresses) {
    if (cache_.size() >= entries_max) cache_.clear();
    cache_[key] = Entry{*addresses, loop_.turn().now};
    co_return std::move(*addresses);
  }
  const auto stale = cache_.find(key);
  if (stale != cache_.end() && loop_.turn().now - stale->second.since < stale_for)
    co_return stale->second.addresses;
  co_return base::fail(addresses.error());
}

}  // namespace postern::net
