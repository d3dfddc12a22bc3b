// Whatever a trusted proxy tells of the client, what is made of it is in order: an address that is its own
// text, an authority that may stand in Host, a prefix that leads nowhere else. A stranger's words change
// nothing.
//
// The input: one letter and a value on each line. f, p, h, o, x: X-Forwarded-For, -Proto, -Host, -Port,
// -Prefix; s: Forwarded.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ascii.h"
#include "base/check.h"
#include "http/target.h"
#include "proxy/client_identity.h"

using postern::base::check;
namespace base = postern::base;
namespace http = postern::http;
namespace proxy = postern::proxy;

namespace {

std::string_view name_of(char letter) {
  switch (letter) {
    case 'f': return "X-Forwarded-For";
    case 'p': return "X-Forwarded-Proto";
    case 'h': return "X-Forwarded-Host";
    case 'o': return "X-Forwarded-Port";
    case 'x': return "X-Forwarded-Prefix";
    default: return "Forwarded";
  }
}

void judge(std::string_view text, const proxy::Snapshot& snapshot, bool trusted) {
  http::ClientFacts facts;
  facts.peer = {*base::IpAddress::parse(trusted ? "10.0.0.1" : "203.0.113.9"), 40000};
  facts.peer_text = facts.peer.ip.text();
  facts.listener_port = 8080;
  http::RequestHead head;
  head.authority = "app.example";
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.empty()) head.headers.add(name_of(line.front()), base::trim(line.substr(1)));
  }
  const proxy::ClientIdentity client = proxy::identify(snapshot, facts, head);
  check(client.trusted_proxy == trusted, "trust goes by the peer alone");
  check(client.address.text() == client.address_text, "an address is its own text");
  const auto authority = http::read_authority(client.authority);
  check(authority.has_value(), "the authority may stand in Host");
  check(!client.host_port.empty() && base::parse_decimal(client.host_port).value_or(65536) <= 65535,
        "the host has a port");
  check(authority->port.empty() || authority->port == client.host_port, "which is that of the authority");
  const std::string_view prefix = client.prefix;
  check(prefix.empty() || (prefix.starts_with('/') && !prefix.ends_with('/')), "a prefix begins a path");
  check(prefix.find("//") == prefix.npos && prefix.find("/.") == prefix.npos &&
            prefix.find_first_of("\\?#%\r\n ") == prefix.npos,
        "a prefix leads nowhere else");
  if (trusted) return;
  check(client.address == facts.peer.ip && !client.tls && client.authority == "app.example" && prefix.empty(),
        "a stranger's words change nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  proxy::Snapshot snapshot;
  snapshot.trusted_proxies.add("10.0.0.0/8");
  for (const bool standard : {false, true}) {
    snapshot.forwarded.standard = standard;
    judge(text, snapshot, true);
    judge(text, snapshot, false);
  }
  return 0;
}
