#include "config/compile.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "net/socket.h"
#include "state/process_state.h"
#include "support/certificates.h"
#include "support/jwt_keys.h"
#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;
using namespace std::chrono_literals;

namespace {

using Compiled = tl::expected<std::shared_ptr<const proxy::Snapshot>, Diagnostics>;

struct Compiler {
  Compiled compile_document(const Document& document) {
    return compile(document, {.version = 7, .tickets = tickets, .workers = 2, .demo_port = demo_port}, notes);
  }
  // `text` as the file `name`, which relative file names in it are looked for beside.
  Compiled compile_text(std::string_view text, const std::string& name = "f") {
    const auto document = load_named(text, name, environment_of({}));
    REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text()));
    return compile_document(*document);
  }
  // What is wrong with `text`, one line each; empty when nothing is.
  std::string problems_of(std::string_view text, const std::string& name = "f") {
    const Compiled compiled = compile_text(text, name);
    return compiled ? std::string() : compiled.error().text();
  }

  net::TicketKeys tickets;
  Diagnostics notes;
  std::optional<uint16_t> demo_port;
};

void write(const std::string& path, std::string_view text) { std::ofstream(path) << text; }

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

const routing::Route* route_of(const proxy::Snapshot& snapshot, std::string_view host,
                               std::string_view path) {
  return snapshot.routes.match({.host = host, .path = path, .method = "GET"}).route;
}

}  // namespace

TEST_CASE("compile: a document becomes what workers serve from") {
  Compiler compiler;
  const Compiled compiled = compiler.compile_text(R"(
trusted_proxies: ["10.0.0.0/8", "::1"]
via: true
request_id: X-Trace
listeners:
  - { address: "127.0.0.1:8080" }
  - { address: ":80" }
  - { address: "localhost:8081" }
upstreams:
  app:
    endpoints: ["http://127.0.0.1:3000", { url: "http://app.internal:80", weight: 4, backup: true, max_requests: 8 }, "ws://[::1]:9000"]
    balance: least_connections
    slow_start: 30s
    queue: { size: 3, timeout: 7s }
    sticky: { secret: 0123456789abcdef0123456789abcdef, cookie: r, ttl: 2m, same_site: strict }
    retries: 5
    keepalive_connections: 9
    limits: { head_size: 3KiB, header_fields: 33 }
    timeouts: { connect: 1s, response: 2s, idle: 3s, keepalive: 4s }
  other: { endpoints: ["http://127.0.0.1:4000"], balance: { hash: { cookie: sid } } }
routes:
  - { name: all, upstream: other }
  - { name: site, match: { host: "*.example.com", path: /a }, upstream: app, body_size: 10KiB }
log: { access: false, redact: [mine] }
limits:
  { head_size: 4KiB, target_size: 1KiB, header_fields: 20, body_size: 1MiB, connections: 55,
    tls_handshake_timeout: 1s, request_head_timeout: 2s, keepalive_timeout: 3s, idle_timeout: 4s,
    tunnel_idle_timeout: 5s, drain_timeout: 6s,
    tunnel_drain: { rate: 5%, minimum: 3, within: 9s } }
)");
  REQUIRE_MESSAGE(compiled.has_value(), (compiled ? "" : compiled.error().text()));
  const proxy::Snapshot& snapshot = **compiled;
  CHECK(snapshot.version == 7);
  CHECK(snapshot.via);
  CHECK(snapshot.request_id_field == "X-Trace");
  CHECK_FALSE(snapshot.access_log);
  CHECK(std::count(snapshot.redacted_parameters.begin(), snapshot.redacted_parameters.end(), "mine") == 1);
  CHECK(std::count(snapshot.redacted_parameters.begin(), snapshot.redacted_parameters.end(), "token") == 1);
  CHECK(snapshot.trusted_proxies.contains(*base::IpAddress::parse("10.9.8.7")));
  CHECK(snapshot.trusted_proxies.contains(*base::IpAddress::parse("::1")));
  CHECK_FALSE(snapshot.trusted_proxies.contains(*base::IpAddress::parse("11.0.0.1")));

  REQUIRE(snapshot.listeners.size() == 3);
  CHECK(snapshot.listeners[0].address.text() == "127.0.0.1:8080");
  CHECK(snapshot.listeners[0].tls == nullptr);
  CHECK(snapshot.listeners[1].address.text() == "[::]:80");
  CHECK_FALSE(snapshot.listeners[1].redirect_to_https);
  CHECK(snapshot.listeners[2].address.text() == "127.0.0.1:8081");
  CHECK(snapshot.listeners[2].beside == base::IpAddress::parse("::1"));  // localhost
  CHECK_FALSE(snapshot.listeners[0].beside);

  REQUIRE(snapshot.groups.size() == 2);
  const auto app = std::find_if(snapshot.groups.begin(), snapshot.groups.end(),
                                [](const upstream::GroupModel& group) { return group.name == "app"; });
  REQUIRE(app != snapshot.groups.end());
  CHECK(app->balance == upstream::Balance::least_connections);
  CHECK(app->slow_start == 30s);
  REQUIRE(app->queue.has_value());
  CHECK(app->queue->size == 3);
  CHECK(app->queue->timeout == 7s);
  REQUIRE(app->sticky != nullptr);
  const std::string cookie = app->sticky->set_cookie(1, 1'800'000'000, false);
  CHECK(cookie.starts_with("r="));
  CHECK(cookie.ends_with("; Path=/; Max-Age=120; HttpOnly; SameSite=Strict"));
  const auto other = std::find_if(snapshot.groups.begin(), snapshot.groups.end(),
                                  [](const upstream::GroupModel& group) { return group.name == "other"; });
  REQUIRE(other != snapshot.groups.end());
  CHECK(other->balance == upstream::Balance::hash);
  CHECK(other->hash.kind == upstream::HashSource::Kind::cookie);
  CHECK(other->hash.name == "sid");
  CHECK(app->retries.attempts == 5);
  CHECK(app->keepalive_connections == 9);
  CHECK(app->response_head_size == 3 * 1024);
  CHECK(app->response_fields == 33);
  CHECK(app->connect_limit == 1s);
  CHECK(app->response_limit == 2s);
  CHECK(app->idle_limit == 3s);
  CHECK(app->keepalive == 4s);
  CHECK(app->tls == nullptr);
  REQUIRE(app->endpoints.size() == 3);
  CHECK(app->endpoints[0].authority == "127.0.0.1:3000");
  CHECK(app->endpoints[1].authority == "app.internal");
  CHECK(app->endpoints[0].weight == 1);
  CHECK(app->endpoints[1].weight == 4);
  CHECK(app->endpoints[1].backup);
  CHECK(app->endpoints[1].max_requests == 8);
  CHECK(app->endpoints[2].authority == "[::1]:9000");
  CHECK(app->endpoints[2].host == "::1");
  CHECK_FALSE(app->endpoints[2].tls);

  const routing::Route* site = route_of(snapshot, "www.example.com", "/a/b");
  REQUIRE(site != nullptr);
  CHECK(site->name == "site");
  CHECK(snapshot.groups[std::get<routing::ToUpstream>(site->action).group].name == "app");
  CHECK(site->limits.body_size == 10 * 1024);
  const routing::Route* all = route_of(snapshot, "www.example.com", "/ab");
  REQUIRE(all != nullptr);
  CHECK(snapshot.groups[std::get<routing::ToUpstream>(all->action).group].name == "other");
  CHECK_FALSE(all->limits.body_size.has_value());

  const proxy::Limits& limits = snapshot.limits;
  const proxy::ListenerLimits& usual = snapshot.listeners[0].limits;
  CHECK(usual.server.message.head_size == 4096);
  CHECK(usual.server.message.target_size == 1024);
  CHECK(usual.server.message.fields == 20);
  CHECK(usual.transfer.body_size == 1024 * 1024);
  CHECK(limits.connections == 55);
  CHECK(usual.tls_handshake == 1s);
  CHECK(usual.server.request_head == 2s);
  CHECK(usual.server.keepalive == 3s);
  CHECK(usual.transfer.idle == 4s);
  CHECK(usual.server.idle == 4s);
  CHECK(usual.transfer.tunnel_idle == 5s);
  CHECK(limits.drain == 6s);
  CHECK(limits.drain_rate.percent == 5);
  CHECK(limits.drain_rate.least == doctest::Approx(1.5));  // of each of two workers
  CHECK(limits.drain_rate.within == 9s);
}

TEST_CASE("compile: a missing certificate or key is a problem at its listener, which names the file") {
  Compiler compiler;
  support::TemporaryFolder folder;
  const std::string file = folder.file("postern.yaml");
  const auto said = [&](const std::string& certificate, const std::string& key) {
    return compiler.problems_of(
        "upstreams: { app: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
        "routes: [{ upstream: app }]\n"
        "listeners:\n"
        "  - address: \"127.0.0.1:443\"\n"
        "    tls:\n"
        "      certificate: " +
            certificate +
            "\n"
            "      key: " +
            key + "\n",
        file);
  };
  support::CertificateAuthority authority;
  const auto good = authority.issue({"a.example"});
  const auto other = authority.issue({"b.example"});
  CHECK(said(good.certificate, good.key).empty());
  const std::string no_certificate = said("missing.pem", good.key);
  CAPTURE(no_certificate);
  CHECK(contains(no_certificate, file + ":6:20 "));
  CHECK(contains(no_certificate, "listeners[0].tls"));
  CHECK(contains(no_certificate, folder.file("missing.pem")));  // beside the configuration
  const std::string no_key = said(good.certificate, "missing.key");
  CHECK(contains(no_key, "listeners[0].tls"));
  CHECK(contains(no_key, folder.file("missing.key")));
  const std::string mixed = said(good.certificate, other.key);
  CHECK(contains(mixed, "listeners[0].tls"));
  CHECK(contains(mixed, other.key));
  write(folder.file("no.pem"), "this is no certificate\n");
  CHECK(contains(said("no.pem", good.key), folder.file("no.pem")));
}

TEST_CASE("compile: a certificate of every listener is used") {
  Compiler compiler;
  support::CertificateAuthority authority;
  const auto files = authority.issue({"a.example"});
  const Compiled compiled = compiler.compile_text(
      "listeners:\n"
      "  - { address: \"127.0.0.1:80\", redirect: https }\n"
      "  - { address: \"127.0.0.1:443\", tls: { certificate: " +
      files.certificate + ", key: " + files.key +
      ", min_version: \"1.3\" } }\n"
      "upstreams: { app: { endpoints: [\"https://app.internal\"], ca: " +
      authority.file() +
      " } }\n"
      "routes: [{ upstream: app }]\n");
  REQUIRE_MESSAGE(compiled.has_value(), (compiled ? "" : compiled.error().text()));
  REQUIRE((*compiled)->listeners.size() == 2);
  CHECK((*compiled)->listeners[0].redirect_to_https);
  CHECK((*compiled)->listeners[0].tls == nullptr);
  CHECK((*compiled)->listeners[1].tls != nullptr);
  CHECK((*compiled)->groups[0].tls != nullptr);
  CHECK((*compiled)->groups[0].endpoints[0].port == 443);
  CHECK((*compiled)->groups[0].endpoints[0].authority == "app.internal");
}

TEST_CASE("compile: a Unix socket's path is relative to the file, and no longer than the system allows") {
  Compiler compiler;
  const auto text = [](const std::string& path) {
    return "listeners: [{ address: \"127.0.0.1:0\" }]\n"
           "routes: [{ upstream: \"unix:" +
           path + "\" }]\n";
  };
  const Compiled compiled = compiler.compile_text(text("run/app.sock"), "/etc/postern/postern.yaml");
  REQUIRE(compiled.has_value());
  const upstream::EndpointModel& endpoint = (*compiled)->groups[0].endpoints[0];
  CHECK(endpoint.unix_path == "/etc/postern/run/app.sock");
  CHECK(endpoint.text == "unix:run/app.sock");
  CHECK(endpoint.authority == "localhost");
  const std::string longest = "/" + std::string(net::unix_path_max - 1, 'x');
  CHECK(compiler.compile_text(text(longest)).has_value());
  const std::string said = compiler.problems_of(text(longest + "x"), "postern.yaml");
  CHECK(contains(said, "postern.yaml:2:"));
  CHECK(contains(said, "has 108 bytes; the system allows 107"));
}

TEST_CASE(
    "compile: names are looked up, addresses and Unix sockets are not; a service has the Host of its "
    "domain") {
  Compiler compiler;
  const Compiled compiled = compiler.compile_text(
      "listeners: [{ address: \"127.0.0.1:0\" }]\n"
      "resolver: { nameservers: [10.0.0.53], timeout: 300ms }\n"
      "upstreams: { app: { endpoints: [\"http://a.example\", \"srv+http://_http._tcp.b.example\",\n"
      "  \"http://127.0.0.1\", \"http://[::1]\", \"http://localhost\", \"unix:/run/a.sock\"] } }\n"
      "routes: [{ upstream: app }]\n");
  REQUIRE(compiled.has_value());
  const auto& endpoints = (*compiled)->groups[0].endpoints;
  CHECK(endpoints[0].looked_up);
  CHECK_FALSE(endpoints[0].service);
  CHECK(endpoints[1].looked_up);
  CHECK(endpoints[1].service);
  CHECK(endpoints[1].host == "_http._tcp.b.example");
  CHECK(endpoints[1].authority == "b.example");
  for (size_t i = 2; i < endpoints.size(); ++i) CHECK_FALSE(endpoints[i].looked_up);
  REQUIRE((*compiled)->names.nameservers.size() == 1);
  CHECK((*compiled)->names.nameservers[0].text() == "10.0.0.53:53");
  CHECK((*compiled)->names.timeout == 300ms);
}

TEST_CASE("compile: with proxy_protocol no connection is kept, and none of before is used on") {
  Compiler compiler;
  const auto compile = [&](const std::string& more) {
    Compiled compiled = compiler.compile_text(
        "listeners: [{ address: \"127.0.0.1:0\" }]\n"
        "upstreams: { app: { endpoints: [\"http://127.0.0.1:1\"]" +
        more + " } }\nroutes: [{ upstream: app }]\n");
    REQUIRE(compiled.has_value());
    return *compiled;
  };
  const auto without = compile("");
  CHECK_FALSE(without->groups[0].proxy_protocol.has_value());
  CHECK(without->groups[0].keepalive_connections == 512);
  CHECK_FALSE(without->tells_clients);
  for (const auto& [name, version] :
       {std::pair("v1", net::ProxyVersion::v1), std::pair("v2", net::ProxyVersion::v2)}) {
    const auto with = compile(std::string(", proxy_protocol: ") + name);
    CHECK(with->groups[0].proxy_protocol == version);
    CHECK(with->groups[0].keepalive_connections == 0);
    CHECK(with->groups[0].tls_identity != without->groups[0].tls_identity);
    CHECK(with->tells_clients);
  }
  const std::string start = "upstreams: { app: { endpoints: [\"http://127.0.0.1:1\"], ";
  const std::string end = " } }\nlisteners: [{ address: \":1\" }]\nroutes: [{ upstream: app }]\n";
  CHECK(contains(said_of(start + "proxy_protocol: v3" + end),
                 "upstreams.app.proxy_protocol: \"v3\" is not v1 or v2"));
  CHECK(contains(said_of(start + "proxy_protocol: v1, keepalive_connections: 5" + end), "has no effect"));
}

TEST_CASE("compile: an authority file that cannot be read is a problem at its upstream") {
  Compiler compiler;
  support::TemporaryFolder folder;
  write(folder.file("empty.pem"), "");
  for (const char* name : {"missing.pem", "empty.pem"}) {
    const std::string said = compiler.problems_of(
        "listeners: [{ address: \"127.0.0.1:0\" }]\n"
        "routes: [{ upstream: app }]\n"
        "upstreams:\n"
        "  app:\n"
        "    endpoints: [\"https://127.0.0.1:1\"]\n"
        "    ca: " +
            std::string(name) + "\n",
        folder.file("postern.yaml"));
    CAPTURE(said);
    CHECK(contains(said, "upstreams.app.ca"));
    CHECK(contains(said, folder.file(name)));
    CHECK(contains(said, "postern.yaml:"));
    CHECK(contains(said, "does not exist") == (name == std::string_view("missing.pem")));
  }
}

TEST_CASE("compile: other TLS settings make another identity, the same ones the same") {
  Compiler compiler;
  const auto identity = [&](const std::string& settings) {
    const Compiled compiled = compiler.compile_text(
        "listeners: [{ address: \"127.0.0.1:0\" }]\n"
        "routes: [{ upstream: app }]\n"
        "upstreams: { app: { endpoints: [\"https://127.0.0.1:1\"]" +
        settings + " } }\n");
    REQUIRE(compiled.has_value());
    return (*compiled)->groups[0].tls_identity;
  };
  CHECK(identity("") == identity(""));
  CHECK(identity(", insecure: true") != identity(""));
  CHECK(identity(", server_name: a.example") != identity(""));
}

TEST_CASE("compile: keys that cannot be read or used are problems at their place") {
  Compiler compiler;
  support::TemporaryFolder folder;
  write(folder.file("no.json"), "{\"keys\": [");
  write(folder.file("no.pem"), "this is no key\n");
  for (const char* name : {"missing.json", "no.json", "no.pem"}) {
    const std::string said = compiler.problems_of(
        "listeners: [{ address: \"127.0.0.1:0\" }]\n"
        "upstreams: { app: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
        "routes: [{ upstream: app, jwt: session }]\n"
        "jwt:\n"
        "  session:\n"
        "    algorithms: [RS256]\n"
        "    keys: " +
            std::string(name) + "\n",
        folder.file("postern.yaml"));
    CAPTURE(said);
    CHECK(contains(said, "postern.yaml:7:"));
    CHECK(contains(said, "jwt.session.keys"));
  }
}

TEST_CASE("compile: a short secret is noted and never printed") {
  Compiler compiler;
  const Compiled compiled = compiler.compile_text(
      "listeners: [{ address: \"127.0.0.1:0\" }]\n"
      "upstreams: { app: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
      "routes: [{ upstream: app, jwt: session }]\n"
      "jwt: { session: { secret: too-short-to-keep, algorithms: [HS256] } }\n");
  CHECK(compiled.has_value());
  CHECK(contains(compiler.notes.text(), "jwt.session.secret"));
  CHECK(contains(compiler.notes.text(), "warning"));
  CHECK_FALSE(contains(compiler.notes.text(), "too-short-to-keep"));
}

TEST_CASE("compile: a pattern that RE2 does not take is a problem at the entry") {
  Compiler compiler;
  const std::string said = compiler.problems_of(
      "listeners: [{ address: \"127.0.0.1:0\" }]\n"
      "upstreams: { app: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
      "routes: [{ upstream: app, origins: web }]\n"
      "origins:\n"
      "  web:\n"
      "    allow:\n"
      "      - https://a.example\n"
      "      - { pattern: \"https://(a|b\" }\n");
  CHECK(contains(said, "f:8:"));
  CHECK(contains(said, "origins.web.allow[1]"));
}

TEST_CASE("compile: every problem is reported, in the order of the file") {
  Compiler compiler;
  support::TemporaryFolder folder;
  const Compiled compiled = compiler.compile_text(
      "origins: { web: { allow: [{ pattern: \"(\" }] } }\n"
      "jwt: { session: { keys: missing.json, algorithms: [ES256] } }\n"
      "upstreams: { app: { endpoints: [\"https://127.0.0.1:1\"], ca: missing.pem } }\n"
      "listeners: [{ address: \"127.0.0.1:0\", tls: { certificate: a.pem, key: a.key } }]\n"
      "routes: [{ upstream: app, origins: web, jwt: session }]\n",
      folder.file("postern.yaml"));
  REQUIRE_FALSE(compiled.has_value());
  std::vector<int> lines;
  for (const Problem& problem : compiled.error().problems()) lines.push_back(problem.location.line);
  CHECK(lines == std::vector<int>{1, 2, 3, 4, 4});  // the certificate and the key
}

TEST_CASE("compile: a listener needs an address, not a name") {
  Compiler compiler;
  const std::string text =
      "listeners: [{ address: \"somewhere.example:80\" }]\n"
      "upstreams: { app: { endpoints: [\"http://127.0.0.1:1\"] } }\n"
      "routes: [{ upstream: app }]\n";
  const auto document = load_named(text, "f", environment_of({}));
  const std::string said =
      document ? compiler.compile_document(*document).error().text() : document.error().text();
  CHECK(contains(said, "f:1:"));
  CHECK(contains(said, "listeners[0].address"));
}

TEST_CASE("compile: the demonstration's endpoint gets the port that its application listens on") {
  Compiler compiler;
  const std::string text =
      "listeners: [{ address: \"127.0.0.1:0\" }]\n"
      "upstreams: { app: { endpoints: [\"demo:\"] } }\n"
      "routes: [{ upstream: app }]\n";
  const auto document = load_named(text, "f", environment_of({}));
  REQUIRE(document.has_value());
  CHECK(uses_demo(*document));
  compiler.demo_port = 40404;
  const Compiled compiled = compiler.compile_document(*document);
  REQUIRE(compiled.has_value());
  const upstream::EndpointModel& endpoint = (*compiled)->groups[0].endpoints[0];
  CHECK(endpoint.host == "127.0.0.1");
  CHECK(endpoint.port == 40404);
  CHECK(endpoint.text == "demo:");
  const auto without = load_named(std::string(rest), "f", environment_of({}));
  REQUIRE(without.has_value());
  CHECK_FALSE(uses_demo(*without));
}

TEST_CASE("compile: every example in conf compiles whole, given the files that it names") {
  support::CertificateAuthority authority;
  const net::ServerTlsOptions::Files certificate = authority.issue({"localhost"});
  const support::TemporaryFolder folder;
  for (const auto& entry : std::filesystem::directory_iterator(POSTERN_SOURCE_DIR "/conf")) {
    if (entry.path().extension() != ".yaml") continue;
    CAPTURE(entry.path().string());
    auto document = load_file(entry.path().string(), environment_of({}));
    REQUIRE_MESSAGE(document.has_value(), (document ? "" : document.error().text()));
    for (ListenerDocument& listener : document->listeners) {
      if (!listener.tls) continue;
      for (CertificateFiles& files : listener.tls->certificates) {
        files.certificate = certificate.certificate;
        files.key = certificate.key;
      }
      if (!listener.tls->clients) continue;
      listener.tls->clients->ca_file = authority.file();
      if (!listener.tls->clients->crl_file.empty()) listener.tls->clients->crl_file = authority.revoke({});
    }
    for (JwtDocument& jwt : document->jwt) {
      if (jwt.keys_file.empty()) continue;
      const bool ecdsa = std::any_of(jwt.algorithms.begin(), jwt.algorithms.end(), [](crypto::Algorithm one) {
        return crypto::family(one) == crypto::AlgorithmFamily::ecdsa;
      });
      jwt.keys_file = folder.file(jwt.name + ".pem");
      write(jwt.keys_file, (ecdsa ? support::p256_key() : support::rsa_key()).public_pem());
    }
    for (UpstreamDocument& upstream : document->upstreams) {
      if (!upstream.ca.empty()) upstream.ca = authority.file();
      if (!upstream.certificate) continue;
      upstream.certificate->certificate = certificate.certificate;
      upstream.certificate->key = certificate.key;
    }
    for (RouteDocument& route : document->routes)
      if (route.files) route.files->root = folder.file(".");
    Compiler compiler;
    if (uses_demo(*document)) compiler.demo_port = 40404;
    const Compiled compiled = compiler.compile_document(*document);
    CHECK_MESSAGE(compiled.has_value(), (compiled ? "" : compiled.error().text()));
  }
}

TEST_CASE("compile: error pages are read from their files, and bounded") {
  const std::string folder = std::filesystem::temp_directory_path() / "postern_error_pages_test";
  std::filesystem::create_directories(folder + "/folder.html");
  write(folder + "/404.html", "<h1>{status}</h1>");
  write(folder + "/most.txt", std::string(64 * 1024, 'x'));
  write(folder + "/more.txt", std::string(64 * 1024 + 1, 'x'));
  write(folder + "/page.pdf", "x");
  const std::string rest =
      "listeners: [{ address: \"127.0.0.1:0\" }]\nroutes: [{ upstream: \"http://127.0.0.1:1\" }]\n";
  const std::string name = folder + "/postern.yaml";
  Compiler compiler;
  const Compiled compiled =
      compiler.compile_text("error_pages: { detail: full, 404: 404.html, 5xx: [most.txt] }\n" + rest, name);
  REQUIRE_MESSAGE(compiled.has_value(), (compiled ? "" : compiled.error().text()));
  const proxy::ErrorPages& pages = (*compiled)->error_pages;
  CHECK(pages.full_detail);
  REQUIRE(pages.find(404, proxy::PageFormat::html) != nullptr);
  CHECK(pages.find(404, proxy::PageFormat::html)->fill({.status = 404}) == "<h1>404</h1>");
  CHECK(pages.find(502, proxy::PageFormat::text) != nullptr);
  CHECK(contains(compiler.problems_of("error_pages: { 404: more.txt }\n" + rest, name),
                 ":1:21 error_pages.404: \"more.txt\" is longer than 64KiB"));
  CHECK(contains(compiler.problems_of("error_pages: { 4xx: page.pdf }\n" + rest, name),
                 "error_pages.4xx: \"page.pdf\" ends in none of .html, .json and .txt"));
  for (const auto& [file, why] : {std::pair{"nothing.html", "does not exist (paths are relative to"},
                                  {"folder.html", "is a directory, not a file"}}) {
    const auto& the_file = file;
    CAPTURE(the_file);
    CHECK(contains(compiler.problems_of("error_pages: { 500: " + std::string(file) + " }\n" + rest, name),
                   why));
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("compile: a pattern that is no expression is told with its place") {
  Compiler compiler;
  CHECK(contains(compiler.problems_of("listeners: [{ address: \"127.0.0.1:0\" }]\nroutes: [{ upstream: "
                                      "\"http://127.0.0.1:1\", rewrite: { pattern: \"^/(x$\", to: /y } }]\n"),
                 "routes[0].rewrite.pattern: is not an RE2 expression"));
}

TEST_CASE("compile: limits go from the document to its listeners, and a route's stand before a listener's") {
  routing::RouteLimits transfer;
  CHECK(transfer.over({}).idle == 60s);
  transfer.request = base::no_limit;
  transfer.idle = 5s;
  transfer.request_rate = 0;
  const routing::TransferLimits listener{.body_size = 7, .request = 9s, .response_rate = 11};
  const routing::TransferLimits route = transfer.over(listener);
  CHECK(route.body_size == 7);
  CHECK(route.request == base::no_limit);
  CHECK(route.idle == 5s);
  CHECK(route.request_rate == 0);
  CHECK(route.response_rate == 11);
}

TEST_CASE("compile: a configuration that does not take effect leaves what is counted as it is") {
  Compiler compiler;
  state::ProcessState process;
  const auto names_of = [&](const std::string& rate) {
    const Compiled compiled = compiler.compile_text(
        "listeners: [{ address: \"127.0.0.1:80\" }]\nrate_limits: { public: { rate: " + rate +
        " } }\nroutes: [{ upstream: \"http://127.0.0.1:1\", rate_limit: public, websocket: { sockets: { "
        "total: 5 } } }]\n");
    REQUIRE_MESSAGE(compiled.has_value(), (compiled ? "" : compiled.error().text()));
    return (*compiled)->state;
  };
  const state::Bindings before = process.bind(names_of("1/h"));
  REQUIRE(before.rate_limits.size() == 1);
  REQUIRE(before.socket_counts.size() == 1);
  (void)names_of("2/h");  // its listeners cannot be opened, say
  const state::Bindings after = process.bind(names_of("1/h"));
  CHECK(after.rate_limits == before.rate_limits);
  CHECK(after.socket_counts == before.socket_counts);
}
