// Cross-origin resource sharing (the Fetch standard), done by the gateway alone for routes with an origin
// list.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "policy/policy.h"

namespace postern::policy {

struct CorsOptions {
  std::vector<std::string> methods;  // allowed by preflights; empty: those that need no leave (Fetch 4.8)
  std::vector<std::string> headers;  // allowed request fields; empty: those that the preflight asks for
  std::vector<std::string> expose;   // response fields that the page may read
  std::chrono::seconds max_age{600};
  bool credentials = false;
};

// An OPTIONS request with Origin and Access-Control-Request-Method (Fetch 3.2.2): the browser asks, no page.
bool is_preflight(const http::RequestHead& request);

// A preflight as browsers send it: it asks, and nothing in it could make an endpoint do more than answer. No
// body, no upgrade, no field that asks for another method in place of OPTIONS.
bool is_bare_preflight(const http::RequestHead& request);

// Stands behind OriginPolicy in a pipeline and goes by what that found. A preflight from a listed origin is
// answered here with 204; the endpoint never sees it, and no token is asked of it. On every response, the
// endpoint's Access-Control-* fields are removed, and those of a listed origin set: the origin itself, never
// "*". Vary is added always, listed or not, so that no cache gives one page another's answer.
class CorsPolicy final : public Policy {
 public:
  explicit CorsPolicy(CorsOptions options);
  std::string_view name() const override { return "cors"; }
  Verdict judge(RequestContext& context) const override;
  // The fields set point into this policy and into the request.
  void amend(const RequestContext& context, http::ResponseHead& head) const override;
  // Likewise for an answer that has no context. `allowed_origin` is empty when it is not on the list;
  // `to_preflight`: the answer is the one of judge().
  void add_fields(const http::RequestHead& request, std::string_view allowed_origin, bool to_preflight,
                  http::ResponseHead& head) const;

 private:
  std::string methods_;  // joined, as the fields have them
  std::string headers_;
  std::string expose_;
  std::string max_age_;
  bool credentials_;
};

}  // namespace postern::policy
