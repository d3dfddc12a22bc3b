// The actions of routes: what happens to a request that passed its route's policies. There is one alternative
// per action; config/compile_action.cpp makes them, proxy/exchange.cpp has a branch for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "base/clock.h"
#include "files/site.h"
#include "http/local_response.h"
#include "policy/text_template.h"

namespace postern::policy {
class JwtVerifier;
}

namespace postern::routing {

// Forwards the request to an endpoint.
struct ToUpstream {
  size_t group = 0;  // index into the snapshot's upstreams
};

// Answers with the configured response, whatever the method. Only OPTIONS gets 204 with `allow` instead,
// where the response is a success; `allow` is empty for other responses.
struct Respond {
  http::LocalResponse response;
  std::string allow;
};

// Redirects the client.
struct Redirect {
  uint16_t status = 307;
  policy::TextTemplate to;
};

// Serves a file from a folder.
struct Files {
  std::shared_ptr<const files::Site> site;
};

// Answers with a ticket for the request's token (state::Tickets).
struct IssueTicket {
  base::Duration lifetime{};
};

// Takes the logout tokens of a provider: OpenID Connect Back-Channel Logout 1.0.
struct BackchannelLogout {
  std::shared_ptr<const policy::JwtVerifier> verifier;  // of logout tokens
  size_t keys = 0;                                      // index into state::Names::keys
  base::Duration lasts{};                               // how long a revocation is in effect
};

// Gives the request's token to what its session has open (state::LiveSessions).
struct RenewConnections {};

using Action =
    std::variant<ToUpstream, Respond, Redirect, Files, IssueTicket, RenewConnections, BackchannelLogout>;

}  // namespace postern::routing
