// One client connection from accept to its last byte: a PROXY protocol header if its listener expects one,
// TLS if the listener has it, then the service of the protocol that the client uses.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/local_rc.h"
#include "base/root_task.h"
#include "base/scope.h"
#include "net/tls_transport.h"
#include "server/service.h"

namespace postern::server {

class ClientConnection final : public base::Pooled {
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
  void drain();                  // ends after the current exchanges, or now if there are none
  void cancel(base::Cause why);  // ends the current exchanges now
  size_t exchanges() const { return service_ ? service_->exchanges() : 0; }

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
  // Logs that this connection ends before its first request, as often as `rate` allows.
  void log_refusal(base::Severity level, std::string_view event, telemetry::LineRate& rate, base::Error why,
                   std::string_view detail);
  // Gives the client a moment to read the last bytes and to end the connection itself.
  base::Task<Ended> linger(base::Stage stage);
  void say_refusal(base::Error why, const std::string& detail);

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
  std::unique_ptr<Service> service_;
  base::RootTask<Ended> task_;  // last: it is destroyed before what it uses
  bool draining_ = false;
};

}  // namespace postern::server
