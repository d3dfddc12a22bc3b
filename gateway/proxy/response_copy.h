// The fifth step of an exchange: it copies the body of an endpoint's response to the client. A response
// without a length that stays open is a long answer, to which the time limits of ordinary responses do not
// apply.
#pragma once

#include <memory>
#include <optional>

#include "base/pump.h"
#include "base/task.h"
#include "coding/encoding_pump.h"
#include "proxy/dispatch.h"
#include "proxy/event_stream.h"
#include "proxy/exchange_state.h"
#include "proxy/stream_set.h"
#include "tunnel/token_holders.h"

namespace postern::proxy {

// The limits for a response body. `source_idle` is the longest time without a byte from its source.
base::PumpLimits response_limits(const ExchangeState& exchange, base::Duration source_idle);

class ResponseCopy {
 public:
  // Both outlive this.
  ResponseCopy(ExchangeState& exchange, Dispatch& dispatch) : exchange_(exchange), dispatch_(dispatch) {}
  ResponseCopy(const ResponseCopy&) = delete;
  ResponseCopy& operator=(const ResponseCopy&) = delete;

  // Only the response head shows that it is an event stream, so its permit is taken at that point, before the
  // head is finished for the client.
  base::Result<void> admit(const http::ResponseHead& head);

  // Called once, after the head was written to the client: copies the body to its end, and the trailers.
  // `encoder` and `watcher` may be null; they and the attempt outlive the task.
  base::Task<base::Result<void>> run(Attempt& attempt, coding::Encoder* encoder, base::PumpWatcher* watcher);

  bool answers_events() const { return answers_events_; }
  // For the record of a long answer; nullopt: the response is not one.
  std::optional<telemetry::StreamRecord> record() const;

 private:
  struct LongAnswer final : tunnel::TokenHolder {
    // `grace`: see tunnel::HeldToken.
    LongAnswer(ExchangeState& exchange, StreamSet& set, std::optional<base::Duration> grace);
    void on_revoked() override;
    base::Scope& scope;
    StreamSet::Open open;
    std::optional<EventStream> events;  // nullopt: the response has another type than text/event-stream
  };

  bool may_stay_open(const Attempt& attempt) const;
  void open(const Attempt& attempt, bool of_events);
  base::Task<base::Result<base::Pumped>> pump_body(Attempt& attempt, coding::Encoder* encoder,
                                                   const base::PumpLimits& limits);
  base::Task<base::Result<base::Pumped>> pump_long_body(Attempt& attempt, coding::Encoder* encoder,
                                                        const base::PumpLimits& ordinary);
  void note_end_by_gateway();

  ExchangeState& exchange_;
  Dispatch& dispatch_;
  std::unique_ptr<LongAnswer> long_answer_;  // null: the response is not a long one
  bool answers_events_ = false;              // the response is an event stream
};

}  // namespace postern::proxy
