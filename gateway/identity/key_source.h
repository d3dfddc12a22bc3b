// The identity module knows the providers whose tokens the gateway checks. It gets their keys, and it must
// not know requests, routes or YAML.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "crypto/algorithm.h"
#include "http/url.h"
#include "identity/fetch_settings.h"
#include "identity/outgoing_proxy.h"
#include "net/tls_context.h"

namespace postern::identity {

// Where the keys under a name in the `jwt` section come from. Immutable.
struct KeySource : FetchSettings {
  std::string name;
  uint64_t identity = 0;  // a fingerprint of where the keys come from; when it changes they are fetched anew
  http::Url url;          // of the JWKS, or of the issuer's metadata
  bool discover = false;  // the URL is that of OpenID Connect metadata, which name the JWKS
  std::string issuer;     // that the metadata must be of
  crypto::AlgorithmSet algorithms;
  std::shared_ptr<const net::ClientTls> tls;
  Variables variables;  // of the environment: whether a proxy leads to a URL
};

}  // namespace postern::identity
