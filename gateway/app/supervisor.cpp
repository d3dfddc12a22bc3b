#include "app/supervisor.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <set>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "config/compile.h"
#include "config/load.h"
#include "config/text.h"

namespace postern::app {
namespace {

size_t worker_count(const config::Document& document) {
  return document.workers != 0 ? document.workers : std::max(1u, std::thread::hardware_concurrency());
}

// Each connection uses a descriptor, and a second one for its endpoint: the soft limit is raised to the hard
// limit.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// The errors, which prevented the configuration from taking effect. Warnings are left to `postern check`.
std::vector<std::string> lines_of(const config::Diagnostics& problems) {
  std::vector<std::string> lines;
  for (const config::Problem& problem : problems.problems())
    if (problem.severity == config::Severity::error) lines.push_back(to_text(problem));
  return lines;
}

// All revocations are looked at within 32 s, for those that do not count any more.
constexpr base::Duration sweep_every = std::chrono::seconds(1);

using WorkerSockets = std::vector<net::ListeningSocket>;  // one for each worker

tl::expected<WorkerSockets, std::string> listen_for_all(base::SocketAddress address, size_t workers) {
  WorkerSockets sockets;
  net::Sharing sharing = net::Sharing::first;
  while (sockets.size() < workers) {
    auto socket = net::listen_on(address, std::exchange(sharing, net::Sharing::further));
    if (!socket) return tl::unexpected(socket.error());
    address = socket->address;  // the other workers share the port that was chosen
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

// Listens on all addresses at the port of the first one. If the system chose that port, it may be in use at
// another address; then the system chooses again.
tl::expected<std::vector<WorkerSockets>, std::string> listen_at_one_port(
    const std::vector<base::SocketAddress>& addresses, size_t workers) {
  constexpr int choices = 16;
  for (int choice = 1;; ++choice) {
    std::vector<WorkerSockets> opened;
    std::string failure;
    for (base::SocketAddress address : addresses) {
      if (!opened.empty()) address.port = opened.front().front().address.port;
      auto sockets = listen_for_all(address, workers);
      if (!sockets) {
        failure = sockets.error();
        break;
      }
      opened.push_back(std::move(*sockets));
    }
    if (failure.empty()) return opened;
    const bool chosen = !opened.empty() && addresses.front().port == 0;
    if (!chosen || choice == choices) return tl::unexpected(failure);
  }
}

// A user who starts the process in a terminal gets a readable sentence, whatever the log's format and output
// are.
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
      mailbox_(loop_, [this](ToControl message) { receive(std::move(message)); }),
      signals_(loop_),
      shared_{sink_, log_, process_log_.format(), state_,
              [this](ToControl message) { mailbox_.post(std::move(message)); }},
      dialer_(loop_) {}

Supervisor::~Supervisor() = default;

int Supervisor::run() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // then a write beyond the file size limit fails like one on a full disk
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
  const auto tell_workers = [this](const auto& message) {
    for (const std::unique_ptr<Worker>& worker : workers_) worker->post(message);
  };
  health_ = std::make_unique<HealthProber>(loop_, dialer_.dialer(), log_, tell_workers);
  keys_ = std::make_unique<KeyRefresher>(loop_, dialer_.dialer(), state_.keys, log_, tell_workers);
  if (const auto applied = apply(document_); !applied) {
    for (const std::string& line : applied.error()) say_start_failed(log_, line);
    stop_workers();
    workers_.clear();
    return false;
  }
  return true;
}

tl::expected<void, std::vector<std::string>> Supervisor::apply(const config::Document& document) {
  std::vector<state::LoadedKeys> keys;
  std::vector<std::shared_ptr<const identity::KeySource>> key_sources;
  config::CompileOptions options{.version = version_ + 1,
                                 .tickets = tickets_,
                                 .now_unix = net::unix_now(),
                                 .workers = workers_.size(),
                                 .keys = &keys,
                                 .key_sources = &key_sources,
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
  state_.keys.take_effect(std::move(keys));
  if (!document.basic_auth.empty()) password_threads_.start();
  before_ = std::exchange(open_, std::move(open));
  adopt_admin(document, std::move(*admin_socket));
  process_log_.adopt(document, std::move(*log_output));
  applied_ = loop_.turn().now;
  acknowledgements_due_ = workers_.size();
  for (size_t i = 0; i < workers_.size(); ++i)
    workers_[i]->post(AdoptSnapshot{snapshot_, std::move((*sockets)[i])});
  dialer_.configure(snapshot_->names);
  if (health_) health_->adopt(snapshot_);
  if (keys_) keys_->adopt(key_sources);
  return {};
}

// The addresses of a listener, as they are open already or as they are wanted.
std::vector<Supervisor::Open> Supervisor::addresses_of(const proxy::ListenerModel& model, size_t index,
                                                       const std::vector<Open>& before_it) const {
  // The same address can occur twice only with port 0; then the order tells them apart.
  const std::string text = model.address.text() + "#";
  const auto same = std::count_if(before_it.begin(), before_it.end(),
                                  [&](const Open& one) { return one.key.starts_with(text); });
  std::vector<Open> addresses{{text + std::to_string(same), model.address, index}};
  if (model.beside) {
    const base::SocketAddress beside{*model.beside, model.address.port};
    addresses.push_back(
        {beside.text() + (beside.port == 0 ? " beside " + addresses[0].key : "#0"), beside, index});
  }
  for (Open& one : addresses) {
    const auto known =
        std::find_if(open_.begin(), open_.end(), [&](const Open& other) { return other.key == one.key; });
    one.known = known != open_.end();
    if (one.known) one.address = known->address;
  }
  if (model.beside && !addresses[1].known && !net::is_own_address(*model.beside)) addresses.pop_back();
  return addresses;
}

tl::expected<Supervisor::Sockets, std::string> Supervisor::bind(const proxy::Snapshot& snapshot,
                                                                std::vector<Open>& open) {
  Sockets sockets(workers_.size());
  for (size_t i = 0; i < snapshot.listeners.size(); ++i) {
    std::vector<Open> addresses = addresses_of(snapshot.listeners[i], i, open);
    std::vector<base::SocketAddress> missing;
    for (const Open& one : addresses)
      if (!one.known) missing.push_back(one.address);
    if (missing.size() < addresses.size())  // added to an address that is open, at the same port
      for (base::SocketAddress& address : missing)
        address.port = addresses[addresses[0].known ? 0 : 1].address.port;
    auto opened = listen_at_one_port(missing, workers_.size());
    if (!opened) return tl::unexpected(opened.error());
    auto fresh = opened->begin();
    for (Open& one : addresses) {
      if (!one.known) one.address = fresh->front().address;
      for (size_t worker = 0; worker < sockets.size(); ++worker) {
        server::BoundListener bound{one.key, one.address, i, std::nullopt};
        if (!one.known) bound.socket = std::move((*fresh)[worker]);
        sockets[worker].push_back(std::move(bound));
      }
      if (!one.known) ++fresh;
      open.push_back(std::move(one));
    }
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
  admin_document_ = document.admin;
  if (!document.admin) return admin_.reset();
  admin::AdminServer::Options options;
  options.connection.any_host = document.admin->is_public;
  options.connection.revoke = {&state_.revocations, document.revocations.has_value(),
                               document.revocations.value_or(config::RevocationsDocument()).token_life};
  if (!socket) return admin_->adopt(options);  // its address is the same
  admin_.reset();
  admin::Source& self = *this;
  admin_ = std::make_unique<admin::AdminServer>(loop_, std::move(*socket), self, options);
  const std::string& path = document.admin->unix_path;
  log_.info("admin_listening", {{"address", path.empty() ? admin_->address().text() : "unix:" + path}});
}

void Supervisor::receive(ToControl message) {
  if (auto* numbers = std::get_if<NumbersCounted>(&message)) return receive_numbers(*numbers);
  if (const auto* begun = std::get_if<DrainBegun>(&message)) {
    open_at_drain_.add(begun->open);
    if (drain_begins_due_ > 0 && --drain_begins_due_ == 0) log_draining();
    return;
  }
  if (std::holds_alternative<WorkerDrained>(message)) {
    if (drains_due_ > 0 && --drains_due_ == 0) stop_workers();
    return;
  }
  if (const auto* wanted = std::get_if<KeysWanted>(&message)) {
    if (keys_) keys_->want(wanted->name);
    return;
  }
  if (std::get<SnapshotAdopted>(message).version != version_) return;
  if (acknowledgements_due_ > 0 && --acknowledgements_due_ == 0) all_adopted();
}

void Supervisor::forget_unnamed_state() {
  std::set<std::string_view> routes;
  for (const routing::Route& route : snapshot_->routes.routes()) routes.insert(route.name);
  state_.silent_routes.keep_only(routes);
}

void Supervisor::all_adopted() {
  forget_unnamed_state();
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
  if (stopping_) return;  // workers accept no more messages
  numbers_ = {};
  ++round_;
  numbers_due_ = workers_.size();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->post(CountNow{round_});
}

void Supervisor::on_revoked(const admin::RevokeReader& reader) {
  if (reader.added() + reader.known() > 0)
    log_.info("tokens_revoked", {{"by", "admin"},
                                 {"revoked", reader.added()},
                                 {"known", reader.known()},
                                 {"entries", state_.revocations.size()}});
  if (reader.outcome() != admin::RevokeReader::Outcome::full) return;
  const base::ErrorTraits& full = base::traits(base::Cause::revocations_full);
  log_.error("revocation_refused", {{"by", "admin"},
                                    {"entries", state_.revocations.size()},
                                    {"cause", full.label},
                                    {"meaning", full.meaning},
                                    {"remedy", full.remedy}});
}

void Supervisor::receive_numbers(const NumbersCounted& numbers) {
  if (numbers.round != round_ || numbers_due_ == 0) return;
  numbers_.add(numbers.totals);
  if (--numbers_due_ != 0 || !admin_) return;
  if (keys_) numbers_.provider_keys = keys_->numbers();
  if (snapshot_) numbers_.expiring_files = snapshot_->expiring_files;
  const state::Revocations& revocations = state_.revocations;
  numbers_.revocations = {revocations.size(), state::Revocations::entries_max, revocations.memory(),
                          revocations.added(), revocations.refused()};
  admin_->give(numbers_);
}

// Logs what was opened and closed by the configuration that all workers have now adopted.
void Supervisor::log_listeners() {
  const auto stands_in = [](const std::vector<Open>& all, const Open& one) {
    return std::any_of(all.begin(), all.end(), [&](const Open& other) { return other.key == one.key; });
  };
  for (const Open& one : open_)
    if (!stands_in(before_, one))
      log_.info("listening", {{"address", one.address.text()},
                              {"tls", snapshot_->listeners[one.listener].tls != nullptr}});
  for (const Open& one : before_)
    if (!stands_in(open_, one)) log_.info("listener_closed", {{"address", one.address.text()}});
}

void Supervisor::reload() {
  if (draining_ || stopping_) {
    log_.warn("reload_ignored", {{"reason", "the gateway is shutting down"}});
    return;
  }
  if (acknowledgements_due_ >
      0) {  // one at a time, see ProcessState::bind(); a further request runs afterwards
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

// Logs the open work when every worker has reported it.
void Supervisor::log_draining() const {
  log_.info("draining", {{"limit_ms", snapshot_->limits.drain.count() / 1'000'000},
                         {"requests", open_at_drain_.requests},
                         {"event_streams", open_at_drain_.event_streams},
                         {"websockets", open_at_drain_.websockets}});
}

void Supervisor::stop_workers() {
  if (std::exchange(stopping_, true)) return;  // after Stop a worker accepts no more messages
  health_.reset();
  keys_.reset();
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
  if (now >= sweep_revocations_at_) {
    state_.revocations.sweep(net::unix_now());
    sweep_revocations_at_ = now + sweep_every;
  }
  loop_.turn().arm(*this, sink_.behind() ? base::Duration::zero() : sink_.flush_age());
}

}  // namespace postern::app
