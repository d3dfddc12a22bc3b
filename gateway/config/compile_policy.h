// The policies of routes: origin lists and token verifiers are compiled once and shared by the routes that
// name them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/diagnostics.h"
#include "config/document.h"
#include "policy/jwt_verifier.h"
#include "policy/origin_list.h"
#include "policy/policy.h"
#include "policy/rate_limit.h"
#include "proxy/unrouted_cors.h"
#include "routing/named_hosts.h"
#include "state/bindings.h"

namespace postern::config {

// A file that the document names, as a path that can be opened.
std::string resolve_file(const Document& document, const std::string& name);

// What is in it, up to `most` bytes and one more, by which a caller can see that there are too many; nothing
// when it cannot be read.
std::optional<std::string> read_file(const std::string& path, size_t most);

class PolicyCompiler {
 public:
  // Compiles every origin list and verifier of the document, used or not, and reports what is wrong.
  PolicyCompiler(const Document& document, Diagnostics& problems, Diagnostics& notes);

  policy::Pipeline pipeline(const RouteDocument& route);
  std::shared_ptr<const routing::StreamRules> stream_rules(const RouteDocument& route);
  // What the route's origin list says of answers that are made before there is a route; nothing without a
  // list.
  std::optional<proxy::UnroutedCors::Entry> unrouted_cors(const RouteDocument& route);
  // Those of `names` that there are.
  std::vector<policy::RateLimitRule> rate_limit_rules(
      const std::vector<std::pair<std::string, SourceLocation>>& names);
  // The place in names() of the route's queue of new WebSockets.
  size_t admission_line(const RouteDocument& route);
  // The place in names() of the keys of the route's jwt; nullopt: it has none, or they cannot be used.
  std::optional<size_t> keys_of(const RouteDocument& route) const;
  // What the policies and rules that were compiled until now refer to.
  const state::Names& names() const { return names_; }
  // The keys that were read.
  std::vector<state::LoadedKeys> take_keys() { return std::move(keys_); }

 private:
  void compile_hosts();
  void compile_origins(const OriginsDocument& origins);
  void compile_jwt(const JwtDocument& jwt);
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
  state::Names names_;
  std::vector<state::LoadedKeys> keys_;
};

}  // namespace postern::config
