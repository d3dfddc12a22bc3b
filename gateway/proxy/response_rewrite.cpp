#include "proxy/response_rewrite.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "http/date.h"
#include "http/hop_by_hop.h"
#include "http/target.h"
#include "http/trailers.h"

namespace postern::proxy {
namespace {

using http::FieldId;

struct Url {
  std::optional<bool> tls;  // nullopt: it names no scheme ("//host/path")
  std::string_view authority;
  std::string_view rest;  // path, query and fragment; may be empty
};

// An absolute http or https URL, or one without a scheme.
std::optional<Url> read_url(std::string_view text) {
  Url url;
  if (text.starts_with("//")) {
    text.remove_prefix(2);
  } else {
    const size_t colon = text.find("://");
    if (colon == text.npos) return std::nullopt;
    const std::string_view scheme = text.substr(0, colon);
    url.tls = base::equal_ignoring_case(scheme, "https");
    if (!*url.tls && !base::equal_ignoring_case(scheme, "http")) return std::nullopt;
    text.remove_prefix(colon + 3);
  }
  const size_t end = std::min(text.find_first_of("/?#\\"), text.size());
  url.authority = text.substr(0, end);
  url.rest = text.substr(end);
  return url;
}

// The names by which a machine calls itself or any of its addresses.
bool is_own_machine(std::string_view host) {
  if (base::equal_ignoring_case(host, "localhost")) return true;
  const std::optional<base::IpAddress> address = base::IpAddress::parse(host);
  return address && (address->is_loopback() || address->is_unspecified());
}

bool same_host(std::string_view a, std::string_view b) {
  const auto without_dot = [](std::string_view host) {
    return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  };
  a = without_dot(a);
  b = without_dot(b);
  if (base::equal_ignoring_case(a, b)) return true;
  if (is_own_machine(a) && is_own_machine(b)) return true;
  const std::optional<base::IpAddress> address = base::IpAddress::parse(a);
  return address && address == base::IpAddress::parse(b);
}

std::string_view port_of(const http::Authority& authority, bool tls) {
  return authority.port.empty() ? std::string_view(tls ? "443" : "80") : authority.port;
}

// Whether two authorities are the same; a missing port is the default port of the scheme.
bool same_place(const http::Authority& a, bool a_tls, std::string_view b, bool b_tls) {
  const auto other = http::read_authority(b);
  return other && port_of(a, a_tls) == port_of(*other, b_tls) && same_host(a.host, other->host);
}

bool leads_to_endpoint(const ResponseSource& source, const Url& url, const http::Authority& authority) {
  const bool tls = url.tls.value_or(source.endpoint.tls);
  const auto is_place_of = [&](const upstream::EndpointModel& endpoint) {
    return same_place(authority, tls, endpoint.authority, endpoint.tls);
  };
  if (is_place_of(source.endpoint)) return true;
  if (std::any_of(source.endpoints.begin(), source.endpoints.end(), is_place_of)) return true;
  if (source.peer && same_place(authority, tls, source.peer->text(), source.endpoint.tls)) return true;
  // An application that builds its URLs from Host uses the Host it received. It may assume either scheme, so
  // the scheme does not matter here.
  const std::string_view sent_host = source.sent.get(http::FieldId::host);
  return !sent_host.empty() && sent_host != source.client.authority &&
         same_place(authority, tls, sent_host, tls);
}

// Path, query and fragment as the client has to request them.
std::string client_path(const ResponseSource& source, std::string_view rest) {
  const size_t end = std::min(rest.find_first_of("?#"), rest.size());
  const std::string_view path = rest.substr(0, end);
  std::optional<std::string> restored;
  if (source.rewriting.path) restored = source.rewriting.path->restore(path.empty() ? "/" : path);
  return (restored ? *restored : std::string(path)).append(rest.substr(end));
}

// The client's form of a URL reference of the endpoint; nullopt if it need not change.
std::optional<std::string> client_reference(const ResponseSource& source, std::string_view text) {
  const bool is_path = text.starts_with('/') && !text.starts_with("//") && !text.starts_with("/\\");
  if (is_path) {
    if (!source.rewriting.path) return std::nullopt;
    std::string path = client_path(source, text);
    return path == text ? std::nullopt : std::optional(std::move(path));
  }
  const std::optional<Url> url = read_url(text);
  if (!url || source.client.authority.empty()) return std::nullopt;
  const auto authority = http::read_authority(url->authority);
  if (!authority) return std::nullopt;
  const std::string_view own_scheme = !url->tls ? "//" : source.client.tls ? "https://" : "http://";
  if (leads_to_endpoint(source, *url, *authority))
    return std::string(own_scheme).append(source.client.authority).append(client_path(source, url->rest));
  // An application that uses the client's Host has the right authority, but still its own path and scheme.
  if (!base::equal_ignoring_case(url->authority, source.client.authority)) return std::nullopt;
  const bool wrong_scheme = source.client.tls && url->tls == false;
  if (!source.rewriting.path && !wrong_scheme) return std::nullopt;
  const std::string_view before = text.substr(0, text.size() - url->rest.size() - url->authority.size());
  return std::string(wrong_scheme ? own_scheme : before)
      .append(url->authority)
      .append(client_path(source, url->rest));
}

// "5; url=https://..." with or without quotes.
std::optional<std::string> client_refresh(const ResponseSource& source, std::string_view value) {
  const size_t semicolon = value.find_first_of(";,");
  if (semicolon == value.npos) return std::nullopt;
  size_t start = value.find_first_not_of(" \t", semicolon + 1);
  if (start == value.npos || !base::equal_ignoring_case(value.substr(start, 3), "url")) return std::nullopt;
  start = value.find_first_not_of(" \t", start + 3);
  if (start == value.npos || value[start] != '=') return std::nullopt;
  start = value.find_first_not_of(" \t", start + 1);
  if (start == value.npos) return std::nullopt;
  size_t end = value.size();
  if (value[start] == '"' || value[start] == '\'') {
    end = std::min(value.find(value[start], start + 1), value.size());
    ++start;
  }
  std::optional<std::string> reference = client_reference(source, value.substr(start, end - start));
  if (!reference) return std::nullopt;
  return std::string(value.substr(0, start)).append(*reference).append(value.substr(end));
}

std::optional<std::string> rewritten_value(const ResponseSource& source, const http::HeaderField& field) {
  if (field.id != FieldId::other) return std::nullopt;
  const auto named = [&field](std::string_view name) {
    return field.name.size() == name.size() && base::equal_ignoring_case(field.name, name);
  };
  if (source.rewriting.location) {
    if (named("location") || named("content-location")) return client_reference(source, field.value);
    if (named("refresh")) return client_refresh(source, field.value);
  }
  if (source.rewriting.cookies && named("set-cookie")) return source.rewriting.cookies->rewrite(field.value);
  return std::nullopt;
}

}  // namespace

void rewrite_response(const Snapshot& snapshot, const ResponseSource& source, http::ResponseHead& head) {
  http::remove_hop_by_hop(head.headers);
  bool has_date = false;
  head.headers.change_values([&](const http::HeaderField& field) {
    has_date = has_date || field.id == FieldId::date;
    const std::optional<std::string> value = rewritten_value(source, field);
    return value ? head.arena.keep(*value) : field.value;
  });
  if (!has_date && !head.interim())
    head.headers.add(FieldId::date, "Date", head.arena.keep(http::imf_fixdate(source.now_unix)));
  if (!source.request_id.empty()) {
    const http::HeaderField* own = head.headers.find(snapshot.request_id_field);
    const std::string_view made_there = own ? own->value : std::string_view();
    if (own) head.headers.remove(snapshot.request_id_field);
    head.headers.add(FieldId::other, snapshot.request_id_field, source.request_id);
    if (!made_there.empty() && made_there != source.request_id)
      head.headers.add(FieldId::other, snapshot.request_id_field, made_there);
  }
  if (snapshot.via) head.headers.add(FieldId::via, "Via", "1.1 postern");
}

http::Headers passing_trailers(const http::Headers& trailers,
                               const std::function<void(http::ResponseHead&)>& amend) {
  http::ResponseHead head;
  for (const http::HeaderField& field : trailers)
    if (http::may_be_trailer(field)) head.headers.add(field.id, field.name, field.value);
  const http::Headers before = head.headers;
  amend(head);
  http::Headers passing;
  for (const http::HeaderField& field : before)
    for (const http::HeaderField& left : head.headers)
      if (left.name.data() == field.name.data() && left.value == field.value)
        passing.add(field.id, field.name, field.value);
  return passing;
}

}  // namespace postern::proxy
