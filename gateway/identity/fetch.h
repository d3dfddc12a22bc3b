// One GET request of the gateway's own to a provider of identities, over a connection of its own.
#pragma once

#include <optional>
#include <string>

#include "base/scope.h"
#include "base/task.h"
#include "http/head.h"
#include "http/url.h"
#include "net/dialer.h"

namespace postern::identity {

struct FetchRequest {
  http::Url url;
  const net::ClientTls* tls = nullptr;  // for https
  std::optional<net::DialTarget::Proxy> proxy{};
  base::Duration limit = std::chrono::seconds(5);  // for all of it
};

struct Fetched {
  http::ResponseHead head;
  std::string body;
};

// The largest body that is accepted, in bytes.
inline constexpr size_t fetch_size_max = size_t{1024} * 1024;

// Fails for every status but 200, for a body that is too large or incomplete, and when the limit passes; a
// redirect is not followed. `account` then receives a description of what happened, without the URL. All
// arguments must outlive the task.
base::Task<base::Result<Fetched>> fetch(base::Scope& scope, base::Turn& turn, net::Dialer& dialer,
                                        const FetchRequest& request, std::string& account);

}  // namespace postern::identity
