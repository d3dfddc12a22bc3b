#include "policy/cookie_rules.h"

#include <algorithm>

#include "base/ascii.h"

namespace postern::policy {
namespace {

struct Attribute {
  std::string_view text;  // the whole text between two ";"
  std::string_view name;
  std::string_view value;
};

Attribute read_attribute(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == text.npos) return {text, base::trim(text), {}};
  return {text, base::trim(text.substr(0, equals)), base::trim(text.substr(equals + 1))};
}

bool is(const Attribute& attribute, std::string_view name) {
  return base::equal_ignoring_case(attribute.name, name);
}

const CookieMapping* find_domain(const std::vector<CookieMapping>& mappings, std::string_view domain) {
  if (domain.starts_with('.')) domain.remove_prefix(1);
  const CookieMapping* any = nullptr;
  for (const CookieMapping& mapping : mappings) {
    if (base::equal_ignoring_case(mapping.from, domain)) return &mapping;
    if (mapping.from == "*") any = &mapping;
  }
  return any;
}

// Path matching of RFC 6265 5.1.4: other than in path rules, "/api" is not below "/api/".
bool path_matches(std::string_view path, std::string_view prefix) {
  if (prefix.ends_with('/')) return path.starts_with(prefix);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

const CookieMapping* find_path(const std::vector<CookieMapping>& mappings, std::string_view path) {
  const CookieMapping* found = nullptr;
  const CookieMapping* any = nullptr;
  for (const CookieMapping& mapping : mappings) {
    if (mapping.from == "*")
      any = &mapping;
    else if (path_matches(path, mapping.from) && (!found || mapping.from.size() > found->from.size()))
      found = &mapping;
  }
  return found ? found : any;
}

// Returns the path with its prefix replaced, without a doubled slash at the joint.
std::string mapped_path(const CookieMapping& mapping, std::string_view path) {
  if (mapping.from == "*") return *mapping.to;
  std::string mapped = *mapping.to;
  std::string_view rest = path.substr(mapping.from.size());
  if (mapped.ends_with('/') && rest.starts_with('/')) rest.remove_prefix(1);
  if (mapping.from.ends_with('/') && !rest.empty() && !mapped.ends_with('/')) mapped += '/';
  return mapped.append(rest);
}

std::string_view same_site_text(CookieSameSite same_site) {
  switch (same_site) {
    case CookieSameSite::lax: return "Lax";
    case CookieSameSite::strict: return "Strict";
    case CookieSameSite::none: return "None";
    default: return {};
  }
}

// The state of rewriting one value.
class Rewriting {
 public:
  explicit Rewriting(const CookieRulesOptions& options) : options_(options) {}

  std::optional<std::string> run(std::string_view value) {
    size_t end = std::min(value.find(';'), value.size());
    text_ = value.substr(0, end);
    while (end < value.size()) {
      const size_t start = end + 1;
      end = std::min(value.find(';', start), value.size());
      take(read_attribute(value.substr(start, end - start)));
    }
    if (options_.secure == CookieFlag::add && !secure_) put("Secure");
    if (options_.http_only == CookieFlag::add && !http_only_) put("HttpOnly");
    if (const auto same_site = same_site_text(options_.same_site); !same_site.empty())
      put("SameSite=" + std::string(same_site));
    if (!changed_ || text_ == value) return std::nullopt;
    return std::move(text_);
  }

 private:
  void take(const Attribute& attribute) {
    const CookieMapping* mapping = nullptr;
    // Browsers ignore an attribute with an empty value: mapping it would give the cookie to more hosts and
    // paths.
    if (attribute.value.empty() || attribute.value == ".") {
      // No mapping.
    } else if (is(attribute, "domain")) {
      mapping = find_domain(options_.domains, attribute.value);
      if (mapping && mapping->to) return put("Domain=" + *mapping->to);
    } else if (is(attribute, "path")) {
      mapping = find_path(options_.paths, attribute.value);
      if (mapping && mapping->to) return put("Path=" + mapped_path(*mapping, attribute.value));
    }
    const bool is_secure = is(attribute, "secure");
    const bool is_http_only = is(attribute, "httponly");
    secure_ = secure_ || is_secure;
    http_only_ = http_only_ || is_http_only;
    // Browsers refuse a cookie that has one of these attributes and is not Secure.
    const bool needs_secure =
        is(attribute, "partitioned") ||
        (is(attribute, "samesite") && base::equal_ignoring_case(attribute.value, "none"));
    const bool dropped = mapping || ((is_secure || needs_secure) && options_.secure == CookieFlag::drop) ||
                         (is_http_only && options_.http_only == CookieFlag::drop) ||
                         (is(attribute, "samesite") && options_.same_site != CookieSameSite::keep);
    changed_ = changed_ || dropped;
    if (!dropped) text_.append(";").append(attribute.text);
  }

  void put(std::string_view attribute) {
    text_.append("; ").append(attribute);
    changed_ = true;
  }

  const CookieRulesOptions& options_;
  std::string text_;
  bool changed_ = false;
  bool secure_ = false;
  bool http_only_ = false;
};

}  // namespace

std::optional<std::string> CookieRules::rewrite(std::string_view value) const {
  return Rewriting(options_).run(value);
}

}  // namespace postern::policy
