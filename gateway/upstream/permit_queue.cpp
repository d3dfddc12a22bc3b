#include "upstream/permit_queue.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "upstream/group.h"

namespace postern::upstream {
namespace {

constexpr size_t groups_known_full = 4;

}  // namespace

bool PermitQueue::Waiter::enter(uint32_t most) {
  FairOrder& line = queue_.line_;
  if (!queue_.waiting_in_process_->add_below(most)) {
    if (line.empty() || !line.stands_behind(*line.last(), request_.client)) return false;
    static_cast<Waiter*>(line.last())->give_way();
  }
  counted_ = true;
  const bool others_wait = queue_.has_line();
  line.enter(*this, request_.client);
  // The requests before it may wait for other endpoints than its own, as happens after a reload.
  if (others_wait) queue_.serve_one();
  if (!queue_.armed()) queue_.turn_.arm(queue_, look_every);
  return true;
}

// The request that replaces this one inherits its place in waiting_in_process_.
void PermitQueue::Waiter::give_way() {
  leave();
  counted_ = false;
  gave_way_ = true;
  pick_.put(base::fail(base::Cause::upstream_at_limit, base::Stage::connect));
}

void PermitQueue::on_deadline() {
  while (serve_one()) {
  }
  if (has_line()) turn_.arm(*this, look_every);
}

bool PermitQueue::serve_one() {
  // When a request that has tried no endpoint finds no permit, its group has none for the requests behind it
  // either. Around a reload, one queue may contain requests of groups with different endpoints.
  std::array<const Group*, groups_known_full> full{};
  size_t full_count = 0;
  for (FairOrder::Entry* at = line_.first(); at; at = line_.after(*at)) {
    auto& waiter = static_cast<Waiter&>(*at);
    if (std::find(full.begin(), full.end(), &waiter.group_) != full.end()) continue;
    Pick pick = waiter.group_.pick(waiter.request_, waiter.tried_);
    if (pick.permit) {
      waiter.serve();
      waiter.pick_.put(std::move(pick));
      return true;
    }
    if (waiter.tried_.empty() && full_count < full.size()) full[full_count++] = &waiter.group_;
  }
  return false;
}

}  // namespace postern::upstream
