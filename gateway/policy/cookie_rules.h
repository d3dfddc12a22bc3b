// Rewrites an endpoint's Set-Cookie fields: the domain, path and flags that a browser on the client's side
// needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy {

// One entry of a map; the entry with "*" as `from` applies when no other entry matches.
struct CookieMapping {
  std::string from;
  std::optional<std::string> to;  // nothing: the attribute is removed
};

enum class CookieFlag : uint8_t { keep, add, drop };
enum class CookieSameSite : uint8_t { keep, lax, strict, none, drop };

struct CookieRulesOptions {
  std::vector<CookieMapping> domains{};  // whole names, ignoring case and a leading dot
  std::vector<CookieMapping> paths{};    // prefixes at a segment boundary; the longest matching one is used
  CookieFlag secure = CookieFlag::keep;
  CookieFlag http_only = CookieFlag::keep;
  CookieSameSite same_site = CookieSameSite::keep;
};

class CookieRules {
 public:
  explicit CookieRules(CookieRulesOptions options) : options_(std::move(options)) {}

  // Returns a rewritten Set-Cookie value (RFC 6265 5.2), or nothing when no rule changes it. Name, value and
  // all attributes without a rule stay byte for byte. A cookie without Domain or Path, or with an empty one,
  // does not get one. Where Secure is removed, Partitioned and SameSite=None are removed too, because
  // browsers accept them only together with Secure.
  std::optional<std::string> rewrite(std::string_view value) const;

 private:
  CookieRulesOptions options_;
};

}  // namespace postern::policy
