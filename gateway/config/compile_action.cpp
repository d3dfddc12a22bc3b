#include "config/compile_action.h"

#include <algorithm>

#include "config/compile_content.h"
#include "config/compile_policy.h"
#include "files/content_type.h"

namespace postern::config {
namespace {

constexpr std::string_view usual_type = "text/plain; charset=utf-8";

std::string read_body(const Document& document, const RespondDocument& respond, const std::string& key,
                      Diagnostics& problems) {
  const std::string path = resolve_file(document, respond.body_file);
  const std::string shown = document.quote(respond.body_file_location, respond.body_file);
  std::optional<std::string> text = read_file(path, max_respond_body);
  if (!text) {
    problems.error(respond.body_file_location, key + ".respond.body_file", "cannot read the file " + shown);
    return {};
  }
  if (text->size() > max_respond_body)
    problems.error(respond.body_file_location, key + ".respond.body_file",
                   shown + " is longer than 64KiB; serve it with files");
  return std::move(*text);
}

routing::Respond compile_respond(const Document& file, const RespondDocument& document,
                                 const std::vector<std::string>& methods, const std::string& key,
                                 Diagnostics& problems) {
  routing::Respond made;
  made.response = static_cast<const http::LocalResponse&>(document);
  if (!document.body_file.empty()) made.response.body = read_body(file, document, key, problems);
  const std::string_view type = !document.content_type.empty() ? document.content_type
                                : document.body_file.empty()   ? usual_type
                                                               : files::content_type_of(document.body_file);
  if (!made.response.body.empty()) made.response.headers.emplace_back("Content-Type", type);
  if (document.status >= 300) return made;
  for (const std::string& method : methods) made.allow += (made.allow.empty() ? "" : ", ") + method;
  if (methods.empty()) made.allow = http::usual_methods;
  return made;
}

}  // namespace

routing::Action compile_action(const Document& document, const RouteDocument& route, const std::string& key,
                               Diagnostics& problems) {
  if (route.respond) return compile_respond(document, *route.respond, route.methods, key, problems);
  if (route.files)
    return routing::Files{std::make_shared<const files::Site>(site_options(document, *route.files))};
  if (route.ticket > base::Duration::zero()) return routing::IssueTicket{route.ticket};
  if (route.renew) return routing::RenewConnections{};
  if (route.redirect) return static_cast<const routing::Redirect&>(*route.redirect);
  if (route.upstream.empty() && route.maintenance)
    return routing::Respond{policy::maintenance_response(*route.maintenance), {}};
  const auto& upstreams = document.upstreams;
  const auto upstream =
      std::find_if(upstreams.begin(), upstreams.end(),
                   [&](const UpstreamDocument& candidate) { return candidate.name == route.upstream; });
  return routing::ToUpstream{static_cast<size_t>(upstream - upstreams.begin())};
}

}  // namespace postern::config
