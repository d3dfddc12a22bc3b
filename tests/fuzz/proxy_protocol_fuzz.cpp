// A PROXY protocol header reads the same for every cut; a complete one ends where it says; what it names is
// written and read again as the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "net/proxy_protocol.h"

namespace {

using namespace postern;
using namespace postern::net;
using State = ProxyHeaderParser::State;

// Where the header at the front of `text` ends, by its own words; 0 when they do not say.
size_t end_of(std::string_view text) {
  if (text.starts_with("PROXY ")) {
    const size_t end = text.find("\r\n");
    return end == std::string_view::npos ? 0 : end + 2;
  }
  if (text.size() < 16) return 0;
  return 16 + (static_cast<size_t>(static_cast<uint8_t>(text[14])) << 8 | static_cast<uint8_t>(text[15]));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const base::Bytes input(reinterpret_cast<const std::byte*>(data), size);
  ProxyHeaderParser whole;
  const size_t used = whole.feed(input);
  base::check(used <= size, "no byte is taken twice");
  ProxyHeaderParser slow;
  size_t slowly_used = 0;
  for (size_t at = 0; at < size; ++at) slowly_used += slow.feed(input.subspan(at, 1));
  base::check(slowly_used == used && slow.state() == whole.state(), "the cut makes no difference");
  base::check(
      slow.route() == whole.route() && slow.over_tls() == whole.over_tls() && slow.fault() == whole.fault(),
      "nor to what was read");
  if (whole.state() == State::reading) base::check(used == size, "one that goes on takes every byte");
  if (whole.state() == State::complete)
    base::check(used == end_of(base::text_of(input)), "it ends where it says");
  if (!whole.route()) return 0;
  for (const ProxyVersion version : {ProxyVersion::v1, ProxyVersion::v2}) {
    const std::string written = write_proxy_header(version, *whole.route());
    ProxyHeaderParser again;
    base::check(again.feed(base::bytes_of(written)) == written.size() && again.state() == State::complete,
                "what is written is a header");
    base::check(again.route() == whole.route(), "that names the same");
  }
  return 0;
}
