#include "config/keys_renewal.h"

#include "config/addresses.h"
#include "config/answer_tokens.h"

namespace postern::config {

const Keys<RefreshCallsDocument>& refresh_calls_keys() {
  static const auto keys =
      Keys<RefreshCallsDocument>("refresh_calls")
          .begin(
              [](const Value& value, RefreshCallsDocument& refresh) { refresh.location = value.location(); })
          .key("path", &RefreshCallsDocument::paths,
               list_or_one("path or list of paths", text("path", parse_route_path, "/.*"),
                           "is empty; name the path of the refresh endpoint"),
               "The path, or paths, by which clients get a new token.")
          .required()
          .example("/api/token/refresh/")
          .key("token", &RefreshCallsDocument::token, answer_token(),
               "Where the answer has the new token: a string in its JSON (access, or data.access in an "
               "object), "
               "at most 64KiB, { cookie: NAME } or { header: NAME }. So that it can be read, the endpoint is "
               "not "
               "told which compression the client takes.")
          .required()
          .example("access")
          .key("use", &RefreshCallsDocument::use, text("name"),
               "The name of the rules under the top-level jwt that check the new token.")
          .by_default("the only one under jwt")
          .example("login");
  return keys;
}

}  // namespace postern::config
