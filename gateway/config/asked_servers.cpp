#include "config/asked_servers.h"

#include "config/addresses.h"
#include "http/target.h"
#include "http/url.h"

namespace postern::config {
namespace {

void read_asked_url(const Value& value, AskedServer& server) {
  const auto text = value.text();
  if (!text) return;
  const auto url = http::read_url(*text);
  if (!url) return value.complain("is a URL that " + std::string(url.error()));
  auto endpoint = parse_endpoint((url->tls ? "https://" : "http://") + url->authority);
  if (!endpoint) return value.refuse(endpoint.error());
  endpoint->location = value.location();
  server.upstream = endpoint->text;
  server.upstream_location = value.location();
  server.target = url->target;
  server.endpoint = std::move(*endpoint);
}

Parsed<std::string> parse_target(std::string_view text) {
  http::Target target;
  if (!text.starts_with('/')) return complain("does not begin with \"/\"");
  if (const auto read = http::read_target(text, target); !read) return complain(std::string(read.error()));
  return std::string(text);
}

}  // namespace

CustomPart<AskedServer> asked_url() { return custom(read_asked_url, "URL", string_schema("https?://[^#]+")); }

ParsedText<std::string> asked_path() { return text("path", parse_target, "/[^ #]*"); }

}  // namespace postern::config
