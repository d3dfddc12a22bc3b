#include "config/compile_rewrite.h"

namespace postern::config {
namespace {

routing::HostRule host_rule(const Document& document, const RouteDocument& route) {
  if (route.host_sent) return *route.host_sent;
  for (const UpstreamDocument& upstream : document.upstreams)
    if (upstream.name == route.upstream) return upstream.host_sent;
  return {};
}

using Rules = std::vector<policy::FieldRule>;

policy::FieldRules field_rules(Rules rules, const Rules* own, policy::FieldRules::Match match) {
  if (own) rules.insert(rules.end(), own->begin(), own->end());
  return {std::move(rules), match};
}

}  // namespace

routing::Rewriting compile_rewriting(const Document& document, size_t index, Diagnostics& problems) {
  const RouteDocument& route = document.routes[index];
  routing::Rewriting made;
  made.host = host_rule(document, route);
  made.location = route.rewrite_location;
  if (route.cookies) made.cookies = policy::CookieRules(*route.cookies);
  if (!route.rewrite) return made;
  auto options = static_cast<const policy::PathRewriteOptions&>(*route.rewrite);
  if (route.rewrite->from_match) options.from = route.paths.front();
  auto path = policy::PathRewrite::compile(std::move(options));
  if (path)
    made.path = std::move(*path);
  else
    problems.error(route.rewrite->location, "routes[" + std::to_string(index) + "].rewrite.pattern",
                   path.error());
  return made;
}

std::unique_ptr<const policy::HeaderRules> header_rules(const Document& document,
                                                        const RouteDocument* route) {
  using Match = policy::FieldRules::Match;
  policy::FieldRules request =
      field_rules(document.request_headers, route ? &route->request_headers : nullptr, Match::as_variable);
  policy::FieldRules response =
      field_rules(document.response_headers, route ? &route->response_headers : nullptr, Match::exact);
  if (request.empty() && response.empty()) return nullptr;
  return std::make_unique<const policy::HeaderRules>(std::move(request), std::move(response));
}

}  // namespace postern::config
