// Whatever a provider answers: a URL that is read can be written and read again, the time for which keys are
// fresh is within its bounds, and keys are usable and few.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "http/url.h"
#include "identity/fetch_keys.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto url = http::read_url(text)) {
    base::check(!url->host.empty() && url->port != 0 && url->target.starts_with('/'), "a URL is whole");
    base::check(url->text().find_first_of(" \r\n\t#") == std::string::npos, "and has nothing odd in it");
    const auto again = http::read_url(url->text());
    base::check(again && again->text() == url->text() && again->host == url->host && again->port == url->port,
                "it is read again as it was written");
  }
  http::Headers headers;
  headers.add("Cache-Control", text);
  headers.add("Age", text.substr(0, text.find(',')));
  if (const auto fresh = identity::fresh_for(headers))
    base::check(*fresh >= base::Duration::zero() && *fresh <= std::chrono::hours(24 * 365), "a bounded time");
  if (const auto keys = state::KeySet::from_jwks(text, {crypto::Algorithm::es256, crypto::Algorithm::rs256}))
    base::check(!keys->keys().empty() && keys->keys().size() <= 256, "a bounded number of keys");
  return 0;
}
