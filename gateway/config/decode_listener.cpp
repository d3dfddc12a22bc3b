#include "config/decode_listener.h"

#include "config/addresses.h"
#include "config/decode_limits.h"

namespace postern::config {
namespace {

CertificateFiles decode_certificate(const Fields& fields) {
  CertificateFiles files;
  files.location = fields.value().location();
  if (const auto value = fields.need("certificate")) {
    set(files.certificate, value->text());
    files.location = value->location();
  }
  files.key_location = files.location;
  if (const auto value = fields.need("key")) {
    set(files.key, value->text());
    files.key_location = value->location();
  }
  return files;
}

void decode_ciphers(const Value& value, TlsDocument& tls) {
  const auto text = value.text();
  if (!text) return;
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+!:@=, ";
  if (text->find_first_not_of(letters) != std::string_view::npos) {
    value.refuse({"is not an OpenSSL cipher list", ""});
    return;
  }
  tls.ciphers = std::string(*text);
}

TlsDocument decode_tls(const Value& value) {
  const Fields fields(value);
  TlsDocument tls;
  tls.location = value.location();
  const auto list = fields.take("certificates");
  const bool has_one = fields.take("certificate").has_value() || fields.take("key").has_value();
  if (list) {
    tls.is_list = true;
    const auto items = list->items();
    if (list->is_list() && items.empty()) list->complain("is empty; a TLS listener needs a certificate");
    for (const Value& item : items) tls.certificates.push_back(decode_certificate(Fields(item)));
    if (has_one) value.complain("has both certificates and certificate or key; move all into certificates");
  } else {
    tls.certificates.push_back(decode_certificate(fields));
  }
  if (const auto version = fields.take("min_version")) {
    const auto index = version->one_of({"1.2", "1.3"});
    if (index) tls.min_version = *index == 0 ? TlsVersion::tls1_2 : TlsVersion::tls1_3;
  }
  if (const auto ciphers = fields.take("ciphers")) {
    decode_ciphers(*ciphers, tls);
    if (tls.min_version == TlsVersion::tls1_3) {
      ciphers->warn("has no effect: it is for TLS 1.2, and min_version is 1.3");
    }
  }
  return tls;
}

ProxyProtocolDocument decode_proxy_protocol(const Value& value) {
  const Fields fields(value);
  ProxyProtocolDocument proxies;
  if (const auto trust = fields.need("trust")) {
    const auto items = trust->items();
    if (trust->is_list() && items.empty()) trust->complain("is empty; nobody could send a header");
    for (const Value& item : items) {
      auto block = item.parsed(parse_cidr);
      if (!block) continue;
      if (block->ends_with("/0"))
        item.warn("trusts every client; each may then choose its own address in the log");
      proxies.trust.push_back(std::move(*block));
    }
  }
  if (const auto timeout = fields.take("timeout"))
    set(proxies.timeout, timeout->duration(std::chrono::milliseconds(1), std::chrono::minutes(1)));
  return proxies;
}

void decode_redirect(const Value& value, ListenerDocument& listener) {
  const Fields fields(value);
  if (const auto to = fields.need("to")) listener.redirect_to_https = to->one_of({"https"}).has_value();
  const auto except = fields.take("except");
  if (!except) return;
  for (const Value& item : except->items_or_one())
    if (auto path = item.parsed(parse_route_path)) {
      if (*path == "/") item.complain("\"/\" is every path; leave redirect out for that");
      listener.redirect_except.push_back(std::move(*path));
    }
}

ListenerDocument decode_listener(const Value& value) {
  const Fields fields(value);
  ListenerDocument listener;
  listener.location = value.location();
  if (const auto address = fields.need("address")) {
    if (auto parsed = address->parsed(parse_listen_address)) {
      listener.address_location = address->location();
      listener.host = std::move(parsed->host);
      listener.port = parsed->port;
    }
  }
  if (const auto tls = fields.take("tls")) listener.tls = decode_tls(*tls);
  if (const auto proxies = fields.take("proxy_protocol"))
    listener.proxy_protocol = decode_proxy_protocol(*proxies);
  if (const auto limits = fields.take("limits")) decode_listener_limits(*limits, listener.limits);
  if (const auto redirect = fields.take("redirect")) {
    listener.redirect_location = redirect->location();
    if (redirect->is_map())
      decode_redirect(*redirect, listener);
    else
      listener.redirect_to_https = redirect->one_of({"https"}).has_value();
    if (listener.tls) redirect->complain("stands on a TLS listener, whose clients speak https already");
  }
  return listener;
}

}  // namespace

void decode_listeners(const Value& value, Document& document) {
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; nobody could connect");
  for (const Value& item : items) document.listeners.push_back(decode_listener(item));
}

}  // namespace postern::config
