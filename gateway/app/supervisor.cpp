#include "app/supervisor.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <sstream>
#include <thread>

#include "config/compile.h"
#include "config/compile_policy.h"
#include "config/load.h"
#include "config/text.h"

namespace postern::app {
namespace {

size_t worker_count(const config::Document& document) {
  return document.workers != 0 ? document.workers : std::max(1u, std::thread::hardware_concurrency());
}

// Every connection is a descriptor, two with its endpoint: what the system allows is ours to use.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// What kept it from taking effect; postern check shows the warnings as well.
std::vector<std::string> lines_of(const config::Diagnostics& problems) {
  std::vector<std::string> lines;
  for (const config::Problem& problem : problems.problems())
    if (problem.severity == config::Severity::error) lines.push_back(to_text(problem));
  return lines;
}

// Who starts it by hand reads a sentence, whatever the log's format is and wherever it goes.
void say_start_failed(const telemetry::Logger& log, const std::string& problem) {
  if (isatty(STDERR_FILENO) != 0) std::fprintf(stderr, "postern: %s\n", config::shown(problem, 1000).c_str());
  if (isatty(STDOUT_FILENO) == 0) log.error("start_failed", {{"problem", problem}});
}

}  // namespace

Supervisor::Supervisor(std::string path, config::Document document)
    : path_(std::move(path)),
      document_(std::move(document)),
      process_log_(document_.log),
      sink_(process_log_.sink()),
      log_(process_log_.logger()),
      mailbox_(loop_, [this](ToControl message) { receive(message); }),
      signals_(loop_),
      shared_{sink_,
              log_,
              process_log_.format(),
              {},
              {},
              std::make_shared<proxy::SilentRoutes>(),
              std::make_shared<proxy::SocketMemory>(),
              [this](ToControl message) { mailbox_.post(message); }} {}

Supervisor::~Supervisor() = default;

int Supervisor::run() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of its write, like a full disk
  raise_descriptor_limit();
  signals_.on(SIGHUP, [this] { reload(); });
  signals_.on(SIGTERM, [this] { drain(); });
  signals_.on(SIGINT, [this] { drain(); });
  signals_.on(SIGUSR1, [this] { reopen_log(); });
  signals_.on(SIGUSR2, [this] {
    log_.warn("signal_ignored", {{"signal", "SIGUSR2"},
                                 {"remedy", "SIGHUP reloads, SIGUSR1 opens the log anew, SIGTERM drains"}});
  });
  if (!start()) {
    sink_.flush();
    return 1;
  }
  rotate_tickets_at_ = loop_.turn().now + net::TicketKeys::rotate_every;
  loop_.turn().arm(*this, sink_.flush_age());
  loop_.run();
  admin_.reset();
  workers_.clear();
  demo_.reset();
  const server::OpenWork cut = shared_.cut.sum();
  log_.info("stopped", {{"requests_cut", cut.requests},
                        {"event_streams_cut", cut.event_streams},
                        {"websockets_cut", cut.websockets}});
  sink_.flush();
  return 0;
}

bool Supervisor::start() {
  auto log_output = process_log_.open(document_);
  if (!log_output) {
    say_start_failed(log_, log_output.error());
    return false;
  }
  process_log_.adopt(document_, std::move(*log_output));
  for (const config::Problem& warning : document_.warnings.problems())
    log_.warn("configuration_warning", {{"problem", to_text(warning)}});
  if (config::uses_demo(document_)) {
    auto demo = DemoThread::start(document_);
    if (!demo) {
      say_start_failed(log_, demo.error());
      return false;
    }
    demo_ = std::move(*demo);
  }
  for (size_t i = 0; i < worker_count(document_); ++i) workers_.push_back(std::make_unique<Worker>(shared_));
  health_ = std::make_unique<HealthProber>(loop_, log_, [this](const EndpointHealth& health) {
    for (const std::unique_ptr<Worker>& worker : workers_) worker->post(health);
  });
  if (const auto applied = apply(document_); !applied) {
    for (const std::string& line : applied.error()) say_start_failed(log_, line);
    stop_workers();
    workers_.clear();
    return false;
  }
  return true;
}

tl::expected<void, std::vector<std::string>> Supervisor::apply(const config::Document& document) {
  config::CompileOptions options{.version = version_ + 1,
                                 .tickets = tickets_,
                                 .stores = &stores_,
                                 .now_unix = net::unix_now(),
                                 .workers = workers_.size(),
                                 .demo_port = {}};
  if (demo_) options.demo_port = demo_->port();
  config::Diagnostics notes(document.file);
  auto compiled = config::compile(document, options, notes);
  if (!compiled) return tl::unexpected(lines_of(compiled.error()));
  std::vector<Open> open;
  tl::expected<Sockets, std::string> sockets = bind(**compiled, open);
  if (!sockets) return tl::unexpected(std::vector<std::string>{sockets.error()});
  auto admin_socket = bind_admin(document);
  if (!admin_socket) return tl::unexpected(std::vector<std::string>{admin_socket.error()});
  auto log_output = process_log_.open(document);
  if (!log_output) return tl::unexpected(std::vector<std::string>{log_output.error()});

  for (const config::Problem& note : notes.problems())
    log_.warn("configuration_warning", {{"problem", to_text(note)}});
  snapshot_ = std::move(*compiled);
  version_ = snapshot_->version;
  stores_.take_effect();
  before_ = std::exchange(open_, std::move(open));
  adopt_admin(document, std::move(*admin_socket));
  process_log_.adopt(document, std::move(*log_output));
  applied_ = loop_.turn().now;
  acknowledgements_due_ = workers_.size();
  for (size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->post(AdoptSnapshot{snapshot_, std::move((*sockets)[i])});
  if (health_) health_->adopt(snapshot_);
  return {};
}

tl::expected<Supervisor::Sockets, std::string> Supervisor::bind(const proxy::Snapshot& snapshot,
                                                                std::vector<Open>& open) {
  Sockets sockets(workers_.size());
  for (const proxy::ListenerModel& model : snapshot.listeners) {
    // The same address twice is possible with port 0 only; their order tells them apart.
    const std::string text = model.address.text();
    const auto same = std::count_if(open.begin(), open.end(),
                                    [&](const Open& one) { return one.key.starts_with(text + "#"); });
    Open wanted{text + "#" + std::to_string(same), model.address};
    const auto known =
        std::find_if(open_.begin(), open_.end(), [&](const Open& one) { return one.key == wanted.key; });
    if (known != open_.end()) wanted.address = known->address;
    net::Sharing sharing = net::Sharing::first;
    for (std::vector<server::BoundListener>& worker : sockets) {
      server::BoundListener bound{wanted.key, wanted.address, std::nullopt};
      if (known == open_.end()) {
        auto socket = net::listen_on(wanted.address, std::exchange(sharing, net::Sharing::further));
        if (!socket) return tl::unexpected(socket.error());
        wanted.address = bound.address = socket->address;  // the others share the port that was chosen
        bound.socket = std::move(*socket);
      }
      worker.push_back(std::move(bound));
    }
    open.push_back(std::move(wanted));
  }
  return sockets;
}

tl::expected<std::optional<net::ListeningSocket>, std::string> Supervisor::bind_admin(
    const config::Document& document) {
  if (!document.admin || (admin_ && admin_document_->same_address(*document.admin)))
    return std::optional<net::ListeningSocket>();
  const config::AdminDocument& wanted = *document.admin;
  auto socket = wanted.unix_path.empty()
                    ? net::listen_on({*config::listen_address(wanted.host), wanted.port})
                    : net::listen_on_unix(config::resolve_file(document, wanted.unix_path));
  if (!socket) return tl::unexpected("admin: " + socket.error());
  return std::optional<net::ListeningSocket>(std::move(*socket));
}

void Supervisor::adopt_admin(const config::Document& document, std::optional<net::ListeningSocket> socket) {
  if (!socket && document.admin) return;  // the one that is open stays
  admin_document_ = document.admin;
  admin_.reset();
  if (!socket) return;
  admin::AdminServer::Options options;
  options.client.any_host = document.admin->is_public;
  admin::Source& self = *this;
  admin_ = std::make_unique<admin::AdminServer>(loop_, std::move(*socket), self, options);
  const std::string& path = document.admin->unix_path;
  log_.info("admin_listening", {{"address", path.empty() ? admin_->address().text() : "unix:" + path}});
}

void Supervisor::receive(ToControl message) {
  if (auto* numbers = std::get_if<NumbersCounted>(&message)) return receive_numbers(std::move(*numbers));
  if (const auto* begun = std::get_if<DrainBegun>(&message)) {
    open_at_drain_.add(begun->open);
    if (drain_begins_due_ > 0 && --drain_begins_due_ == 0) log_draining();
    return;
  }
  if (std::holds_alternative<WorkerDrained>(message)) {
    if (drains_due_ > 0 && --drains_due_ == 0) stop_workers();
    return;
  }
  if (std::get<SnapshotAdopted>(message).version != version_) return;
  if (acknowledgements_due_ > 0 && --acknowledgements_due_ == 0) all_adopted();
}

void Supervisor::all_adopted() {
  const double took = std::round(base::milliseconds_of(loop_.turn().now - applied_) * 1e3) / 1e3;
  if (!ready_) {
    ready_ = true;
    log_listeners();
    log_.info("ready",
              {{"program", "postern " POSTERN_VERSION}, {"workers", workers_.size()}, {"config", path_}});
  } else {
    log_listeners();
    log_.info("reloaded", {{"version", version_}, {"workers", workers_.size()}, {"took_ms", took}});
  }
  sink_.flush();
  if (std::exchange(reload_again_, false)) reload();
}

admin::Health Supervisor::health() const {
  if (draining_ || stopping_) return admin::Health::draining;
  return ready_ ? admin::Health::serving : admin::Health::starting;
}

void Supervisor::collect() {
  if (stopping_) return;  // workers take no more messages
  numbers_ = {};
  ++round_;
  numbers_due_ = workers_.size();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->post(CountNow{round_});
}

void Supervisor::receive_numbers(NumbersCounted numbers) {
  if (numbers.round != round_ || numbers_due_ == 0) return;
  numbers_.add(numbers.totals);
  if (--numbers_due_ == 0 && admin_) admin_->give(numbers_);
}

// What was opened and what was closed by the configuration that all workers have adopted now.
void Supervisor::log_listeners() {
  const auto stands_in = [](const std::vector<Open>& all, const Open& one) {
    return std::any_of(all.begin(), all.end(), [&](const Open& other) { return other.key == one.key; });
  };
  for (size_t i = 0; i < open_.size(); ++i)
    if (!stands_in(before_, open_[i]))
      log_.info("listening",
                {{"address", open_[i].address.text()}, {"tls", snapshot_->listeners[i].tls != nullptr}});
  for (const Open& one : before_)
    if (!stands_in(open_, one)) log_.info("listener_closed", {{"address", one.address.text()}});
}

void Supervisor::reload() {
  if (draining_ || stopping_) {
    log_.warn("reload_ignored", {{"reason", "the gateway is shutting down"}});
    return;
  }
  if (acknowledgements_due_ > 0) {  // one at a time; the last wish is granted
    reload_again_ = true;
    return;
  }
  tl::expected<config::Document, config::Diagnostics> loaded = config::load_file(path_);
  std::vector<std::string> problems;
  if (!loaded) {
    problems = lines_of(loaded.error());
  } else if (config::uses_demo(*loaded) && !demo_) {
    problems = {"an endpoint \"demo:\" can only be there from the start"};
  } else {
    if (worker_count(*loaded) != workers_.size())
      log_.warn("restart_needed",
                {{"key", "workers"}, {"reason", "the number of workers is fixed at the start"}});
    for (const config::Problem& warning : loaded->warnings.problems())
      log_.warn("configuration_warning", {{"problem", to_text(warning)}});
    if (const auto applied = apply(*loaded); !applied) problems = applied.error();
  }
  if (problems.empty()) {
    document_ = std::move(*loaded);
    return;
  }
  for (const std::string& problem : problems) log_.error("reload_failed", {{"problem", problem}});
  log_.warn("configuration_kept", {{"version", version_}, {"remedy", "correct the file, see postern check"}});
}

void Supervisor::reopen_log() {
  sink_.reopen();
  log_.info("log_reopened");
}

void Supervisor::drain() {
  if (!ready_ || std::exchange(draining_, true)) {
    log_.warn("stopping_at_once");
    stop_workers();
    return;
  }
  drain_begins_due_ = drains_due_ = workers_.size();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->post(DrainNow{snapshot_->limits.drain});
}

// What is to be brought to an end, once every worker has said what it has.
void Supervisor::log_draining() const {
  log_.info("draining", {{"limit_ms", snapshot_->limits.drain.count() / 1'000'000},
                         {"requests", open_at_drain_.requests},
                         {"event_streams", open_at_drain_.event_streams},
                         {"websockets", open_at_drain_.websockets}});
}

void Supervisor::stop_workers() {
  if (std::exchange(stopping_, true)) return;  // after Stop a worker takes no more messages
  health_.reset();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->post(Stop{});
  loop_.stop();
}

void Supervisor::on_deadline() {
  const base::Instant now = loop_.turn().now;
  const bool behind = sink_.behind();
  sink_.flush_if_older_than(now, behind ? base::Duration::zero() : sink_.flush_age());
  if (now >= rotate_tickets_at_) {
    tickets_.rotate();
    rotate_tickets_at_ = now + net::TicketKeys::rotate_every;
  }
  loop_.turn().arm(*this, sink_.behind() ? base::Duration::zero() : sink_.flush_age());
}

}  // namespace postern::app
