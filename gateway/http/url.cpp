#include "http/url.h"

#include <algorithm>

#include "base/ascii.h"
#include "http/target.h"

namespace postern::http {
namespace {

using Failure = tl::unexpected<std::string_view>;

constexpr size_t url_size_max = 2048;

bool starts_with_scheme(std::string_view text, std::string_view scheme) {
  return base::equal_ignoring_case(text.substr(0, scheme.size()), scheme);
}

bool is_target(std::string_view text) {  // RFC 3986 3.3 and 3.4: printable ASCII, escaped where it must be
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
  });
}

}  // namespace

tl::expected<Url, std::string_view> read_url(std::string_view text) {
  if (text.size() > url_size_max) return Failure("is longer than 2048 bytes");
  constexpr std::string_view secure = "https://";
  constexpr std::string_view plain = "http://";
  Url url;
  url.tls = starts_with_scheme(text, secure);
  if (!url.tls && !starts_with_scheme(text, plain)) return Failure("does not begin with https://");
  text.remove_prefix(url.tls ? secure.size() : plain.size());
  const size_t end = std::min(text.find_first_of("/?#"), text.size());
  const std::string_view written = text.substr(0, end);
  if (written.find('@') != written.npos) return Failure("holds a user");
  const auto authority = read_authority(written);
  if (!authority || authority->host.empty()) return Failure("has no valid host");
  url.host = base::to_lower(authority->host);
  url.authority = base::to_lower(written);
  url.port = url.tls ? 443 : 80;
  if (!authority->port.empty()) {
    const auto port = base::parse_decimal(authority->port);
    if (!port || *port == 0 || *port > 65535) return Failure("has no valid port");
    url.port = static_cast<uint16_t>(*port);
  }
  const std::string_view rest = text.substr(end);
  if (rest.find('#') != rest.npos) return Failure("has a fragment");
  if (!is_target(rest)) return Failure("has characters that must be percent-encoded");
  url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return url;
}

}  // namespace postern::http
