#include "upstream/fair_order.h"

#include <algorithm>

namespace postern::upstream {

FairOrder::Client FairOrder::client_of(const base::IpAddress& address) {
  const base::IpAddress network = address.client_network();
  return {network.is_v6(), network.bytes()};
}

uint64_t FairOrder::rank_for(const Client& client) const {
  const uint64_t reached = entries_.linked() ? base::LinkIn<Entry>::of(entries_.next)->rank_ : 0;
  const auto known = clients_.find(client);
  return known == clients_.end() ? reached : std::max(reached, known->second.next_rank);
}

void FairOrder::enter(Entry& entry, const base::IpAddress& client) {
  entry.leave();
  entry.order_ = this;
  entry.client_ = client_of(client);
  entry.rank_ = rank_for(entry.client_);
  Wishes& wishes = clients_[entry.client_];
  ++wishes.count;
  wishes.next_rank = entry.rank_ + 1;
  base::Link* next = &entries_;
  while (next->previous != &entries_ && base::LinkIn<Entry>::of(next->previous)->rank_ > entry.rank_)
    next = next->previous;
  next->append(entry.link_);
}

void FairOrder::Entry::leave() {
  if (!order_) return;
  link_.unlink();
  const auto known = order_->clients_.find(client_);
  if (--known->second.count == 0)
    order_->clients_.erase(known);
  else if (known->second.next_rank == rank_ + 1)
    known->second.next_rank = rank_;  // the last of its wishes: the one after it would have this place
  order_ = nullptr;
}

bool FairOrder::stands_behind(const Entry& entry, const base::IpAddress& client) const {
  return entry.rank_ > rank_for(client_of(client));
}

}  // namespace postern::upstream
