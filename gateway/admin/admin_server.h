// The operator's HTTP server, on the control thread's loop: GET /metrics, GET /status, GET /healthz, GET /,
// GET /revocations and POST /revoke.
#pragma once

#include <memory>
#include <vector>

#include "admin/admin_connection.h"
#include "admin/source.h"
#include "net/listener.h"
#include "net/loop.h"
#include "telemetry/metrics.h"

namespace postern::admin {

class AdminServer final : private net::Listener::Owner, private AdminConnection::Owner, private base::Timer {
 public:
  struct Options {
    // The limit of connections at a time. To admit one more, the connection that was idle for the longest
    // time is closed, or one whose client has taken nothing of its answer for `stuck`. If there is neither,
    // the new one waits in the kernel's queue.
    size_t connections = 64;
    base::Duration stuck = std::chrono::seconds(1);
    AdminConnection::Options connection;
  };

  // Accepts connections at once. `loop` and `source` outlive the server.
  AdminServer(net::Loop& loop, net::ListeningSocket socket, Source& source, const Options& options);
  ~AdminServer() override;  // cuts open connections; must not run within one of their callbacks
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // Replaces the options, also those of open connections.
  void adopt(const Options& options) { options_ = options; }

  // Delivers the numbers that Source::collect() asked for.
  void give(const telemetry::Totals& totals);

  const base::SocketAddress& address() const { return listener_.address(); }
  size_t connections() const { return connections_.size(); }

 private:
  using Connections = std::vector<std::unique_ptr<AdminConnection>>;

  bool may_accept() override;
  void on_nobody_waits() override {}
  void on_accepted(net::Listener& listener, net::Socket socket, const base::SocketAddress& peer) override;
  void on_descriptors_exhausted(net::Listener&) override {}  // accepting resumes without help
  void on_accepting_again(net::Listener&) override {}
  Health health() const override { return source_.health(); }
  void on_numbers_wanted() override;
  void on_revoked(const RevokeReader& reader) override { source_.on_revoked(reader); }
  void on_connection_over(AdminConnection& connection) override;
  void on_deadline() override { listener_.release(); }
  Connections::iterator who_gives_way();  // the connection to close for a new one; end() if there is none
  void remove(Connections::iterator position);

  net::Loop& loop_;
  Source& source_;
  Options options_;
  Connections connections_;
  bool collecting_ = false;
  net::Listener listener_;
};

}  // namespace postern::admin
