// The policies of routes: origin lists and token verifiers are compiled once and shared by the routes that
// name them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "config/diagnostics.h"
#include "config/document.h"
#include "crypto/digest.h"
#include "policy/jwt_verifier.h"
#include "policy/origin_list.h"
#include "policy/policy.h"
#include "policy/rate_limit.h"
#include "proxy/unrouted_cors.h"
#include "routing/named_hosts.h"
#include "state/socket_counts.h"

namespace postern::config {

// A file that the document names, as a path that can be opened.
std::string resolve_file(const Document& document, const std::string& name);

// What is in it, up to `most` bytes and one more, by which a caller can see that there are too many; nothing
// when it cannot be read.
std::optional<std::string> read_file(const std::string& path, size_t most);

// The keys that the tokens of one name were checked with last. No key material, only its digests.
struct KnownKeys {
  std::set<crypto::Sha256Digest> digests;
  uint64_t generation = 0;  // another one whenever a key was there no more; keys that join change nothing
};

// What policies count and remember, for as long as the process lives. The control thread's.
struct PolicyStores {
  // The configuration that was compiled last has taken effect: its keys are those that the next one is
  // compared with. One that is good and still fails, on an address that is taken, must leave no trace.
  void take_effect();

  state::RateLimiterStore rate_limiters;
  state::SocketCountsStore socket_counts;
  state::SocketCountsStore stream_counts;
  std::map<std::string, KnownKeys> keys;      // by the name in jwt, of configurations that took effect
  std::map<std::string, KnownKeys> new_keys;  // of the one that was compiled last
};

class PolicyCompiler {
 public:
  // Compiles every origin list and verifier of the document, used or not, and reports what is wrong.
  PolicyCompiler(const Document& document, PolicyStores& stores, Diagnostics& problems, Diagnostics& notes);

  policy::Pipeline pipeline(const RouteDocument& route);
  std::shared_ptr<const routing::StreamRules> stream_rules(const RouteDocument& route);
  // What the route's origin list says of answers that are made before there is a route; nothing without a
  // list.
  std::optional<proxy::UnroutedCors::Entry> unrouted_cors(const RouteDocument& route);
  // Those of `names` that there are.
  std::vector<policy::RateLimitRule> rate_limit_rules(
      const std::vector<std::pair<std::string, SourceLocation>>& names);
  // Those that were read for this document; they are the stores' new ones once it is good.
  const std::map<std::string, KnownKeys>& keys() const { return keys_; }
  // KnownKeys::generation of the route's jwt.
  uint64_t key_generation(const RouteDocument& route) const;

 private:
  void compile_hosts();
  void compile_origins(const OriginsDocument& origins);
  void compile_jwt(const JwtDocument& jwt);
  void compare_keys(const JwtDocument& jwt, const state::KeySet& keys);
  bool limits_bodies(const RouteDocument& route) const;

  const Document& document_;
  PolicyStores& stores_;
  Diagnostics& problems_;
  Diagnostics& notes_;
  std::shared_ptr<const routing::NamedHosts> hosts_;
  std::map<std::string, std::shared_ptr<const policy::OriginList>> origin_lists_;
  std::map<std::string, std::shared_ptr<const policy::CorsPolicy>> unrouted_;  // by the name of the list
  std::map<std::string, std::shared_ptr<const policy::JwtVerifier>> verifiers_;
  std::map<std::string, KnownKeys> keys_;
};

}  // namespace postern::config
