#include "config/keys_match.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>

#include "base/ascii.h"
#include "config/addresses.h"
#include "config/keys_listeners.h"
#include "config/text.h"

namespace postern::config {
namespace {

using routing::Conditions;
using routing::NamedTest;
using routing::ValueTest;

constexpr std::size_t max_names = 100;  // hosts or paths of one match
constexpr std::size_t max_tests = 32;   // of one kind
constexpr std::size_t max_pattern = 1024;

constexpr std::string_view is_there_already = " stands in this list already";

// The content of a match, or of the `not` of one.
struct MatchDocument {
  std::vector<std::string> hosts;
  std::vector<std::string> paths;
  std::vector<std::string> exact;
  std::vector<std::string> methods;
  std::shared_ptr<Conditions> conditions;  // never null where there is a match
};

std::string one_or_list(const std::string& item, std::size_t most) {
  return any_of({item, list_schema(item, 1, most)});
}

// Returns the items of a list, or a single value as one item. An empty list is refused, since nothing could
// match it.
std::vector<Value> one_or_more(const Value& value, std::size_t most) {
  if (!value.is_list()) return value.items_or_one();
  std::vector<Value> items = value.items(most);
  if (items.empty()) value.complain("is empty; nothing would fit it");
  return items;
}

std::optional<std::vector<std::string>> read_methods(const Value& value) {
  std::vector<std::string> methods;
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; leave methods out to take any");
  for (const Value& item : items) {
    auto method = item.parsed(parse_method);
    if (!method) continue;
    if (std::find(methods.begin(), methods.end(), *method) != methods.end())
      item.complain(item.quote() + std::string(is_there_already));
    else
      methods.push_back(std::move(*method));
  }
  return methods;
}

auto methods() {
  return custom(read_methods, "list of methods",
                list_schema(string_schema("[A-Za-z0-9!#$%&'+.^_`|~-]{1,64}"), 1, 1000));
}

std::optional<std::vector<std::string>> read_hosts(const Value& value) {
  std::vector<std::string> hosts;
  for (const Value& item : one_or_more(value, max_names)) {
    auto host = item.parsed(parse_route_host);
    if (!host) continue;
    if (std::find(hosts.begin(), hosts.end(), *host) != hosts.end())
      item.complain(item.quote() + std::string(is_there_already));
    else
      hosts.push_back(std::move(*host));
  }
  return hosts;
}

auto hosts() {
  return custom(read_hosts, "host name or list of host names",
                one_or_list(string_schema("[^/:@ ]+|\\[[0-9a-fA-F:.]+\\]"), max_names));
}

// ---- Paths in the syntax of other programs

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool is_expression(std::string_view path) {
  return path.starts_with('^') || path.find(".*") != path.npos || path.find('\\') != path.npos ||
         path.find('[') != path.npos || path.ends_with('$');
}

// In other programs, "{id}" and ":id" at the beginning of a segment are parameters. Returns the length of the
// parameter at `at`; 0: there is none.
std::size_t parameter_at(std::string_view path, std::size_t at) {
  if (path[at] == '{') {
    const std::size_t end = path.find('}', at);
    return end == path.npos ? 0 : end + 1 - at;
  }
  const bool begins =
      path[at] == ':' && at > 0 && path[at - 1] == '/' && at + 1 < path.size() && is_letter(path[at + 1]);
  return begins ? std::min(path.find('/', at), path.size()) - at : 0;
}

// The meaning of a path in the syntax of another program, as a match of Postern.
struct Meant {
  std::string what;     // what makes it no plain path: "the parameter \":id\""; empty: it is one
  std::string pattern;  // RE2
  std::string above;    // the path above the segment with the parameter or "*"
};

Meant meaning_of(std::string_view path) {
  if (is_expression(path)) return {"a regular expression", std::string(path), "/"};
  Meant meant;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t parameter = parameter_at(path, at);
    const std::size_t stars = path[at] == '*' ? (path.substr(at).starts_with("**") ? 2 : 1) : 0;
    if (meant.what.empty() && (parameter != 0 || stars != 0)) {
      meant.what = parameter != 0 ? "the parameter " + config::quoted(path.substr(at, parameter)) : "a \"*\"";
      meant.above =
          std::string(path.substr(0, std::max<std::size_t>(path.rfind('/', at), 1)));  // "/" at least
    }
    if (parameter != 0) {
      meant.pattern += "[^/]+";
      at += parameter;
    } else if (stars != 0) {
      meant.pattern += stars == 2 || at + 1 == path.size() ? ".*" : "[^/]*";
      at += stars;
    } else {
      const bool is_special = std::string_view(".+?()|$").find(path[at]) != std::string_view::npos;
      meant.pattern += is_special ? '[' + std::string(1, path[at]) + ']' : std::string(1, path[at]);
      ++at;
    }
  }
  return meant;
}

// Returns an expression quoted for the file: in double quotes YAML would read a backslash as an escape.
std::string in_yaml(std::string_view pattern) {
  if (pattern.find('\\') == pattern.npos) return config::quoted(pattern);
  return '\'' + shown(pattern) + '\'';
}

// Reports a path in the syntax of another program; returns false if it is not one.
bool is_foreign(const Value& value, std::string_view path) {
  const bool folder = path.ends_with("/*") || path.ends_with("/**");  // parse_route_path() says what to write
  if (folder && path.substr(0, path.rfind('/')).find_first_of("*{[\\^") == path.npos &&
      path.find("/:") == path.npos)
    return false;
  if (!path.starts_with('/') && !path.starts_with('^')) return false;  // parse_route_path() reports it
  const Meant meant = meaning_of(path);
  if (meant.what.empty()) return false;
  std::string sentence =
      value.quote() + " has " + meant.what + ", and a path takes its characters as they are";
  if (!value.node().substituted) {
    sentence += "; write ";
    if (meant.above.size() > 1)
      sentence +=
          "path: " + config::quoted(meant.above) + " for all that lies below it, or, in place of path, ";
    sentence += "pattern: " + in_yaml(meant.pattern) + (meant.above.size() > 1 ? "" : " in place of path");
  }
  value.complain(std::move(sentence));
  return true;
}

// As prefixes, "/api/" and "/api" are the same path.
std::string_view key_of(std::string_view path, bool exact) {
  return !exact && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

struct Paths {
  using Type = std::vector<std::string>;
  bool exact;
  std::optional<Type> read(const Value& value) const {
    Type paths;
    for (const Value& item : one_or_more(value, max_names)) {
      const auto text = item.text();
      if (!text || is_foreign(item, *text)) continue;
      auto spellings = item.parsed(parse_matched_path);
      if (!spellings) continue;
      const auto same = std::find_if(paths.begin(), paths.end(), [&](const std::string& other) {
        return key_of(other, exact) == key_of(spellings->front(), exact);
      });
      if (same == paths.end())
        std::move(spellings->begin(), spellings->end(), std::back_inserter(paths));
      else
        item.complain(item.quote() + (*same == *text ? std::string(is_there_already)
                                                     : " is the same path as " + config::quoted(*same)));
    }
    return paths;
  }
  std::string words() const { return "path or list of paths"; }
  std::string shown(const Type&) const { return {}; }
  std::string json_schema() const { return one_or_list(string_schema("/.*"), max_names); }
};

// ---- conditions

std::shared_ptr<const policy::Pattern> read_pattern(const Value& value) {
  const auto text = value.text();
  if (!text) return nullptr;
  if (text->size() > max_pattern) {
    value.complain("is longer than 1024 bytes");
    return nullptr;
  }
  auto pattern = policy::Pattern::compile(*text);
  if (pattern) return std::move(*pattern);
  value.complain(value.quote() + ' ' + pattern.error());
  return nullptr;
}

void read_patterns(const Value& value, MatchDocument& match) {
  for (const Value& item : one_or_more(value, max_tests)) {
    auto pattern = read_pattern(item);
    if (!pattern) continue;
    if (pattern->fits_no_path()) {
      const bool is_end = !pattern->text().starts_with('^');
      std::string sentence =
          item.quote() + " fits no path: a path begins with \"/\", and a pattern is for the whole of it";
      if (is_end && !item.node().substituted) sentence += "; write " + in_yaml("/.*" + pattern->text());
      item.complain(std::move(sentence));
    }
    match.conditions->patterns.push_back(std::move(pattern));
  }
}

auto patterns() {
  return custom(read_patterns, "RE2 expression or list of RE2 expressions",
                one_or_list(scalar_schema(), max_tests));
}

void read_prefix_test(const Value& value, ValueTest& test) {
  const auto text = value.text();
  if (!text) return;
  test.kind = ValueTest::Kind::prefix;
  test.texts.emplace_back(*text);
}

void read_pattern_test(const Value& value, ValueTest& test) {
  test.pattern = read_pattern(value);
  if (test.pattern) test.kind = ValueTest::Kind::pattern;
}

const Keys<ValueTest>& value_test_keys() {
  static const auto keys =
      Keys<ValueTest>("value_test")
          .key("prefix", itself<ValueTest>, custom(read_prefix_test, "text", scalar_schema(), "none"),
               "The text that the value begins with.")
          .key("pattern", itself<ValueTest>,
               custom(read_pattern_test, "RE2 expression", scalar_schema(), "none"),
               "An RE2 expression that the whole value must fit.")
          .at_most_one_of({"prefix", "pattern"}, "stands beside {}; a value is compared in one way")
          .at_least_one_of({"prefix", "pattern"},
                           "has neither prefix nor pattern; write a value, present, { prefix: ... } or { "
                           "pattern: ... }");
  return keys;
}

std::optional<ValueTest> read_test(const Value& value) {
  ValueTest test;
  if (value.is_scalar() && value.node().text == "present") return test;
  if (value.is_map()) {
    value_test_keys().read(value, &test);
    return test.kind == ValueTest().kind ? std::nullopt : std::optional(std::move(test));
  }
  test.kind = ValueTest::Kind::equals;
  for (const Value& item : one_or_more(value, max_tests))
    if (const auto text = item.text()) test.texts.emplace_back(*text);
  if (test.texts.empty()) return std::nullopt;
  return test;
}

Parsed<std::string> parse_matched_header(std::string_view text) {
  if (base::equal_ignoring_case(text, "host")) return complain("has a key of its own: match.host");
  if (base::equal_ignoring_case(text, "cookie")) return complain("has a key of its own: match.cookies");
  return parse_header_name(text);
}

// In a query the name may be percent-encoded; here it is written without encoding.
Parsed<std::string> parse_parameter_name(std::string_view text) { return std::string(text); }

std::vector<NamedTest> read_tests(const Value& value, Parsed<std::string> (*parse)(std::string_view),
                                  bool any_case) {
  std::vector<NamedTest> tests;
  std::set<std::string> seen;
  const auto entries = value.entries("a map of names to values");
  if (value.is_map() && entries.empty()) value.complain("is empty; leave it out to take any");
  if (entries.size() > max_tests) value.complain("has more than " + std::to_string(max_tests) + " entries");
  for (const auto& [key, entry] : entries) {
    auto name = parse(key.text);
    if (!name) {
      value.complain_of_key(key, name.error().rule);
      continue;
    }
    if (any_case && !seen.insert(base::to_lower(*name)).second) {
      value.complain_of_key(key, "is named already; case does not count");
      continue;
    }
    auto test = read_test(entry);
    if (!test) continue;
    const http::FieldId id = any_case ? http::field_id(*name) : http::FieldId::other;
    tests.push_back({std::move(*name), id, std::move(*test)});
  }
  return tests;
}

// The values that header fields, parameters or cookies must have.
struct Tests {
  std::string_view what;
  std::vector<NamedTest> Conditions::*member;
  Parsed<std::string> (*parse)(std::string_view);
  bool any_case;
  void read_into(const Value& value, MatchDocument& match) const {
    (*match.conditions).*member = read_tests(value, parse, any_case);
  }
  std::string words() const { return std::string(what); }
  std::string shown(const MatchDocument&) const { return {}; }
  std::string json_schema() const {
    const std::vector<std::string> plain = {scalar_schema(), list_schema(scalar_schema(), 1, max_tests)};
    return entries_schema(section_schema(value_test_keys(), plain), "", max_tests, 1);
  }
  Shape shape() const { return Shape::named; }
  const Section* section() const { return &value_test_keys(); }
};

void read_client_blocks(const Value& value, MatchDocument& match) {
  for (const Value& item : one_or_more(value, 1000))
    if (auto block = item.parsed(parse_cidr)) {
      match.conditions->client.add(*block);
      match.conditions->client_blocks.push_back(std::move(*block));
    }
}

auto client_blocks() {
  return custom(read_client_blocks, "CIDR block or address, or list of them",
                one_or_list(string_schema(cidr_pattern), 1000));
}

void begin_match(const Value&, MatchDocument& match) { match.conditions = std::make_shared<Conditions>(); }

const Keys<MatchDocument>& exclusion_keys() {
  static const auto keys =
      Keys<MatchDocument>("match_not")
          .begin(begin_match)
          .key("host", &MatchDocument::hosts, hosts(), "The hosts that the route does not take.")
          .by_default("none")
          .example("admin.example.com")
          .commented_out()
          .key("path", &MatchDocument::paths, Paths{false},
               "The path prefixes that the route does not take; what lies below them is excluded as well.")
          .by_default("none")
          .example("/internal")
          .commented_out()
          .key("exact", &MatchDocument::exact, Paths{true}, "The exact paths that the route does not take.")
          .by_default("none")
          .example("/login")
          .commented_out()
          .key("pattern", itself<MatchDocument>, patterns(),
               "An RE2 expression for paths that the route does not take; it must fit the whole path.")
          .by_default("none")
          .example("'/.*\\.php'")
          .commented_out()
          .key("headers", itself<MatchDocument>,
               Tests{"map of header name to value", &Conditions::headers, parse_matched_header, true},
               "The header fields that exclude a request from the route: with a value (or one of a list), "
               "present for any value, { prefix: TEXT }, or { pattern: RE2 } for the whole value.")
          .by_default("none")
          .example("{ User-Agent: { prefix: curl/ } }")
          .folded()
          .commented_out()
          .key("query", itself<MatchDocument>,
               Tests{"map of parameter to value", &Conditions::query, parse_parameter_name, false},
               "The query parameters that exclude a request from the route: with a value (or one of a "
               "list), present for any value, { prefix: TEXT }, or { pattern: RE2 } for the whole value.")
          .by_default("none")
          .example("{ preview: present }")
          .folded()
          .commented_out()
          .key("cookies", itself<MatchDocument>,
               Tests{"map of cookie name to value", &Conditions::cookies, parse_cookie_name, false},
               "The cookies that exclude a request from the route: with a value (or one of a list), "
               "present for any value, { prefix: TEXT }, or { pattern: RE2 } for the whole value.")
          .by_default("none")
          .example("{ session: present }")
          .folded()
          .commented_out()
          .key("client", itself<MatchDocument>, client_blocks(),
               "The client addresses from which the route does not take requests.")
          .by_default("none")
          .example("[\"192.0.2.0/24\"]")
          .commented_out()
          .not_empty("is empty; leave it out");
  return keys;
}

struct Exclusions {
  void read_into(const Value& value, MatchDocument& match) const {
    MatchDocument excluded;
    exclusion_keys().read(value, &excluded);
    Conditions& conditions = *excluded.conditions;
    for (const std::string& name : excluded.hosts)
      if (const auto pattern = routing::read_host_pattern(name)) conditions.hosts.add(*pattern);
    for (const std::string& path : excluded.paths) conditions.paths.add(path, false);
    for (const std::string& path : excluded.exact) conditions.paths.add(path, true);
    match.conditions->none_of = std::make_unique<const Conditions>(std::move(conditions));
  }
  std::string words() const { return "map"; }
  std::string shown(const MatchDocument&) const { return "none"; }
  std::string json_schema() const { return section_schema(exclusion_keys()); }
  Shape shape() const { return Shape::section; }
  const Section* section() const { return &exclusion_keys(); }
};

const Keys<MatchDocument>& match_keys() {
  static const auto keys =
      Keys<MatchDocument>("match")
          .begin(begin_match)
          .key("host", &MatchDocument::hosts, hosts(),
               "The hosts that the route takes: app.example.com, or \"*.example.com\" for all subdomains. "
               "A host outranks every path: where a route with this host takes a path, no route without it "
               "does.")
          .by_default("any")
          .example("app.example.com")
          .key("path", &MatchDocument::paths, Paths{false},
               "The path prefixes that the route takes; a prefix ends at a segment, so /ws (or /ws/) takes "
               "/ws and /ws/x, but not /wsfoo. A path that is written with an escape which its character "
               "does not need takes both spellings: /c%2B%2B also takes /c++.")
          .by_default("/")
          .example("/ws")
          .key("exact", &MatchDocument::exact, Paths{true},
               "The exact paths that the route takes, and nothing below them. It is written in place of "
               "match.path.")
          .by_default("none")
          .example("/login")
          .commented_out()
          .key("methods", &MatchDocument::methods, methods(),
               "The methods that the route takes. A request that fits no route only because of its method "
               "is answered with 405.")
          .by_default("any")
          .example("[GET, POST]")
          .key("pattern", itself<MatchDocument>, patterns(),
               "An RE2 expression that the whole path must fit; of a list, one must. Without match.path, "
               "the folder that the expression begins with letter by letter counts as its path: "
               "\"/users/[0-9]+\" ranks as path: /users does. It is a condition, as headers, query, "
               "cookies, client and not are: where one does not fit, the next route is looked for. Clients "
               "send what they like, so conditions keep nobody out; jwt, origins, allow and deny do.")
          .by_default("none")
          .example("\"/users/[0-9]+\"")
          .commented_out()
          .key("headers", itself<MatchDocument>,
               Tests{"map of header name to value", &Conditions::headers, parse_matched_header, true},
               "The header fields that a request must have: with a value (or one of a list), present for "
               "any value, { prefix: TEXT }, or { pattern: RE2 } for the whole value. Of several fields of "
               "one name, one must fit. A CORS preflight counts as having the fields that its "
               "Access-Control-Request-Headers names, with any value, and no cookies.")
          .by_default("none")
          .example("{ X-Version: \"2\" }")
          .folded()
          .commented_out()
          .key("query", itself<MatchDocument>,
               Tests{"map of parameter to value", &Conditions::query, parse_parameter_name, false},
               "The query parameters that a request must have: with a value (or one of a list), present "
               "for any value, { prefix: TEXT }, or { pattern: RE2 } for the whole value. They are "
               "compared without their percent encoding.")
          .by_default("none")
          .example("{ debug: present }")
          .folded()
          .commented_out()
          .key("cookies", itself<MatchDocument>,
               Tests{"map of cookie name to value", &Conditions::cookies, parse_cookie_name, false},
               "The cookies that a request must have: with a value (or one of a list), present for any "
               "value, { prefix: TEXT }, or { pattern: RE2 } for the whole value.")
          .by_default("none")
          .example("{ beta: \"1\" }")
          .folded()
          .commented_out()
          .key("client", itself<MatchDocument>, client_blocks(),
               "The CIDR blocks that the client's address must be in. Behind trusted_proxies, the address "
               "that they report counts.")
          .by_default("any")
          .example("[\"10.0.0.0/8\"]")
          .commented_out()
          .key("not", itself<MatchDocument>, Exclusions(),
               "The conditions of which none may fit, with the keys of match: a request that fits one is "
               "not for this route.")
          .commented_out()
          .at_most_one_of({"path", "exact"}, "stands beside {}; a match has one of the two")
          .at_most_one_of({"exact", "pattern"}, "stands beside {}, which says the whole path");
  return keys;
}

// Returns the folders by which a match that has patterns and no path is ordered among the paths of other
// routes.
std::vector<std::string> folders_of(const Conditions& conditions) {
  std::vector<std::string> folders;
  for (const auto& pattern : conditions.patterns) {
    std::string folder = "/";
    // If the folder is not valid as the path of a route, the nearest valid folder above it is used.
    for (folder = pattern->folder(); folder.size() > 1 && !parse_route_path(folder);)
      folder.resize(folder.rfind('/', folder.size() - 2) + 1);
    if (std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(std::move(folder));
  }
  return folders;
}

// Reports a single value in place of the map: "match: /api" or "match: example.com".
void refuse_scalar(const Value& value) {
  const std::string_view text = value.node().text;
  const char* key = text.starts_with('/') ? "path" : parse_route_host(text) ? "host" : nullptr;
  if (key && !value.node().substituted)
    value.complain("must be a map; write { " + std::string(key) + ": " + config::quoted(text) + " }");
  else
    value.complain("must be a map (host, path, exact, …)");
}

}  // namespace

void Match::read_into(const Value& value, RouteDocument& route) const {
  route.match_location = value.location();
  if (value.is_scalar()) return refuse_scalar(value);
  MatchDocument match;
  match_keys().read(value, &match);
  const auto says = [&](std::string_view wanted) {
    const auto& keys = value.node().keys;
    return value.is_map() &&
           std::any_of(keys.begin(), keys.end(), [&](const Key& key) { return key.text == wanted; });
  };
  route.hosts = std::move(match.hosts);
  route.methods = std::move(match.methods);
  route.exact = says("exact");
  std::vector<std::string> paths = route.exact ? std::move(match.exact) : std::move(match.paths);
  if (!says("path") && !route.exact && !match.conditions->patterns.empty()) {
    paths = folders_of(*match.conditions);
    route.pattern_alone = true;
  }
  if (!paths.empty()) route.paths = std::move(paths);
  if (match.conditions->count() != 0) route.conditions = std::move(match.conditions);
}

std::string Match::json_schema() const { return section_schema(match_keys()); }

const Section* Match::section() const { return &match_keys(); }

}  // namespace postern::config
