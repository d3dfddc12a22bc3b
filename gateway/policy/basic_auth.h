// Basic authentication (RFC 7617): a request passes with the name and the password of a user of a list.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "policy/password_list.h"
#include "policy/policy.h"

namespace postern::policy {

struct BasicAuthOptions {
  std::shared_ptr<const PasswordList> users;
  std::string realm{};              // what a browser shows beside its question
  std::string user_field{};         // the field that carries the user to the endpoint; empty: none
  bool keep_authorization = false;  // the endpoint gets the field as well
};

// Waits for the check of a password that is not known yet (context.passwords). A refusal does not say whether
// there is such a user, and takes as long in both cases. Neither the password nor the name that a client has
// sent is printed: some people type one into the place of the other.
//
// The user's field is one that no client can send (proxy::Snapshot::claim_fields). A preflight carries no
// credentials and passes where the endpoint answers it, as with tokens.
class BasicAuthPolicy final : public Policy {
 public:
  explicit BasicAuthPolicy(BasicAuthOptions options);
  std::string_view name() const override { return "basic_auth"; }
  Verdict judge(RequestContext& context) const override;

 private:
  Verdict refuse(base::Cause cause, std::string detail) const;
  Verdict admit(RequestContext& context, std::string_view user) const;

  BasicAuthOptions options_;
  std::string challenge_;
};

// Removes credentials of this scheme that were not judged, or were refused, from a request that passes for
// another reason.
void remove_basic_credentials(RequestContext& context);

}  // namespace postern::policy
