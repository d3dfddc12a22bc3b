#include "config/keys_logout.h"

namespace postern::config {

const Keys<BackchannelLogoutDocument>& backchannel_logout_keys() {
  static const auto keys =
      Keys<BackchannelLogoutDocument>("backchannel_logout")
          .begin([](const Value& value, BackchannelLogoutDocument& logout) {
            logout.location = value.location();
          })
          .key("use", &BackchannelLogoutDocument::use, text("name"),
               "The name of the rules under the top-level jwt whose issuer and keys sign the logout tokens.")
          .required()
          .example("clerk")
          .key(
              "audience", &BackchannelLogoutDocument::audiences,
              list_or_one("text or list of texts", text(), "is empty; name the client id"),
              "The client id that the application has at the provider, which the aud claim of a logout token "
              "must hold; of a list, one is enough.")
          .required()
          .example("dashboard");
  return keys;
}

}  // namespace postern::config
