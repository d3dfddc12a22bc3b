#include "upstream/place_queue.h"

#include "upstream/group.h"

namespace postern::upstream {

bool PlaceQueue::Waiter::enter(uint32_t most) {
  if (!queue_.waiting_in_process_->add_below(most)) return false;
  entered_ = true;
  queue_.line_.append(in_line_);
  if (!queue_.armed()) queue_.turn_.arm(queue_, look_every);
  return true;
}

void PlaceQueue::on_deadline() {
  while (serve_one()) {
  }
  if (line_.linked()) turn_.arm(*this, look_every);
}

bool PlaceQueue::serve_one() {
  for (base::Link* at = line_.next; at != &line_; at = at->next) {
    Waiter& waiter = *base::LinkIn<Waiter>::of(at);
    Pick pick = waiter.group_.pick(waiter.request_, waiter.tried_);
    if (pick.place) {
      waiter.in_line_.unlink();
      waiter.pick_.put(std::move(pick));
      return true;
    }
    if (waiter.tried_.empty()) return false;  // who comes after it has no more to choose from
  }
  return false;
}

}  // namespace postern::upstream
