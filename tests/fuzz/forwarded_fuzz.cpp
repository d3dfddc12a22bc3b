// The list is used up whatever it holds, and an element that was read, written again, reads the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "http/accept.h"
#include "http/forwarded.h"
#include "http/target.h"

using postern::base::check;
namespace http = postern::http;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view list = text;
  for (;;) {
    const size_t before = list.size();
    const auto next = http::next_forwarded(list);
    if (!next || !*next) break;
    check(list.size() < before, "each element takes something away");
    const http::ForwardedElement& element = **next;
    check(!element.client || element.names_client, "an address comes from for=");
    if (!element.client || !http::read_authority(element.host)) continue;
    const std::string written = http::write_forwarded({*element.client, element.host, "https"});
    std::string_view again = written;
    const auto read = http::next_forwarded(again);
    check(
        read && *read && (*read)->client == element.client && (*read)->host == element.host && again.empty(),
        "what is written reads back");
  }
  http::Headers headers;
  headers.add("Accept", text);
  const int quality = http::media_quality(headers, "text", "html");
  check(quality >= 0 && quality <= 1000, "a quality has its range");
  return 0;
}
