// Requests of one upstream that found no endpoint and wait for one. They do not all knock at once: after a
// pause that grows, one of them tries; when it gets a connection twice as many follow, and an answer brings
// the next ones at once. Where as many are held as may be, a client with fewer of them takes the place of one
// with more, see FairOrder. One worker's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/intrusive_list.h"
#include "base/slot.h"
#include "base/turn.h"
#include "upstream/fair_order.h"

namespace postern::upstream {

struct HoldModel {
  base::Duration time = std::chrono::seconds(10);  // of one request, its attempts included
  // Of an upgrade of a page that may have sockets of other upstreams waiting behind it.
  base::Duration page_time = std::chrono::milliseconds(900);
  uint32_t requests = 1000;  // per worker; one more is refused at once
};

class HoldQueue final : private base::Timer {
 public:
  explicit HoldQueue(base::Turn& turn) : turn_(turn) {}
  HoldQueue(const HoldQueue&) = delete;
  HoldQueue& operator=(const HoldQueue&) = delete;

  // A held request's place, from its first wait to its answer. The queue outlives it.
  class Ticket final : private FairOrder::Entry {
   public:
    explicit Ticket(HoldQueue& queue) : queue_(queue) {}
    ~Ticket() {
      if (entered()) --queue_.count_;
    }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    // False: `most` are held already, and none that could give way to this one.
    bool enter(size_t most, const base::IpAddress& client);
    // Its last wait failed since another client's request took its place.
    bool gave_way() const { return gave_way_; }
    // The end of this wait is the request's turn to try. Leave the line when the wait was not ended by it.
    base::Slot<bool>::Take line_up(base::Scope& scope);
    void leave_line() { link_.unlink(); }

   private:
    friend class HoldQueue;
    void give_way();

    HoldQueue& queue_;
    base::Slot<bool> turn_;
    base::LinkIn<Ticket> link_{this};
    bool gave_way_ = false;
  };

  // What attempts of this upstream, held or not, came to.
  void on_connected() { connected_ = true; }
  void on_failed() { failed_ = true; }
  void on_answered() {
    if (waiting_.linked()) release_more();
  }

  size_t count() const { return count_; }

  static constexpr base::Duration first_pause = std::chrono::milliseconds(50);
  static constexpr base::Duration longest_pause = std::chrono::milliseconds(500);
  static constexpr size_t after_answer = 8;  // how many an answer lets try at once

 private:
  void on_deadline() override;
  bool make_room(const base::IpAddress& client);
  void release_more();
  void release(size_t how_many);

  base::Turn& turn_;
  base::Link waiting_;
  FairOrder held_;
  size_t count_ = 0;  // of them
  size_t batch_ = 1;
  base::Duration pause_ = first_pause;
  bool connected_ = false;  // since the last pause
  bool failed_ = false;
};

}  // namespace postern::upstream
