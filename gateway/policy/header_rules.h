// The operator's rules that set, add and remove header fields of requests and responses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"
#include "policy/text_template.h"

namespace postern::policy {

struct FieldRule {
  enum class Kind : uint8_t {
    remove,
    set,
    add,
    fill,  // set, where there is no such field
  } kind = Kind::set;
  std::string name;
  TextTemplate value{};   // of all but remove
  bool over_tls = false;  // for clients that use https alone
  bool is_usual = false;  // of a preset: a rule of the operator's own may stand beside it
};

// Rules in their order. A rule with an empty value adds no field; `set` still removes the present fields. Of
// several rules that fill one field the last counts, so that a route can differ from what holds for all.
class FieldRules {
 public:
  // How two field names are compared. CGI-like servers treat "_" and "-" as the same character, so
  // `as_variable` removes a request's fields under both spellings.
  enum class Match : uint8_t { exact, as_variable };

  FieldRules() = default;
  FieldRules(std::vector<FieldRule> rules, Match match);

  bool empty() const { return rules_.empty(); }
  // The new fields point into these rules and into `arena`.
  void apply(const RequestContext& context, http::Headers& headers, base::TextArena& arena) const;

 private:
  std::vector<FieldRule> rules_;
  Match match_ = Match::exact;
};

// The last policy of a pipeline. It only hands on the rules for the request (context.request_rules);
// proxy/request_rewrite applies them to the request that the gateway has prepared. The rules for responses
// apply to every response, including the gateway's own.
class HeaderRules final : public Policy {
 public:
  HeaderRules(FieldRules request, FieldRules response)
      : request_(std::move(request)), response_(std::move(response)) {}
  std::string_view name() const override { return "header_rules"; }
  Verdict judge(RequestContext& context) const override;
  void amend(const RequestContext& context, http::ResponseHead& head) const override;

 private:
  FieldRules request_;
  FieldRules response_;
};

}  // namespace postern::policy
