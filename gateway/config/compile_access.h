// Compiles the lists of users, the questions to authentication servers and refresh endpoints, and the choice
// between several ways into a route.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/diagnostics.h"
#include "config/document.h"
#include "policy/password_list.h"
#include "policy/policy.h"
#include "policy/token_exchange.h"

namespace postern::config {

struct CompiledUsers {
  std::shared_ptr<const policy::PasswordList> users;
  std::string realm;
  uint64_t fingerprint = 0;  // of the settings, and of the users in the file
};

// By the name of the list. One whose file cannot be used is left out, and the problem is reported.
std::map<std::string, CompiledUsers> compile_users(const Document& document, Diagnostics& problems);

// The policy of the route's forward_auth; null: it has none, or its upstream does not exist.
std::unique_ptr<const policy::Policy> forward_auth(const Document& document, const RouteDocument& route);

// The refresh endpoint of the route's jwt; nullopt: it has none, or its upstream does not exist.
std::optional<policy::TokenRefresh> token_refresh(const Document& document, const RouteDocument& route);

// Takes the policies for client certificates, passwords, tokens and authentication servers of the route out
// of `policies`, and puts one in their place that asks for any of them, or for an address of `allow`.
void join_ways_in(const Document& document, const RouteDocument& route,
                  std::vector<std::unique_ptr<const policy::Policy>>& policies);

}  // namespace postern::config
