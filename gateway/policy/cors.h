// Cross-origin resource sharing (CORS, the Fetch standard), which the gateway handles alone for routes with
// an origin list.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace postern::policy {

struct CorsOptions {
  std::vector<std::string> methods;  // allowed by preflights; empty: those that need no preflight (Fetch 4.8)
  std::vector<std::string> headers;  // allowed request fields; empty: those that the preflight requests
  std::vector<std::string> expose;   // response fields that the page may read
  std::chrono::seconds max_age{600};
  bool credentials = false;
};

// Whether this is an OPTIONS request with Origin and Access-Control-Request-Method (Fetch 3.2.2): it comes
// from the browser, not from a page's script.
bool is_preflight(const http::RequestHead& request);

// Whether this is a preflight exactly as browsers send it, which cannot make an endpoint do more than answer:
// it has no body, no upgrade, and no field that asks for another method instead of OPTIONS.
bool is_bare_preflight(const http::RequestHead& request);

// Runs after OriginPolicy in a pipeline and uses its result. It answers a preflight from a listed origin with
// 204; the endpoint never sees it, and no token is required. On every response it removes the endpoint's
// Access-Control-* fields, and sets them for a listed origin, with the origin itself, never "*". Where a list
// that reports only would have refused the origin, the endpoint's fields are kept. Vary is always added, for
// listed origins and others, so that no cache gives one page the response for another page.
class CorsPolicy final : public Policy {
 public:
  explicit CorsPolicy(const CorsOptions& options);
  std::string_view name() const override { return "cors"; }
  Verdict judge(RequestContext& context) const override;
  // The new fields point into this policy and into the request.
  void amend(const RequestContext& context, http::ResponseHead& head) const override;
  // The same for a response without a context. `allowed_origin` is empty when the origin is not on the list;
  // `to_preflight`: the response is the one of judge().
  void add_fields(const http::RequestHead& request, std::string_view allowed_origin, bool to_preflight,
                  http::ResponseHead& head) const;

 private:
  std::string methods_;  // joined, as they are in the fields
  std::string headers_;
  std::string expose_;
  std::string max_age_;
  bool credentials_;
};

}  // namespace postern::policy
