#include "server/client_connection.h"

#include "base/error.h"
#include "net/proxy_header_reader.h"
#include "server/http1_service.h"

namespace postern::server {

using base::Cause;
using base::Result;
using base::Stage;
using base::Task;

namespace {

constexpr base::Duration linger_limit = std::chrono::seconds(2);  // for a client to read why it is refused
// Counts a client while its connection exists.
struct ClientCountGuard final : net::Transport::Attachment {
  explicit ClientCountGuard(state::ClientCounts::Permit the_permit) : permit(std::move(the_permit)) {}
  state::ClientCounts::Permit permit;
};

}  // namespace

ClientConnection::ClientConnection(Current& current, std::unique_ptr<net::Transport> transport,
                                   http::ClientFacts facts, ListenerSettingsRef settings,
                                   const net::ServerTls* tls)
    : current_(current),
      first_pin_(current.pin),
      settings_(std::move(settings)),
      transport_(std::move(transport)),
      facts_(std::move(facts)),
      tls_(tls),
      scope_(current.services.turn) {}

void ClientConnection::begin(Owner& owner) { task_.begin(serve(), owner); }

void ClientConnection::drain() {
  draining_ = true;
  if (service_) service_->drain();
}

void ClientConnection::cancel(Cause why) {
  if (service_) service_->cancel(why);
  scope_.cancel(why);
}

Task<ClientConnection::Ended> ClientConnection::serve() {
  if (proxy_header_limit_) {
    Task<Result<bool>> reading = read_proxy_header();
    Result<bool> read = co_await reading;
    if (!read) co_return Ended{};
  }
  admit();
  if (connection_error_) {
    Task<Ended> turning = turn_away();
    Ended ended = co_await turning;
    co_return ended;
  }
  if (tls_) {
    Task<Result<bool>> shaking = shake_hands();
    Result<bool> shaken = co_await shaking;
    if (!shaken) co_return Ended{};
  }
  tls_ = nullptr;
  first_pin_ = {};
  const ServiceContext context{current_, scope_, facts_, *settings_};
  service_ = current_.protocols.serve(context, std::move(transport_));
  if (draining_) service_->drain();
  Task<Result<void>> serving = service_->serve();
  Result<void> served = co_await serving;
  static_cast<void>(served);  // in both cases the connection is over
  co_return Ended{};
}

void ClientConnection::refuse(base::Error why, std::string detail) {
  connection_error_ = {why, std::move(detail)};
}

void ClientConnection::admit() {
  const uint32_t limit = settings_->limits.connections_per_client;
  if (connection_error_ || limit == 0 || first_pin_->snapshot->trusted_proxies.contains(facts_.peer.ip))
    return;
  state::ClientCounts::Permit permit = current_.clients.enter(facts_.peer.ip, limit);
  if (permit)
    transport_->attach(
        std::make_unique<ClientCountGuard>(std::move(permit)));  // a tunnel outlives this object
  else
    refuse({Cause::too_many_connections, Stage::accept},
           "this client has " + std::to_string(limit) + " connections open, and may have no more");
}

Task<ClientConnection::Ended> ClientConnection::turn_away() {
  const auto& [why, detail] = *connection_error_;
  current_.services.metrics.failures.add(why);
  log_refusal(base::Severity::warn, "connection_refused", current_.refusals, why, detail);
  if (tls_) co_return Ended{};
  say_refusal(why, detail);
  Task<Ended> lingering = linger(Stage::accept);
  Ended ended = co_await lingering;
  co_return ended;
}

Task<ClientConnection::Ended> ClientConnection::linger(Stage stage) {
  transport_->start(discard_);
  base::Phase lingering(scope_, stage, linger_limit);
  Result<bool> gone = co_await discard_.gone.take(scope_);
  static_cast<void>(gone);  // the result does not matter
  co_return Ended{};
}

Task<Result<bool>> ClientConnection::read_proxy_header() {
  net::ProxyHeaderReader reader(*transport_);
  base::Phase phase(scope_, Stage::accept, *proxy_header_limit_, Cause::proxy_header_invalid);
  Result<net::ProxyHeaderReader::Header> header = co_await reader.header().take(scope_);
  if (!header) {
    transport_.reset();  // before the reader, which it may still call
    const base::ErrorTraits& traits = base::traits(header.error().cause);
    if (header.error().cause == Cause::proxy_header_invalid) {
      current_.services.metrics.failures.add(header.error());
      current_.log.warn("proxy_header_refused", {{"client", facts_.peer_text},
                                                 {"cause", traits.label},
                                                 {"stage", base::label(header.error().stage)},
                                                 {"fault", base::label(traits.fault)},
                                                 {"detail", reader.detail()},
                                                 {"remedy", traits.remedy}});
    }
    co_return base::fail(header.error());
  }
  if (*header) {
    facts_.peer = (*header)->source;
    facts_.peer_text = facts_.peer.ip.text();
    facts_.local = (*header)->destination;
    facts_.listener_port = facts_.local.port;
  }
  if (reader.over_tls()) facts_.tls = true;  // the sender terminated TLS
  co_return true;
}

Task<Result<bool>> ClientConnection::shake_hands() {
  std::unique_ptr<net::TlsTransport> secured =
      net::TlsTransport::server(current_.services.turn, std::move(transport_), *tls_);
  base::Phase phase(scope_, Stage::tls_handshake, settings_->limits.tls_handshake, Cause::client_timed_out);
  Result<bool> shaken = co_await secured->handshaken().take(scope_);
  if (shaken) {
    if (const auto& verifier = tls_->clients(); verifier && secured->has_asked_client())
      facts_.certificate = {verifier, true, secured->client_certificate(*verifier), false};
    else
      facts_.certificate.verifier = verifier;
    transport_ = std::move(secured);
    co_return true;
  }
  current_.services.metrics.failures.add(shaken.error());
  log_refusal(base::Severity::info, "tls_handshake_failed", current_.failed_handshakes, shaken.error(),
              secured->failure());
  const bool plain = shaken.error().cause == Cause::tls_expected;
  if (plain || secured->said_why()) {
    transport_ = secured->take_carrier();
    failed_tls_ = std::move(secured);
    if (plain) say_refusal(shaken.error(), "plain HTTP was sent to a TLS port");
    Task<Ended> lingering = linger(Stage::tls_handshake);
    co_await lingering;
  }
  co_return base::fail(shaken.error());
}

void ClientConnection::log_refusal(base::Severity level, std::string_view event, telemetry::LineRate& rate,
                                   base::Error why, std::string_view detail) {
  const auto count = rate.tell(current_.services.turn.now);
  if (!count) return;
  const base::ErrorTraits& traits = base::traits(why.cause);
  const telemetry::Field fields[] = {{"client", facts_.peer_text},
                                     {"cause", traits.label},
                                     {"stage", base::label(why.stage)},
                                     {"fault", base::label(traits.fault)},
                                     {"detail", detail},
                                     {"since_last_line", *count},
                                     {"remedy", traits.remedy}};
  current_.log.write(level, event, fields);
}

void ClientConnection::say_refusal(base::Error why, const std::string& detail) {
  write_refusal(*transport_, why, detail, current_.services.unix_now());
}

}  // namespace postern::server
