#include "identity/fetch_settings.h"

#include "base/ip_address.h"

namespace postern::identity {

bool may_fetch(const FetchSettings& settings, const http::Url& url) {
  if (url.tls || settings.insecure) return true;
  const auto address = base::IpAddress::parse(url.host);
  return url.host == "localhost" || (address && address->is_loopback());
}

std::string metadata_url(std::string_view issuer) {
  while (issuer.ends_with('/')) issuer.remove_suffix(1);
  return std::string(issuer) + "/.well-known/openid-configuration";
}

}  // namespace postern::identity
