#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/compile.h"
#include "config/schema.h"
#include "support/jwt_keys.h"
#include "support/temporary_folder.h"
#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;

namespace {

// What sockets of a route are open under: its settings, and the keys that may have signed their tokens.
struct Open {
  uint64_t settings = 0;
  std::set<uint64_t> keys;
  std::vector<uint64_t> gone;  // keys
};

// One process that takes one file after the other.
struct Process {
  // For the first route of `text`.
  Open open_under(const std::string& text, const std::string& name = "f") {
    const auto document = load_named(text, name, environment_of({}));
    REQUIRE_MESSAGE(document.has_value(), (document ? text : text + document.error().text()));
    std::vector<state::LoadedKeys> keys;
    const auto snapshot = compile(*document, {.tickets = tickets, .keys = &keys}, notes);
    REQUIRE_MESSAGE(snapshot.has_value(), (snapshot ? text : text + snapshot.error().text()));
    state.keys.take_effect(std::move(keys));
    const routing::Route& route = (*snapshot)->routes.routes().at(0);
    const state::Bindings bound = state.bind((*snapshot)->state);
    Open open{route.socket_fingerprint, {}, {}};
    for (const size_t keys : route.keys) {
      for (const uint64_t gone : bound.keys[keys]->gone()) open.gone.push_back(gone);
      for (const state::VerificationKey& key : bound.keys[keys]->view().keys->keys())
        open.keys.insert(key.number());
    }
    return open;
  }

  net::TicketKeys tickets;
  state::ProcessState state;
  Diagnostics notes;
};

// "name" signs with one key: one of a JWKS.
std::string jwk(const std::string& name, const support::SigningKey& key) {
  std::string text = base::write_json(key.public_jwk());
  return "{\"kid\":\"" + name + "\"," + text.substr(1);
}

std::string file(const std::string& top, const std::string& route = "{}",
                 const std::string& user = "rate: 9/s, by: { claim: sub }") {
  return "listeners: [{ address: \"127.0.0.1:80\" }]\n"
         "jwt: { login: { secret: 0123456789abcdef0123456789abcdef, algorithms: [HS256] } }\n"
         "rate_limits: { some: { rate: 5/s }, other: { rate: 5/s }, user: { " +
         user + " } }\nwebsocket: " + top +
         "\nroutes: [{ upstream: \"http://127.0.0.1:1\", jwt: login, websocket: " + route + " }]\n";
}

bool ends_sockets(const std::string& before, const std::string& after) {
  Process process;
  const uint64_t settings = process.open_under(before).settings;
  return process.open_under(after).settings != settings;
}

// Two maps that differ in the one key, where it counts.
struct Change {
  std::string_view key;
  std::string before;
  std::string after;
  bool ends;
};

const std::vector<Change>& changes() {
  static const std::vector<Change> all = {
      {"mode", "mode: walk", "mode: inspect", true},
      {"refuse", "refuse: auto", "refuse: close", false},
      {"ping_interval", "ping_interval: 20s", "ping_interval: 30s", true},
      {"pong_timeout", "pong_timeout: 20s", "pong_timeout: 30s", true},
      {"on_token_expiry", "on_token_expiry: close", "on_token_expiry: keep", true},
      {"token_grace", "token_grace: 5s", "token_grace: 6s", true},
      {"expiry_notice.before", "expiry_notice: { before: 5s }", "expiry_notice: { before: 6s }", true},
      {"expiry_notice.message", "expiry_notice: { message: a }", "expiry_notice: { message: b }", true},
      {"renewal_message.type", "renewal_message: { type: a, token: /t }",
       "renewal_message: { type: b, token: /t }", true},
      {"renewal_message.type_field", "renewal_message: { type: a, token: /t, type_field: /x }",
       "renewal_message: { type: a, token: /t, type_field: /y }", true},
      {"renewal_message.token", "renewal_message: { type: a, token: /t }",
       "renewal_message: { type: a, token: /u }", true},
      {"renewal_message.pass", "renewal_message: { type: a, token: /t }",
       "renewal_message: { type: a, token: /t, pass: true }", true},
      {"max_age", "max_age: 5h", "max_age: 6h", true},
      {"heartbeat.interval", "heartbeat: { interval: 5s }", "heartbeat: { interval: 6s }", true},
      {"heartbeat.message", "heartbeat: { message: a }", "heartbeat: { message: b }", true},
      {"from_client.messages", "messages: any", "messages: text", true},
      {"from_client.message_size", "message_size: 1KiB", "message_size: 2KiB", true},
      {"from_client.message_timeout", "types: [a], message_timeout: 5s", "types: [a], message_timeout: 6s",
       true},
      {"from_client.fragments", "fragments: 5", "fragments: 6", true},
      {"from_client.rate", "rate: 5/s, burst: 5", "rate: 6/s, burst: 5", true},
      {"from_client.burst", "rate: 5/s, burst: 5", "rate: 5/s, burst: 6", true},
      {"from_client.byte_rate", "byte_rate: 5B/s, byte_burst: 5MiB", "byte_rate: 6B/s, byte_burst: 5MiB",
       true},
      {"from_client.byte_burst", "byte_rate: 5B/s, byte_burst: 5MiB", "byte_rate: 5B/s, byte_burst: 6MiB",
       true},
      {"from_client.on_rate", "rate: 5/s, on_rate: close", "rate: 5/s, on_rate: drop", true},
      {"from_client.types", "types: [a]", "types: [a, b]", true},
      {"from_client.type_field", "types: [a], type_field: /a", "types: [a], type_field: /b", true},
      {"from_client.first_passes", "types: [a], first_passes: true", "types: [a], first_passes: false", true},
      {"from_client.on_type", "types: [a], on_type: drop", "types: [a], on_type: close", true},
      {"message_limit", "message_limit: some", "message_limit: other", true},
      {"byte_limit", "byte_limit: some", "byte_limit: other", true},
      {"slow_reader", "slow_reader: drop_oldest", "slow_reader: close", true},
      {"latest_field", "slow_reader: keep_latest, latest_field: /a",
       "slow_reader: keep_latest, latest_field: /b", true},
      {"buffer", "buffer: 32KiB", "buffer: 33KiB", true},
      {"compression", "mode: inspect, compression: true", "mode: inspect, compression: false", true},
      {"admission.rate", "admission: { rate: 5/s }", "admission: { rate: 6/s }", false},
      {"admission.burst", "admission: { rate: 5/s, burst: 5 }", "admission: { rate: 5/s, burst: 6 }", false},
      {"admission.wait", "admission: { rate: 5/s, wait: 5s }", "admission: { rate: 5/s, wait: 6s }", false},
      {"sockets.total", "sockets: { total: 5 }", "sockets: { total: 6 }", false},
      {"sockets.per_client", "sockets: { per_client: 5 }", "sockets: { per_client: 6 }", false},
      {"sockets.per_subject", "sockets: { per_subject: 5 }", "sockets: { per_subject: 6 }", false},
      {"close_codes.unauthorized", "", "close_codes: { unauthorized: 4000 }", false},
      {"close_codes.refused_expired", "", "close_codes: { refused_expired: 4000 }", false},
      {"handshake_timeout", "", "handshake_timeout: 5s", false},
      {"close_codes.forbidden", "", "close_codes: { forbidden: 4000 }", false},
      {"close_codes.not_found", "", "close_codes: { not_found: 4000 }", false},
      {"close_codes.too_many", "", "close_codes: { too_many: 4000 }", false},
      {"close_codes.unavailable", "", "close_codes: { unavailable: 4000 }", false},
      {"close_codes.token_expired", "", "close_codes: { token_expired: 4000 }", true},
      {"close_codes.token_revoked", "", "close_codes: { token_revoked: 4000 }", true},
      {"close_codes.max_age", "", "close_codes: { max_age: 4000 }", true},
      {"close_codes.reload", "", "close_codes: { reload: 4000 }", true},
      {"close_codes.shutdown", "", "close_codes: { shutdown: 4000 }", true},
      {"close_codes.backend_lost", "", "close_codes: { backend_lost: 4000 }", true},
      {"close_codes.silent", "", "close_codes: { silent: 4000 }", true},
      {"close_codes.idle", "", "close_codes: { idle: 4000 }", true},
      {"close_codes.rate", "", "close_codes: { rate: 4000 }", true},
      {"close_codes.violation", "", "close_codes: { violation: 4000 }", true},
      {"close_codes.too_large", "", "close_codes: { too_large: 4000 }", true},
      {"close_codes.wrong_kind", "", "close_codes: { wrong_kind: 4000 }", true},
      {"close_codes.slow_reader", "", "close_codes: { slow_reader: 4000 }", true},
  };
  return all;
}

}  // namespace

TEST_CASE("socket fingerprint: of every key it is known whether its change ends sockets") {
  constexpr std::string_view websocket = "websocket.";
  constexpr std::string_view client = "from_client.";
  for (const SchemaKey& key : schema()) {
    if (!key.path.starts_with(websocket) || key.shape != Shape::value) continue;
    if (key.is_folded) continue;  // of from_upstream, whose keys are those of from_client
    const std::string_view name = std::string_view(key.path).substr(websocket.size());
    CAPTURE(name);
    const auto& all = changes();
    const auto change =
        std::find_if(all.begin(), all.end(), [&](const Change& one) { return one.key == name; });
    REQUIRE(change != all.end());
    CHECK(change->ends == (key.holds == Holds::open));
    const auto ends = [&](const std::string& around) {
      const std::string head = around.empty() ? "{ " : "{ " + around + ": { ";
      const std::string tail = around.empty() ? " }" : " } }";
      const std::string before = head + change->before + tail;
      const std::string after = head + change->after + tail;
      const bool said_above = ends_sockets(file(before), file(after));
      CHECK(said_above == ends_sockets(file("{}", before), file("{}", after)));
      return said_above;
    };
    if (name.starts_with(client)) {
      CHECK(ends("from_client") == change->ends);
      CHECK(ends("from_upstream") == change->ends);
    } else {
      CHECK(ends("") == change->ends);
    }
  }
}

TEST_CASE("socket fingerprint: what holds for a route counts, and not where or how it is said") {
  CHECK_FALSE(ends_sockets(file("{}"), file("{ close_codes: { reload: 1012 }, ping_interval: 25s }")));
  CHECK_FALSE(
      ends_sockets(file("{}"), file("{ heartbeat: none, from_client: { rate: none, messages: any } }")));
  CHECK_FALSE(ends_sockets(file("{ ping_interval: 10s }"), file("{}", "{ ping_interval: 10s }")));
  CHECK_FALSE(ends_sockets(file("{ ping_interval: 10s }", "{ ping_interval: 30s }"),
                           file("{ ping_interval: 20s }", "{ ping_interval: 30s }")));
  CHECK_FALSE(ends_sockets(file("{ from_client: { message_size: 1MiB } }"), file("{ mode: walk }")));
}

TEST_CASE("socket fingerprint: a key that has no effect on a route does not end its sockets") {
  CHECK_FALSE(ends_sockets(file("{}"), file("{ from_client: { on_rate: drop, on_type: close } }")));
  CHECK_FALSE(ends_sockets(file("{}"), file("{ latest_field: /kind, compression: false }")));
  CHECK_FALSE(
      ends_sockets(file("{ ping_interval: none }"), file("{ ping_interval: none, pong_timeout: 5s }")));
  const auto open_to_all = [](const std::string& rules) {
    return "listeners: [{ address: \":80\" }]\nwebsocket: " + rules +
           "\nroutes: [{ upstream: \"http://127.0.0.1:1\" }]\n";
  };
  CHECK_FALSE(ends_sockets(open_to_all("{}"), open_to_all("{ on_token_expiry: keep }")));
}

TEST_CASE("socket fingerprint: a limit that messages count against is part of them, one of requests is not") {
  const auto with_user = [](const std::string& user) {
    return file("{}", "{ message_limit: user, byte_limit: some }", user);
  };
  const std::string usual = "rate: 9/s, by: { claim: sub }";
  CHECK_FALSE(ends_sockets(with_user(usual), with_user(usual + ", burst: 9")));
  for (const char* other : {"rate: 8/s, burst: 9, by: { claim: sub }", "rate: 9/m, by: { claim: sub }",
                            "rate: 9/s, burst: 8, by: { claim: sub }", "rate: 9/s, by: { claim: org }",
                            "rate: 9/s, by: { header: sub }", "rate: 9/s, by: route"})
    CHECK_MESSAGE(ends_sockets(with_user(usual), with_user(other)), other);
  CHECK_FALSE(ends_sockets(file("{}", "{}", "rate: 9/s"), file("{}", "{}", "rate: 1/s")));
  const auto of_requests = [](const std::string& limit, const std::string& rate) {
    return "listeners: [{ address: \":80\" }]\nrate_limits: { a: { rate: " + rate +
           " }, b: { rate: 1/s } }\nroutes: [{ upstream: \"http://127.0.0.1:1\"" + limit + " }]\n";
  };
  CHECK_FALSE(ends_sockets(of_requests(", rate_limit: a", "2/s"), of_requests(", rate_limit: a", "3/s")));
  CHECK_FALSE(ends_sockets(of_requests(", rate_limit: a", "2/s"), of_requests(", rate_limit: b", "2/s")));
  CHECK_FALSE(ends_sockets(of_requests("", "2/s"), of_requests(", rate_limit: [a, b]", "2/s")));
}

TEST_CASE("socket fingerprint: the rules about claims are part of them") {
  const auto under = [](const std::string& jwt, const std::string& rules) {
    return "listeners: [{ address: \"127.0.0.1:80\" }]\njwt: { login: { secret: "
           "0123456789abcdef0123456789abcdef, algorithms: [HS256] } }\nlog: { token: [sub] }\nroutes: [{ "
           "upstream: \"http://127.0.0.1:1\", jwt: " +
           jwt + ", required_claims: " + rules + " }]\n";
  };
  const std::string usual = "[{ name: a, claims: { role: admin, org: 7 } }]";
  CHECK_FALSE(
      ends_sockets(under("login", usual), under("login", "[{ claims: { org: 7, role: admin }, name: a }]")));
  for (const char* other : {"[{ name: a, claims: { role: user, org: 7 } }]", "{ role: admin, org: 7 }",
                            "[{ name: a, report_only: true, claims: { role: admin, org: 7 } }]",
                            "[{ name: a, methods: [GET], claims: { role: admin, org: 7 } }]"})
    CHECK_MESSAGE(ends_sockets(under("login", usual), under("login", other)), other);
  CHECK(ends_sockets(under("login", usual), under("{ use: login, report_only: true }", usual)));
}

TEST_CASE("socket fingerprint: a key that is gone ends the sockets of its tokens, and no others") {
  support::TemporaryFolder folder;
  Process process;
  Open open;
  // How many sockets these keys end, if there was one for each key before.
  const auto ends = [&](const std::string& keys) {
    std::ofstream(folder.file("keys")) << keys;
    const Open before = std::exchange(
        open, process.open_under(
                  "listeners: [{ address: \"127.0.0.1:80\" }]\njwt: { login: { keys: keys, algorithms: "
                  "[ES256, EdDSA, HS256] } }\n"
                  "routes: [{ upstream: \"http://127.0.0.1:1\", jwt: login }]\n",
                  folder.file("postern.yaml")));
    return std::count_if(open.gone.begin(), open.gone.end(),
                         [&](uint64_t key) { return before.keys.contains(key); });
  };
  const auto set = [](const std::string& keys) { return "{\"keys\":[" + keys + "]}"; };
  const std::string one = jwk("one", support::p256_key());
  const std::string two = jwk("two", support::ed25519_key());
  const std::string secret =
      R"({"kid":"s","kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})";
  CHECK(ends(set(one)) == 0);
  CHECK(ends(set(one)) == 0);
  CHECK(ends(set(two + "," + one)) == 0);
  CHECK(ends(set(one + "," + two + "," + secret)) == 0);
  CHECK(open.keys.size() == 3);
  CHECK(ends(set(one + "," + two)) == 1);
  CHECK(ends(set(two + "," + one)) == 0);
  CHECK(ends(set(one + "," + jwk("three", support::ed25519_key()))) == 1);  // under another name
  CHECK(ends(support::p256_key().public_pem()) == 2);
  CHECK(ends(support::p256_key().public_pem() + support::ed25519_key().public_pem()) == 0);
  CHECK(ends(support::ed25519_key().public_pem()) == 1);
}

TEST_CASE("socket fingerprint: keys of a configuration that was refused are not remembered") {
  support::TemporaryFolder folder;
  Process process;
  const auto text = [](const std::string& more) {
    return "listeners: [{ address: \"127.0.0.1:80\" }]\njwt: { login: { keys: keys, algorithms: [ES256, "
           "EdDSA] } }\n"
           "routes: [{ upstream: \"http://127.0.0.1:1\", jwt: login }]\n" +
           more;
  };
  const std::string both = support::p256_key().public_pem() + support::ed25519_key().public_pem();
  std::ofstream(folder.file("keys")) << both;
  const Open first = process.open_under(text(""), folder.file("postern.yaml"));
  std::ofstream(folder.file("keys")) << support::p256_key().public_pem();
  const auto refused = load_named(text("origins: { web: { allow: [{ pattern: \"(\" }] } }\n"),
                                  folder.file("postern.yaml"), environment_of({}));
  REQUIRE(refused.has_value());
  CHECK_FALSE(compile(*refused, {.tickets = process.tickets}, process.notes));
  std::ofstream(folder.file("keys")) << both;
  const Open now = process.open_under(text(""), folder.file("postern.yaml"));
  CHECK(now.settings == first.settings);
  CHECK(now.gone.empty());
}
