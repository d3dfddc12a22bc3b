#include "config/decode_match.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>

#include "base/ascii.h"
#include "config/addresses.h"
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

void decode_methods(const Value& value, RouteDocument& route) {
  const auto items = value.items();
  if (value.is_list() && items.empty()) value.complain("is empty; leave methods out to take any");
  for (const Value& item : items) {
    auto method = item.parsed(parse_method);
    if (!method) continue;
    if (std::find(route.methods.begin(), route.methods.end(), *method) != route.methods.end()) {
      item.complain(item.quote() + std::string(is_there_already));
    } else {
      route.methods.push_back(std::move(*method));
    }
  }
}

// One or a list of one kind; an empty list is refused, since nothing could fit it.
std::vector<Value> one_or_more(const Value& value, std::size_t most) {
  if (!value.is_list()) return value.items_or_one();
  std::vector<Value> items = value.items(most);
  if (items.empty()) value.complain("is empty; nothing would fit it");
  return items;
}

std::vector<std::string> decode_hosts(const Value& value) {
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

// ---- what people write in other programs

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool is_expression(std::string_view path) {
  return path.starts_with('^') || path.find(".*") != path.npos || path.find('\\') != path.npos ||
         path.find('[') != path.npos || path.ends_with('$');
}

// "{id}" and ":id" at the front of a segment are parameters elsewhere; the length of the one at `at`.
std::size_t parameter_at(std::string_view path, std::size_t at) {
  if (path[at] == '{') {
    const std::size_t end = path.find('}', at);
    return end == path.npos ? 0 : end + 1 - at;
  }
  const bool begins =
      path[at] == ':' && at > 0 && path[at - 1] == '/' && at + 1 < path.size() && is_letter(path[at + 1]);
  return begins ? std::min(path.find('/', at), path.size()) - at : 0;
}

// What a path that is written as elsewhere means, as a match of ours.
struct Meant {
  std::string what;     // that no path has: "the parameter \":id\""; empty: it is a path
  std::string pattern;  // RE2
  std::string above;    // the path without that and all behind it
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

// An expression as it may stand in the file: in double quotes a backslash would be one of YAML's.
std::string in_yaml(std::string_view pattern) {
  if (pattern.find('\\') == pattern.npos) return config::quoted(pattern);
  return '\'' + shown(pattern) + '\'';
}

// Says so of a path that is one in another program alone.
bool is_foreign(const Value& value, std::string_view path) {
  const bool folder = path.ends_with("/*") || path.ends_with("/**");  // parse_route_path() says what to write
  if (folder && path.substr(0, path.rfind('/')).find_first_of("*{[\\^") == path.npos &&
      path.find("/:") == path.npos)
    return false;
  if (!path.starts_with('/') && !path.starts_with('^')) return false;  // that is said first
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

// "/api/" and "/api" are one prefix.
std::string_view key_of(std::string_view path, bool exact) {
  return !exact && path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

std::vector<std::string> decode_paths(const Value& value, bool exact) {
  std::vector<std::string> paths;
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

// ---- conditions

std::shared_ptr<const policy::Pattern> decode_pattern(const Value& value) {
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

void decode_path_patterns(const Value& value, Conditions& conditions) {
  for (const Value& item : one_or_more(value, max_tests)) {
    auto pattern = decode_pattern(item);
    if (!pattern) continue;
    if (pattern->fits_no_path()) {
      const bool is_end = !pattern->text().starts_with('^');
      std::string sentence =
          item.quote() + " fits no path: a path begins with \"/\", and a pattern is for the whole of it";
      if (is_end && !item.node().substituted) sentence += "; write " + in_yaml("/.*" + pattern->text());
      item.complain(std::move(sentence));
    }
    conditions.patterns.push_back(std::move(pattern));
  }
}

std::optional<ValueTest> decode_test(const Value& value) {
  ValueTest test;
  if (value.is_scalar() && value.node().text == "present") return test;
  if (!value.is_map()) {
    test.kind = ValueTest::Kind::equals;
    for (const Value& item : one_or_more(value, max_tests))
      if (const auto text = item.text()) test.texts.emplace_back(*text);
    if (test.texts.empty()) return std::nullopt;
    return test;
  }
  const Fields fields(value, {"prefix", "pattern"});
  const auto prefix = fields.take("prefix");
  const auto pattern = fields.take("pattern");
  if (prefix && pattern) pattern->complain("stands beside prefix; a value is compared in one way");
  if (prefix) {
    const auto text = prefix->text();
    if (!text) return std::nullopt;
    test.kind = ValueTest::Kind::prefix;
    test.texts.emplace_back(*text);
    return test;
  }
  if (!pattern) {
    if (!fields.is_misspelt("prefix") && !fields.is_misspelt("pattern"))
      value.complain(
          "has neither prefix nor pattern; write a value, present, { prefix: ... } or { pattern: ... }");
    return std::nullopt;
  }
  test.kind = ValueTest::Kind::pattern;
  test.pattern = decode_pattern(*pattern);
  if (!test.pattern) return std::nullopt;
  return test;
}

Parsed<std::string> parse_matched_header(std::string_view text) {
  if (base::equal_ignoring_case(text, "host")) return complain("has a key of its own: match.host");
  if (base::equal_ignoring_case(text, "cookie")) return complain("has a key of its own: match.cookies");
  return parse_header_name(text);
}

// A name may stand in the query with percent encoding; here it stands without.
Parsed<std::string> parse_parameter_name(std::string_view text) { return std::string(text); }

std::vector<NamedTest> decode_tests(const Value& value, Parsed<std::string> (*parse)(std::string_view),
                                    bool any_case) {
  std::vector<NamedTest> tests;
  std::set<std::string> seen;
  const auto entries = value.entries("a map of names to values");
  if (value.is_map() && entries.empty()) value.complain("is empty; leave it out to take any");
  if (entries.size() > max_tests) value.complain("has more than " + std::to_string(max_tests) + " entries");
  for (const auto& [key, entry] : entries) {
    auto name = parse(key.text);
    if (!name) {
      entry.diagnostics().error(key.location, entry.path(),
                                config::quoted(key.text) + ' ' + name.error().rule);
      continue;
    }
    if (any_case && !seen.insert(base::to_lower(*name)).second) {
      entry.diagnostics().error(key.location, entry.path(),
                                config::quoted(key.text) + " is named already; case does not count");
      continue;
    }
    auto test = decode_test(entry);
    if (!test) continue;
    const http::FieldId id = any_case ? http::field_id(*name) : http::FieldId::other;
    tests.push_back({std::move(*name), id, std::move(*test)});
  }
  return tests;
}

void decode_clients(const Value& value, Conditions& conditions) {
  for (const Value& item : one_or_more(value, 1000))
    if (auto block = item.parsed(parse_cidr)) {
      conditions.client.add(*block);
      conditions.client_blocks.push_back(std::move(*block));
    }
}

void decode_conditions(const Fields& fields, Conditions& conditions) {
  if (const auto pattern = fields.take("pattern")) decode_path_patterns(*pattern, conditions);
  if (const auto headers = fields.take("headers"))
    conditions.headers = decode_tests(*headers, parse_matched_header, true);
  if (const auto query = fields.take("query"))
    conditions.query = decode_tests(*query, parse_parameter_name, false);
  if (const auto cookies = fields.take("cookies"))
    conditions.cookies = decode_tests(*cookies, parse_cookie_name, false);
  if (const auto client = fields.take("client")) decode_clients(*client, conditions);
}

std::unique_ptr<const Conditions> decode_exclusions(const Value& value) {
  const Fields fields(value);
  auto conditions = std::make_unique<Conditions>();
  if (const auto host = fields.take("host"))
    for (const std::string& name : decode_hosts(*host))
      if (const auto pattern = routing::read_host_pattern(name)) conditions->hosts.add(*pattern);
  for (const bool exact : {false, true})
    if (const auto path = fields.take(exact ? "exact" : "path"))
      for (const std::string& text : decode_paths(*path, exact)) conditions->paths.add(text, exact);
  decode_conditions(fields, *conditions);
  if (fields.is_map() && value.node().keys.empty()) value.complain("is empty; leave it out");
  return conditions;
}

// Where a pattern that stands alone has its place among the paths of other routes.
std::vector<std::string> folders_of(const Conditions& conditions) {
  std::vector<std::string> folders;
  for (const auto& pattern : conditions.patterns) {
    std::string folder = "/";
    // A folder that could not stand in a path of a route has its place above that.
    for (folder = pattern->folder(); folder.size() > 1 && !parse_route_path(folder);)
      folder.resize(folder.rfind('/', folder.size() - 2) + 1);
    if (std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(std::move(folder));
  }
  return folders;
}

// "match: /api", and "match: example.com".
void refuse_scalar(const Value& value) {
  const std::string_view text = value.node().text;
  const char* key = text.starts_with('/') ? "path" : parse_route_host(text) ? "host" : nullptr;
  if (key && !value.node().substituted)
    value.complain("must be a map; write { " + std::string(key) + ": " + config::quoted(text) + " }");
  else
    value.complain("must be a map (host, path, exact, …)");
}

}  // namespace

void decode_match(const Value& value, RouteDocument& route) {
  route.match_location = value.location();
  if (value.is_scalar()) return refuse_scalar(value);
  const Fields fields(value);
  if (const auto host = fields.take("host")) route.hosts = decode_hosts(*host);
  const auto path = fields.take("path");
  std::vector<std::string> paths;
  if (path) paths = decode_paths(*path, false);
  if (const auto exact = fields.take("exact")) {
    if (path) exact->complain("stands beside path; a match has one of the two");
    paths = decode_paths(*exact, true);
    route.exact = true;
  }
  if (const auto methods = fields.take("methods")) decode_methods(*methods, route);

  auto conditions = std::make_shared<Conditions>();
  decode_conditions(fields, *conditions);
  if (const auto exclusions = fields.take("not")) conditions->none_of = decode_exclusions(*exclusions);
  if (route.exact && !conditions->patterns.empty())
    fields.take("pattern")->complain("stands beside exact, which says the whole path");
  if (!path && !route.exact && !conditions->patterns.empty()) {
    paths = folders_of(*conditions);
    route.pattern_alone = true;
  }
  if (!paths.empty()) route.paths = std::move(paths);
  if (conditions->count() != 0) route.conditions = std::move(conditions);
}

}  // namespace postern::config
