#include "proxy/response_rewrite.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "http/hop_by_hop.h"
#include "http/target.h"

namespace postern::proxy {
namespace {

using http::FieldId;

struct Url {
  bool tls = false;
  std::string_view authority;
  std::string_view rest;  // path, query and fragment; may be empty
};

// An absolute http or https URL without a user.
std::optional<Url> read_url(std::string_view text) {
  Url url;
  const size_t colon = text.find("://");
  if (colon == text.npos) return std::nullopt;
  const std::string_view scheme = text.substr(0, colon);
  url.tls = base::equal_ignoring_case(scheme, "https");
  if (!url.tls && !base::equal_ignoring_case(scheme, "http")) return std::nullopt;
  text.remove_prefix(colon + 3);
  const size_t end = std::min(text.find_first_of("/?#\\"), text.size());
  url.authority = text.substr(0, end);
  url.rest = text.substr(end);
  return url;
}

// Whether two authorities are one place, where a missing port is that of the scheme.
bool same_place(std::string_view a, bool a_tls, std::string_view b, bool b_tls) {
  const auto first = http::read_authority(a);
  const auto second = http::read_authority(b);
  if (!first || !second || !base::equal_ignoring_case(first->host, second->host)) return false;
  const auto port = [](const http::Authority& authority, bool tls) {
    return authority.port.empty() ? std::string_view(tls ? "443" : "80") : authority.port;
  };
  return port(*first, a_tls) == port(*second, b_tls);
}

bool leads_to_endpoint(const ResponseSource& source, const Url& url) {
  if (same_place(url.authority, url.tls, source.endpoint.authority, source.endpoint.tls)) return true;
  // An application that makes its addresses from Host uses the one it was given; that it may think of either
  // scheme says nothing about the place.
  const std::string_view sent_host = source.sent.get(http::FieldId::host);
  return !sent_host.empty() && sent_host != source.client.authority &&
         same_place(url.authority, url.tls, sent_host, url.tls);
}

// Path, query and fragment as the client has to ask for them.
std::string client_path(const ResponseSource& source, std::string_view rest) {
  const size_t end = std::min(rest.find_first_of("?#"), rest.size());
  const std::string_view path = rest.substr(0, end);
  std::optional<std::string> restored;
  if (source.rewriting.path) restored = source.rewriting.path->restore(path.empty() ? "/" : path);
  return (restored ? *restored : std::string(path)).append(rest.substr(end));
}

// A URL reference of the endpoint as it is for the client; nothing when it is the same.
std::optional<std::string> client_reference(const ResponseSource& source, std::string_view text) {
  const bool is_path = text.starts_with('/') && !text.starts_with("//") && !text.starts_with("/\\");
  if (is_path) {
    if (!source.rewriting.path) return std::nullopt;
    std::string path = client_path(source, text);
    return path == text ? std::nullopt : std::optional(std::move(path));
  }
  const std::optional<Url> url = read_url(text);
  if (!url || source.client.authority.empty()) return std::nullopt;
  if (leads_to_endpoint(source, *url)) {
    std::string made = source.client.tls ? "https://" : "http://";
    return made.append(source.client.authority).append(client_path(source, url->rest));
  }
  // An application that goes by the client's Host has the right place, and still its own path.
  if (!source.rewriting.path || !base::equal_ignoring_case(url->authority, source.client.authority))
    return std::nullopt;
  const std::string_view before = text.substr(0, text.size() - url->rest.size());
  return std::string(before).append(client_path(source, url->rest));
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
  head.headers.change_values([&](const http::HeaderField& field) {
    const std::optional<std::string> value = rewritten_value(source, field);
    return value ? head.arena.keep(*value) : field.value;
  });
  if (!source.request_id.empty()) {
    head.headers.remove(snapshot.request_id_field);
    head.headers.add(FieldId::other, snapshot.request_id_field, source.request_id);
  }
  if (snapshot.via) head.headers.add(FieldId::via, "Via", "1.1 postern");
}

}  // namespace postern::proxy
