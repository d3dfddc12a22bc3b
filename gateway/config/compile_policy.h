// The policies of routes: origin lists and token verifiers are compiled once and shared by the routes that
// name them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "config/diagnostics.h"
#include "config/document.h"
#include "policy/jwt_verifier.h"
#include "policy/origin_list.h"
#include "policy/policy.h"
#include "policy/rate_limit.h"
#include "policy/socket_counts.h"

namespace postern::config {

// A file that the document names, as a path that can be opened.
std::string resolve_file(const Document& document, const std::string& name);

// What is in it, up to `most` bytes and one more, by which a caller can see that there are too many; nothing
// when it cannot be read.
std::optional<std::string> read_file(const std::string& path, size_t most);

// What is counted by policies, for as long as the process lives. The control thread's.
struct PolicyStores {
  policy::RateLimiterStore rate_limiters;
  policy::SocketCountsStore socket_counts;
};

class PolicyCompiler {
 public:
  // Compiles every origin list and verifier of the document, used or not, and reports what is wrong.
  PolicyCompiler(const Document& document, PolicyStores& stores, Diagnostics& problems, Diagnostics& notes);

  policy::Pipeline pipeline(const RouteDocument& route);
  // Those of `names` that there are.
  std::vector<policy::RateLimitRule> rate_limit_rules(
      const std::vector<std::pair<std::string, Place>>& names);

 private:
  void compile_origins(const OriginsDocument& origins);
  void compile_jwt(const JwtDocument& jwt);
  bool limits_bodies(const RouteDocument& route) const;

  const Document& document_;
  PolicyStores& stores_;
  Diagnostics& problems_;
  Diagnostics& notes_;
  std::map<std::string, std::shared_ptr<const policy::OriginList>> origin_lists_;
  std::map<std::string, std::shared_ptr<const policy::JwtVerifier>> verifiers_;
};

}  // namespace postern::config
