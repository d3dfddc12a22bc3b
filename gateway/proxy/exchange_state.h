// What the parts of one exchange share: the request, its route, and the report about its course.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error_fwd.h"
#include "base/result.h"
#include "base/scope.h"
#include "http/stream.h"
#include "policy/request_context.h"
#include "proxy/exchange_auth.h"
#include "proxy/exchange_report.h"
#include "proxy/first_message.h"
#include "proxy/request_facts.h"
#include "proxy/services.h"
#include "proxy/snapshot.h"
#include "tunnel/token_holders.h"

namespace postern::proxy {

// The exchange owns it, and it outlives the exchange's other parts.
struct ExchangeState {
  ExchangeState(Services& the_services, Pin the_pin, http::ServerStream& the_stream,
                const routing::TransferLimits& limits)
      : services(the_services),
        pin(std::move(the_pin)),
        stream(the_stream),
        listener_limits(limits),
        scope(the_services.turn),
        started(the_services.turn.now) {}
  ExchangeState(const ExchangeState&) = delete;
  ExchangeState& operator=(const ExchangeState&) = delete;

  const Snapshot& snapshot() const { return *pin->snapshot; }
  routing::TransferLimits limits() const {
    return route ? route->limits.over(listener_limits) : listener_limits;
  }
  base::Duration since(base::Instant start) const { return services.turn.now - start; }
  base::Error failed(base::Cause cause, base::Stage stage, std::string_view detail) {
    return report.failed(cause, stage, detail);
  }
  // The token on which a socket or an event stream hangs; null: there is none, or the route only reports.
  const policy::VerifiedToken* binding_token() const;
  // That token, for what stays open; null: there is none. `grace`: see tunnel::HeldToken.
  std::unique_ptr<tunnel::HeldToken> held_token(std::optional<base::Duration> grace) const;

  Services& services;
  const Pin pin;
  http::ServerStream& stream;
  const routing::TransferLimits listener_limits;
  base::Scope scope;
  const base::Instant started;
  RequestFacts facts;
  std::optional<policy::RequestContext> context;  // set once the target was read
  const routing::Route* route = nullptr;          // null until it is found
  ExchangeReport report;
  ExchangeAuth auth{*this};
  FirstMessageDesk first_message{*this};
  bool client_ended = false;  // the client has ended its direction
  bool in_line = false;       // see InLine
};

// Fills the facts and the context.
base::Result<void> read_request(ExchangeState& exchange);
// Reads the target again if a policy has replaced it: it may have removed a token from the query.
base::Result<void> read_judged_target(ExchangeState& exchange);

// Exists while a request waits in a queue for an endpoint. A client that has ended its direction does not
// wait there: it may be gone, and nothing is written to it for a long time that would show it.
class InLine {
 public:
  explicit InLine(ExchangeState& exchange);
  ~InLine() { exchange_.in_line = false; }
  InLine(const InLine&) = delete;
  InLine& operator=(const InLine&) = delete;

 private:
  ExchangeState& exchange_;
};

}  // namespace postern::proxy
