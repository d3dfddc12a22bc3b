#include "identity/outgoing_proxy.h"

#include "base/ascii.h"
#include "crypto/base64.h"
#include "http/escapes.h"
#include "http/target.h"

namespace postern::identity {
namespace {

using Found = tl::expected<std::optional<net::DialTarget::Proxy>, std::string>;

std::optional<std::string> either(const Variables& variables, std::string_view upper,
                                  std::string_view lower) {
  for (const std::string_view name : {lower, upper}) {
    std::optional<std::string> value = variables(name);
    if (value && !base::trim(*value).empty()) return std::string(base::trim(*value));
  }
  return std::nullopt;
}

bool is_covered(std::string_view host, std::string_view rule) {
  if (rule == "*") return true;
  if (rule.starts_with('.')) rule.remove_prefix(1);
  if (rule.empty() || host.size() < rule.size()) return false;
  const size_t before = host.size() - rule.size();
  return base::equal_ignoring_case(host.substr(before), rule) && (before == 0 || host[before - 1] == '.');
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '%' ? http::escaped_byte(text, i) : -1;
    plain += byte < 0 ? text[i] : static_cast<char>(byte);
    if (byte >= 0) i += 2;
  }
  return plain;
}

}  // namespace

Found outgoing_proxy(const http::Url& url, const Variables& variables) {
  if (!url.tls) return std::nullopt;
  const std::optional<std::string> value = either(variables, "HTTPS_PROXY", "https_proxy");
  if (!value) return std::nullopt;
  if (const auto direct = either(variables, "NO_PROXY", "no_proxy")) {
    std::string_view list = *direct;
    while (const auto rule = base::next_element(list))
      if (is_covered(url.host, *rule)) return std::nullopt;
  }
  const auto refuse = [](std::string_view what) {
    return tl::unexpected("the environment variable HTTPS_PROXY " + std::string(what) +
                          " (write http://host:port)");
  };
  constexpr std::string_view scheme = "http://";
  std::string_view text = *value;
  if (base::equal_ignoring_case(text.substr(0, scheme.size()), scheme))
    text.remove_prefix(scheme.size());
  else if (text.find("://") != text.npos)
    return refuse("has a scheme other than http");
  text = text.substr(0, text.find('/'));
  net::DialTarget::Proxy proxy;
  if (const size_t at = text.rfind('@'); at != text.npos) {
    proxy.authorization = "Basic " + crypto::encode_base64(unescaped(text.substr(0, at)));
    text.remove_prefix(at + 1);
  }
  const auto authority = http::read_authority(text);
  if (!authority) return refuse("has no valid host");
  proxy.host = std::string(authority->host);
  if (!authority->port.empty()) proxy.port = static_cast<uint16_t>(*base::parse_decimal(authority->port));
  return proxy;
}

}  // namespace postern::identity
