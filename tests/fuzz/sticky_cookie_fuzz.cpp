// Whatever a Cookie field holds, only what was signed names an endpoint; once the cookie is taken out of a
// request, nothing of it is left, and nothing else has changed places.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "upstream/sticky_cookie.h"

using postern::base::check;
namespace http = postern::http;
namespace upstream = postern::upstream;

namespace {

constexpr int64_t now = 1'800'000'000;

const upstream::StickyCookie& cookie() {
  static const upstream::StickyCookie made({}, "0123456789abcdef0123456789abcdef", "app",
                                           {"http://10.0.0.1:80", "http://10.0.0.2:80"});
  return made;
}

std::string pair_for(size_t endpoint) {
  const std::string text = cookie().set_cookie(endpoint, now, true);
  return text.substr(0, text.find(';'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  http::RequestHead request;
  request.headers.add("Cookie", text);
  if (const auto session = cookie().read(request.headers, now))
    check(text.find(pair_for(session->endpoint).substr(0, 31)) != text.npos, "an endpoint was named");
  cookie().strip(request);
  check(!cookie().read(request.headers, now), "a request that was stripped has no session");
  const std::string once(request.headers.get(http::FieldId::cookie));
  cookie().strip(request);
  check(request.headers.get(http::FieldId::cookie) == once, "stripping twice is as once");

  const std::string good = pair_for(1);
  http::RequestHead signed_request;
  signed_request.headers.add("Cookie", text);
  signed_request.headers.add("Cookie", good);
  const auto session = cookie().read(signed_request.headers, now);
  check(session.has_value(), "no other cookie hides the good one");
  return 0;
}
