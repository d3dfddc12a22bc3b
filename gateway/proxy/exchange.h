// The proxy module knows the coroutine of a request, and brings routes, policies, upstreams and tunnels
// together for it. It provides the exchange, which may become a tunnel. It must not know listeners, threads
// or YAML.
//
// An exchange answers one stream in every case: five steps in exchange.cpp, then it waits until the last byte
// of the answer was written, then it writes a record of the result. What is long in a step has a file of its
// own: request_facts.h, route_match.h, judging.h, dispatch.h with affinity.h, upgrade.h, answer.h,
// response_copy.h with response_encoding.h, exchange_report.h. What they share is exchange_state.h.
#pragma once

#include <optional>

#include "base/error_fwd.h"
#include "base/pool.h"
#include "base/scope.h"
#include "base/task.h"
#include "files/site.h"
#include "http/local_response.h"
#include "http/stream.h"
#include "proxy/dispatch.h"
#include "proxy/exchange_state.h"
#include "proxy/response_copy.h"
#include "proxy/services.h"
#include "proxy/snapshot.h"
#include "proxy/upgrade.h"

namespace postern::proxy {

struct Outcome {
  bool tunnelled = false;  // the stream's connection was handed to a tunnel
};

class Exchange : public base::Pooled {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  // `stream` and `services` outlive the exchange. `limits` are copied; they are those of the listener that
  // accepted the client.
  Exchange(Services& services, Pin pin, http::ServerStream& stream, const routing::TransferLimits& limits);
  ~Exchange();

  // Serves a request that was read.
  base::Task<Outcome> run();
  // Answers a request that could not be read; the stream says why.
  base::Task<Outcome> refuse();

  // The client left, or the worker shuts down: every wait fails with this cause, and the coroutine returns.
  void cancel(base::Cause why);
  // The client has ended its direction. It may wait for its answer, or it may be gone: both look the same
  // until something is written to it. Where nothing may be written for a long time (for a WebSocket or an
  // event stream while no endpoint is available), the client is assumed to be gone.
  void client_ended();

 private:
  base::Task<base::Result<void>> serve();
  base::Task<base::Result<void>> send_file(const files::Site& site);
  void respond(const http::ResponseHead& head);
  // Succeeds without an answer, too: see answered_.
  base::Result<void> answer_if_any(base::Result<std::optional<http::LocalResponse>> local);
  void answer(http::LocalResponse response);
  void answer_failure(base::Error error);
  base::Task<base::Result<void>> hand_over();
  base::Task<Outcome> conclude();

  ExchangeState state_;
  SocketUpgrade upgrade_;
  std::optional<Dispatch> dispatch_;  // set from the third step on, for a route to an upstream
  std::optional<ResponseCopy> copy_;  // set from the fourth step on
  bool answered_ = false;             // a response was begun, or a refusal by a Close frame was decided
  bool tunnelled_ = false;
  base::Scope* sending_ = nullptr;  // set while the response is being handed to the client
};

}  // namespace postern::proxy
