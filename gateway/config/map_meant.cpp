#include "config/map_meant.h"

#include <algorithm>
#include <array>
#include <vector>

#include "config/addresses.h"
#include "config/text.h"
#include "config/values.h"

namespace postern::config {
namespace {

using Fits = bool (*)(std::string_view text);

bool is_listen_address(std::string_view text) {
  return text.starts_with("unix:") || parse_listen_address(text).has_value();
}
bool is_endpoint(std::string_view text) { return parse_endpoint(text).has_value(); }
bool is_origin(std::string_view text) { return parse_origin(text).has_value(); }
bool is_path(std::string_view text) { return text.starts_with('/'); }
bool is_target(std::string_view text) {
  return is_path(text) || text.starts_with("http://") || text.starts_with("https://");
}
bool is_duration(std::string_view text) { return parse_duration(text).has_value(); }
bool is_rate(std::string_view text) { return parse_rate(text).has_value(); }
bool is_status(std::string_view text) { return text.size() == 3 && parse_number(text).has_value(); }
bool is_answer(std::string_view text) { return text != "true" && text != "false" && !is_status(text); }
bool is_algorithm(std::string_view text) { return text == "gzip" || text == "br" || text == "zstd"; }
bool is_level(std::string_view text) {
  return text == "debug" || text == "info" || text == "warn" || text == "error";
}

// A value that `fits` is taken as the value of `key` in the map; with `in_list`, as an item of a list there.
struct Row {
  std::string_view schema;
  std::string_view key;
  Fits fits;
  bool in_list = false;
};

constexpr auto rows = std::to_array<Row>({
    {"admin", "address", is_listen_address},
    {"compression", "algorithms", is_algorithm, true},
    {"listeners[]", "address", is_listen_address},
    {"log", "level", is_level},
    {"origins.*", "allow", is_origin, true},
    {"rate_limits.*", "rate", is_rate},
    {"routes[].compression", "algorithms", is_algorithm, true},
    {"routes[].redirect", "to", is_target},
    {"routes[].respond", "body", is_answer},
    {"routes[].respond", "status", is_status},
    {"upstreams.*", "endpoints", is_endpoint, true},
    {"upstreams.*.health", "path", is_path},
    {"upstreams.*.timeouts", "response", is_duration},
});

struct Usual {
  std::string_view schema;
  std::string_view map;
};

constexpr auto usual_maps = std::to_array<Usual>({
    {"admin", "{ address: \"127.0.0.1:9901\" }"},
    {"compression.level", "{ gzip: 6 }"},
    {"error_pages", "{ 404: pages/404.html }"},
    {"jwt.*.required_claims", "{ role: admin }"},
    {"listeners[].tls", "{ certificate: site.pem, key: site.key }"},
    {"log", "{ level: info }"},
    {"request_headers", "{ set: { X-Name: value } }"},
    {"request_headers.set", "{ X-Name: value }"},
    {"resolver", "{ nameservers: [10.0.0.53] }"},
    {"response_headers", "{ set: { X-Name: value } }"},
    {"response_headers.set", "{ X-Name: value }"},
    {"routes[].forward_claims", "{ sub: X-User-Id }"},
    {"routes[].match.cookies", "{ beta: present }"},
    {"routes[].match.headers", "{ X-Version: \"2\" }"},
    {"routes[].match.query", "{ debug: present }"},
    {"routes[].redirect", "{ to: \"https://example.com{uri}\" }"},
    {"routes[].request_headers", "{ set: { X-Name: value } }"},
    {"routes[].request_headers.set", "{ X-Name: value }"},
    {"routes[].respond.headers", "{ X-Name: value }"},
    {"routes[].response_headers", "{ set: { X-Name: value } }"},
    {"routes[].response_headers.set", "{ X-Name: value }"},
    {"routes[].required_claims", "{ scope: jobs:write }"},
    {"routes[].rewrite", "{ strip_prefix: /api }"},
    {"routes[].websocket", "{ ping_interval: 25s } (without any, WebSockets pass all the same)"},
    {"upstreams.*", "{ endpoints: [\"http://127.0.0.1:3000\"] }"},
    {"upstreams.*.balance.learn", "{ response_header: Mcp-Session-Id }"},
    {"upstreams.*.health", "{ path: /healthz }"},
    {"upstreams.*.queue", "{ size: 100 }"},
    {"upstreams.*.sticky", "{ secret: \"${STICKY_SECRET}\" }"},
    {"upstreams.*.timeouts", "{ response: 30s }"},
    {"websocket", "{ ping_interval: 25s } (without any, WebSockets pass all the same)"},
});

std::string in_yaml(const Node& node) {
  const bool bare = node.plain && is_status(node.text);
  return bare ? node.text : quoted(node.text);
}

bool is_shown(const Node& node) {
  return node.kind == Node::Kind::scalar && !node.substituted && !node.broken && !node.text.empty();
}

}  // namespace

std::string map_meant(std::string_view schema, const Node& node) {
  std::vector<const Node*> values;
  if (node.kind == Node::Kind::sequence)
    for (const Node& item : node.items) values.push_back(&item);
  else
    values.push_back(&node);
  if (values.empty()) return {};
  for (const Row& row : rows) {
    if (row.schema != schema || (node.kind == Node::Kind::sequence && !row.in_list)) continue;
    const bool all_fit = std::all_of(values.begin(), values.end(), [&](const Node* value) {
      return is_shown(*value) && row.fits(value->text);
    });
    if (!all_fit) continue;
    std::string text;
    for (const Node* value : values) text.append(text.empty() ? "" : ", ").append(in_yaml(*value));
    if (row.in_list) text = '[' + text + ']';
    return "{ " + std::string(row.key) + ": " + text + " }";
  }
  return {};
}

std::string_view usual_map(std::string_view schema) {
  const auto found = std::find_if(usual_maps.begin(), usual_maps.end(),
                                  [&](const Usual& usual) { return usual.schema == schema; });
  return found == usual_maps.end() ? std::string_view() : found->map;
}

}  // namespace postern::config
