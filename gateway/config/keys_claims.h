// Conditions on claims: required_claims of a provider of tokens (jwt) and of a route.
#pragma once

#include <string>
#include <vector>

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

// A map of claims to what they must be. It belongs to a provider, and compares nothing with a request.
struct ProviderClaims {
  void read_into(const Value& value, std::vector<policy::ClaimCondition>& conditions) const;
  std::string words() const { return "map of claim to value"; }
  std::string shown(const std::vector<policy::ClaimCondition>&) const { return "none"; }
  std::string json_schema() const;
  Shape shape() const { return Shape::named; }
  const Section* section() const;
};

// Such a map, which may compare claims with values of the request, or a list of named rules.
struct RouteClaims {
  void read_into(const Value& value, std::vector<ClaimRuleDocument>& rules) const;
  std::string words() const { return "map of claim to value, or list of rules"; }
  std::string shown(const std::vector<ClaimRuleDocument>&) const { return "none"; }
  std::string json_schema() const;
  Shape shape() const { return Shape::list; }
  const Section* section() const;
};

// Checks the rules of a route against what it matches. Call it when the whole route has been read.
void check_claim_rules(const Fields& fields, const RouteDocument& route);

}  // namespace postern::config
