#include "config/keys_rewriting.h"

#include <algorithm>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/text.h"

namespace postern::config {

using policy::CookieRulesOptions;

namespace {

constexpr std::size_t max_pattern = 1024;
constexpr std::size_t max_mappings = 100;

// ---- rewrite

struct Prefix {
  enum class Way : uint8_t { strip, add, replace } way;
  void read_into(const Value& value, PathRewriteDocument& rewrite) const {
    rewrite.location = value.location();
    rewrite.from_match = way == Way::replace;
    auto prefix = value.parsed(parse_route_path);
    if (!prefix) return;
    if (*prefix == "/" && way != Way::replace) return value.refuse({"is in front of every path already", ""});
    rewrite.from = way == Way::add ? "/" : "";
    rewrite.to = way == Way::strip ? "/" : "";
    (way == Way::strip ? rewrite.from : rewrite.to) = std::move(*prefix);
  }
  std::string words() const { return "path"; }
  std::string shown(const PathRewriteDocument&) const { return "none"; }
  std::string json_schema() const { return string_schema("/.*"); }
};

std::optional<std::string> read_expression(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  if (text->size() > max_pattern) value.complain("is longer than 1024 bytes");
  return std::string(*text);
}

void read_path_pattern(const Value& value, PathRewriteDocument& rewrite) {
  rewrite.location = value.location();
  set(rewrite.pattern, read_expression(value));
}

auto path_pattern() { return custom(read_path_pattern, "RE2 expression", scalar_schema(), "none"); }

auto replacement() { return custom(read_expression, "text with \\1 to \\9", scalar_schema()); }

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

std::optional<policy::CookieMapping> read_mapping(std::string from, const Value& value,
                                                  ParseAttribute parse) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  if (*text == "remove") return policy::CookieMapping{std::move(from), std::nullopt};
  auto to = value.parsed(parse);
  if (!to) return std::nullopt;
  if (*to == "*") {
    value.complain("\"*\" stands for whatever there was, and can only be replaced; write remove or a value");
    return std::nullopt;
  }
  return policy::CookieMapping{std::move(from), std::move(*to)};
}

std::vector<policy::CookieMapping> read_mappings(const Value& value, ParseAttribute parse) {
  std::vector<policy::CookieMapping> mappings;
  if (!value.is_map()) {
    if (auto mapping = read_mapping("*", value, parse)) mappings.push_back(std::move(*mapping));
    return mappings;
  }
  for (const auto& [key, entry] : value.entries()) {
    auto from = parse(key.text);
    if (!from) {
      value.complain_of_key(key, from.error().rule);
      continue;
    }
    if (from->starts_with('.')) from->erase(0, 1);
    if (auto mapping = read_mapping(std::move(*from), entry, parse)) mappings.push_back(std::move(*mapping));
  }
  if (mappings.size() > max_mappings) value.complain("has more than 100 entries");
  return mappings;
}

// One value for every cookie, or a map of values.
struct Mappings {
  using Type = std::vector<policy::CookieMapping>;
  std::string_view what;
  ParseAttribute parse;
  std::optional<Type> read(const Value& value) const { return read_mappings(value, parse); }
  std::string words() const { return std::string(what); }
  std::string shown(const Type&) const { return {}; }
  std::string json_schema() const {
    return any_of({scalar_schema(), entries_schema(scalar_schema(), "", max_mappings)});
  }
};

Words<policy::CookieFlag> flag() {
  using Flag = policy::CookieFlag;
  return words<Flag>({{"keep", Flag::keep}, {"add", Flag::add}, {"drop", Flag::drop}});
}

// replace_prefix replaces the path of the match, so the match must have exactly one.
void check_replaced_prefix(const RouteDocument& route, const Value& value) {
  if (!route.rewrite || !route.rewrite->from_match) return;
  if (route.paths.size() == 1 && !route.pattern_alone) return;
  value.diagnostics().error(route.rewrite->location, value.path() + ".rewrite.replace_prefix",
                            route.pattern_alone ? "needs match.path to replace; the match has a pattern alone"
                                                : "needs one path to replace; the match has several, or one "
                                                  "that an escape gives two spellings");
}

}  // namespace

const Keys<PathRewriteDocument>& rewrite_keys() {
  static const auto keys =
      Keys<PathRewriteDocument>("rewrite")
          .key("strip_prefix", itself<PathRewriteDocument>, Prefix{Prefix::Way::strip},
               "The prefix that is removed from the path: with /api, /api/x becomes /x. It is sent to "
               "endpoints in X-Forwarded-Prefix.")
          .example("/api")
          .commented_out()
          .key("add_prefix", itself<PathRewriteDocument>, Prefix{Prefix::Way::add},
               "The prefix that is put in front of the path: with /v2, /x becomes /v2/x.")
          .example("/v2")
          .commented_out()
          .key("replace_prefix", itself<PathRewriteDocument>, Prefix{Prefix::Way::replace},
               "The prefix that replaces match.path of the route: with match.path /old and replace_prefix "
               "/new, /old/x becomes /new/x.")
          .example("/new")
          .commented_out()
          .key("pattern", itself<PathRewriteDocument>, path_pattern(),
               "An RE2 expression whose first match in the path is replaced by rewrite.to. If it has \\? "
               "in it, it is matched against path and query.")
          .example("\"^/old/(.*)$\"")
          .commented_out()
          .key("to", &PathRewriteDocument::replacement, replacement(),
               "The text that replaces the match of rewrite.pattern; \\1 to \\9 are its groups.")
          .by_default("required with pattern")
          .example("'/new/\\1'")
          .commented_out()
          .at_most_one_of({"strip_prefix", "add_prefix", "replace_prefix", "pattern"},
                          "stands beside {}; a path is rewritten in one way")
          .at_least_one_of({"strip_prefix", "add_prefix", "replace_prefix", "pattern", "to"},
                           "is empty: strip_prefix, add_prefix, replace_prefix or pattern")
          .needs("to", "pattern", "is for pattern")
          .needs("pattern", "to");
  return keys;
}

const Keys<CookieRulesOptions>& cookie_keys() {
  static const auto keys =
      Keys<CookieRulesOptions>("cookies")
          .key("domain", &CookieRulesOptions::domains,
               Mappings{"remove, a domain, or a map of domains", parse_cookie_domain},
               "The new Domain attribute of cookies, for all that have one or by the domain that they "
               "have; \"*\" is for all others.")
          .by_default("unchanged")
          .example("{ internal.example: app.example.com, \"*\": remove }")
          .commented_out()
          .key("path", &CookieRulesOptions::paths,
               Mappings{"remove, a path, or a map of paths", parse_cookie_path},
               "The new Path attribute of cookies that have one; in a map, a prefix is replaced by another.")
          .by_default("unchanged")
          .example("{ /: /app }")
          .commented_out()
          .key("secure", &CookieRulesOptions::secure, flag(),
               "Whether the Secure attribute of cookies is kept, added or dropped.")
          .example("add")
          .commented_out()
          .key("http_only", &CookieRulesOptions::http_only, flag(),
               "Whether the HttpOnly attribute of cookies is kept, added or dropped.")
          .commented_out()
          .key("same_site", &CookieRulesOptions::same_site,
               words<policy::CookieSameSite>({{"keep", policy::CookieSameSite::keep},
                                              {"lax", policy::CookieSameSite::lax},
                                              {"strict", policy::CookieSameSite::strict},
                                              {"none", policy::CookieSameSite::none},
                                              {"drop", policy::CookieSameSite::drop}}),
               "Whether the SameSite attribute of cookies is kept, dropped, or set to lax, strict or none.")
          .example("lax")
          .commented_out()
          .check([](const Fields& fields, CookieRulesOptions& cookies) {
            const auto same_site = fields.take("same_site");
            const bool without_secure = cookies.same_site == policy::CookieSameSite::none &&
                                        cookies.secure == policy::CookieFlag::drop;
            if (same_site && without_secure) same_site->warn("none without Secure is refused by browsers");
          });
  return keys;
}

void check_rewriting(const Fields& fields, RouteDocument& route) {
  const bool answers_itself = route.respond || route.redirect || route.files || route.backchannel_logout ||
                              route.ticket > base::Duration::zero();
  for (std::string_view key :
       {"rewrite", "host", "rewrite_location", "cookies", "request_headers", "logout"}) {
    if (route.files && key == "rewrite") continue;  // rewrite gives the path of the file below the folder
    const auto found = answers_itself ? fields.take(key) : std::nullopt;
    if (found) found->complain("is for what goes to an upstream, and this route answers by itself");
  }
  if (route.rewrite && route.rewrite->location.line == 0) route.rewrite.reset();  // it is an empty section
  check_replaced_prefix(route, fields.value());
}

}  // namespace postern::config
