#include "config/decode.h"

#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("decode: name servers and their time limit") {
  const auto loaded = load("resolver: { nameservers: [10.0.0.53, \"[::1]:5353\"], timeout: 500ms }\n" + rest);
  REQUIRE(loaded.has_value());
  REQUIRE(loaded->resolver.nameservers.size() == 2);
  CHECK(loaded->resolver.nameservers[0].text() == "10.0.0.53:53");
  CHECK(loaded->resolver.nameservers[1].text() == "[::1]:5353");
  CHECK(loaded->resolver.timeout == Milliseconds(500));
  CHECK(load(rest)->resolver.nameservers.empty());
  CHECK(load(rest)->resolver.timeout == Milliseconds(2000));
  CHECK(said_of_part("resolver: { nameservers: [] }") ==
        "f:1:26 resolver.nameservers: is empty; leave it out to ask the system's name servers\n");
  CHECK(said_of_part("resolver: { nameservers: [ns.example] }")
            .starts_with("f:1:27 resolver.nameservers[0]: \"ns.example\" is not an address"));
  CHECK(said_of_part("resolver: { timeout: 31s }")
            .starts_with("f:1:22 resolver.timeout: \"31s\" is out of range"));
  const auto servers = [](size_t count) {
    std::string list;
    for (size_t i = 0; i < count; ++i)
      list += (i ? ", " : "") + std::string("10.0.0.") + std::to_string(i + 1);
    return "resolver: { nameservers: [" + list + "] }";
  };
  CHECK(said_of_part(servers(8)).empty());
  CHECK_FALSE(said_of_part(servers(9)).empty());
}

TEST_CASE("decode: what the file does not say has the defaults of the structs") {
  const auto loaded = load(rest);
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.empty());
  CHECK(loaded->file == "f");
  CHECK(loaded->workers == 0);
  CHECK(loaded->request_id_header == "X-Request-Id");
  CHECK(loaded->limits.listener.server.message.head_size == proxy::ListenerLimits{}.server.message.head_size);
  REQUIRE(loaded->listeners.size() == 1);
  CHECK(loaded->listeners[0].host == "127.0.0.1");
  CHECK(loaded->listeners[0].port == 0);
  CHECK_FALSE(loaded->listeners[0].tls.has_value());
  REQUIRE(loaded->routes.size() == 1);
  CHECK(loaded->routes[0].name == "routes[0]");
  CHECK(loaded->routes[0].paths == std::vector<std::string>{"/"});
  CHECK_FALSE(loaded->routes[0].exact);
  CHECK(loaded->routes[0].upstream == "api");
  CHECK_FALSE(loaded->routes[0].limits.body_size.has_value());
}

TEST_CASE("decode: the top level takes every key") {
  const auto loaded = load(
      "workers: 2\n"
      "trusted_proxies: [\"10.0.0.0/8\", \"::1\"]\n"
      "via: true\n"
      "request_id: X-Trace\n" +
      rest);
  REQUIRE(loaded.has_value());
  CHECK(loaded->workers == 2);
  CHECK(loaded->trusted_proxies.contains(*base::IpAddress::parse("10.9.8.7")));
  CHECK(loaded->trusted_proxies.contains(*base::IpAddress::parse("::1")));
  CHECK_FALSE(loaded->trusted_proxies.contains(*base::IpAddress::parse("::2")));
  CHECK(loaded->via);
  CHECK(loaded->request_id_header == "X-Trace");
  CHECK(load("request_id: false\n" + rest)->request_id_header.empty());
  CHECK(load("workers: auto\n" + rest)->workers == 0);
}

TEST_CASE("decode: the top level says what is wrong with each value") {
  CHECK(said_of_part("workers: 0") == "f:1:10 workers: \"0\" is out of range: 1 to 1024\n");
  CHECK(said_of_part("workers: 010") == "f:1:10 workers: \"010\" begins with a zero; write \"10\"\n");
  CHECK(said_of_part("via: no") == "f:1:6 via: \"no\" is neither true nor false; write \"false\"\n");
  CHECK(said_of_part("via: [true]") == "f:1:6 via: must be a single value\n");
  CHECK(said_of_part("via: \"\"") == "f:1:6 via: is empty\n");
  CHECK(said_of_part("request_id: a b").starts_with("f:1:13 request_id: \"a b\" is not a header name"));
  CHECK(said_of_part("request_id: Connection")
            .starts_with("f:1:13 request_id: \"Connection\" is a hop-by-hop field"));
  CHECK(said_of_part("trusted_proxies: 10.0.0.0/8") ==
        "f:1:18 trusted_proxies: must be a list; write [10.0.0.0/8]\n");
  CHECK(said_of_part("trusted_proxies: [10.1.0.0/8]") ==
        "f:1:19 trusted_proxies[0]: \"10.1.0.0/8\" has bits set behind its prefix; write \"10.0.0.0/8\"\n");
  CHECK(said_of_part("trusted_proxies: [\"::/0\"]")
            .starts_with("f:1:19 warning: trusted_proxies[0]: trusts every"));
  CHECK(said_of_part("limit: {}") == "f:1:1 limit: unknown key \"limit\"; did you mean \"limits\"?\n");
  CHECK(said_of_part("zzz: {}") == "f:1:1 zzz: unknown key \"zzz\" (postern reference prints every key)\n");
  CHECK(said_of_part("via:") ==
        "f:1:1 via: has no value (null and ~ need quotes to be a text); it must be a single value\n");
}

TEST_CASE("decode: upstreams take every key") {
  const auto loaded = load(
      "listeners: [{ address: \":0\" }]\n"
      "upstreams:\n"
      "  api:\n"
      "    endpoints: [\"http://127.0.0.1:3001\", \"https://api.internal:8443\"]\n"
      "    balance: least_connections\n"
      "    ca: internal-ca.pem\n"
      "    insecure: true\n"
      "    server_name: api.internal\n"
      "    timeouts: { connect: 1s, response: 2s, idle: 3s, keepalive: 4s }\n"
      "    keepalive_connections: 7\n"
      "    retries: 0\n"
      "routes: [{ upstream: api }, { upstream: \"http://[::1]:9\", match: { path: /a } },\n"
      "         { upstream: \"http://[::1]:9\", match: { path: /b } }]\n");
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.text().starts_with("f:7:15 warning: upstreams.api.insecure: "));
  REQUIRE(loaded->upstreams.size() == 2);
  const UpstreamDocument& api = loaded->upstreams[0];
  CHECK(api.name == "api");
  CHECK(api.location == SourceLocation{3, 3});
  REQUIRE(api.endpoints.size() == 2);
  CHECK(api.endpoints[1].tls);
  CHECK(api.endpoints[1].location == SourceLocation{4, 42});
  CHECK(api.balance == upstream::Balance::least_connections);
  CHECK(api.ca == "internal-ca.pem");
  CHECK(api.insecure);
  CHECK(api.server_name == "api.internal");
  CHECK(api.connect_limit == milliseconds(1000));
  CHECK(api.response_limit == milliseconds(2000));
  CHECK(api.idle_limit == milliseconds(3000));
  CHECK(api.keepalive == milliseconds(4000));
  CHECK(api.keepalive_connections == 7);
  CHECK(api.retries.attempts == 0);
  CHECK(loaded->upstreams[1].name == "http://[::1]:9");
  CHECK(loaded->upstreams[1].endpoints[0].host == "::1");
  CHECK(loaded->routes[2].upstream == "http://[::1]:9");
}

TEST_CASE("decode: upstreams say what is wrong with each value") {
  const auto said = [](const std::string& upstream) {
    return said_of(
        "listeners: [{ address: \":0\" }]\nroutes: [{ upstream: u }]\nupstreams:\n  u: " + upstream + "\n");
  };
  CHECK(said("{ endpoints: [] }") ==
        "f:4:19 upstreams.u.endpoints: is empty; an upstream needs an endpoint\n");
  CHECK(said("{}") == "f:4:6 upstreams.u.endpoints: is missing\n");
  CHECK(said("http://a") == "f:4:6 upstreams.u: must be a map; write { endpoints: [\"http://a\"] }\n");
  CHECK(said("{ endpoints: [\"http://a/b\"] }")
            .starts_with("f:4:20 upstreams.u.endpoints[0]: \"http://a/b\" has a path"));
  CHECK(said("{ endpoints: [\"http://a\", \"http://a\"] }") ==
        "f:4:32 upstreams.u.endpoints[1]: \"http://a\" stands in line 4 already\n");
  const std::string good = "{ endpoints: [\"http://a\"], ";
  CHECK(said(good + "balance: rondrobin }") ==
        "f:4:42 upstreams.u.balance: \"rondrobin\" is not one of round_robin, least_connections, "
        "power_of_two_choices or random; did you mean \"round_robin\"?\n");
  CHECK(said(good + "timeouts: { connect: 5 } }") ==
        "f:4:54 upstreams.u.timeouts.connect: \"5\" has no unit; write 500ms, 5s, 2m or 1h\n");
  CHECK(said(good + "timeouts: { connect: 0s } }") ==
        "f:4:54 upstreams.u.timeouts.connect: \"0s\" is out of range: 1ms to 24h\n");
  CHECK(said(good + "timeouts: { connect: 25h } }").find("is out of range") != std::string::npos);
  CHECK(said(good + "retries: 11 }") == "f:4:42 upstreams.u.retries: \"11\" is out of range: 0 to 10\n");
  CHECK(said(good + "server_name: a/b }") == "f:4:46 upstreams.u.server_name: \"a/b\" is not a host name\n");
}

namespace {

std::string said_of_upstream(const std::string& upstream) {
  return said_of("listeners: [{ address: \":0\" }]\nroutes: [{ upstream: u }]\nupstreams:\n  u: " + upstream +
                 "\n");
}

}  // namespace

TEST_CASE("decode: endpoints are URLs, or maps with more to say") {
  const auto loaded = load(
      "listeners: [{ address: \":0\" }]\n"
      "upstreams:\n"
      "  api:\n"
      "    endpoints:\n"
      "      - http://a:1\n"
      "      - { url: \"https://b:2\", weight: 3, backup: true, max_requests: 200 }\n"
      "      - url: http://c\n"
      "    slow_start: 30s\n"
      "routes: [{ upstream: api }]\n");
  REQUIRE(loaded.has_value());
  const UpstreamDocument& api = loaded->upstreams[0];
  REQUIRE(api.endpoints.size() == 3);
  CHECK(api.endpoints[0].weight == 1);
  CHECK_FALSE(api.endpoints[0].backup);
  CHECK(api.endpoints[0].max_requests == 0);
  CHECK(api.endpoints[1].tls);
  CHECK(api.endpoints[1].host == "b");
  CHECK(api.endpoints[1].text == "https://b:2");
  CHECK(api.endpoints[1].weight == 3);
  CHECK(api.endpoints[1].backup);
  CHECK(api.endpoints[1].max_requests == 200);
  CHECK(api.endpoints[1].location == SourceLocation{6, 9});
  CHECK(api.endpoints[2].host == "c");
  CHECK(api.slow_start == std::chrono::seconds(30));
}

TEST_CASE("decode: endpoint maps say what is wrong with each value") {
  CHECK(said_of_upstream("{ endpoints: [{ weight: 2 }] }") ==
        "f:4:20 upstreams.u.endpoints[0].url: is missing\n");
  CHECK(said_of_upstream("{ endpoints: [{ url: \"http://a\", wieght: 2 }] }") ==
        "f:4:39 upstreams.u.endpoints[0].wieght: unknown key \"wieght\"; did you mean \"weight\"?\n");
  for (const char* weight : {"0", "1001"})
    CHECK(said_of_upstream("{ endpoints: [{ url: \"http://a\", weight: " + std::string(weight) + " }] }") ==
          "f:4:47 upstreams.u.endpoints[0].weight: \"" + std::string(weight) +
              "\" is out of range: 1 to 1000\n");
  CHECK(said_of_upstream("{ endpoints: [{ url: \"http://a\", max_requests: 0 }] }") ==
        "f:4:53 upstreams.u.endpoints[0].max_requests: \"0\" is out of range: 1 to 1000000\n");
  CHECK(said_of_upstream("{ endpoints: [\"http://a\", { url: \"http://a\" }] }") ==
        "f:4:32 upstreams.u.endpoints[1]: this endpoint stands in line 4 already\n");
  CHECK(said_of_upstream("{ endpoints: [{ url: \"http://a\", backup: true }] }") ==
        "f:4:19 upstreams.u.endpoints: has backups only; one endpoint at least must be none\n");
  CHECK(said_of_upstream("{ endpoints: [\"http://a\"], slow_start: 2h }") ==
        "f:4:45 upstreams.u.slow_start: \"2h\" is out of range: 0s to 1h\n");
}

TEST_CASE("decode: a balance is a word, or what to hash") {
  const auto balance = [](const std::string& text) {
    const auto loaded = load(
        "listeners: [{ address: \":0\" }]\nroutes: [{ upstream: u }]\n"
        "upstreams: { u: { endpoints: [\"http://a\"], balance: " +
        text + " } }\n");
    REQUIRE(loaded.has_value());
    return std::tuple(loaded->upstreams[0].balance, loaded->upstreams[0].hash.kind,
                      loaded->upstreams[0].hash.name);
  };
  using Kind = upstream::HashSource::Kind;
  CHECK(balance("round_robin") == std::tuple(upstream::Balance::round_robin, Kind::client_address, ""));
  CHECK(balance("least_connections") ==
        std::tuple(upstream::Balance::least_connections, Kind::client_address, ""));
  CHECK(balance("power_of_two_choices") ==
        std::tuple(upstream::Balance::power_of_two_choices, Kind::client_address, ""));
  CHECK(balance("random") == std::tuple(upstream::Balance::random, Kind::client_address, ""));
  CHECK(balance("{ hash: client_address }") == std::tuple(upstream::Balance::hash, Kind::client_address, ""));
  CHECK(balance("{ hash: { header: X-User } }") ==
        std::tuple(upstream::Balance::hash, Kind::header, "X-User"));
  CHECK(balance("{ hash: { cookie: sid } }") == std::tuple(upstream::Balance::hash, Kind::cookie, "sid"));
  CHECK(balance("{ hash: { query: room } }") == std::tuple(upstream::Balance::hash, Kind::query, "room"));

  const auto said = [](const std::string& text) {
    return said_of_upstream("{ endpoints: [\"http://a\"], balance: " + text + " }");
  };
  CHECK(
      said("hash") ==
      "f:4:42 upstreams.u.balance: needs what to hash: { hash: client_address } or { hash: { header: NAME } "
      "}\n");
  CHECK(said("{}") == "f:4:42 upstreams.u.balance.hash: is missing\n");
  CHECK(said("{ hash: client }") ==
        "f:4:50 upstreams.u.balance.hash: \"client\" is not client_address; did you mean "
        "\"client_address\"?\n");
  CHECK(said("{ hash: {} }") ==
        "f:4:50 upstreams.u.balance.hash: names one of header, cookie and query, or is client_address\n");
  CHECK(said("{ hash: { header: A, query: b } }") ==
        "f:4:50 upstreams.u.balance.hash: names one of header, cookie and query, or is client_address\n");
  CHECK(said("{ hash: { header: \"a b\" } }").find("is not a header name") != std::string::npos);
  CHECK(said("{ hash: { cookie: \"a=b\" } }").find("is not a cookie name") != std::string::npos);
  CHECK(said("[a]").find("must be a single value") != std::string::npos);
}

namespace {

const std::string sticky_secret = "0123456789abcdef0123456789abcdef";

}  // namespace

TEST_CASE("decode: a queue and a sticky cookie take every key, and have defaults") {
  const auto loaded = load(
      "listeners: [{ address: \":0\" }]\n"
      "upstreams:\n"
      "  a: { endpoints: [{ url: http://a, max_requests: 1 }], queue: {}, sticky: { secret: " +
      sticky_secret +
      " } }\n"
      "  b:\n"
      "    endpoints: [{ url: http://a, max_requests: 1 }]\n"
      "    queue: { size: 7, timeout: 250ms }\n"
      "    sticky: { secret: \"" +
      sticky_secret +
      "\", cookie: r, ttl: 90s, path: /x, secure: true, same_site: none }\n"
      "routes: [{ upstream: a }]\n");
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.text() == "");
  const UpstreamDocument& a = loaded->upstreams[0];
  CHECK(a.queue->size == 100);
  CHECK(a.queue->timeout == std::chrono::seconds(5));
  CHECK(a.sticky->cookie == "postern_route");
  CHECK(a.sticky->ttl == std::chrono::hours(1));
  CHECK(a.sticky->path == "/");
  CHECK(a.sticky->secure == StickyDocument::Secure::when_tls);
  CHECK(a.sticky->same_site == StickyDocument::SameSite::lax);
  CHECK(a.sticky->secret == sticky_secret);
  const UpstreamDocument& b = loaded->upstreams[1];
  CHECK(b.queue->size == 7);
  CHECK(b.queue->timeout == milliseconds(250));
  CHECK(b.sticky->cookie == "r");
  CHECK(b.sticky->ttl == std::chrono::seconds(90));
  CHECK(b.sticky->path == "/x");
  CHECK(b.sticky->secure == StickyDocument::Secure::always);
  CHECK(b.sticky->same_site == StickyDocument::SameSite::none);
}

TEST_CASE("decode: a queue says what is wrong with it") {
  const std::string limited = "{ endpoints: [{ url: \"http://a\", max_requests: 1 }], queue: ";
  CHECK(said_of_upstream(limited + "{ size: 0 } }").find("out of range: 1 to 1000000") != std::string::npos);
  CHECK(said_of_upstream(limited + "{ timeout: 0s } }").find("out of range: 1ms to 1h") != std::string::npos);
  CHECK(said_of_upstream(limited + "{ wait: 1s } }").find("unknown key \"wait\"") != std::string::npos);
  CHECK(said_of_upstream("{ endpoints: [\"http://a\"], queue: {} }")
            .find("warning: upstreams.u.queue: nobody will ever wait: no endpoint has max_requests") !=
        std::string::npos);
}

TEST_CASE("decode: a sticky cookie says what is wrong with it, and never its secret") {
  const auto said = [](const std::string& sticky) {
    return said_of_upstream("{ endpoints: [\"http://a\"], sticky: " + sticky + " }");
  };
  const std::string good = "{ secret: " + sticky_secret + ", ";
  CHECK(said("{}") == "f:4:41 upstreams.u.sticky.secret: is missing\n");
  const std::string weak = said("{ secret: 0123456789abcdef0123456789abcde }");
  CHECK(weak.find("upstreams.u.sticky.secret: is shorter than 32 bytes") != std::string::npos);
  CHECK(weak.find("0123456789") == std::string::npos);
  CHECK(said(good + "cookie: \"a b\" }").find("is not a cookie name") != std::string::npos);
  CHECK(said(good + "ttl: 999ms }").find("is out of range: 1s to") != std::string::npos);
  CHECK(said(good + "path: x }").find("is not the path of a cookie") != std::string::npos);
  CHECK(said(good + "path: \"/x; Domain=evil\" }").find("is not the path of a cookie") != std::string::npos);
  CHECK(said(good + "secure: yes }").find("is not one of auto, true or false") != std::string::npos);
  CHECK(said(good + "same_site: no }").find("is not one of lax, strict or none") != std::string::npos);
  CHECK(said(good + "secure: false, same_site: none }").find("browsers take such a cookie over https only") !=
        std::string::npos);
}

TEST_CASE("decode: a name is for logs and metrics, and an upstream's name is never a URL") {
  CHECK(
      said_of_part("jwt: { \"a b\": { secret: 0123456789012345678901234567890123, algorithms: [HS256] } }") ==
      "f:1:8 jwt.a b: \"a b\" is not a name (letters, digits, \".\", \"_\" and \"-\", at most 64)\n");
  CHECK(said_of("listeners: [{ address: \":0\" }]\nroutes: [{ upstream: \"http://a\" }]\n"
                "upstreams: { \"http://a\": { endpoints: [\"http://b\"] } }\n")
            .starts_with("f:3:14 upstreams.http://a: \"http://a\" is not a name"));
}

TEST_CASE("decode: limits take every key") {
  const auto loaded = load(
      "limits: { head_size: 64KiB, target_size: 4k, header_fields: 50, body_size: 1M, connections: 9,\n"
      "  tls_handshake_timeout: 1s, request_head_timeout: 2s, keepalive_timeout: 3s, idle_timeout: 4s,\n"
      "  request_timeout: 9s, request_body_rate: 1KiB/s, response_body_rate: none, requests_per_connection: "
      "7,\n"
      "  connections_per_client: none, tunnel_idle_timeout: 8h, drain_timeout: 500ms, tunnel_drain: { rate: "
      "5%, minimum: 3, within: 9s } "
      "}\n" +
      rest);
  REQUIRE(loaded.has_value());
  const LimitsDocument& limits = loaded->limits;
  CHECK(limits.listener.server.message.head_size == 65536u);
  CHECK(limits.listener.server.message.target_size == 4096u);
  CHECK(limits.listener.server.message.fields == 50u);
  CHECK(limits.listener.transfer.body_size == 1048576u);
  CHECK(limits.connections == 9);
  CHECK(limits.listener.tls_handshake == seconds(1));
  CHECK(limits.listener.server.request_head == seconds(2));
  CHECK(limits.listener.server.keepalive == seconds(3));
  CHECK(limits.listener.transfer.idle == seconds(4));
  CHECK(limits.listener.transfer.tunnel_idle == std::chrono::hours(8));
  CHECK(limits.listener.transfer.request == seconds(9));
  CHECK(limits.listener.transfer.request_rate == 1024u);
  CHECK(limits.listener.transfer.response_rate == 0u);
  CHECK(limits.listener.server.requests == 7u);
  CHECK(limits.listener.connections_per_client == 0u);
  CHECK(limits.drain_timeout == milliseconds(500));
  CHECK(limits.tunnel_drain.percent == 5);
  CHECK(limits.tunnel_drain.least == 3);
  CHECK(limits.tunnel_drain.within == seconds(9));
  CHECK(load("limits: { body_size: none }\n" + rest)->limits.listener.transfer.body_size == 0u);
}

TEST_CASE("decode: a listener and a route have limits of their own") {
  const auto loaded = load(
      "listeners: [{ address: \":0\", limits: { head_size: 4KiB, body_size: 1MiB, request_timeout: none } "
      "}]\n"
      "routes: [{ upstream: \"http://a\", limits: { body_size: 2MiB, idle_timeout: 5s, request_body_rate: "
      "1B/s } }]\n");
  REQUIRE(loaded.has_value());
  const proxy::ListenerLimits& listener = loaded->listeners[0].limits;
  CHECK(listener.server.message.head_size == 4096u);
  CHECK(listener.transfer.body_size == 1048576u);
  CHECK(listener.transfer.request == postern::base::no_limit);
  CHECK(listener.transfer.idle == proxy::ListenerLimits{}.transfer.idle);
  const postern::routing::RouteLimits& route = loaded->routes[0].limits;
  CHECK(route.body_size == 2097152u);
  CHECK(route.idle == seconds(5));
  CHECK(route.request_rate == 1u);
  CHECK_FALSE(route.request.has_value());
}

TEST_CASE("decode: a listener has the limits of the file but for those that it says, wherever they stand") {
  const std::string listeners =
      "listeners: [{ address: \":0\", limits: { head_size: 4KiB, requests_per_connection: 5 } }, { address: "
      "\":0\" }]\n";
  const std::string limits = "limits: { head_size: 2KiB, connections_per_client: 3, idle_timeout: 8s }\n";
  const std::string routes = "routes: [{ upstream: \"http://a\" }]\n";
  for (const std::string& text : {listeners + limits + routes, limits + listeners + routes}) {
    const auto loaded = load(text);
    REQUIRE(loaded.has_value());
    const proxy::ListenerLimits& own = loaded->listeners[0].limits;
    CHECK(own.server.message.head_size == 4096);
    CHECK(own.server.requests == 5);
    CHECK(own.connections_per_client == 3);
    CHECK(own.transfer.idle == seconds(8));
    CHECK(loaded->listeners[1].limits.server.message.head_size == 2048);
    CHECK(loaded->listeners[1].limits.server.requests == proxy::ListenerLimits{}.server.requests);
  }
}

TEST_CASE("decode: limits say what is out of range") {
  CHECK(said_of_part("limits: { request_body_rate: 240 }")
            .find("\"240\" is not for a second (write 240B/s, or none)") != std::string::npos);
  CHECK(said_of_part("limits: { request_body_rate: 0B/s }").find("is out of range: 1B/s to 1GiB/s") !=
        std::string::npos);
  CHECK(said_of_part("limits: { requests_per_connection: 0 }").find("is out of range: 1 to") !=
        std::string::npos);
  CHECK(said_of_part("limits: { connections_per_client: some }").find("is not a number") !=
        std::string::npos);
  CHECK(said_of("listeners: [{ address: \":0\", limits: { connections: 5 } }]\nroutes: [{ upstream: "
                "\"http://a\" }]\n")
            .find("listeners[0].limits.connections: unknown key \"connections\"") != std::string::npos);
  CHECK(said_of("listeners: [{ address: \":0\" }]\n"
                "routes: [{ upstream: \"http://a\", body_size: 1MiB, limits: { body_size: 2MiB } }]\n")
            .find("stands in limits as well; a route has one of the two") != std::string::npos);
  CHECK(said_of_part("limits: { tunnel_drain: { rate: 5 } }") ==
        "f:1:33 limits.tunnel_drain.rate: \"5\" has no percent sign; write \"5%\"\n");
  CHECK(said_of_part("limits: { tunnel_drain: { minimum: 0 } }") ==
        "f:1:36 limits.tunnel_drain.minimum: \"0\" is out of range: 1 to 1000000\n");
  CHECK(said_of_part("limits: { head_size: 10 }") ==
        "f:1:22 limits.head_size: \"10\" is out of range: 1KiB to 1MiB\n");
  CHECK(said_of_part("limits: { body_size: 0 }") ==
        "f:1:22 limits.body_size: \"0\" would refuse every body, or none; for no limit; write \"none\"\n");
  CHECK(said_of_part("limits: { header_fields: 0x10 }") ==
        "f:1:26 limits.header_fields: \"0x10\" is not a number (write decimal digits and nothing else)\n");
  CHECK(said_of_part("limits: { head_size: none }")
            .starts_with("f:1:22 limits.head_size: \"none\" is not possible here; write 1MiB at most"));
}

TEST_CASE("decode: the log takes every key, and adds to the list of redacted parameters") {
  const auto loaded = load(
      "log: { format: text, level: warn, access: false, output: /var/log/postern.log, redact: [ticket, "
      "token] }\n"
      "jwt: { j: { secret: 0123456789012345678901234567890123, algorithms: [HS256], from: [{ query: t }] } "
      "}\n" +
      rest);
  REQUIRE(loaded.has_value());
  CHECK(loaded->log.format == telemetry::LogFormat::text);
  CHECK(loaded->log.level == base::Severity::warn);
  CHECK_FALSE(loaded->log.access);
  CHECK(loaded->log.output == "/var/log/postern.log");
  std::vector<std::string> expected = LogDocument{}.redact;
  expected.insert(expected.end(), {"ticket", "t"});
  CHECK(loaded->log.redact == expected);
  CHECK(said_of_part("log: { level: warning }") ==
        "f:1:15 log.level: \"warning\" is not one of debug, info, warn or error; did you mean \"warn\"?\n");
}

TEST_CASE("document: forwarded is a word") {
  const auto mode = [](const std::string& word) {
    return load("forwarded: " + word + "\n" + rest)->forwarded;
  };
  CHECK(mode("x_forwarded") == ForwardedMode::x_forwarded);
  CHECK(mode("rfc7239") == ForwardedMode::rfc7239);
  CHECK(mode("both") == ForwardedMode::both);
  CHECK(mode("off") == ForwardedMode::off);
  CHECK(load(rest)->forwarded == ForwardedMode::x_forwarded);
  CHECK(said_of_part("forwarded: rfc7329").find("did you mean \"rfc7239\"?") != std::string::npos);
}

TEST_CASE("document: error pages have statuses for keys") {
  const auto loaded =
      load("error_pages: { detail: full, 404: a.html, 4xx: [b.html, b.json], 599: c.txt }\n" + rest);
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.empty());
  CHECK(loaded->error_pages.full_detail);
  REQUIRE(loaded->error_pages.pages.size() == 4);
  CHECK(loaded->error_pages.pages[1].first == 400);
  CHECK(loaded->error_pages.pages[2].last == 499);
  CHECK(loaded->error_pages.pages[2].file == "b.json");
  for (const char* key : {"399", "600", "40", "4044", "4x", "xxx", "4xX", "+40", "details"}) {
    CAPTURE(key);
    CHECK(said_of_part("error_pages: { " + std::string(key) + ": a.html }").find("unknown key") !=
          std::string::npos);
  }
  CHECK(said_of_part("error_pages: { detail: all }").find("is not safe or full") != std::string::npos);
  CHECK(said_of("error_pages: { detail: full }\nlisteners: [{ address: \":80\" }]\nroutes: [{ upstream: "
                "\"http://127.0.0.1:1\" }]\n")
            .find("warning: error_pages.detail: full tells strangers") != std::string::npos);
}
