// Compiles the policies of routes. Origin lists and token verifiers are compiled once and shared by the
// routes that name them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/compile_access.h"
#include "config/diagnostics.h"
#include "config/document.h"
#include "identity/key_source.h"
#include "policy/jwt_providers.h"
#include "policy/origin_list.h"
#include "policy/policy.h"
#include "policy/rate_limit.h"
#include "proxy/unrouted_cors.h"
#include "routing/action.h"
#include "routing/named_hosts.h"
#include "routing/route.h"
#include "state/bindings.h"

namespace postern::config {

// Returns the path of a file that the document names: `name` itself if it is absolute, otherwise relative to
// the folder of Document::file.
std::string resolve_file(const Document& document, const std::string& name);

// Returns the content of a file, at most `most` + 1 bytes: a caller finds by the size that the file is too
// long. Nullopt when the file cannot be read.
std::optional<std::string> read_file(const std::string& path, size_t most);

class PolicyCompiler {
 public:
  // Compiles every origin list and verifier of the document, used or not, and reports their problems. All
  // three arguments must outlive the compiler.
  PolicyCompiler(const Document& document, Diagnostics& problems, Diagnostics& notes);

  // Compiles the policies of one route. Call it once for each route: it may add an entry to names().
  policy::Pipeline pipeline(const RouteDocument& route);
  // Compiles the rules for the event streams of one route. Call it once for each route: it may add an entry
  // to names().
  std::shared_ptr<const routing::StreamRules> stream_rules(const RouteDocument& route);
  // Returns the CORS rules for responses that are made before a route is found; nullopt for a route without
  // an origin list.
  std::optional<proxy::UnroutedCors::Entry> unrouted_cors(const RouteDocument& route);
  // Returns the rules for the rate limits with these names, and passes over names that do not exist.
  std::vector<policy::RateLimitRule> rate_limit_rules(
      const std::vector<std::pair<std::string, SourceLocation>>& names);
  // Adds the route's queue of new WebSockets to names() and returns its index there.
  size_t admission_line(const RouteDocument& route);
  // Returns the indices in names() of the keys of the route's jwt, without those that cannot be used.
  std::vector<size_t> keys_of(const RouteDocument& route) const;
  // Of a route that has it, or an action without a verifier if its jwt cannot be used.
  routing::BackchannelLogout backchannel_logout(const RouteDocument& route) const;
  // Returns where clients of the route get new tokens; null: nowhere, or its jwt cannot be used.
  std::shared_ptr<const routing::RefreshCalls> refresh_calls(const RouteDocument& route) const;
  // Returns where clients of the route log out; null: nowhere.
  std::shared_ptr<const routing::LogoutRules> logout(const RouteDocument& route) const;
  // Returns the fingerprint of the users of the route's basic_auth; 0: it has none.
  uint64_t users_fingerprint(const RouteDocument& route) const;
  // The names that the policies and rules compiled so far refer to by index.
  const state::Names& names() const { return names_; }
  // Returns the keys that the constructor read, and keeps none of them.
  std::vector<state::LoadedKeys> take_keys() { return std::move(keys_); }
  // Returns where the other keys are fetched from.
  const std::vector<std::shared_ptr<const identity::KeySource>>& key_sources() const { return key_sources_; }

 private:
  void compile_hosts();
  void compile_origins(const OriginsDocument& origins);
  void compile_jwt(const JwtDocument& jwt);
  // Both return nullopt when they have reported a problem.
  std::optional<state::LoadedKeys> read_keys(const JwtDocument& jwt);
  std::optional<state::LoadedKeys> compile_key_source(const JwtDocument& jwt);
  std::vector<policy::JwtProvider> providers(const RouteDocument& route) const;
  bool limits_bodies(const RouteDocument& route) const;

  const Document& document_;
  Diagnostics& problems_;
  Diagnostics& notes_;
  std::shared_ptr<const routing::NamedHosts> hosts_;
  std::map<std::string, std::shared_ptr<const policy::OriginList>> origin_lists_;
  std::map<std::string, std::shared_ptr<const policy::CorsPolicy>> unrouted_;  // by the name of the list
  struct Verifier {
    std::shared_ptr<const policy::JwtVerifier> verifier;
    size_t keys = 0;  // index into names_.keys
  };
  std::map<std::string, Verifier> verifiers_;
  std::map<std::string, CompiledUsers> users_;
  state::Names names_;
  std::vector<state::LoadedKeys> keys_;
  std::vector<std::shared_ptr<const identity::KeySource>> key_sources_;
};

}  // namespace postern::config
