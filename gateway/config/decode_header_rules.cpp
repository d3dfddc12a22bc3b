#include "config/decode_header_rules.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "config/suggest.h"
#include "config/text.h"
#include "policy/text_template.h"

namespace postern::config {
namespace {

using Kind = FieldRuleDocument::Kind;
using ParseName = Parsed<std::string> (*)(std::string_view);

constexpr std::size_t max_rules = 100;
constexpr std::size_t max_template = 4096;

// One map of rules while it is read.
class Rules {
 public:
  explicit Rules(ParseName parse_name, bool knows_endpoint)
      : parse_name_(parse_name), knows_endpoint_(knows_endpoint) {}

  std::vector<FieldRuleDocument> run(const Value& value) {
    const Fields fields(value);
    if (const auto remove = fields.take("remove")) {
      for (const Value& item : remove->items_or_one())
        if (auto name = item.parsed(parse_name_)) add({Kind::remove, std::move(*name), {}}, item);
    }
    if (const auto set = fields.take("set")) read_map(*set, Kind::set);
    if (const auto more = fields.take("add")) read_map(*more, Kind::add);
    if (rules_.size() > max_rules) value.complain("has more than 100 rules");
    return std::move(rules_);
  }

 private:
  void read_map(const Value& value, Kind kind) {
    for (const auto& [key, entry] : value.entries()) {
      auto name = parse_name_(key.text);
      if (!name) {
        entry.diagnostics().error(key.location, entry.path(), quoted(key.text) + ' ' + name.error().rule);
        continue;
      }
      auto text = decode_template(entry);
      if (!text) continue;
      if (const std::string foreign = foreign_variable(*text); !foreign.empty()) entry.warn(foreign);
      const auto read = policy::TextTemplate::read(*text);
      if (!knows_endpoint_ && read->uses(policy::Placeholder::endpoint))
        entry.complain(
            "has {endpoint}, which is chosen for each attempt after the request is made; {upstream} is "
            "known");
      add({kind, std::move(*name), std::move(*text)}, entry);
    }
  }

  void add(FieldRuleDocument rule, const Value& where) {
    for (const FieldRuleDocument& other : rules_) {
      if (other.kind != rule.kind || !base::equal_ignoring_case(other.name, rule.name)) continue;
      where.complain("stands here twice, but for the case of its letters");
      return;
    }
    rules_.push_back(std::move(rule));
  }

  ParseName parse_name_;
  bool knows_endpoint_;
  std::vector<FieldRuleDocument> rules_;
};

}  // namespace

std::vector<FieldRuleDocument> decode_request_rules(const Value& value) {
  return Rules(parse_request_field, false).run(value);
}

std::vector<FieldRuleDocument> decode_response_rules(const Value& value) {
  return Rules(parse_response_field, true).run(value);
}

std::string foreign_variable(std::string_view text) {
  struct Variable {
    std::string_view name;
    std::string_view ours;
  };
  constexpr auto variables = std::to_array<Variable>({{"$host", "{host}"},
                                                      {"$http_host", "{host}"},
                                                      {"$remote_addr", "{client}"},
                                                      {"$request_method", "{method}"},
                                                      {"$request_uri", "{uri}"},
                                                      {"$scheme", "{scheme}"},
                                                      {"$uri", "{path}"}});
  for (std::size_t at = text.find('$'); at != text.npos; at = text.find('$', at + 1)) {
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", at + 1);
    const std::string_view name = text.substr(at, end - at);
    const auto* known = std::find_if(variables.begin(), variables.end(),
                                     [&](const Variable& variable) { return variable.name == name; });
    if (known != variables.end())
      return quoted(name) + " is sent as it stands; what nginx puts there is written " + quoted(known->ours);
  }
  return {};
}

std::optional<std::string> decode_template(const Value& value) {
  const auto text = value.parsed(parse_field_value);
  if (!text) return std::nullopt;
  if (text->size() > max_template) {
    value.complain("is longer than 4KiB");
    return std::nullopt;
  }
  const auto read = policy::TextTemplate::read(*text);
  if (read) return text;
  std::string sentence = value.quote() + ' ' + read.error().sentence;
  if (!read.error().unknown.empty() && !value.node().substituted) {
    const auto names = policy::placeholder_names();
    const std::string meant = did_you_mean(read.error().unknown, {names.begin(), names.end()});
    sentence += ' ' + quoted('{' + read.error().unknown + '}') +
                (meant.empty() ? "; write \"{{\" for the character itself" : meant);
  }
  value.complain(std::move(sentence));
  return std::nullopt;
}

}  // namespace postern::config
