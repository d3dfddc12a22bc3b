// How the keys of a provider are fetched, as far as the operator decides it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/url.h"

namespace postern::identity {

struct FetchSettings {
  base::Duration timeout = std::chrono::seconds(5);  // of one request
  // A fetch is repeated after the time that the provider's Cache-Control names, within these bounds; after
  // the longer one where it names none.
  base::Duration min_age = std::chrono::minutes(1);
  base::Duration max_age = std::chrono::minutes(10);
  // How long keys are used while no fetch succeeds.
  base::Duration keep = std::chrono::hours(24);
  // Tokens that name unknown keys cause no two fetches within this time.
  base::Duration cooldown = std::chrono::seconds(30);
  // How long a request may wait for keys; longer than the cooldown and a fetch, so that a request whose key
  // is new is never refused.
  base::Duration wait = std::chrono::seconds(40);
  bool insecure = false;  // certificates are not verified, and http is allowed for every host
};

// Whether keys may be fetched from `url`: over https; over http only from this machine, or where the settings
// allow it.
bool may_fetch(const FetchSettings& settings, const http::Url& url);

// Where the metadata of an issuer are (OpenID Connect Discovery 1.0, section 4.1).
std::string metadata_url(std::string_view issuer);

}  // namespace postern::identity
