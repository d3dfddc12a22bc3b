// The order in which clients that all want the same thing get it: the first wish of each, then the second of
// each, and so on, and among equals who came first. So a client that asks for much waits behind itself, and
// where there is no room for all, the last in this order is who gives way. Who comes later begins where the
// order has got to, behind those who were there for that turn: whoever keeps coming, none waits for ever.
// What counts of a client is what it wishes for now, not what it has wished for before. One thread.
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
  // One wish of a client, in the order from enter() until leave() or its end. The order outlives it.
  class Entry {
   public:
    Entry() = default;
    ~Entry() { leave(); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    void leave();
    void serve();  // it gets what it wished for, and leaves
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

  // A client is what IpAddress::client_network() says. Takes a step for each entry that it comes before.
  void enter(Entry& entry, const base::IpAddress& client);
  // Whether `entry` would stand behind a wish that `client` had now.
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

  base::Link entries_;  // by rank
  std::map<Client, Wishes> clients_;
  uint64_t reached_ = 0;  // the first rank behind the last that was served
};

}  // namespace postern::upstream
