#include "config/document.h"

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

}  // namespace postern::config
