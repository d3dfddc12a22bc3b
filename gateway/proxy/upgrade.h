// What an exchange does with an upgrade to a WebSocket: it admits the client, turns the exchange into a
// tunnel, or refuses the upgrade in such a way that a page learns the reason.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "proxy/dispatch.h"
#include "proxy/exchange_state.h"
#include "tunnel/shared_limit.h"

namespace postern::proxy {

// The rules of a route for its sockets, or the usual ones.
const routing::SocketRules& socket_rules(const routing::Route* route);

// The wait limit for a page whose other sockets may be blocked behind this one.
inline constexpr base::Duration beside_others = std::chrono::milliseconds(900);
// How long an upgrade may wait when other sockets of its page may be blocked by it: a browser opens only one
// WebSocket at a time to an address, so sockets to other upstreams wait behind it. The other sockets of a
// client that reconnects a lost socket are open already.
base::Duration page_wait(const ExchangeState& exchange, base::Duration usual, base::Duration of_page);

// Changes the head of an upgrade for the endpoint. If messages are read, the endpoint must not compress them;
// if bytes are counted, compression must not hide their size. So compression is not offered to the endpoint.
void prepare_upgrade(ExchangeState& exchange);

// Only refuse_by_close() and note_shared_limits() may be called for a request that is no upgrade: then they
// do nothing.
class SocketUpgrade {
 public:
  explicit SocketUpgrade(ExchangeState& exchange)
      : exchange_(exchange), facts_(exchange.facts), report_(exchange.report) {}
  SocketUpgrade(const SocketUpgrade&) = delete;
  SocketUpgrade& operator=(const SocketUpgrade&) = delete;

  // Notes the limits that the messages of the socket will count against, under the same keys as its handshake
  // in policy::RateLimitPolicy. Called twice: before the policies change the fields that the client sent, and
  // after them, when claims are verified.
  void note_shared_limits(bool by_claim);

  // For a route with `websocket.admission`. When many clients reconnect at once, they are admitted one after
  // the other. A client waits in the queue once, as it does for an upstream that is down: see
  // state::WaitingClients.
  base::Task<base::Result<void>> admit();

  // The endpoint has accepted the upgrade. On success the connection is the tunnel's.
  base::Result<void> open_tunnel(Attempt& attempt, const Dispatch& dispatch);

  // A refusal with `status`, and with the cause if the gateway refused. Returns false when it must be sent as
  // that status. Otherwise it is noted in the report, and tell_refusal() sends it as a Close frame. `error`
  // labels it for the client; `who` names the one that answered with `status`, if it was no failure of the
  // gateway.
  bool refuse_by_close(uint16_t status, std::optional<base::Cause> cause, std::string_view error,
                       std::string_view who);
  // Sends a 101, delayed longer each time that the client comes back to be refused again, and then the Close.
  // Fails if the client did not wait for it.
  base::Task<base::Result<void>> tell_refusal();

 private:
  bool is_told_by_close(std::optional<base::Cause> cause) const;
  uint16_t refusal_code(uint16_t status) const;
  base::Result<void> check_promise(const http::ResponseHead& head);
  std::unique_ptr<net::Transport> accept_client(const http::ResponseHead& head);
  std::unique_ptr<net::Transport> accept_refused();
  std::string_view route_name() const;

  ExchangeState& exchange_;
  const RequestFacts& facts_;
  ExchangeReport& report_;
  std::vector<tunnel::SharedLimit> shared_limits_;
  std::string close_reason_;                   // of the Close frame to be sent
  std::string close_error_;                    // likewise: the label alone
  std::optional<base::Duration> close_pause_;  // wait before the refused socket is opened
};

// SignalR requests over HTTP the connection id that its socket then uses: notes that such a request has
// succeeded.
void note_negotiation(const ExchangeState& exchange);

}  // namespace postern::proxy
