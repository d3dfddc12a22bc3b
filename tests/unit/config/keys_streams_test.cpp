#include <doctest/doctest.h>

#include "config/compile.h"
#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;
using namespace std::chrono_literals;

namespace {

std::string file(const std::string& top, const std::string& route = "{}", const std::string& upstream = "") {
  return "listeners: [{ address: \"127.0.0.1:0\" }]\n"
         "event_streams: " +
         top +
         "\n"
         "upstreams: { app: { endpoints: [\"http://127.0.0.1:1\"]" +
         (upstream.empty() ? "" : ", " + upstream) +
         " } }\n"
         "routes: [{ upstream: app, event_streams: " +
         route + " }]\n";
}

routing::StreamRules read(const std::string& top, const std::string& route = "{}") {
  const auto document = load_named(file(top, route), "a.yaml", environment_of({}));
  REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text()));
  return document->routes.at(0).streams;
}

UpstreamDocument upstream_of(const std::string& keys) {
  const auto document = load_named(file("{}", "{}", keys), "a.yaml", environment_of({}));
  REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text()));
  return document->upstreams.at(0);
}

std::string problem(const std::string& top, const std::string& keys = "") {
  const auto document = load_named(file(top, "{}", keys), "a.yaml", environment_of({}));
  return document ? "" : document.error().text();
}

uint64_t fingerprint(const std::string& top) {
  const auto document = load_named(file(top), "a.yaml", environment_of({}));
  net::TicketKeys tickets;
  Diagnostics notes;
  const auto snapshot = compile(*document, {.tickets = tickets}, notes);
  REQUIRE(snapshot.has_value());
  return (*snapshot)->routes.routes().at(0).stream_fingerprint;
}

}  // namespace

TEST_CASE("event_streams: what is usual, and what a route says of it") {
  const routing::StreamRules usual = read("{}");
  CHECK(usual.comment_interval == base::no_limit);
  CHECK(usual.ends_with_token);
  CHECK_FALSE(usual.limits.any());
  const routing::StreamRules rules =
      read("{ comment_interval: 15s, open: { total: 9, per_client: 3, per_subject: 2 } }",
           "{ on_token_expiry: keep, open: { per_client: none } }");
  CHECK(rules.comment_interval == 15s);
  CHECK_FALSE(rules.ends_with_token);
  CHECK(rules.limits.all == 9);
  CHECK(rules.limits.per_client == 0);
  CHECK(rules.limits.per_subject == 2);
  CHECK(read("{ comment_interval: 15s }", "{ comment_interval: none }").comment_interval == base::no_limit);
  CHECK_FALSE(usual.expiry_notice);
  const auto notice = read("{ expiry_notice: { before: 1m, event: expiring } }").expiry_notice;
  REQUIRE(notice);
  CHECK(notice->before == 1min);
  CHECK(notice->event == "expiring");
  CHECK(notice->data == "{}");
}

TEST_CASE("event_streams: what is wrong is told") {
  CHECK(problem("{ comment_interval: 10ms }").find("event_streams.comment_interval") != std::string::npos);
  CHECK(problem("{ comments: 15s }").find("comment") != std::string::npos);
  CHECK(problem("{ on_token_expiry: stay }").find("on_token_expiry") != std::string::npos);
  CHECK(problem("{ open: { per_client: 0 } }").find("per_client") != std::string::npos);
}

TEST_CASE("event_streams: what open streams are held to, and what only new ones are") {
  const uint64_t usual = fingerprint("{}");
  CHECK(fingerprint("{ comment_interval: none }") == usual);
  CHECK(fingerprint("{ on_token_expiry: keep }") == usual);  // the route knows no tokens
  CHECK(fingerprint("{ open: { per_client: 5 } }") == usual);
  CHECK(fingerprint("{ comment_interval: 20s }") != usual);
}

TEST_CASE("upstreams: stream_idle is none unless it is said") {
  CHECK(upstream_of("").stream_idle_limit == base::no_limit);
  CHECK(upstream_of("timeouts: { stream_idle: none }").stream_idle_limit == base::no_limit);
  CHECK(upstream_of("timeouts: { stream_idle: 24h }").stream_idle_limit == 24h);
  CHECK(problem("{}", "timeouts: { stream_idle: 0s }").find("stream_idle") != std::string::npos);
}

TEST_CASE("balance: learn has the fields, a maximum, and another balance for what is not known") {
  const UpstreamDocument short_form = upstream_of("balance: { learn: { response_header: Mcp-Session-Id } }");
  REQUIRE(short_form.learn);
  CHECK(short_form.learn->response_field == "Mcp-Session-Id");
  CHECK(short_form.learn->request_field == "Mcp-Session-Id");
  CHECK(short_form.learn->values_max == 100'000);
  CHECK(short_form.balance == upstream::Balance::round_robin);
  const UpstreamDocument whole = upstream_of(
      "balance: { learn: { response_header: X-New, request_header: X-Old, otherwise: least_connections, "
      "values: "
      "500 } }");
  CHECK(whole.learn->response_field == "X-New");
  CHECK(whole.learn->request_field == "X-Old");
  CHECK(whole.learn->values_max == 500);
  CHECK(whole.balance == upstream::Balance::least_connections);
}

TEST_CASE("balance: what is wrong with learn is told") {
  CHECK(problem("{}", "balance: { learn: { request_header: X } }").find("response_header") !=
        std::string::npos);
  CHECK(problem("{}", "balance: { learn: { response_header: \"a b\" } }").find("response_header") !=
        std::string::npos);
  CHECK(problem("{}", "balance: { learn: { response_header: X, otherwise: hash } }").find("otherwise") !=
        std::string::npos);
  CHECK(problem("{}", "balance: { learn: { response_header: X, values: 3 } }").find("values") !=
        std::string::npos);
  CHECK(problem("{}", "balance: { learn: { response_header: X }, hash: client_address }")
            .find("stands beside learn") != std::string::npos);
  CHECK(problem("{}",
                "balance: { learn: { response_header: X } }, sticky: { secret: "
                "0123456789abcdef0123456789abcdef }")
            .find("an upstream has one of the two") != std::string::npos);
}
