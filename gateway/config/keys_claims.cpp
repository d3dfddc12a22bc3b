#include "config/keys_claims.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/ascii.h"
#include "config/suggest.h"
#include "config/text.h"

namespace postern::config {
namespace {

using policy::ClaimCondition;
using policy::RequestText;
using policy::RequestValue;
using policy::SegmentTemplate;
using Kind = ClaimCondition::Kind;

constexpr std::size_t max_rules = 32;         // of a route
constexpr std::size_t max_comparisons = 256;  // of a rule
constexpr std::size_t max_values = 100;       // of a claim
constexpr std::size_t max_text = 1024;        // bytes of a value or a pattern
constexpr std::size_t max_name = 256;         // bytes of a claim's name
constexpr int max_depth = 8;                  // of any, all and not in each other

bool joins(std::string_view key) { return key == "any" || key == "all" || key == "not"; }

// Whether this is what YAML makes of {path.job_id} without quotes: a map with a key and no value.
bool is_unquoted_value(const Node& node) {
  return node.kind == Node::Kind::map && node.keys.size() == 1 && node.items[0].kind == Node::Kind::null &&
         RequestText::read('{' + node.keys[0].text + '}').has_value();
}

// Reads one value of a claim. A file with an error in it is not used, so a value that is left out does no
// harm.
void read_claim_value(const Value& value, ClaimCondition& test) {
  if (is_unquoted_value(value.node()))
    return value.complain("is a map for YAML; write it in quotes: " +
                          quoted('{' + value.node().keys[0].text + '}'));
  const auto text = value.text();
  if (!text) return;
  if (text->size() > max_text) return value.complain("is longer than 1024 bytes");
  auto read = RequestText::read(*text);
  if (!read) return value.complain(value.quote() + ' ' + read.error());
  if (value.node().substituted && !read->fixed())
    return value.complain(
        "has a value of the request beside one of the environment; write one of the two in the file");
  const bool is_scope = test.claim == "scope" || test.claim == "scp";
  if (is_scope && read->fixed() && text->find(' ') != text->npos)
    return value.complain(value.quote() +
                          " names several scopes; write a list of them if one is enough, or { all: [...] }");
  test.values.push_back(std::move(*read));
}

void read_all_values(const Value& value, ClaimCondition& test) {
  test.kind = Kind::has_all;
  const auto items = value.items(max_values);
  if (value.is_list() && items.empty()) value.complain("is empty; write present for any value");
  for (const Value& item : items) read_claim_value(item, test);
}

void read_pattern(const Value& value, ClaimCondition& test) {
  const auto text = value.text();
  if (!text) return;
  if (text->size() > max_text) return value.complain("is longer than 1024 bytes");
  auto pattern = policy::Pattern::compile(*text);
  if (!pattern) return value.complain(value.quote() + ' ' + pattern.error());
  test.kind = Kind::pattern;
  test.pattern = std::move(*pattern);
}

constexpr std::string_view number_pattern = "-?[0-9]{1,15}([.][0-9]{1,6})?";

// Numbers that a double holds exactly, or nearly so.
Parsed<double> parse_bound(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  const std::size_t dot = std::min(digits.find('.'), digits.size());
  const std::string_view whole = digits.substr(0, dot);
  const std::string_view rest = dot == digits.size() ? "0" : digits.substr(dot + 1);
  const auto are_digits = [](std::string_view part, std::size_t most) {
    return !part.empty() && part.size() <= most && part.find_first_not_of("0123456789") == part.npos;
  };
  if (!are_digits(whole, 15) || !are_digits(rest, 6)) return complain("is not a number such as 3 or 2.5");
  return std::strtod(std::string(text).c_str(), nullptr);
}

struct Bound {
  std::optional<double> ClaimCondition::*member;
  void read_into(const Value& value, ClaimCondition& test) const {
    test.*member = value.parsed(parse_bound);
    if (test.*member) test.kind = Kind::number;
  }
  std::string words() const { return "number"; }
  std::string shown(const ClaimCondition&) const { return "none"; }
  std::string json_schema() const {
    return R"({"type":["number","string"],"pattern":)" +
           json_text("^(" + std::string(number_pattern) + ")$|\\$\\{") + '}';
  }
};

const Keys<ClaimCondition>& claim_test_keys() {
  static const auto keys =
      Keys<ClaimCondition>("claim_test")
          .key("all", itself<ClaimCondition>,
               custom(read_all_values, "list of texts", list_schema(scalar_schema(), 1, max_values), "none"),
               "The values of which the claim must have every one.")
          .key("pattern", itself<ClaimCondition>,
               custom(read_pattern, "RE2 expression", scalar_schema(), "none"),
               "An RE2 expression that the whole value must fit, or that of one element of a list.")
          .key("at_least", itself<ClaimCondition>, Bound{&ClaimCondition::least},
               "The least that a number may be.")
          .key("at_most", itself<ClaimCondition>, Bound{&ClaimCondition::most},
               "The most that a number may be.")
          .at_most_one_of({"all", "pattern", "at_least"}, "stands beside {}; a claim is compared in one way")
          .at_most_one_of({"all", "pattern", "at_most"}, "stands beside {}; a claim is compared in one way")
          .not_empty("has none of all, pattern, at_least and at_most")
          .check([](const Fields& fields, ClaimCondition& test) {
            if (test.least && test.most && *test.least > *test.most)
              fields.value().complain("has an at_least above its at_most");
          });
  return keys;
}

// Reads one map of conditions with all that is nested in it.
class ConditionReader {
 public:
  std::vector<ClaimCondition> read(const Value& map) {
    std::vector<ClaimCondition> conditions = read_map(map, 0);
    std::size_t comparisons = 0;
    for (const ClaimCondition& condition : conditions) comparisons += condition.size();
    if (comparisons > max_comparisons) map.complain("has more than 256 comparisons");
    return conditions;
  }

 private:
  std::vector<ClaimCondition> read_map(const Value& map, int depth) {
    std::vector<ClaimCondition> conditions;
    const auto entries = map.entries("a map of claims to values");
    if (map.is_map() && entries.empty()) map.complain("is empty; leave it out, or write { sub: present }");
    for (const auto& [key, entry] : entries) {
      std::optional<ClaimCondition> one;
      if (joins(key.text))
        one = read_joined(key.text, entry, depth);
      else if (key.text.size() > max_name)
        map.complain_of_key(key, "is longer than 256 bytes");
      else
        one = read_test(key.text, entry);
      if (one) conditions.push_back(std::move(*one));
    }
    return conditions;
  }

  std::optional<ClaimCondition> read_joined(std::string_view key, const Value& value, int depth) {
    if (depth == max_depth) {
      value.complain("is nested more than 8 deep");
      return std::nullopt;
    }
    ClaimCondition joined;
    if (key == "not") {
      if (!value.is_map()) {
        value.complain("is for a map of claims of which none may be so: not: { role: guest }");
        return std::nullopt;
      }
      joined.kind = Kind::none;
      joined.parts = read_map(value, depth + 1);
    } else {
      if (!value.is_list()) {
        value.complain("is for a list of maps of claims: " + std::string(key) +
                       ": [{ role: admin }, { scope: jobs:write }]");
        return std::nullopt;
      }
      joined.kind = key == "any" ? Kind::any : Kind::all;
      const auto items = value.items(max_values);
      if (items.empty()) value.complain("is empty; it is for a list of maps of claims");
      for (const Value& item : items) {
        ClaimCondition part;
        part.parts = read_map(item, depth + 1);
        if (!part.parts.empty()) joined.parts.push_back(std::move(part));
      }
    }
    if (joined.parts.empty()) return std::nullopt;  // what could not be read must not permit everything
    return joined;
  }

  static std::optional<ClaimCondition> read_test(const std::string& claim, const Value& value) {
    ClaimCondition test;
    test.claim = claim;
    if (value.is_scalar() && value.node().text == "present") {
      test.kind = Kind::present;
      return test;
    }
    if (value.is_map() && !is_unquoted_value(value.node())) return read_test_map(std::move(test), value);
    test.kind = Kind::one_of;
    if (value.is_list() && value.node().items.empty())
      value.complain("is empty; write present for any value");
    const auto items = value.is_list()  ? value.items(max_values)
                       : value.is_map() ? std::vector<Value>{value}
                                        : value.items_or_one();
    for (const Value& item : items) read_claim_value(item, test);
    return with_values(std::move(test));
  }

  static std::optional<ClaimCondition> read_test_map(ClaimCondition test, const Value& value) {
    const std::vector<std::string_view> known = claim_test_keys().names();
    const std::vector<Key>& keys = value.node().keys;
    const bool has_known = std::any_of(keys.begin(), keys.end(), [&](const Key& key) {
      return std::find(known.begin(), known.end(), key.text) != known.end() ||
             !suggest(key.text, known).empty();
    });
    if (!keys.empty() && !has_known) {
      value.complain("has none of all, pattern, at_least and at_most; a claim in a claim is written " +
                     quoted(test.claim + '.' + keys[0].text));
      return std::nullopt;
    }
    const Kind before = test.kind;
    claim_test_keys().read(value, &test);
    if (test.kind == before) return std::nullopt;
    return with_values(std::move(test));
  }

  // A condition without values would refuse or permit everything.
  static std::optional<ClaimCondition> with_values(ClaimCondition test) {
    const bool has_values = test.kind == Kind::one_of || test.kind == Kind::has_all;
    if (has_values && test.values.empty()) return std::nullopt;
    return test;
  }
};

// ---- rules of a route

struct Template {
  SegmentTemplate::Of of;
  std::optional<SegmentTemplate> ClaimRuleDocument::*member;
  void read_into(const Value& value, ClaimRuleDocument& rule) const {
    if (is_unquoted_value(value.node()) || value.is_map())
      return value.complain("is a map for YAML; write it in quotes: \"{tenant}.example.com\"");
    const auto text = value.text();
    if (!text) return;
    if (value.node().substituted) return value.complain("has names in it, which stand in the file itself");
    if (text->size() > max_text) return value.complain("is longer than 1024 bytes");
    auto read = SegmentTemplate::read(of, *text);
    if (!read) return value.complain(value.quote() + ' ' + read.error());
    rule.*member = std::move(*read);
  }
  std::string words() const {
    return of == SegmentTemplate::Of::path ? "path with names" : "host with names";
  }
  std::string shown(const ClaimRuleDocument&) const { return "none"; }
  std::string json_schema() const {
    return string_schema(of == SegmentTemplate::Of::path ? "/.*[{].*" : ".*[{].*");
  }
};

constexpr std::string_view others = "others";

void read_methods(const Value& value, ClaimRuleDocument& rule) {
  if (value.is_scalar() && value.node().text == others) {
    rule.other_methods = true;
    return;
  }
  const auto items = value.items_or_one();
  if (value.is_list() && items.empty()) value.complain("is empty; leave methods out to take any");
  for (const Value& item : items) {
    auto method = item.parsed(parse_method);
    if (!method) continue;
    if (std::find(rule.methods.begin(), rule.methods.end(), *method) != rule.methods.end())
      item.complain(item.quote() + " stands in this list already");
    else
      rule.methods.push_back(std::move(*method));
  }
}

auto methods() {
  const std::string method = string_schema("[A-Za-z0-9!#$%&'+.^_`|~-]{1,64}");
  return custom(read_methods, "list of methods, or others", any_of({method, list_schema(method, 1, 1000)}),
                "all");
}

struct RuleClaims {
  void read_into(const Value& value, ClaimRuleDocument& rule) const {
    rule.condition.parts = ConditionReader().read(value);
  }
  std::string words() const { return "map of claim to value"; }
  std::string shown(const ClaimRuleDocument&) const { return "none"; }
  std::string json_schema() const { return ProviderClaims().json_schema(); }
  Shape shape() const { return Shape::named; }
  const Section* section() const { return &claim_test_keys(); }
};

// The names in one template of a rule, and where they are used.
struct RuleNames {
  std::string_view key;  // of the template
  RequestValue::Kind kind;
  const std::optional<SegmentTemplate>& named;
  std::string_view example;  // of a template, around a name

  std::string value(std::string_view name) const {
    return '{' + std::string(key) + '.' + std::string(name) + '}';
  }

  void check(const Value& rule, const std::vector<RequestValue>& used) const {
    const std::vector<std::string_view> names = named ? named->names() : std::vector<std::string_view>();
    bool all_known = true;
    for (const RequestValue& one : used) {
      if (one.kind != kind || std::find(names.begin(), names.end(), one.name) != names.end()) continue;
      all_known = false;
      rule.complain(quoted(value(one.name)) + (named ? others_of(names) : missing(one.name)));
    }
    for (const std::string_view name : names)
      if (all_known && std::none_of(used.begin(), used.end(), [&](const RequestValue& one) {
            return one.kind == kind && one.name == name;
          }))
        rule.complain("names {" + std::string(name) + "} in its " + std::string(key) +
                      ", and compares no claim with " + value(name));
  }

 private:
  std::string others_of(const std::vector<std::string_view>& names) const {
    std::string text = " is none of the names that " + std::string(key) + " of the rule has: ";
    for (const std::string_view name : names) text += (name == names.front() ? "" : ", ") + value(name);
    return text;
  }
  std::string missing(const std::string& name) const {
    std::string written(example);
    written.replace(written.find("{}"), 2, '{' + name + '}');
    return " has no meaning here; name it in a rule of a list: " + std::string(key) + ": " + quoted(written);
  }
};

// Reports values of the request that the rule does not name, and names that it does not use.
void check_names(const Value& value, const ClaimRuleDocument& rule) {
  const std::vector<RequestValue> used = rule.condition.request_values();
  RuleNames{"path", RequestValue::Kind::path, rule.path, "/jobs/{}"}.check(value, used);
  RuleNames{"host", RequestValue::Kind::host_label, rule.host, "{}.example.com"}.check(value, used);
}

const Keys<ClaimRuleDocument>& claim_rule_keys() {
  static const auto keys =
      Keys<ClaimRuleDocument>("claim_rule")
          .begin([](const Value& value, ClaimRuleDocument& rule) {
            rule.location = value.location();
            rule.key = value.path();
          })
          .key("name", &ClaimRuleDocument::name, text("name", parse_name, name_pattern),
               "The name of the rule in the log and in the answer to a request that it refuses.")
          .by_default("required_claims[N]")
          .example("write")
          .key(
              "methods", itself<ClaimRuleDocument>, methods(),
              "The methods of the requests that the rule is for, in any case of their letters; GET includes "
              "HEAD, WebSockets and event streams. others means those that no other rule of the route names.")
          .by_default("all")
          .example("[POST]")
          .key("path", itself<ClaimRuleDocument>,
               Template{SegmentTemplate::Of::path, &ClaimRuleDocument::path},
               "Names segments of the path that the client has asked for, for {path.NAME} in claims. It "
               "chooses no requests: where a path has no such segment, a comparison with it fails.")
          .example("\"/ws/{room}\"")
          .key("host", itself<ClaimRuleDocument>,
               Template{SegmentTemplate::Of::host, &ClaimRuleDocument::host},
               "Names labels of the requested host, for {host.NAME} in claims.")
          .example("\"{tenant}.example.com\"")
          .commented_out()
          .key("claims", itself<ClaimRuleDocument>, RuleClaims(),
               "What the claims of the token must be, as in the map in place of a list of rules.")
          .required()
          .folded()
          .example("{ any: [{ rooms: \"{path.room}\" }, { realm_access.roles: admin }] }")
          .key("report_only", &ClaimRuleDocument::report_only, boolean(),
               "Whether requests that the rule would refuse pass. They are logged (would_refuse) and counted "
               "(postern_would_refuse_total).")
          .check([](const Fields& fields, ClaimRuleDocument& rule) { check_names(fields.value(), rule); });
  return keys;
}

void check_rule_names(const std::vector<ClaimRuleDocument>& rules, const Value& value) {
  for (std::size_t i = 0; i < rules.size(); ++i)
    for (std::size_t other = 0; other < i; ++other)
      if (rules[i].name == rules[other].name)
        value.diagnostics().error(
            rules[i].location, rules[i].key + ".name",
            "is the name of the rule in line " + std::to_string(rules[other].location.line) + " too");
}

// Gives the rules for other methods those that they are not for.
void exclude_named_methods(std::vector<ClaimRuleDocument>& rules, const Value& value) {
  std::vector<std::string> named;
  for (const ClaimRuleDocument& rule : rules)
    if (!rule.other_methods) named.insert(named.end(), rule.methods.begin(), rule.methods.end());
  for (ClaimRuleDocument& rule : rules) {
    if (!rule.other_methods) continue;
    rule.methods = named;
    if (named.empty())
      value.diagnostics().error(rule.location, rule.key + ".methods",
                                "others has no meaning where no other rule names methods; leave it out");
  }
}

// The schema of a map of claims, precise to two levels.
std::string claims_schema(int level) {
  const std::string inner = level == 0 ? claims_schema(1) : R"({"type":"object","minProperties":1})";
  const std::string test =
      section_schema(claim_test_keys(), {scalar_schema(), list_schema(scalar_schema(), 1, max_values)});
  const std::string list = list_schema(inner, 1, max_values);
  return R"({"type":"object","minProperties":1,"properties":{"any":)" + list + R"(,"all":)" + list +
         R"(,"not":)" + inner + R"(},"additionalProperties":)" + test + '}';
}

}  // namespace

void ProviderClaims::read_into(const Value& value, std::vector<ClaimCondition>& conditions) const {
  conditions = ConditionReader().read(value);
  for (const ClaimCondition& condition : conditions)
    if (!condition.request_values().empty())
      return value.complain(
          "compares a claim with a value of the request, and belongs to the token alone; write it under "
          "required_claims of a route");
}

std::string ProviderClaims::json_schema() const { return claims_schema(0); }

const Section* ProviderClaims::section() const { return &claim_test_keys(); }

void RouteClaims::read_into(const Value& value, std::vector<ClaimRuleDocument>& rules) const {
  if (!value.is_list()) {
    ClaimRuleDocument rule;
    rule.name = "required_claims";
    rule.location = value.location();
    rule.key = value.path();
    const Node& node = value.node();
    for (std::size_t i = 0; i < node.keys.size(); ++i)
      if (node.keys[i].text == "claims" && node.items[i].kind == Node::Kind::map && value.is_map())
        return value.complain("is one rule, and rules stand in a list; begin it with a dash");
    // The same keys as those of `claims` of a rule, by which the schema knows them.
    const Value claims(node, value.path(), value.schema() + "[].claims", value.diagnostics());
    rule.condition.parts = ConditionReader().read(value.is_map() ? claims : value);
    check_names(value, rule);
    rules.push_back(std::move(rule));
    return;
  }
  const auto items = value.items(max_rules);
  if (items.empty()) value.complain("is empty; leave it out");
  for (const Value& item : items) {
    ClaimRuleDocument rule;
    rule.name = "required_claims[" + std::to_string(rules.size()) + ']';
    claim_rule_keys().read(item, &rule);
    rules.push_back(std::move(rule));
  }
  check_rule_names(rules, value);
  exclude_named_methods(rules, value);
}

std::string RouteClaims::json_schema() const {
  return any_of({claims_schema(0), list_schema(section_schema(claim_rule_keys()), 1, max_rules)});
}

const Section* RouteClaims::section() const { return &claim_rule_keys(); }

void check_claim_rules(const Fields& fields, const RouteDocument& route) {
  for (const ClaimRuleDocument& rule : route.required_claims) {
    Diagnostics& diagnostics = fields.value().diagnostics();
    const auto is_taken = [&](const std::string& method) {
      return std::find(route.methods.begin(), route.methods.end(), method) != route.methods.end();
    };
    if (!route.methods.empty() && !rule.other_methods &&
        !std::all_of(rule.methods.begin(), rule.methods.end(), is_taken))
      diagnostics.error(rule.location, rule.key + ".methods",
                        "has a method that match.methods of the route has not");
    if (!rule.path || !route.match_read || route.pattern_alone) continue;
    const bool meets_any = std::any_of(route.paths.begin(), route.paths.end(), [&](const std::string& path) {
      return rule.path->meets(path, route.exact);
    });
    if (!meets_any)
      diagnostics.error(rule.location, rule.key + ".path",
                        "fits no path that the route takes, so that the rule would refuse every request");
  }
}

}  // namespace postern::config
