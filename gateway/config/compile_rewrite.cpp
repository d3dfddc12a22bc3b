#include "config/compile_rewrite.h"

#include <algorithm>

#include "base/check.h"

namespace postern::config {
namespace {

using Rules = std::vector<FieldRuleDocument>;

policy::PathRewriteOptions path_options(const PathRewriteDocument& rewrite, const std::string& matched) {
  switch (rewrite.kind) {
    case PathRewriteDocument::Kind::strip_prefix: return {rewrite.prefix, "/", {}, {}};
    case PathRewriteDocument::Kind::add_prefix: return {"/", rewrite.prefix, {}, {}};
    case PathRewriteDocument::Kind::replace_prefix: return {matched, rewrite.prefix, {}, {}};
    case PathRewriteDocument::Kind::pattern: break;
  }
  return {{}, {}, rewrite.pattern, rewrite.to};
}

routing::HostRule host_rule(const Document& document, const RouteDocument& route) {
  if (route.host_sent) return *route.host_sent;
  for (const UpstreamDocument& upstream : document.upstreams)
    if (upstream.name == route.upstream) return upstream.host_sent;
  return {};
}

policy::CookieRules cookie_rules(const CookiesDocument& document) {
  policy::CookieRulesOptions options;
  for (const CookieMappingDocument& mapping : document.domains)
    options.domains.push_back({mapping.from, mapping.to});
  for (const CookieMappingDocument& mapping : document.paths)
    options.paths.push_back({mapping.from, mapping.to});
  const auto flag = [](CookiesDocument::Flag written) {
    switch (written) {
      case CookiesDocument::Flag::keep: return policy::CookieFlag::keep;
      case CookiesDocument::Flag::add: return policy::CookieFlag::add;
      case CookiesDocument::Flag::drop: return policy::CookieFlag::drop;
    }
    return policy::CookieFlag::keep;
  };
  options.secure = flag(document.secure);
  options.http_only = flag(document.http_only);
  switch (document.same_site) {
    case CookiesDocument::SameSite::keep: options.same_site = policy::CookieSameSite::keep; break;
    case CookiesDocument::SameSite::lax: options.same_site = policy::CookieSameSite::lax; break;
    case CookiesDocument::SameSite::strict: options.same_site = policy::CookieSameSite::strict; break;
    case CookiesDocument::SameSite::none: options.same_site = policy::CookieSameSite::none; break;
    case CookiesDocument::SameSite::drop: options.same_site = policy::CookieSameSite::drop; break;
  }
  return policy::CookieRules(std::move(options));
}

policy::FieldRules field_rules(const Rules& general, const Rules* own, policy::FieldRules::Match match) {
  std::vector<policy::FieldRule> made;
  const auto add = [&made](const Rules& rules) {
    for (const FieldRuleDocument& rule : rules) {
      auto value = policy::TextTemplate::read(rule.value);
      base::check(value.has_value(), "decoding has read the template");
      const auto kind = rule.kind == FieldRuleDocument::Kind::remove ? policy::FieldRule::Kind::remove
                        : rule.kind == FieldRuleDocument::Kind::set  ? policy::FieldRule::Kind::set
                                                                     : policy::FieldRule::Kind::add;
      made.push_back({kind, rule.name, std::move(*value)});
    }
  };
  add(general);
  if (own) add(*own);
  return {std::move(made), match};
}

}  // namespace

routing::Rewriting compile_rewriting(const Document& document, size_t index, Diagnostics& problems) {
  const RouteDocument& route = document.routes[index];
  routing::Rewriting made;
  made.host = host_rule(document, route);
  made.location = route.rewrite_location;
  if (route.cookies) made.cookies = cookie_rules(*route.cookies);
  if (!route.rewrite) return made;
  auto path = policy::PathRewrite::compile(path_options(*route.rewrite, route.paths.front()));
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
