#include "config/compile_action.h"

#include <algorithm>

#include "base/check.h"
#include "config/compile_content.h"

namespace postern::config {
namespace {

constexpr std::string_view usual_methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

routing::Respond compile_respond(const RespondDocument& document, const std::vector<std::string>& methods) {
  routing::Respond made;
  made.response.status = document.status;
  made.response.body = document.body;
  made.response.headers = document.headers;
  if (!document.body.empty()) made.response.headers.emplace_back("Content-Type", document.content_type);
  if (document.status >= 300) return made;
  for (const std::string& method : methods) made.allow += (made.allow.empty() ? "" : ", ") + method;
  if (methods.empty()) made.allow = usual_methods;
  return made;
}

routing::Redirect compile_redirect(const RedirectDocument& document) {
  auto to = policy::TextTemplate::read(document.to);
  base::check(to.has_value(), "decoding has read the template");
  return {document.status, std::move(*to)};
}

}  // namespace

policy::MaintenanceOptions maintenance_options(const MaintenanceDocument& document) {
  policy::MaintenanceOptions options;
  options.message = document.message;
  options.retry_after = document.retry_after;
  for (const std::string& block : document.allow) options.allow.add(block);
  return options;
}

routing::Action compile_action(const Document& document, const RouteDocument& route) {
  if (route.respond) return compile_respond(*route.respond, route.methods);
  if (route.files)
    return routing::Files{std::make_shared<const files::Site>(site_options(document, *route.files))};
  if (route.redirect) return compile_redirect(*route.redirect);
  if (route.upstream.empty() && route.maintenance)
    return routing::Respond{policy::maintenance_response(maintenance_options(*route.maintenance)), {}};
  const auto& upstreams = document.upstreams;
  const auto upstream =
      std::find_if(upstreams.begin(), upstreams.end(),
                   [&](const UpstreamDocument& candidate) { return candidate.name == route.upstream; });
  return routing::ToUpstream{static_cast<size_t>(upstream - upstreams.begin())};
}

}  // namespace postern::config
