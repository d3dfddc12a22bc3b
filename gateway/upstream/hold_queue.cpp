#include "upstream/hold_queue.h"
#include "base/error.h"

#include <algorithm>

namespace postern::upstream {

bool HoldQueue::Ticket::enter(size_t most, const base::IpAddress& client) {
  if (entered()) return true;
  if (queue_.count_ >= most && !queue_.make_room(client)) return false;
  if (queue_.count_++ == 0) {
    queue_.pause_ = first_pause;
    queue_.batch_ = 1;
  }
  queue_.held_.enter(*this, client);
  return true;
}

void HoldQueue::Ticket::give_way() {
  leave();
  --queue_.count_;
  link_.unlink();
  gave_way_ = true;
  turn_.put(base::fail(base::Cause::overloaded, base::Stage::connect));
}

// A request that has its turn now is not interrupted.
bool HoldQueue::make_room(const base::IpAddress& client) {
  for (FairOrder::Entry* at = held_.last(); at && held_.stands_behind(*at, client); at = held_.before(*at)) {
    auto& ticket = static_cast<Ticket&>(*at);
    if (!ticket.link_.linked()) continue;
    ticket.give_way();
    return true;
  }
  return false;
}

base::Slot<bool>::Take HoldQueue::Ticket::line_up(base::Scope& scope) {
  queue_.waiting_.append(link_);
  if (!queue_.armed()) {
    queue_.connected_ = queue_.failed_ = false;
    queue_.turn_.arm(queue_, queue_.pause_);
  }
  return turn_.take(scope);
}

void HoldQueue::on_deadline() {
  if (!waiting_.linked()) return;  // the next line_up() arms the timer again
  if (connected_ && !failed_) {
    batch_ *= 2;
    pause_ = first_pause;
  } else {
    batch_ = 1;
    pause_ = std::min(pause_ * 2, longest_pause);
  }
  connected_ = failed_ = false;
  release(batch_);
  turn_.arm(*this, pause_);
}

void HoldQueue::release_more() {
  batch_ = std::max(batch_, after_answer);
  connected_ = true;
  failed_ = false;
  release(after_answer);
}

void HoldQueue::release(size_t how_many) {
  for (; how_many > 0 && waiting_.linked(); --how_many) {
    Ticket* ticket = base::LinkIn<Ticket>::of(waiting_.next);
    ticket->link_.unlink();
    ticket->turn_.put(true);
  }
}

}  // namespace postern::upstream
