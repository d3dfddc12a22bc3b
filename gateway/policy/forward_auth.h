// Forward authentication: a request passes when another server says so (auth_request of nginx, forwardAuth of
// Traefik, forward_auth of Caddy).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/auth_desk.h"
#include "policy/policy.h"

namespace postern::policy {

struct ForwardAuthOptions {
  AuthServer server;
  // Where a browser that navigates is sent when the server answers 401; empty: it gets that answer. "{uri}"
  // stands for path and query of the request, "{url}" for its whole address, both percent-encoded.
  std::string sign_in;
};

// The server answers 2xx, and the request passes, or its answer goes to the client: status, fields and body.
// Without a usable answer the request is refused. A redirect is told to a WebSocket handshake as 401, because
// no client of one follows it.
//
// The endpoint gets the fields of AuthServer::answer_fields from the server alone: a client can never send
// them (proxy::Snapshot::claim_fields), and Authorization, which that list does not cover, is replaced here.
// A preflight carries no cookies and passes where the endpoint answers it, as with tokens.
class ForwardAuthPolicy final : public Policy {
 public:
  explicit ForwardAuthPolicy(ForwardAuthOptions options) : options_(std::move(options)) {}
  std::string_view name() const override { return "forward_auth"; }
  Verdict judge(RequestContext& context) const override;

 private:
  Verdict admit(RequestContext& context, const AuthAnswer& answer) const;
  Verdict refuse(const RequestContext& context, const AuthAnswer& answer) const;

  ForwardAuthOptions options_;
};

// Removes what the client has sent in place of the server's fields, in every spelling.
void remove_answer_fields(const std::vector<AuthAnswerField>& fields, RequestContext& context);

// Why a text is no ForwardAuthOptions::sign_in; empty: it is one.
std::string_view sign_in_problem(std::string_view text);

}  // namespace postern::policy
