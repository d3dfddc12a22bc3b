// What becomes of an endpoint's Set-Cookie fields: the domain, path and flags that a browser on this side
// needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::policy {

// One entry of a map; "*" as `from` is for whatever no other entry is for.
struct CookieMapping {
  std::string from;
  std::optional<std::string> to;  // nothing: the attribute is removed
};

enum class CookieFlag : uint8_t { keep, add, drop };
enum class CookieSameSite : uint8_t { keep, lax, strict, none, drop };

struct CookieRulesOptions {
  std::vector<CookieMapping> domains{};  // whole names, without case and leading dot
  std::vector<CookieMapping> paths{};    // prefixes that end at a segment; the longest that fits counts
  CookieFlag secure = CookieFlag::keep;
  CookieFlag http_only = CookieFlag::keep;
  CookieSameSite same_site = CookieSameSite::keep;
};

class CookieRules {
 public:
  explicit CookieRules(CookieRulesOptions options) : options_(std::move(options)) {}

  // A Set-Cookie value (RFC 6265 5.2) rewritten; nothing when no rule changes it. An attribute that no rule
  // is for stays byte for byte, and so do name and value. A cookie without Domain or Path, or with an empty
  // one, gets none. Where Secure is dropped, so are Partitioned and SameSite=None, which browsers take with
  // it only.
  std::optional<std::string> rewrite(std::string_view value) const;

 private:
  CookieRulesOptions options_;
};

}  // namespace postern::policy
