// The third step of an exchange: it sends the request to an endpoint of an upstream, and retries at another
// one while nothing is lost by it. It ends with the head of the response.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/scope.h"
#include "base/task.h"
#include "proxy/affinity.h"
#include "proxy/attempt.h"
#include "proxy/exchange_state.h"
#include "proxy/replay.h"
#include "proxy/retry.h"
#include "upstream/hold_queue.h"

namespace postern::proxy {

class Dispatch {
 public:
  // The exchange's route leads to `group`. Both outlive this.
  Dispatch(ExchangeState& exchange, upstream::Group& group);
  Dispatch(const Dispatch&) = delete;
  Dispatch& operator=(const Dispatch&) = delete;

  // Called once: rewrites the request for the upstream and sends it. Succeeds with the head of a final
  // response; the attempt must not outlive this.
  base::Task<base::Result<Attempt>> send();

  // The following are for what send() received, or while it waits.
  // Turns the head of a response, which may be an interim one, into the head that this client gets.
  void finish_head(const Attempt& attempt, http::ResponseHead& head) const;
  // Lets the group learn from the head of a final response, as the endpoint sent it.
  void learn(const Attempt& attempt);
  // Counts the deviations of a response from its protocol that were seen since the last call, and logs those
  // that are new.
  void note_deviations(http::UpstreamStream& from) const;
  // Writes into the report what is known about a failure of the attempt.
  void describe_failure(const Attempt& attempt, base::Error error);

  const upstream::GroupModel& group() const { return group_.model(); }

 private:
  // The time limit for the endpoint's response head. It runs from begin() until this object is destroyed.
  class HeadLimit {
   public:
    explicit HeadLimit(Dispatch& dispatch) : dispatch_(dispatch) { dispatch_.head_limit_ = this; }
    ~HeadLimit() { dispatch_.head_limit_ = nullptr; }
    HeadLimit(const HeadLimit&) = delete;
    HeadLimit& operator=(const HeadLimit&) = delete;
    void begin();

   private:
    Dispatch& dispatch_;
    std::optional<base::Phase> phase_;
  };

  base::Result<void> prepare_request();
  void keep_for_replay();
  upstream::Pick next_endpoint();
  upstream::Pick admit(upstream::Pick pick);
  base::Task<base::Result<upstream::Pick>> wait_for_permit();
  base::Task<base::Result<void>> hold(std::optional<upstream::HoldQueue::Ticket>& ticket);
  bool is_settled() const;
  base::Task<base::Result<void>> send_once(size_t index, Attempt& attempt);
  base::Task<base::Result<void>> connect(size_t index, Attempt& attempt);
  base::Task<base::Result<void>> await_head(Attempt& attempt);
  base::Task<base::Result<void>> upload(http::UpstreamStream& to);
  bool should_retry(size_t index, const Attempt& attempt, const base::Result<void>& sent);
  upstream::RequestView view() const;
  size_t index_of(const Attempt& attempt) const;
  const telemetry::Series::Upstream& series() const;
  void count_attempt(size_t endpoint) const;

  ExchangeState& exchange_;
  const RequestFacts& facts_;
  ExchangeReport& report_;
  upstream::Group& group_;
  base::Scope upload_scope_;
  std::optional<Affinity> affinity_;  // set once the request is prepared
  std::unique_ptr<Replay> replay_;    // of the request body, if it may have to be sent again
  RetryState retry_;
  base::Instant held_since_{};
  std::optional<base::Instant> hold_until_;  // set while the request is held, and in its turns
  HeadLimit* head_limit_ = nullptr;          // set while a response head is awaited
  bool informed_ = false;                    // the client has received an interim response
};

}  // namespace postern::proxy
