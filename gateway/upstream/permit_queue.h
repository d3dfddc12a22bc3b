// Requests of one upstream whose endpoints are all at their limit, and that wait for a permit. Clients get
// permits in turn, see FairOrder; the first in the line gets the next permit, already taken for it. Where the
// queue is full, a client with fewer requests in the line takes the place of one with more. A permit that is
// left on this worker is given on at once; one that is left on another worker is seen within `look_every`.
// One worker's, but for the number of those that wait, which is the whole process's.
#pragma once

#include <memory>
#include <span>

#include "base/slot.h"
#include "base/turn.h"
#include "upstream/fair_order.h"
#include "upstream/pick.h"
#include "upstream/process_load.h"
#include "upstream/request_view.h"

namespace postern::upstream {

class Group;

class PermitQueue final : public PermitWatcher, private base::Timer {
 public:
  PermitQueue(base::Turn& turn, std::shared_ptr<ProcessLoad> waiting_in_process)
      : turn_(turn), waiting_in_process_(std::move(waiting_in_process)) {}
  PermitQueue(const PermitQueue&) = delete;
  PermitQueue& operator=(const PermitQueue&) = delete;

  // A request in the line, until it is destroyed. What it is made of outlives it, and so does the queue.
  class Waiter final : private FairOrder::Entry {
   public:
    Waiter(PermitQueue& queue, Group& group, const RequestView& request, std::span<const size_t> tried)
        : queue_(queue), group_(group), request_(request), tried_(tried) {}
    ~Waiter() {
      if (counted_) queue_.waiting_in_process_->remove(1);
    }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    // False: as many as `most` wait in this process already, and none that stands behind this one.
    bool enter(uint32_t most);
    // It failed since another client's request took its place.
    bool gave_way() const { return gave_way_; }
    // A pick with a permit.
    base::Slot<Pick>::Take permit(base::Scope& scope) { return pick_.take(scope); }

   private:
    friend class PermitQueue;
    void give_way();

    PermitQueue& queue_;
    Group& group_;
    const RequestView& request_;
    std::span<const size_t> tried_;
    base::Slot<Pick> pick_;
    bool counted_ = false;  // among those that wait in the process
    bool gave_way_ = false;
  };

  // Somebody waits: who comes now has to stand in the line.
  bool has_line() const { return !line_.empty(); }

  static constexpr base::Duration look_every = std::chrono::milliseconds(20);

 private:
  void on_permit_left() override { serve_one(); }
  void on_deadline() override;
  bool serve_one();

  base::Turn& turn_;
  std::shared_ptr<ProcessLoad> waiting_in_process_;
  FairOrder line_;
};

}  // namespace postern::upstream
