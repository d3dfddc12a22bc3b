#include "config/decode_rewrite.h"

#include <algorithm>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/text.h"
#include "http/target.h"

namespace postern::config {
namespace {

constexpr std::size_t max_pattern = 1024;
constexpr std::size_t max_mappings = 100;

// ---- rewrite

void decode_prefix(const Value& value, PathRewriteDocument::Kind kind, PathRewriteDocument& rewrite) {
  rewrite.kind = kind;
  rewrite.location = value.location();
  set(rewrite.prefix, value.parsed(parse_route_path));
  if (rewrite.prefix == "/" && kind != PathRewriteDocument::Kind::replace_prefix)
    value.refuse({"is in front of every path already", ""});
}

void decode_pattern(const Value& value, const Fields& fields, PathRewriteDocument& rewrite) {
  rewrite.kind = PathRewriteDocument::Kind::pattern;
  rewrite.location = value.location();
  if (const auto text = value.text()) {
    rewrite.pattern = std::string(*text);
    if (text->size() > max_pattern) value.complain("is longer than 1024 bytes");
  }
  const auto to = fields.need("to");
  const auto text = to ? to->text() : std::nullopt;
  if (!text) return;
  rewrite.to = std::string(*text);
  if (text->size() > max_pattern) to->complain("is longer than 1024 bytes");
}

std::optional<PathRewriteDocument> decode_rewrite(const Value& value) {
  using Kind = PathRewriteDocument::Kind;
  const Fields fields(value);
  PathRewriteDocument rewrite;
  std::string_view first;
  for (const auto& [key, kind] : {std::pair{"strip_prefix", Kind::strip_prefix},
                                  {"add_prefix", Kind::add_prefix},
                                  {"replace_prefix", Kind::replace_prefix},
                                  {"pattern", Kind::pattern}}) {
    const auto found = fields.take(key);
    if (!found) continue;
    if (!first.empty()) {
      found->complain("stands beside " + std::string(first) + "; a path is rewritten in one way");
      continue;
    }
    first = key;
    if (kind == Kind::pattern)
      decode_pattern(*found, fields, rewrite);
    else
      decode_prefix(*found, kind, rewrite);
  }
  const auto to = fields.take("to");
  if (to && first != "pattern") to->complain("is for pattern");
  if (!first.empty()) return rewrite;
  const bool is_misspelt = fields.is_misspelt("strip_prefix") || fields.is_misspelt("add_prefix") ||
                           fields.is_misspelt("replace_prefix") || fields.is_misspelt("pattern");
  if (fields.is_map() && !is_misspelt && !to)
    value.complain("is empty: strip_prefix, add_prefix, replace_prefix or pattern");
  return std::nullopt;
}

// ---- cookies

Parsed<std::string> parse_cookie_domain(std::string_view text) {
  if (text == "*") return std::string(text);
  if (!is_host(text.starts_with('.') ? text.substr(1) : text)) return complain("is not a domain");
  return base::to_lower(text);
}

Parsed<std::string> parse_cookie_path(std::string_view text) {
  if (text == "*") return std::string(text);
  if (!text.starts_with('/')) return complain("does not begin with \"/\"", "/" + std::string(text));
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= 0x20 || c >= 0x7f || c == ';'; }))
    return complain("holds a character that no cookie's path may hold");
  return std::string(text);
}

using ParseAttribute = Parsed<std::string> (*)(std::string_view);

std::optional<CookieMappingDocument> decode_mapping(std::string from, const Value& value,
                                                    ParseAttribute parse) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  if (*text == "remove") return CookieMappingDocument{std::move(from), std::nullopt};
  auto to = value.parsed(parse);
  if (!to) return std::nullopt;
  if (*to == "*") {
    value.complain("\"*\" stands for whatever there was, and can only be replaced; write remove or a value");
    return std::nullopt;
  }
  return CookieMappingDocument{std::move(from), std::move(*to)};
}

std::vector<CookieMappingDocument> decode_mappings(const Value& value, ParseAttribute parse) {
  std::vector<CookieMappingDocument> mappings;
  if (!value.is_map()) {
    if (auto mapping = decode_mapping("*", value, parse)) mappings.push_back(std::move(*mapping));
    return mappings;
  }
  for (const auto& [key, entry] : value.entries()) {
    auto from = parse(key.text);
    if (!from) {
      entry.diagnostics().error(key.location, entry.path(), quoted(key.text) + ' ' + from.error().rule);
      continue;
    }
    if (from->starts_with('.')) from->erase(0, 1);
    if (auto mapping = decode_mapping(std::move(*from), entry, parse))
      mappings.push_back(std::move(*mapping));
  }
  if (mappings.size() > max_mappings) value.complain("has more than 100 entries");
  return mappings;
}

CookiesDocument decode_cookies(const Value& value) {
  const Fields fields(value);
  CookiesDocument cookies;
  if (const auto domain = fields.take("domain"))
    cookies.domains = decode_mappings(*domain, parse_cookie_domain);
  if (const auto path = fields.take("path")) cookies.paths = decode_mappings(*path, parse_cookie_path);
  const auto read_flag = [&](std::string_view key, CookiesDocument::Flag& member) {
    const auto found = fields.take(key);
    if (!found) return;
    if (const auto index = found->one_of({"keep", "add", "drop"}))
      member = static_cast<CookiesDocument::Flag>(*index);
  };
  read_flag("secure", cookies.secure);
  read_flag("http_only", cookies.http_only);
  if (const auto same_site = fields.take("same_site")) {
    if (const auto index = same_site->one_of({"keep", "lax", "strict", "none", "drop"}))
      cookies.same_site = static_cast<CookiesDocument::SameSite>(*index);
    const bool without_secure =
        cookies.same_site == CookiesDocument::SameSite::none && cookies.secure == CookiesDocument::Flag::drop;
    if (without_secure) same_site->warn("none without Secure is refused by browsers");
  }
  return cookies;
}

}  // namespace

std::optional<HostDocument> decode_host_sent(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  if (*text == "preserve") return HostDocument{};
  if (*text == "upstream") return HostDocument{HostDocument::Kind::upstream, {}};
  if (const auto authority = http::read_authority(*text); !authority) {
    value.refuse({"is neither preserve, upstream nor a host: " + std::string(authority.error()), ""});
    return std::nullopt;
  }
  return HostDocument{HostDocument::Kind::literal, std::string(*text)};
}

void decode_rewriting(const Fields& fields, RouteDocument& route) {
  const bool answers_itself = route.respond || route.redirect || route.files;
  for (std::string_view key : {"rewrite", "host", "rewrite_location", "cookies", "request_headers"}) {
    if (route.files && key == "rewrite") continue;  // says where below the folder a file is looked for
    const auto found = answers_itself ? fields.take(key) : std::nullopt;
    if (found) found->complain("is for what goes to an upstream, and this route answers by itself");
  }
  if (const auto rewrite = fields.take("rewrite")) route.rewrite = decode_rewrite(*rewrite);
  if (const auto host = fields.take("host")) route.host_sent = decode_host_sent(*host);
  if (const auto location = fields.take("rewrite_location")) set(route.rewrite_location, location->boolean());
  if (const auto cookies = fields.take("cookies")) route.cookies = decode_cookies(*cookies);
}

}  // namespace postern::config
