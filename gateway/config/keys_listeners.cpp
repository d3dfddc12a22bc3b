#include "config/keys_listeners.h"

#include <chrono>

#include "config/addresses.h"
#include "config/keys_certificates.h"
#include "config/keys_limits.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;
using net::ProxyHeaderRules;

Parsed<std::string> parse_ciphers(std::string_view text) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+!:@=, ";
  if (text.find_first_not_of(letters) != std::string_view::npos)
    return complain("is not an OpenSSL cipher list");
  return std::string(text);
}

const Keys<CertificateFiles>& certificate_keys() {
  static const auto keys =
      Keys<CertificateFiles>("certificate")
          .begin([](const Value& value, CertificateFiles& files) {
            files.location = files.key_location = value.location();
          })
          .key("certificate", &CertificateFiles::certificate, text("file"),
               "The PEM file with a certificate chain, the server's own certificate first. A relative path "
               "starts at the folder of the configuration file.")
          .required()
          .example("a.pem")
          .commented_out()
          .located(&CertificateFiles::location)
          .key("key", &CertificateFiles::key, text("file"),
               "The PEM file with the private key of the certificate beside it. A relative path starts at "
               "the folder of the configuration file.")
          .required()
          .example("a.key")
          .commented_out()
          .located(&CertificateFiles::key_location);
  return keys;
}

void check_tls(const Fields& fields, TlsDocument& tls) {
  const auto list = fields.take("certificates");
  tls.is_list = list.has_value();
  if (list) {
    if (fields.take("certificate") || fields.take("key"))
      fields.value().complain("has both certificates and certificate or key; move all into certificates");
  } else {
    tls.single.location = fields.value().location();
    if (const auto value = fields.take("certificate")) tls.single.location = value->location();
    tls.single.key_location = tls.single.location;
    if (const auto value = fields.take("key")) tls.single.key_location = value->location();
    tls.certificates.push_back(std::move(tls.single));
  }
  if (const auto ciphers = fields.take("ciphers"); ciphers && tls.tls1_3_only)
    ciphers->warn("has no effect: it is for TLS 1.2, and min_version is 1.3");
}

const Keys<TlsDocument>& tls_keys() {
  static const auto keys =
      Keys<TlsDocument>("listener_tls")
          .begin([](const Value& value, TlsDocument& tls) { tls.location = value.location(); })
          .key(
              "certificate", [](TlsDocument& tls) -> std::string& { return tls.single.certificate; },
              text("file"),
              "The PEM file with the certificate chain of this listener, the server's own certificate "
              "first. A relative path starts at the folder of the configuration file.")
          .required_without("certificates")
          .example("site.pem")
          .key(
              "key", [](TlsDocument& tls) -> std::string& { return tls.single.key; }, text("file"),
              "The PEM file with the private key of the certificate. A relative path starts at the folder "
              "of the configuration file.")
          .required_without("certificates")
          .example("site.key")
          .key("certificates", &TlsDocument::certificates,
               list_of_maps(certificate_keys, "is empty; a TLS listener needs a certificate"),
               "Several certificates for one listener, in place of a single certificate and key. One is "
               "chosen by the server name (SNI) and the key types that the client offers; the first is the "
               "default.")
          .commented_out()
          .key("min_version", &TlsDocument::tls1_3_only, words<bool>({{"1.2", false}, {"1.3", true}}),
               "The oldest version of TLS that clients may use.")
          .by_default("\"1.2\"")
          .key("ciphers", &TlsDocument::ciphers,
               text("OpenSSL cipher list", parse_ciphers, "[A-Za-z0-9_+!:@=, -]+"),
               "The cipher suites for TLS 1.2, in OpenSSL's cipher list format. TLS 1.3 has its own "
               "suites, which this key does not change.")
          .by_default("the built-in list")
          .example("\"ECDHE+AESGCM:ECDHE+CHACHA20\"")
          .commented_out()
          .key("client_certificates", &TlsDocument::clients, map(client_certificates_keys),
               "Asks clients for certificates (mutual TLS). Without it, they are not asked.")
          .commented_out()
          .check(check_tls);
  return keys;
}

std::optional<std::vector<std::string>> read_excepted_paths(const Value& value) {
  std::vector<std::string> paths;
  for (const Value& item : value.items_or_one())
    if (auto path = item.parsed(parse_route_path)) {
      if (*path == "/") item.complain("\"/\" is every path; leave redirect out for that");
      paths.push_back(std::move(*path));
    }
  return paths;
}

auto excepted_paths() {
  return custom(read_excepted_paths, "list of paths",
                any_of({string_schema("/.+"), list_schema(string_schema("/.+"), 0, 1000)}), "[]");
}

const Keys<ListenerDocument>& redirect_keys() {
  static const auto keys =
      Keys<ListenerDocument>("https_redirect")
          .key("to", &ListenerDocument::redirect_to_https, words<bool>({{"https", true}}),
               "The scheme that clients are redirected to; https is the only one.")
          .required()
          .example("https")
          .commented_out()
          .key("except", &ListenerDocument::redirect_except, excepted_paths(),
               "The paths that are not redirected to https, such as those of ACME challenges. Requests for "
               "them, and for what lies below them, go to the routes.")
          .example("[/.well-known/acme-challenge]")
          .commented_out();
  return keys;
}

const Keys<ProxyHeaderRules>& proxy_protocol_keys() {
  static const auto keys =
      Keys<ProxyHeaderRules>("proxy_protocol")
          .key("trust", &ProxyHeaderRules::trust, trusted_blocks("is empty; nobody could send a header"),
               "The load balancers whose connections must begin with a PROXY protocol header; one that "
               "does not is closed. No header is believed from any other address: such a connection is "
               "served as it comes, and a header on it is a bad request.")
          .required()
          .example("[\"10.0.0.0/24\"]")
          .key("timeout", &ProxyHeaderRules::timeout, duration(1ms, 1min),
               "How long the PROXY protocol header of a new connection may take before the connection is "
               "closed.");
  return keys;
}

void read_listen_address_kind(const Value& value, ListenerDocument& listener) {
  auto parsed = value.parsed(parse_listen_address);
  if (!parsed) return;
  listener.address_location = value.location();
  listener.host = std::move(parsed->host);
  listener.port = parsed->port;
}

auto listen_address_kind() { return custom(read_listen_address_kind, "address", string_schema(".*:[0-9]+")); }

}  // namespace

std::optional<base::CidrSet> Blocks::read(const Value& value) const {
  base::CidrSet found;
  const auto items = value.items();
  if (value.is_list() && items.empty() && !if_empty.empty()) value.complain(std::string(if_empty));
  for (const Value& item : items) {
    const auto block = item.parsed(parse_cidr);
    if (!block) continue;
    if (block->ends_with("/0") && !if_everybody.empty()) item.warn(std::string(if_everybody));
    found.add(*block);
  }
  return found;
}

std::string Blocks::json_schema() const {
  return list_schema(string_schema(cidr_pattern), if_empty.empty() ? 0 : 1, 1000);
}

void Listeners::read_into(const Value& value, Document& document) const {
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; nobody could connect");
  for (const Value& item : items) {
    ListenerDocument listener;
    listener.limits = document.limits.listener;
    listener_keys().read(item, &listener);
    document.listeners.push_back(std::move(listener));
  }
}

std::string Listeners::json_schema() const { return list_schema(section_schema(listener_keys()), 1, 1000); }

const Section* Listeners::section() const { return &listener_keys(); }

const Keys<ListenerDocument>& listener_keys() {
  static const auto keys =
      Keys<ListenerDocument>("listener")
          .begin([](const Value& value, ListenerDocument& listener) { listener.location = value.location(); })
          .key("address", itself<ListenerDocument>, listen_address_kind(),
               "The address and port to listen on. \":443\" is every address of the machine; others are "
               "\"127.0.0.1:443\", \"[::1]:443\" and \"localhost:443\", which is 127.0.0.1 and, where the "
               "machine has IPv6, [::1]. With port 0 the system chooses the port.")
          .required()
          .example("\":443\"")
          .key("tls", &ListenerDocument::tls, map(tls_keys),
               "Terminates TLS on this listener. Without it, the listener speaks plain HTTP.")
          .key("redirect", itself<ListenerDocument>,
               map(redirect_keys).short_for("to").in_words("https or map"),
               "Answers every request on a plain HTTP listener with a redirect (308) to https. `redirect: "
               "https` is short for { to: https }.")
          .by_default("none")
          .commented_out()
          .located(&ListenerDocument::redirect_location)
          .key("limits", &ListenerDocument::limits, map(listener_limit_keys),
               "The size and time limits of this listener, where they differ from the top-level limits.")
          .by_default("the top-level limits")
          .commented_out()
          .inherits("limits.")
          .key("proxy_protocol", &ListenerDocument::proxy_protocol, map(proxy_protocol_keys),
               "Reads a PROXY protocol header, v1 or v2, which a load balancer in front sends before a "
               "connection's own bytes (also before TLS). It names the client, whose address is then "
               "logged and sent in X-Forwarded-For. If a v2 header says that the client used TLS "
               "(PP2_TYPE_SSL), the scheme is https, unless a trusted proxy says otherwise.")
          .at_most_one_of({"tls", "redirect"}, "stands on a TLS listener, whose clients speak https already");
  return keys;
}

}  // namespace postern::config
