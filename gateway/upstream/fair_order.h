// A fair queue of the clients that want the same resource: first one entry of each client, then the second
// one of each, and so on; equal entries in the order of arrival. So a client with many requests waits behind
// its own requests, and when there is not enough room, the last entry in this order gives way. A new client
// begins at the current round, behind the entries of that round: however many clients keep coming, no entry
// waits for ever. Only a client's current entries count, not its earlier ones. It is used on one thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "base/intrusive_list.h"
#include "base/ip_address.h"

namespace postern::upstream {

class FairOrder {
 public:
  // One entry of a client, in the order from enter() until leave() or its destruction. The order must outlive
  // it.
  class Entry {
   public:
    Entry() = default;
    ~Entry() { leave(); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    void leave();
    void serve();  // the entry got the resource, and leaves
    bool entered() const { return order_ != nullptr; }

   private:
    friend class FairOrder;
    FairOrder* order_ = nullptr;
    uint64_t rank_ = 0;
    std::pair<bool, std::array<uint8_t, 16>> client_;
    base::LinkIn<Entry> link_{this};
  };

  FairOrder() = default;
  FairOrder(const FairOrder&) = delete;
  FairOrder& operator=(const FairOrder&) = delete;

  // The client is identified by IpAddress::client_network(). Takes one step for each entry that it passes.
  void enter(Entry& entry, const base::IpAddress& client);
  // Whether a new entry of `client` would come before `entry`.
  bool stands_behind(const Entry& entry, const base::IpAddress& client) const;

  bool empty() const { return !entries_.linked(); }
  Entry* first() { return at(entries_.next); }
  Entry* last() { return at(entries_.previous); }
  Entry* after(Entry& entry) { return at(entry.link_.next); }
  Entry* before(Entry& entry) { return at(entry.link_.previous); }

 private:
  using Client = std::pair<bool, std::array<uint8_t, 16>>;
  struct Wishes {
    uint32_t count = 0;
    uint64_t last_rank = 0;
  };
  static Client client_of(const base::IpAddress& address);
  Entry* at(base::Link* link) { return link == &entries_ ? nullptr : base::LinkIn<Entry>::of(link); }
  uint64_t rank_for(const Client& client) const;

  base::Link entries_;  // sorted by rank
  std::map<Client, Wishes> clients_;
  uint64_t reached_ = 0;  // one more than the highest rank that was served
};

}  // namespace postern::upstream
