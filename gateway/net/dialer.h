// Opens a connection to one host, every address of its name in turn, to a service, its targets in turn, or to
// a Unix socket; then TLS if asked. One coroutine.
#pragma once

#include <memory>
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
  std::string host;  // name or address literal
  uint16_t port = 0;
  std::string unix_path;           // instead of host and port: a socket in the file system
  bool service = false;            // `host` names a service, whose targets have ports of their own
  std::string proxy_header;        // sent before anything else, TLS as well
  const ClientTls* tls = nullptr;  // null: plain
  std::string server_name;         // SNI and the name the certificate must have; unused when plain
  base::Duration connect_limit = std::chrono::seconds(5);  // of each stage: resolve, connect, TLS
};

// The seam between whoever needs a connection and the network; tests connect memory to memory.
class Dialer {
 public:
  virtual ~Dialer() = default;
  // `tried` gets a readable account of what happened ("[::1]:3000 refused, 127.0.0.1:3000 refused") whatever
  // the outcome. `target` outlives the task.
  virtual base::Task<base::Result<std::unique_ptr<Transport>>> dial(base::Scope& scope,
                                                                    const DialTarget& target,
                                                                    std::string& tried) = 0;
  // Whether a connection that was dialled to this host (or service) may carry another request: not when the
  // name leads elsewhere by now.
  virtual bool leads_to(std::string_view host, bool service, const Peer& peer) {
    static_cast<void>(host), static_cast<void>(service), static_cast<void>(peer);
    return true;
  }
};

// With several addresses or targets each gets its share of the limit, so that a silent first one leaves time
// for the second.
class SystemDialer final : public Dialer {
 public:
  SystemDialer(Loop& loop, Resolver& resolver) : loop_(loop), resolver_(resolver) {}
  base::Task<base::Result<std::unique_ptr<Transport>>> dial(base::Scope& scope, const DialTarget& target,
                                                            std::string& tried) override;
  bool leads_to(std::string_view host, bool service, const Peer& peer) override {
    return resolver_.leads_to(service ? NameKind::service : NameKind::host, host, peer);
  }

  static constexpr size_t targets_tried_max = 8;  // of a service, for one connection

 private:
  base::Task<base::Result<std::unique_ptr<Transport>>> dial_host(base::Scope& scope, std::string_view host,
                                                                 uint16_t port, base::Duration limit,
                                                                 std::string& tried);
  base::Task<base::Result<std::unique_ptr<Transport>>> dial_service(base::Scope& scope,
                                                                    const DialTarget& target,
                                                                    std::string& tried);
  base::Task<base::Result<std::unique_ptr<Transport>>> dial_unix(base::Scope& scope, const DialTarget& target,
                                                                 std::string& tried);

  Loop& loop_;
  Resolver& resolver_;
};

}  // namespace postern::net
