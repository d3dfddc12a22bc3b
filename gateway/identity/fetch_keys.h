// One fetch of a provider's keys, with its metadata where the source says so.
#pragma once

#include <optional>
#include <string>

#include "identity/fetch.h"
#include "identity/key_source.h"
#include "state/key_set.h"

namespace postern::identity {

struct FetchedKeys {
  state::KeySet keys;
  std::string url;                      // of the JWKS, see without_query()
  std::optional<base::Duration> fresh;  // as Cache-Control says; nullopt: it says nothing
};

// Takes no longer than two times the time limit of the source. `account` receives a sentence for the log when
// it fails.
base::Task<base::Result<FetchedKeys>> fetch_keys(base::Scope& scope, base::Turn& turn, net::Dialer& dialer,
                                                 const KeySource& source, std::string& account);

// The text of a URL for logs: its query may hold a secret.
std::string without_query(const http::Url& url);

// How long a response may be used by what Cache-Control and Age say (RFC 9111 5.2.2 and 5.1); nullopt: they
// say nothing. no-store and no-cache mean 0.
std::optional<base::Duration> fresh_for(const http::Headers& headers);

}  // namespace postern::identity
