// Renewal: a newer token of a session takes the place of the older one on the WebSockets and event streams
// that the session has open (state::LiveSessions), so that they live on when the older one expires.
#pragma once

#include <memory>
#include <string>

#include "base/pump.h"
#include "base/task.h"
#include "proxy/exchange_state.h"
#include "routing/action.h"
#include "routing/socket_rules.h"
#include "tunnel/token_desk.h"

namespace postern::proxy {

// The answer of a route that takes new tokens (routing::RenewConnections).
http::LocalResponse renewal_answer(ExchangeState& exchange);

// Takes the tokens that the client of a WebSocket sends in messages. Null where its route takes none, or
// where the socket was opened without a token.
std::unique_ptr<tunnel::TokenDesk> token_desk(const ExchangeState& exchange,
                                              const routing::SocketRules& rules);

// Watches one exchange for a token that the application gives out. It begins when the route is known, reads
// along with the answer, and changes nothing in it.
class RefreshWatch final : private base::PumpWatcher {
 public:
  // The largest answer in whose body a token is looked for.
  static constexpr size_t body_max = size_t{64} * 1024;

  explicit RefreshWatch(ExchangeState& exchange) : exchange_(exchange) {}  // which outlives it
  RefreshWatch(const RefreshWatch&) = delete;
  RefreshWatch& operator=(const RefreshWatch&) = delete;

  // Called before the request is sent: where its answer is to be read, it must not be compressed.
  void prepare_request();
  // Called with the head that the endpoint has sent.
  void read_head(const http::ResponseHead& head);
  // The watcher of the body; null: the body is not looked at.
  base::PumpWatcher* body_watcher();
  // Called when the answer was sent on. Does nothing where there was no call for a new token, or where the
  // endpoint gave none. What is wrong with a token is logged; the client has its answer in any case.
  base::Task<base::Result<void>> finish();

 private:
  void on_chunk(const base::Chunk& chunk) override;
  bool is_refresh() const;
  void tell(std::string_view detail) const;

  ExchangeState& exchange_;
  tl::expected<std::string, std::string> token_;  // of the head, or why it has none
  bool reads_body_ = false;
  bool is_answered_ = false;    // with 2xx
  bool is_compressed_ = false;  // its body
  std::string body_;
};

}  // namespace postern::proxy
