// One client from accept to its last byte: a PROXY protocol header if its listener asks for one, TLS if it
// has it, then its requests, one exchange each.
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

// What the connections of one listener go by. A reload changes it in place, so that a connection that waits
// for its next request goes by the new configuration and holds nothing of the old one. It outlives its
// listener.
struct ListenerSettings {
  proxy::ListenerLimits limits;
  std::optional<uint16_t> redirect_port;                            // as in http::ClientFacts
  std::shared_ptr<const std::vector<std::string>> redirect_except;  //
};
using ListenerSettingsRef = base::LocalRc<ListenerSettings>;

class ClientConnection final : public base::Pooled, private http1::ServerConnection::Owner {
 public:
  using base::Pooled::operator new;
  using base::Pooled::operator delete;

  struct Ended {};
  using Owner = base::RootTask<Ended>::Owner;

  // `tls`, which may be null, belongs to the pinned snapshot.
  ClientConnection(Current& current, std::unique_ptr<net::Transport> transport, http::ClientFacts facts,
                   ListenerSettingsRef settings, const net::ServerTls* tls);

  // Before begin(): a PROXY protocol header comes first, and is believed.
  void expect_proxy_header(base::Duration limit) { proxy_header_limit_ = limit; }
  // Before begin(): there is no room for it. It is told so, unless that would cost a TLS handshake, and
  // closed.
  void refuse(base::Error why, std::string detail);
  // Begins the coroutine; `owner` hears when it has ended and buries the connection.
  void begin(Owner& owner);
  void drain();                  // ends after the exchange it is in, or now
  void cancel(base::Cause why);  // ends its exchange now
  bool in_exchange() const { return exchange_ != nullptr; }

 private:
  // Takes and forgets what the client sends: to close before it has ended would reset the connection, and
  // take our answer with it.
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
  // A moment for the client to read our last words, and to end the connection itself.
  base::Task<Ended> linger(base::Stage stage);
  void write_refusal(net::Transport& transport, base::Error why, const std::string& detail);
  void on_client_gone(base::Cause why) override;
  void on_client_ended() override;

  Current& current_;
  proxy::Pin first_pin_;  // what its TLS comes from; null once requests are served: each has a pin of its own
  ListenerSettingsRef settings_;
  std::unique_ptr<net::TlsTransport> failed_tls_;  // outlives the transport, which may still call it
  DiscardReceiver discard_;                        // so does this
  std::unique_ptr<net::Transport> transport_;
  http::ClientFacts facts_;  // they change between two requests at most
  const net::ServerTls* tls_;
  struct ConnectionError {
    base::Error why;
    std::string detail;
  };
  std::optional<ConnectionError> connection_error_;
  std::optional<base::Duration> proxy_header_limit_;  // set: a header is expected, within this time
  base::Scope scope_;
  std::unique_ptr<http1::ServerConnection> connection_;
  std::unique_ptr<proxy::Exchange> exchange_;
  base::RootTask<Ended> task_;  // last: it ends before what it works on
  bool draining_ = false;
};

}  // namespace postern::server
