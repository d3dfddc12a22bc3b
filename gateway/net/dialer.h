// Opens connections: to a host (tries each address of its name in turn), to a service (tries its targets in
// turn) or to a Unix socket; then does the TLS handshake if the target has TLS.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/scope.h"
#include "base/task.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls_context.h"
#include "net/transport.h"

namespace postern::net {

struct DialTarget {
  // An HTTP proxy that makes the connection (CONNECT); it resolves the name.
  struct Proxy {
    std::string host;
    uint16_t port = 1080;
    std::string authorization{};  // the value of Proxy-Authorization, if any; never logged
  };

  std::string host;  // a name or an address literal
  uint16_t port = 0;
  std::string unix_path;           // path of a Unix socket, used instead of host and port
  bool service = false;            // `host` names a service, whose targets have their own ports
  std::optional<Proxy> proxy;      // only with host and port
  std::string proxy_header;        // sent before anything else, also before TLS
  const ClientTls* tls = nullptr;  // null: no TLS
  std::string server_name;         // SNI, and the name that the certificate must contain; unused without TLS
  base::Duration connect_limit = std::chrono::seconds(5);  // timeout of each stage: resolve, connect, TLS
};

// The interface between the code that needs a connection and the network; tests connect in memory.
class Dialer {
 public:
  virtual ~Dialer() = default;
  // `tried` receives a readable account of what happened ("[::1]:3000 refused, 127.0.0.1:3000 refused"),
  // whatever the outcome. `target` must outlive the task.
  virtual base::Task<base::Result<std::unique_ptr<Transport>>> dial(base::Scope& scope,
                                                                    const DialTarget& target,
                                                                    std::string& tried) = 0;
  // Whether a connection that was dialled to this host (or service) may carry another request: not when the
  // name now resolves to another address.
  virtual bool leads_to(std::string_view host, bool service, const Peer& peer) {
    static_cast<void>(host), static_cast<void>(service), static_cast<void>(peer);
    return true;
  }
};

// With several addresses or targets each gets its share of the timeout, so that a first one that does not
// answer leaves time for the second.
class SystemDialer final : public Dialer {
 public:
  SystemDialer(Loop& loop, Resolver& resolver) : loop_(loop), resolver_(resolver) {}
  base::Task<base::Result<std::unique_ptr<Transport>>> dial(base::Scope& scope, const DialTarget& target,
                                                            std::string& tried) override;
  bool leads_to(std::string_view host, bool service, const Peer& peer) override {
    return resolver_.leads_to(service ? NameKind::service : NameKind::host, host, peer);
  }

  static constexpr size_t targets_tried_max = 8;  // targets of a service tried for one connection

 private:
  base::Task<base::Result<std::unique_ptr<Transport>>> dial_host(base::Scope& scope, std::string_view host,
                                                                 uint16_t port, base::Duration limit,
                                                                 std::string& tried);
  base::Task<base::Result<std::unique_ptr<Transport>>> dial_service(base::Scope& scope,
                                                                    const DialTarget& target,
                                                                    std::string& tried);
  base::Task<base::Result<std::unique_ptr<Transport>>> dial_by_proxy(base::Scope& scope,
                                                                     const DialTarget& target,
                                                                     std::string& tried);
  base::Task<base::Result<std::unique_ptr<Transport>>> dial_unix(base::Scope& scope, const DialTarget& target,
                                                                 std::string& tried);

  Loop& loop_;
  Resolver& resolver_;
};

}  // namespace postern::net
