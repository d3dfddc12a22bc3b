#include "policy/header_rules.h"

#include <algorithm>

#include "base/ascii.h"
#include "policy/request_context.h"

namespace postern::policy {

FieldRules::FieldRules(std::vector<FieldRule> rules, Match match) : match_(match) {
  for (auto rule = rules.begin(); rule != rules.end(); ++rule) {
    const bool is_replaced =
        rule->kind == FieldRule::Kind::fill &&
        std::any_of(rule + 1, rules.end(), [&](const FieldRule& later) {
          return later.kind == FieldRule::Kind::fill && base::equal_ignoring_case(later.name, rule->name);
        });
    if (!is_replaced) rules_.push_back(*rule);
  }
}

void FieldRules::apply(const RequestContext& context, http::Headers& headers, base::TextArena& arena) const {
  for (const FieldRule& rule : rules_) {
    if (rule.over_tls && !context.tls) continue;
    if (rule.kind == FieldRule::Kind::fill && headers.find(rule.name) != nullptr) continue;
    const bool adds = rule.kind == FieldRule::Kind::add || rule.kind == FieldRule::Kind::fill;
    // The value is computed before anything is removed, because a placeholder may use the old fields.
    const std::optional<std::string_view> fixed = rule.value.fixed();
    const std::string_view value = fixed ? *fixed : arena.keep(base::trim(rule.value.fill(context)));
    if (!adds) {
      headers.remove_if([&](const http::HeaderField& field) {
        return match_ == Match::as_variable ? base::equal_as_variable(field.name, rule.name)
                                            : base::equal_ignoring_case(field.name, rule.name);
      });
    }
    if (!value.empty()) headers.add(rule.name, value);
  }
}

Verdict HeaderRules::judge(RequestContext& context) const {
  if (!request_.empty()) context.request_rules = &request_;
  return Verdict::pass();
}

void HeaderRules::amend(const RequestContext& context, http::ResponseHead& head) const {
  if (!response_.empty()) response_.apply(context, head.headers, head.arena);
}

}  // namespace postern::policy
