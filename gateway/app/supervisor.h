// The control thread of `postern run`: it starts the workers, handles signals, reloads, drains and stops.
//
//   SIGHUP           reload: the new configuration takes effect as a whole, or the old one stays
//   SIGTERM, SIGINT  drain with the configured deadline; a second signal stops at once
//   SIGUSR1          reopen the log file
//   SIGUSR2          ignored, with a warning in the log
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/admin_server.h"
#include "app/control_dialer.h"
#include "app/demo_thread.h"
#include "app/health_prober.h"
#include "app/key_refresher.h"
#include "app/password_threads.h"
#include "app/process_log.h"
#include "app/worker.h"
#include "config/document.h"
#include "net/signals.h"
#include "net/tls_context.h"
#include "state/process_state.h"

namespace postern::app {

class Supervisor final : private base::Timer, private admin::Source {
 public:
  // `document` was loaded from `path`.
  Supervisor(std::string path, config::Document document);
  ~Supervisor() override;

  // Serves until a signal ends it. Returns the exit status: 0, or 1 if it could not start.
  int run();

 private:
  // A listening address of the running configuration, open in every worker.
  struct Open {
    std::string key;
    base::SocketAddress address;
    size_t listener = 0;  // index into the snapshot's listeners
    bool known = false;   // it was open under the previous configuration
  };
  using Sockets = std::vector<std::vector<server::BoundListener>>;  // per worker

  bool start();
  void reload();
  void receive(ToControl message);
  void all_adopted();
  void forget_unnamed_state();
  void drain();
  void log_draining() const;
  void stop_workers();
  void reopen_log();
  void on_deadline() override;
  admin::Health health() const override;
  void collect() override;
  void on_revoked(const admin::RevokeReader& reader) override;
  void receive_numbers(const NumbersCounted& numbers);

  // Compiles `document`, opens new listeners, and sends the snapshot to the workers. The error is a list of
  // lines for the log.
  tl::expected<void, std::vector<std::string>> apply(const config::Document& document);
  std::vector<Open> addresses_of(const proxy::ListenerModel& model, size_t index,
                                 const std::vector<Open>& before_it) const;
  tl::expected<Sockets, std::string> bind(const proxy::Snapshot& snapshot, std::vector<Open>& open);
  // Opens the admin listener of `document`; nullopt if there is none, or if it is already open.
  tl::expected<std::optional<net::ListeningSocket>, std::string> bind_admin(const config::Document& document);
  void adopt_admin(const config::Document& document, std::optional<net::ListeningSocket> socket);
  void log_listeners();

  const std::string path_;
  config::Document document_;
  ProcessLog process_log_;
  telemetry::LogSink& sink_;
  telemetry::Logger& log_;
  net::TicketKeys tickets_;
  state::ProcessState state_;
  PasswordThreads password_threads_{state_.passwords};
  net::Loop loop_;
  net::Mailbox<ToControl> mailbox_;
  net::Signals signals_;
  Shared shared_;
  std::unique_ptr<DemoThread> demo_;
  std::vector<std::unique_ptr<Worker>> workers_;
  ControlDialer dialer_;
  std::unique_ptr<HealthProber> health_;  // exists while workers receive messages
  std::unique_ptr<KeyRefresher> keys_;    // likewise
  std::vector<Open> open_;
  std::vector<Open> before_;  // addresses open under the previous configuration
  std::unique_ptr<admin::AdminServer> admin_;
  std::optional<config::AdminDocument> admin_document_;  // of the open admin server
  telemetry::Totals numbers_;  // the sum of the workers that have answered in this round
  uint64_t round_ = 0;
  size_t numbers_due_ = 0;
  std::shared_ptr<const proxy::Snapshot> snapshot_;
  uint64_t version_ = 0;
  size_t acknowledgements_due_ = 0;
  size_t drain_begins_due_ = 0;
  size_t drains_due_ = 0;
  server::OpenWork open_at_drain_;
  base::Instant applied_{};
  base::Instant rotate_tickets_at_{};
  base::Instant sweep_revocations_at_{};
  bool ready_ = false;
  bool draining_ = false;
  bool stopping_ = false;
  bool reload_again_ = false;
};

}  // namespace postern::app
