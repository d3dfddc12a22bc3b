#include "app/worker.h"

#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "crypto/random.h"
#include "proxy/auth_calls.h"
#include "server/drain.h"
#include "upstream/registry.h"

namespace postern::app {

namespace {

uint64_t random_seed() {
  std::array<uint8_t, sizeof(uint64_t)> bytes;
  crypto::fill_random(bytes);
  uint64_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof(seed));
  return seed;
}

}  // namespace

// Everything on a worker's loop, in the order of creation.
class Worker::Parts final : private server::Acceptor::Owner, private tunnel::TunnelSet::Owner {
 public:
  explicit Parts(Shared& shared)
      : shared_(shared),
        dns_client_(loop_),
        resolver_(loop_.turn(), dns_client_),
        dialer_(loop_, resolver_),
        connector_(loop_.turn(), dialer_),
        key_waits_([this](const std::string& name) { shared_.tell_control(KeysWanted{name}); }),
        access_log_(shared.sink, shared.format),
        tunnels_(loop_.turn(), access_log_, metrics_, shared.state),
        streams_(metrics_, tunnels_.drain_line()),
        services_{loop_.turn(),   connector_,  tokens_,      key_waits_, passwords_, shared.state.tickets,
                  auth_calls_,    access_log_, request_ids_, tunnels_,   streams_,   metrics_,
                  &net::unix_time},
        registry_(loop_.turn(), shared.state.loads, random_seed(), &shared.log),
        current_{loop_, services_, shared.log, {}, shared.state.clients},
        acceptor_(current_, *this),
        drain_(current_, acceptor_) {
    tunnels_.set_owner(*this);
  }

  net::Loop& loop() { return loop_; }

  void receive(ToWorker message) {
    if (auto* adopt = std::get_if<AdoptSnapshot>(&message)) {
      if (dns_client_.configure(adopt->snapshot->names)) resolver_.forget();
      current_.pin = proxy::pin(adopt->snapshot, registry_, shared_.state, metrics_);
      drain_outdated_tunnels();
      if (!drain_.begun()) acceptor_.adopt(std::move(adopt->listeners));
      shared_.tell_control(SnapshotAdopted{adopt->snapshot->version});
    } else if (const auto* health = std::get_if<EndpointHealth>(&message)) {
      registry_.on_health(health->group, health->key, health->up);
    } else if (const auto* fetched = std::get_if<KeysFetched>(&message)) {
      key_waits_.on_fetched(fetched->name);
      if (fetched->removed) drain_outdated_tunnels();
    } else if (const auto* drain = std::get_if<DrainNow>(&message)) {
      shared_.tell_control(DrainBegun{drain_.open_work()});
      drain_.begin(drain->limit);
      tell_if_drained();
    } else if (const auto* count = std::get_if<CountNow>(&message)) {
      proxy::note_endpoints(*current_.pin, metrics_);
      tunnels_.count_open();
      streams_.count_open();
      shared_.tell_control(NumbersCounted{count->round, metrics_.totals()});
    } else {
      drain_.cut();
      shared_.cut.add(drain_.was_cut());
      loop_.stop();  // after this turn, in which exchanges end and write their log lines
    }
  }

 private:
  void drain_outdated_tunnels() {
    const proxy::Snapshot& snapshot = *current_.pin->snapshot;
    const tunnel::DrainRate& rate = snapshot.limits.drain_rate;
    const size_t count = tunnels_.adopt(proxy::current_routes(*current_.pin), rate);
    if (count == 0) return;
    const base::ErrorTraits& traits = base::traits(base::Cause::route_changed);
    const tunnel::DrainLine& drain_line = tunnels_.drain_line();
    using Kind = tunnel::DrainLine::Kind;
    shared_.log.info("tunnels_leaving", {{"tunnels", drain_line.waiting(Kind::websocket)},
                                         {"event_streams", drain_line.waiting(Kind::event_stream)},
                                         {"per_second", std::ceil(rate.per_second(count))},
                                         {"cause", traits.label},
                                         {"meaning", traits.meaning},
                                         {"remedy", traits.remedy}});
  }
  void on_connections_gone() override { tell_if_drained(); }
  void on_tunnels_gone() override { tell_if_drained(); }
  void on_refused_gone() override { tell_if_drained(); }
  void tell_if_drained() {
    if (!drain_.begun() || !drain_.complete() || std::exchange(told_drained_, true)) return;
    shared_.tell_control(WorkerDrained{});
  }

  Shared& shared_;
  net::Loop loop_;
  net::DnsClient dns_client_;
  net::Resolver resolver_;
  net::SystemDialer dialer_;
  upstream::Connector connector_;
  policy::TokenCache tokens_{{.revocations = &shared_.state.revocations}};
  policy::KeyWaits key_waits_;
  net::Mailbox<policy::PasswordDesk::Told> password_mail_{
      loop_, [this](policy::PasswordDesk::Told told) { passwords_.receive(told); }};
  policy::PasswordDesk passwords_{shared_.state.passwords,
                                  [this](policy::PasswordDesk::Told told) { password_mail_.post(told); }};
  proxy::AuthCalls auth_calls_{loop_.turn(), connector_, shared_.state.shared_answers};
  telemetry::AccessLog access_log_;
  telemetry::Metrics metrics_;
  telemetry::RequestIdSource request_ids_;
  tunnel::TunnelSet tunnels_;
  proxy::StreamSet streams_;
  proxy::Services services_;
  upstream::Registry registry_;
  server::Current current_;
  server::Acceptor acceptor_;
  server::Drain drain_;
  bool told_drained_ = false;
};

Worker::Worker(Shared& shared) : shared_(shared) {
  std::promise<void> started;
  std::future<void> waiting = started.get_future();
  thread_ = std::thread([this, promise = std::move(started)]() mutable { run(std::move(promise)); });
  waiting.wait();
}

Worker::~Worker() { thread_.join(); }

void Worker::run(std::promise<void> started) {
  Parts parts(shared_);
  mailbox_ = std::make_unique<net::Mailbox<ToWorker>>(
      parts.loop(), [&parts](ToWorker message) { parts.receive(std::move(message)); });
  started.set_value();
  parts.loop().run();
  mailbox_.reset();
}

}  // namespace postern::app
