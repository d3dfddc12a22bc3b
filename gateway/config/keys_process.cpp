#include "config/keys_process.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/text.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;

// ---- log

struct LogOutput {
  using Type = std::string;
  std::optional<std::string> read(const Value& value) const {
    const auto text = value.text();
    if (!text) return std::nullopt;
    if (*text == "stderr" || *text == "-")
      value.refuse({"is not a place for the log: write stdout, or the name of a file (./" +
                        std::string(*text) + " for one of that name)",
                    ""});
    return std::string(*text);
  }
  std::string words() const { return "stdout or file"; }
  std::string shown(const std::string& output) const { return output; }
  std::string json_schema() const {
    return R"({"type":["string","number","boolean"],"not":{"enum":["stderr","-",""]}})";
  }
};

const std::vector<std::string_view> token_parts = {"provider", "sub", "sub_hash", "jti", "rule"};

const std::vector<std::string_view> certificate_parts = {"subject", "san", "serial", "fingerprint"};

// Adds names to those that are always redacted.
void read_redacted_names(const Value& value, std::vector<std::string>& names) {
  for (const Value& item : value.items()) {
    const auto name = item.text();
    if (!name) continue;
    if (name->find_first_of("&=# ") != std::string_view::npos) {
      item.refuse({"is not the name of a query parameter", ""});
      continue;
    }
    if (std::find(names.begin(), names.end(), *name) == names.end()) names.emplace_back(*name);
  }
}

auto redacted_names() {
  return custom(read_redacted_names, "list of query parameters",
                list_schema(string_schema("[^&=# ]+"), 0, 1000), "[]");
}

// Reads the names of parts of something that the access log shows; the two lists have one order.
template <class Parts, size_t count>
void read_parts(const Value& value, const std::vector<std::string_view>& names,
                const std::array<bool Parts::*, count>& members, Parts& shown) {
  for (const Value& item : value.items())
    if (const auto index = item.one_of(names)) shown.*members[*index] = true;
}

void read_token_parts(const Value& value, proxy::TokenParts& shown) {
  using Parts = proxy::TokenParts;
  constexpr auto members =
      std::to_array({&Parts::provider, &Parts::subject, &Parts::subject_hash, &Parts::id, &Parts::rule});
  read_parts(value, token_parts, members, shown);
}

void read_certificate_parts(const Value& value, proxy::CertificateParts& shown) {
  using Parts = proxy::CertificateParts;
  constexpr auto members =
      std::to_array({&Parts::subject, &Parts::alternative_names, &Parts::serial, &Parts::fingerprint});
  read_parts(value, certificate_parts, members, shown);
}

auto logged_certificate() {
  return custom(read_certificate_parts, "list of subject, san, serial and fingerprint",
                list_schema(words_schema(certificate_parts), 0, 1000), "[]");
}

auto logged_token() {
  return custom(read_token_parts, "list of provider, sub, sub_hash, jti and rule",
                list_schema(words_schema(token_parts), 0, 1000), "[]");
}

// ---- resolver

struct NameServers {
  using Type = std::vector<base::SocketAddress>;
  static constexpr std::size_t most = 8;
  std::optional<Type> read(const Value& value) const {
    Type servers;
    const auto items = value.items(most);
    if (value.is_list() && items.empty())
      value.complain("is empty; leave it out to ask the system's name servers");
    for (const Value& item : items)
      if (const auto server = item.parsed(parse_nameserver)) servers.push_back(*server);
    return servers;
  }
  std::string words() const { return "list of addresses"; }
  std::string shown(const Type&) const { return {}; }
  std::string json_schema() const { return list_schema(string_schema("[\\[\\]0-9a-fA-F:.]+"), 1, most); }
};

// ---- admin

void read_admin_address(const Value& value, AdminDocument& admin) {
  constexpr std::string_view unix_scheme = "unix:";
  const auto text = value.text();
  if (!text) return;
  if (text->starts_with(unix_scheme)) {
    admin.unix_path = std::string(text->substr(unix_scheme.size()));
    if (admin.unix_path.empty()) value.refuse({"names no file", "unix:/run/postern/admin.sock"});
    return;
  }
  const auto parsed = value.parsed(parse_listen_address);
  if (!parsed) return;
  admin.host = parsed->host;
  admin.port = parsed->port;
  const bool literal =
      admin.host.empty() || admin.host == "localhost" || is_ipv4(admin.host) || is_ipv6(admin.host);
  if (!literal) value.complain("is a name; a listener needs an address of this machine");
}

auto admin_address() { return custom(read_admin_address, "address", string_schema("unix:.+|.*:[0-9]+")); }

// ---- error_pages

constexpr std::size_t max_pages = 200;

// Parses "404", "4xx" or "5xx".
bool read_statuses(std::string_view key, ErrorPageDocument& page) {
  if (key.size() != 3 || (key[0] != '4' && key[0] != '5')) return false;
  if (key.substr(1) == "xx") {
    page.first = static_cast<uint16_t>((key[0] - '0') * 100);
    page.last = static_cast<uint16_t>(page.first + 99);
    return true;
  }
  const auto status = base::parse_decimal(key);
  if (!status) return false;
  page.first = page.last = static_cast<uint16_t>(*status);
  return true;
}

// Reads the files for the status that the last part of the key path names.
void read_page_files(const Value& value, ErrorPagesDocument& pages) {
  ErrorPageDocument page;
  read_statuses(std::string_view(value.path()).substr(value.path().rfind('.') + 1), page);
  for (const Value& item : value.items_or_one()) {
    const auto file = item.text();
    if (!file) continue;
    page.file = std::string(*file);
    page.location = item.location();
    pages.pages.push_back(page);
  }
}

auto page_files() {
  return custom(read_page_files, "file or list of files",
                any_of({scalar_schema(), list_schema(scalar_schema(), 0, 1000)}), "none");
}

const Keys<ErrorPagesDocument>& error_page_keys() {
  static const auto keys =
      Keys<ErrorPagesDocument>("error_pages")
          .key("detail", &ErrorPagesDocument::full_detail, words<bool>({{"safe", false}, {"full", true}}),
               "How much the error responses of the gateway tell clients. With full, clients also get the "
               "detail and the remedy of failures that are not their fault, which name endpoints behind "
               "the gateway: use it on a development machine only.")
          .located(&ErrorPagesDocument::detail_location)
          .key(
              "404", [](ErrorPagesDocument& pages) -> ErrorPagesDocument& { return pages; }, page_files(),
              "Your own page for error responses with one status; the key is any status from 400 to 599. "
              "The file has at most 64KiB, and its extension (.html, .json or .txt) says for which "
              "clients it is. {status}, {reason}, {error}, {message}, {remedy}, {detail}, {request_id}, "
              "{host} and {path} are filled in, escaped.")
          .example("[pages/404.html, pages/404.json]")
          .commented_out()
          .key(
              "5xx", [](ErrorPagesDocument& pages) -> ErrorPagesDocument& { return pages; }, page_files(),
              "Your own page for error responses with any status from 500 to 599; the key 4xx is for 400 "
              "to 499. A page for a single status goes before it. The file has at most 64KiB, and its "
              "extension (.html, .json or .txt) says for which clients it is.")
          .example("pages/5xx.html")
          .commented_out();
  return keys;
}

}  // namespace

const Keys<LogDocument>& log_keys() {
  static const auto keys =
      Keys<LogDocument>("log")
          .key("format", &LogDocument::format,
               words<telemetry::LogFormat>(
                   {{"json", telemetry::LogFormat::json}, {"text", telemetry::LogFormat::text}}),
               "The format of the log, with one line per event: json is for programs, text for people.")
          .needs_restart()
          .key("level", &LogDocument::level,
               words<base::Severity>({{"debug", base::Severity::debug},
                                      {"info", base::Severity::info},
                                      {"warn", base::Severity::warn},
                                      {"error", base::Severity::error}}),
               "The lowest level of the events that are logged. The access log does not depend on it: "
               "log.access alone decides about lines for requests, WebSockets and event streams.")
          .key("access", &LogDocument::access, boolean(),
               "Whether the access log is written: one line for each request, and two (start and end) for "
               "each WebSocket, event stream and other response that stays open. With false, only failures "
               "are logged.")
          .key("output", &LogDocument::output, LogOutput(),
               "Where the log is written: stdout, or a file. A file is opened again on SIGUSR1, for log "
               "rotation.")
          .located(&LogDocument::output_location)
          .key("redact", &LogDocument::redact, redacted_names(),
               "Further query parameters whose values are never logged. A name in brackets or behind a dot "
               "counts as well (user[token]). Never logged are: token, jwt, api_key, key, secret, "
               "password, pwd, pass, auth, authorization, bearer, code, code_verifier, sig, signature, "
               "hmac, otp, SAMLResponse, every name with password, passwd, passphrase, secret or signature "
               "in it, every name that ends in token, credential, apikey, private_key or assertion, and "
               "those from which a jwt section takes its token.")
          .by_default("[]")
          .key("token", &LogDocument::token, logged_token(),
               "What the lines of requests, WebSockets and event streams say of the token of a request: "
               "provider "
               "(the name in jwt), sub and jti (its claims, at most 256 bytes), sub_hash (16 digits of a "
               "SHA-256 "
               "of iss and sub, in place of the name of a user), rule (of required_claims, that did not "
               "permit "
               "the request). Claims are shown of verified tokens only, and a token never.")
          .by_default("[]")
          .example("[provider, sub_hash, rule]")
          .key("client_certificate", &LogDocument::certificate, logged_certificate(),
               "What the lines of requests, WebSockets and event streams say of the certificate of the "
               "client: "
               "subject, san (its alternative names; both at most 256 bytes), serial and fingerprint, as "
               "client_certificate.forward of a route writes them. Without a certificate they say nothing.")
          .by_default("[]")
          .example("[subject, fingerprint]");
  return keys;
}

const Keys<net::DnsOptions>& resolver_keys() {
  static const auto keys =
      Keys<net::DnsOptions>("resolver")
          .key("nameservers", &net::DnsOptions::nameservers, NameServers(),
               "The DNS servers to ask, in this order, instead of the servers in resolv.conf. The port is "
               "53 where none is written.")
          .by_default("the servers in resolv.conf")
          .example("[\"10.0.0.53\", \"10.0.1.53:5353\"]")
          .commented_out()
          .key("timeout", &net::DnsOptions::timeout, duration(10ms, 30s),
               "How long a DNS server may take to answer before it, or the next one, is asked again. An "
               "answer is used for its TTL, at least 1s and at most 5m; while no server answers, the old "
               "answer is used for up to 1h more.");
  return keys;
}

const Keys<AdminDocument>& admin_keys() {
  static const auto keys =
      Keys<AdminDocument>("admin")
          .key(
              "address", [](AdminDocument& admin) -> AdminDocument& { return admin; }, admin_address(),
              "The address of the admin listener, such as \"127.0.0.1:9901\". "
              "\"unix:/run/postern/admin.sock\" is a Unix socket that only Postern's own user may connect "
              "to.")
          .required()
          .example("\"127.0.0.1:9901\"")
          .key("public", &AdminDocument::is_public, boolean(),
               "Whether the admin listener may have an address that other machines can reach, and answers "
               "requests for any Host. It asks for no password.")
          .check([](const Fields& fields, AdminDocument& admin) {
            if (!fields.is_good("address") || !admin.unix_path.empty()) return;
            if (!admin.is_public && !is_loopback(admin.host))
              fields.take("address")->complain(
                  "can be reached from other machines, and nobody is asked for a password there; write "
                  "127.0.0.1 for its host, or say public: true");
          });
  return keys;
}

void ErrorPages::read_into(const Value& value, ErrorPagesDocument& pages) const {
  const Section& keys = error_page_keys();
  for (const auto& [key, entry] : value.entries()) {
    ErrorPageDocument page;
    if (key.text == "detail")
      keys.read_as("detail", entry, &pages);
    else if (read_statuses(key.text, page))
      keys.read_as("404", entry, &pages);
    else
      entry.diagnostics().error(
          key.location, entry.path(),
          "unknown key " + quoted(key.text) + "; it is a status from 400 to 599, 4xx, 5xx, or detail");
  }
  if (pages.pages.size() > max_pages) value.complain("has more than 200 pages");
}

std::string ErrorPages::json_schema() const {
  const KeyRow& detail = error_page_keys().row("detail");
  return R"({"type":"object","properties":{"detail":)" + detail.kind->json_schema() +
         R"(},"patternProperties":{"^[45]([0-9]{2}|xx)$":)" + page_files().json_schema() +
         R"(},"additionalProperties":false})";
}

const Section* ErrorPages::section() const { return &error_page_keys(); }

}  // namespace postern::config
