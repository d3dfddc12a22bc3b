// The queue of one upstream's requests that found no endpoint and wait for one. They do not all retry at the
// same time: after a growing pause one of them tries; when it gets a connection, twice as many follow, and an
// answer releases the next ones at once. When the queue is full, a request of a client with fewer held
// requests replaces one of a client with more, see FairOrder. Each worker has its own queue.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/intrusive_list.h"
#include "base/slot.h"
#include "base/turn.h"
#include "upstream/fair_order.h"

namespace postern::upstream {

struct HoldModel {
  base::Duration time = std::chrono::seconds(10);  // of one request, including its attempts
  // For an upgrade of a page, since the page's sockets to other upstreams may be waiting behind it.
  base::Duration page_time = std::chrono::milliseconds(900);
  uint32_t requests = 1000;  // per worker; further requests are refused at once
};

class HoldQueue final : private base::Timer {
 public:
  explicit HoldQueue(base::Turn& turn) : turn_(turn) {}
  HoldQueue(const HoldQueue&) = delete;
  HoldQueue& operator=(const HoldQueue&) = delete;

  // A held request, from its first wait to its answer. The queue must outlive it.
  class Ticket final : private FairOrder::Entry {
   public:
    explicit Ticket(HoldQueue& queue) : queue_(queue) {}
    ~Ticket() {
      if (entered()) --queue_.count_;
    }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    // Returns false when `most` requests are held already and none of them can give way to this one.
    bool enter(size_t most, const base::IpAddress& client);
    // The last wait failed because another client's request replaced this one.
    bool gave_way() const { return gave_way_; }
    // When this wait succeeds, it is the request's turn to try. Call leave_line() when the wait ended
    // otherwise.
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

  // Results of the attempts of this upstream, held or not.
  void on_connected() { connected_ = true; }
  void on_failed() { failed_ = true; }
  void on_answered() {
    if (waiting_.linked()) release_more();
  }

  size_t count() const { return count_; }

  static constexpr base::Duration first_pause = std::chrono::milliseconds(50);
  static constexpr base::Duration longest_pause = std::chrono::milliseconds(500);
  static constexpr size_t after_answer = 8;  // how many requests an answer releases

 private:
  void on_deadline() override;
  bool make_room(const base::IpAddress& client);
  void release_more();
  void release(size_t how_many);

  base::Turn& turn_;
  base::Link waiting_;
  FairOrder held_;
  size_t count_ = 0;  // of held requests
  size_t batch_ = 1;
  base::Duration pause_ = first_pause;
  bool connected_ = false;  // since the last pause
  bool failed_ = false;
};

}  // namespace postern::upstream
