#include "config/document.h"

#include <algorithm>

#include "config/text.h"

namespace postern::config {

std::vector<policy::CertificateField> CertificateFields::all() const {
  std::vector<policy::CertificateField> fields;
  for (std::size_t i = 0; i < count; ++i)
    if (!headers_[i].empty()) fields.push_back({static_cast<policy::CertificateValue>(i), headers_[i]});
  return fields;
}

std::string Document::quote(SourceLocation location, std::string_view value) const {
  const auto written = as_written.find(location);
  return quoted(written == as_written.end() ? value : std::string_view(written->second));
}

std::vector<const JwtDocument*> providers_of(const Document& document, const RouteDocument& route) {
  std::vector<const JwtDocument*> providers;
  for (const auto& [name, location] : route.jwt)
    for (const JwtDocument& jwt : document.jwt)
      if (jwt.name == name) providers.push_back(&jwt);
  return providers;
}

std::string_view provider_of(const Document& document, const RefreshCallsDocument& refresh) {
  if (!refresh.use.empty()) return refresh.use;
  return document.jwt.size() == 1 ? std::string_view(document.jwt.front().name) : std::string_view();
}

bool is_renewed(const Document& document, const JwtDocument& jwt) {
  return std::any_of(document.routes.begin(), document.routes.end(), [&](const RouteDocument& route) {
    if (route.refresh_calls && provider_of(document, *route.refresh_calls) == jwt.name) return true;
    if (!route.renew && !route.websocket.renewal_message) return false;
    const std::vector<const JwtDocument*> providers = providers_of(document, route);
    return std::find(providers.begin(), providers.end(), &jwt) != providers.end();
  });
}

}  // namespace postern::config
