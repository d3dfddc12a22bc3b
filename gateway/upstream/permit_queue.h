// The queue of one upstream's requests that wait for a permit because all endpoints are at their limit.
// Clients get permits in a fair order, see FairOrder; the first request in the queue receives the next
// permit, already taken for it. When the queue is full, a request of a client with fewer waiting requests
// replaces one of a client with more. A permit that is returned on this worker is passed on at once; one that
// is returned on another worker is noticed within `look_every`. Each worker has its own queue; only the
// number of waiting requests is counted over the whole process.
#pragma once

#include <memory>
#include <span>

#include "base/slot.h"
#include "base/turn.h"
#include "state/process_load.h"
#include "upstream/fair_order.h"
#include "upstream/pick.h"
#include "upstream/request_view.h"

namespace postern::upstream {

class Group;

class PermitQueue final : public PermitWatcher, private base::Timer {
 public:
  PermitQueue(base::Turn& turn, std::shared_ptr<state::ProcessLoad> waiting_in_process)
      : turn_(turn), waiting_in_process_(std::move(waiting_in_process)) {}
  PermitQueue(const PermitQueue&) = delete;
  PermitQueue& operator=(const PermitQueue&) = delete;

  // A request in the queue, until it is destroyed. The queue and the constructor's arguments must outlive it.
  class Waiter final : private FairOrder::Entry {
   public:
    Waiter(PermitQueue& queue, Group& group, const RequestView& request, std::span<const size_t> tried)
        : queue_(queue), group_(group), request_(request), tried_(tried) {}
    ~Waiter() {
      if (counted_) queue_.waiting_in_process_->remove(1);
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    // Returns false when `most` requests wait in this process already and none on this worker can give way.
    bool enter(uint32_t most);
    // The wait failed because another client's request replaced this one.
    bool gave_way() const { return gave_way_; }
    // Waits for a pick with a permit.
    base::Slot<Pick>::Take permit(base::Scope& scope) { return pick_.take(scope); }

   private:
    friend class PermitQueue;
    void give_way();

    PermitQueue& queue_;
    Group& group_;
    const RequestView& request_;
    std::span<const size_t> tried_;
    base::Slot<Pick> pick_;
    bool counted_ = false;  // in waiting_in_process_
    bool gave_way_ = false;
  };

  // Requests are waiting: a new request has to join the queue.
  bool has_line() const { return !line_.empty(); }

  static constexpr base::Duration look_every = std::chrono::milliseconds(20);

 private:
  void on_permit_left() override { serve_one(); }
  void on_deadline() override;
  bool serve_one();

  base::Turn& turn_;
  std::shared_ptr<state::ProcessLoad> waiting_in_process_;
  FairOrder line_;
};

}  // namespace postern::upstream
