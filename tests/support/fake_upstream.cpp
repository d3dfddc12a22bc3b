#include "support/fake_upstream.h"

#include <algorithm>

#include "base/error.h"
#include "base/slot.h"
#include "crypto/base64.h"
#include "crypto/digest.h"

namespace postern::support {

std::optional<HttpMessage> FakeConnection::take_request() {
  unread += peer_.take_heard();
  if (switched) return std::nullopt;
  std::optional<HttpMessage> request = support::take_request(unread);
  if (request) requests.push_back(*request);
  return request;
}

std::string FakeConnection::take_unread() {
  unread += peer_.take_heard();
  return std::exchange(unread, {});
}

size_t FakeEndpoint::request_count() const {
  size_t count = 0;
  for (const auto& connection : connections) count += connection->requests.size();
  return count;
}

size_t FakeEndpoint::open_count() const {
  return static_cast<size_t>(
      std::count_if(connections.begin(), connections.end(),
                    [](const auto& connection) { return !connection->gateway_closed(); }));
}

size_t FakeUpstream::open_count() const {
  size_t count = 0;
  for (const auto& [port, endpoint] : endpoints_) count += endpoint.open_count();
  return count;
}

base::Task<base::Result<std::unique_ptr<net::Transport>>> FakeUpstream::dial(base::Scope& scope,
                                                                             const net::DialTarget& target,
                                                                             std::string& tried) {
  base::Phase phase(scope, base::Stage::connect, target.connect_limit, base::Cause::upstream_timed_out);
  FakeEndpoint& endpoint = at(target.port);
  ++endpoint.dials;
  const net::Peer address{base::IpAddress::v4({127, 0, 0, 1}), target.port};
  tried = address.text();
  switch (endpoint.reach) {
    case Reach::good: break;
    case Reach::refused:
      tried += " refused";
      co_return base::fail(base::Cause::upstream_refused, base::Stage::connect);
    case Reach::unreachable:
      tried += " unreachable";
      co_return base::fail(base::Cause::upstream_unreachable, base::Stage::connect);
    case Reach::no_descriptors:
      tried += " Too many open files";
      co_return base::fail(base::Cause::overloaded, base::Stage::connect);
    case Reach::silent: {
      base::Slot<bool> never;
      base::Result<bool> waited = co_await never.take(scope);
      tried += " did not answer in time";
      co_return base::fail(waited.error());
    }
  }
  tried += " connected";
  std::unique_ptr<net::Transport> transport =
      multiplexed_ ? relay(endpoint, address) : connect(endpoint, address);
  co_return transport;
}

std::unique_ptr<net::Transport> FakeUpstream::connect(FakeEndpoint& endpoint, const net::Peer& address) {
  MemoryPair pair = connect_in_memory(turns_, {.first = {}, .second = address});
  if (endpoint.conduct) endpoint.conduct(*pair.wire);
  std::unique_ptr<net::Transport> transport = std::move(pair.first);
  endpoint.connections.push_back(std::make_unique<FakeConnection>(std::move(pair)));
  return transport;
}

std::unique_ptr<net::Transport> FakeUpstream::relay(FakeEndpoint& endpoint, const net::Peer& address) {
  MemoryPair pair = connect_in_memory(turns_, {.first = {}, .second = address});
  bool is_first = true;  // the dial itself has counted it
  relays_.push_back(
      std::make_unique<EndpointRelay>(turns_, std::move(pair.second), [=, this, &endpoint]() mutable {
        if (!std::exchange(is_first, false)) ++endpoint.dials;
        return connect(endpoint, address);
      }));
  return std::move(pair.first);
}

bool FakeUpstream::fill() {
  bool busy = false;
  for (auto& [port, endpoint] : endpoints_) {
    for (size_t i = 0; i < endpoint.connections.size(); ++i) {
      FakeConnection& connection = *endpoint.connections[i];
      if (!std::exchange(connection.news_, false)) continue;
      busy = true;
      if (endpoint.behaviour) endpoint.behaviour(connection);
    }
  }
  return busy;
}

Behaviour answers(std::string response) {
  return answers_with([response = std::move(response)](const HttpMessage&) { return response; });
}

Behaviour answers_with(std::function<std::string(const HttpMessage&)> make) {
  return [make = std::move(make)](FakeConnection& connection) {
    while (const auto request = connection.take_request()) connection.send(make(*request));
  };
}

Behaviour closes_after(std::string response, size_t size) {
  return [part = response.substr(0, size)](FakeConnection& connection) {
    if (!connection.take_request()) return;
    connection.send(part);
    connection.finish();
  };
}

Behaviour resets_after(std::string response, size_t size) {
  return [part = response.substr(0, size)](FakeConnection& connection) {
    if (!connection.take_request()) return;
    connection.wire().to_first.reset_at = connection.wire().to_first.sent + part.size();
    connection.send(part);
  };
}

Behaviour says_nothing() {
  return [](FakeConnection& connection) { static_cast<void>(connection.take_request()); };
}

Behaviour accepts_websocket(std::string fields, std::string early) {
  return [fields = std::move(fields), early = std::move(early)](FakeConnection& connection) {
    const auto request = connection.take_request();
    if (!request) return;
    connection.switched = true;
    connection.send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        accept_of(request->field("Sec-WebSocket-Key")) + "\r\n" + fields + "\r\n" + early);
  };
}

std::string accept_of(std::string_view key) {
  const crypto::Sha1Digest digest = crypto::sha1(std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  return crypto::encode_base64(crypto::as_bytes(digest));
}

}  // namespace postern::support
