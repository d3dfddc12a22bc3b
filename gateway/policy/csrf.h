// Cross-site request forgery (CSRF): another site makes a browser send a request that changes something, and
// the browser adds the visitor's cookies, or a password that it knows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "policy/origin_list.h"
#include "policy/policy.h"

namespace postern::policy {

enum class Csrf : uint8_t {
  off,
  on,      // refuses what comes from another site
  strict,  // also what comes from another origin of the same site, and what does not say where it comes from
};

struct CsrfOptions {
  std::shared_ptr<const OriginList> list;
  std::string route{};  // its name, for the refusal message
  bool strict = false;
  bool report_only = false;
};

// Judges requests with such credentials whose method is not safe (RFC 9110 9.2.1). It runs after
// OriginPolicy: an origin on the list passes, but not "null", which every site can have. Otherwise the
// request's own words decide, which no page can change: Sec-Fetch-Site if it is there, or else Origin, or
// else Referer. A request with none of them passes unless the rule is strict, because every browser sends
// Origin with such a method (Fetch 3.2), and what is not a browser cannot be made to send those of a visitor.
class CsrfPolicy final : public Policy {
 public:
  explicit CsrfPolicy(CsrfOptions options) : options_(std::move(options)) {}
  std::string_view name() const override { return "csrf"; }
  Verdict judge(RequestContext& context) const override;

 private:
  // Returns where the request comes from, for the refusal; empty: it may pass.
  std::string foreign_source(const RequestContext& context) const;

  CsrfOptions options_;
};

}  // namespace postern::policy
