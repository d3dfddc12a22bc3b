// Fields that an operator has set, added and removed, on the way in and on the way out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"
#include "policy/text_template.h"

namespace postern::policy {

struct FieldRule {
  enum class Kind : uint8_t { remove, set, add } kind = Kind::set;
  std::string name;
  TextTemplate value{};  // of set and add
};

// In order. A value that comes out empty sends no field; `set` removes what was there all the same.
class FieldRules {
 public:
  // How much of a name tells two fields apart. Servers of CGI's kin read "_" and "-" as one, so that a
  // request's fields are removed under both.
  enum class Match : uint8_t { exact, as_variable };

  FieldRules() = default;
  FieldRules(std::vector<FieldRule> rules, Match match) : rules_(std::move(rules)), match_(match) {}

  bool empty() const { return rules_.empty(); }
  // The fields point into these rules and into `arena`.
  void apply(const RequestContext& context, http::Headers& headers, base::TextArena& arena) const;

 private:
  std::vector<FieldRule> rules_;
  Match match_ = Match::exact;
};

// The last of a pipeline. Rules for the request are only handed on here (context.request_rules): they are
// carried out on what the gateway made of the request, by proxy/request_rewrite. Rules for the response hold
// for every response, the gateway's own too.
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
