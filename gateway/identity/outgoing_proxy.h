// The proxy through which the gateway itself reaches https servers outside of its network: HTTPS_PROXY and
// NO_PROXY of the environment, read as curl reads them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "http/url.h"
#include "net/dialer.h"

namespace postern::identity {

// Returns the value of a variable; nullopt: it is not set.
using Variables = std::function<std::optional<std::string>(std::string_view name)>;

// Returns the proxy for `url`; nullopt: none. HTTPS_PROXY or https_proxy is "http://[user:password@]host
// [:port]", with port 1080 as the default. NO_PROXY or no_proxy lists hosts, with their subdomains, that are
// reached directly; "*" stands for all. The error is a sentence without the variable's value, which may hold
// a password.
tl::expected<std::optional<net::DialTarget::Proxy>, std::string> outgoing_proxy(const http::Url& url,
                                                                                const Variables& variables);

}  // namespace postern::identity
