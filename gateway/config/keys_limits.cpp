#include "config/keys_limits.h"

#include <chrono>

namespace postern::config {
namespace {

using namespace std::chrono_literals;
using proxy::ListenerLimits;

constexpr uint64_t kibi = 1024;
constexpr uint64_t mebi = 1024 * 1024;

const Keys<tunnel::DrainRate>& tunnel_drain_keys() {
  static const auto keys =
      Keys<tunnel::DrainRate>("tunnel_drain")
          .key("rate", &tunnel::DrainRate::percent, percentage(),
               "The share of the WebSockets and event streams to be ended that is ended per second. It is "
               "raised where minimum or within needs more.")
          .key("minimum", &tunnel::DrainRate::least, number(1, 1'000'000),
               "The least number of WebSockets and event streams that are ended per second, in the whole "
               "process.")
          .key("within", &tunnel::DrainRate::within, duration(1ms, 24h),
               "The time within which all WebSockets and event streams to be ended get their close, "
               "however small rate and minimum are. In a shutdown it is at most half of drain_timeout.");
  return keys;
}

// The limits of a request and its response, for two structures: all limits of a listener, or those that a
// route sets.
template <class T>
Keys<T> transfer_keys(const T& usual) {
  return Keys<T>("route_limits", {}, usual)
      .key("body_size", &T::body_size, BodySize(),
           "The largest request body. A larger one is answered with 413; with none, there is no limit, "
           "which costs no memory since bodies are streamed.")
      .key("request_timeout", &T::request, duration(1ms, 168h, none),
           "How long a request may take from its head to the last byte of its body before it is "
           "answered with 408. With none, there is no limit.")
      .key("idle_timeout", &T::idle, duration(1ms, 24h),
           "How long a client may send no byte of a request body, or take no byte of a response body "
           "(idle timeout). A request is then answered with 408, and the connection of a response is "
           "reset. What the client's system has acknowledged counts as taken. A client that keeps "
           "response_body_rate may stand still for longer, by the time that 64KiB (a step of its "
           "receive window) take at that rate, but at most by five times this value.")
      .key("request_body_rate", &T::request_rate, byte_rate(),
           "The lowest rate at which a client must send a request body, on the average over the time "
           "that it was waited for; the first idle_timeout of that time does not count. A slower "
           "request is answered with 408; with none, there is no such limit.")
      .key("response_body_rate", &T::response_rate, byte_rate(),
           "The lowest rate at which a client must take a response body, on the average over the time "
           "that it was waited for; the first idle_timeout of that time does not count, nor does time "
           "in which the backend is slow. For a slower client the connection is reset; with none, "
           "there is no such limit.")
      .key("tunnel_idle_timeout", &T::tunnel_idle, duration(1ms, 168h),
           "How long a WebSocket may carry no byte, answers to pings included, before it is closed "
           "with the close code close_codes.idle (1001). With pings on, a WebSocket that lives is "
           "never idle, so this limit matters only where websocket.ping_interval is none or longer.");
}

}  // namespace

std::optional<uint64_t> BodySize::read(const Value& value) const {
  const auto text = value.text();
  if (!text) return std::nullopt;
  if (*text == "none") return 0;
  if (*text == "0") {
    value.refuse({"would refuse every body, or none; for no limit", "none"});
    return std::nullopt;
  }
  return value.size(1, Size::unlimited, "none");
}

const Keys<routing::RouteLimits>& route_limit_keys() {
  const routing::TransferLimits usual;
  static const auto keys = transfer_keys<routing::RouteLimits>({.body_size = usual.body_size,
                                                                .request = usual.request,
                                                                .idle = usual.idle,
                                                                .request_rate = usual.request_rate,
                                                                .response_rate = usual.response_rate,
                                                                .tunnel_idle = usual.tunnel_idle});
  return keys;
}

const Keys<ListenerLimits>& listener_limit_keys() {
  static const auto keys =
      Keys<ListenerLimits>("listener_limits")
          .key(
              "head_size", [](ListenerLimits& limits) -> size_t& { return limits.server.message.head_size; },
              size(kibi, mebi),
              "The largest head of a request: the request line and all header fields together. A larger "
              "one is answered with 431.")
          .key(
              "target_size",
              [](ListenerLimits& limits) -> size_t& { return limits.server.message.target_size; },
              size(256, mebi),
              "The longest target of a request: its path and query. A longer one is answered with 414.")
          .key(
              "header_fields", [](ListenerLimits& limits) -> size_t& { return limits.server.message.fields; },
              number(1, 10'000),
              "The maximum number of header fields in a request. A request with more is answered with 431.")
          .key(
              "requests_per_connection",
              [](ListenerLimits& limits) -> uint32_t& { return limits.server.requests; },
              number(1, 1'000'000'000, none),
              "The maximum number of requests on one connection. The last response says Connection: "
              "close, and the connection is closed; with none, there is no limit.")
          .key("connections_per_client", &ListenerLimits::connections_per_client, number(1, 10'000'000, none),
               "The maximum number of connections of one client, over all workers; a client is an address, "
               "or the /64 of an IPv6 address. One more is answered with 429 and closed, or closed at once "
               "on a TLS listener. With none, there is no limit; addresses in trusted_proxies have none, "
               "and behind proxy_protocol the client that the header names is counted.")
          .key("tls_handshake_timeout", &ListenerLimits::tls_handshake, duration(1ms, 1h),
               "How long the TLS handshake of a new connection may take before the connection is closed.")
          .key(
              "request_head_timeout",
              [](ListenerLimits& limits) -> base::Duration& { return limits.server.request_head; },
              duration(1ms, 1h),
              "How long the head of a request may take, from its first byte to its last header field, "
              "before it is answered with 408.")
          .key(
              "keepalive_timeout",
              [](ListenerLimits& limits) -> base::Duration& { return limits.server.keepalive; },
              duration(1ms, 24h),
              "How long a connection may be idle between two requests before it is closed (keep-alive "
              "timeout).")
          .include(transfer_keys(routing::TransferLimits()), &ListenerLimits::transfer);
  return keys;
}

const Keys<LimitsDocument>& limit_keys() {
  static const auto keys =
      Keys<LimitsDocument>("limits")
          .include(listener_limit_keys(), &LimitsDocument::listener)
          .key("connections", &LimitsDocument::connections, number(1, 10'000'000),
               "The maximum number of client connections of the whole process. One more is answered with "
               "503 and closed, or closed at once on a TLS listener.")
          .key("drain_timeout", &LimitsDocument::drain_timeout, duration(1ms, 24h),
               "How long requests and WebSockets may take to end in a shutdown (drain) before they are cut "
               "off.")
          .key("tunnel_drain", &LimitsDocument::tunnel_drain, map(tunnel_drain_keys),
               "How fast WebSockets are closed (close code 1012) and event streams ended (between two "
               "events) when a reload changes or removes their route or takes their endpoint away, and in "
               "a shutdown (close code 1001). A route has changed when its own keys have, or its origins "
               "or jwt (or a key of it is gone), or the websocket or event_streams rules in force on it, "
               "or the rate_limits that its message_limit and byte_limit name. A change that is for new "
               "WebSockets only closes none: rate_limit, and of websocket refuse, handshake_timeout, "
               "admission, sockets and the close_codes of refusals.");
  return keys;
}

}  // namespace postern::config
