// One client connection from accept to its last byte: a PROXY protocol header if its listener expects one,
// TLS if the listener has it, then the requests, each with its own exchange.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/local_rc.h"
#include "base/root_task.h"
#include "base/scope.h"
#include "http1/server_connection.h"
#include "net/tls_transport.h"
#include "proxy/exchange.h"
#include "server/current.h"

namespace postern::server {

// The settings for all connections of one listener. A reload changes them in place, so that a connection that
// waits for its next request uses the new configuration and keeps nothing of the old one. They outlive the
// listener.
struct ListenerSettings {
  proxy::ListenerLimits limits;
  std::optional<uint16_t> redirect_port;                            // as in http::ClientFacts
  std::shared_ptr<const std::vector<std::string>> redirect_except;  // as in http::ClientFacts
};
using ListenerSettingsRef = base::LocalRc<ListenerSettings>;

class ClientConnection final : public base::Pooled, private http1::ServerConnection::Owner {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  struct Ended {};
  using Owner = base::RootTask<Ended>::Owner;

  // `tls` may be null; it belongs to the pinned snapshot.
  ClientConnection(Current& current, std::unique_ptr<net::Transport> transport, http::ClientFacts facts,
                   ListenerSettingsRef settings, const net::ServerTls* tls);

  // Before begin(): a PROXY protocol header is expected first, and it is trusted.
  void expect_proxy_header(base::Duration limit) { proxy_header_limit_ = limit; }
  // Before begin(): the client is refused for lack of room. It gets an answer, unless that would cost a TLS
  // handshake, and the connection is closed.
  void refuse(base::Error why, std::string detail);
  // Starts the coroutine; `owner` is notified when it has ended, and buries the connection.
  void begin(Owner& owner);
  void drain();                  // ends after the current exchange, or now if there is none
  void cancel(base::Cause why);  // ends the current exchange now
  bool in_exchange() const { return exchange_ != nullptr; }

 private:
  // Reads and discards what the client sends. Closing before the client has ended would reset the connection,
  // and the client could lose the answer.
  struct DiscardReceiver final : net::Transport::Receiver {
    void on_bytes(base::Bytes) override {}
    void on_drained() override {}
    void on_end() override { gone.put(true); }
    void on_closed(base::Error) override { gone.put(true); }
    base::Slot<bool> gone;
  };

  base::Task<Ended> serve();
  void admit();
  base::Task<Ended> turn_away();
  base::Task<base::Result<bool>> read_proxy_header();
  base::Task<base::Result<bool>> shake_hands();
  base::Task<base::Result<bool>> serve_requests();
  void tell_of_failed_handshake(base::Error why, const std::string& detail);
  // Gives the client a moment to read the last bytes and to end the connection itself.
  base::Task<Ended> linger(base::Stage stage);
  void write_refusal(net::Transport& transport, base::Error why, const std::string& detail);
  void on_client_gone(base::Cause why) override;
  void on_client_ended() override;

  Current& current_;
  // Holds its TLS settings; null once requests are served, since each exchange has its own pin.
  proxy::Pin first_pin_;
  ListenerSettingsRef settings_;
  std::unique_ptr<net::TlsTransport> failed_tls_;  // destroyed after the transport, which may still call it
  DiscardReceiver discard_;                        // likewise
  std::unique_ptr<net::Transport> transport_;
  http::ClientFacts facts_;  // they change only between two requests
  const net::ServerTls* tls_;
  struct ConnectionError {
    base::Error why;
    std::string detail;
  };
  std::optional<ConnectionError> connection_error_;
  std::optional<base::Duration> proxy_header_limit_;  // set: a header is expected within this time
  base::Scope scope_;
  std::unique_ptr<http1::ServerConnection> connection_;
  std::unique_ptr<proxy::Exchange> exchange_;
  base::RootTask<Ended> task_;  // last: it is destroyed before what it uses
  bool draining_ = false;
};

}  // namespace postern::server
