#include "upstream/fair_order.h"

#include <algorithm>

namespace postern::upstream {

FairOrder::Client FairOrder::client_of(const base::IpAddress& address) {
  const base::IpAddress network = address.client_network();
  return {network.is_v6(), network.bytes()};
}

uint64_t FairOrder::rank_for(const Client& client) const {
  const uint64_t first = entries_.linked() ? base::LinkIn<Entry>::of(entries_.next)->rank_ : 0;
  const uint64_t reached = std::max(first, reached_);
  const auto known = clients_.find(client);
  if (known == clients_.end()) return reached;
  const auto& [count, last_rank] = known->second;
  return std::max(last_rank, reached + count);
}

void FairOrder::enter(Entry& entry, const base::IpAddress& client) {
  entry.leave();
  entry.order_ = this;
  entry.client_ = client_of(client);
  entry.rank_ = rank_for(entry.client_);
  Wishes& wishes = clients_[entry.client_];
  ++wishes.count;
  wishes.last_rank = entry.rank_;
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
  else if (known->second.last_rank == rank_ && rank_ > 0)
    known->second.last_rank = rank_ - 1;  // the client's next entry gets this rank
  order_ = nullptr;
}

void FairOrder::Entry::serve() {
  if (!order_) return;
  order_->reached_ = std::max(order_->reached_, rank_ + 1);
  leave();
}

bool FairOrder::stands_behind(const Entry& entry, const base::IpAddress& client) const {
  return entry.rank_ > rank_for(client_of(client));
}

}  // namespace postern::upstream
