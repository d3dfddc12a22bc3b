#include "config/keys_token_refresh.h"

#include <chrono>

#include "config/answer_tokens.h"
#include "config/asked_servers.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view cookie_pattern = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";

}  // namespace

const Keys<TokenRefreshDocument>& token_refresh_keys() {
  static const auto keys =
      Keys<TokenRefreshDocument>("token_refresh")
          .begin(
              [](const Value& value, TokenRefreshDocument& refresh) { refresh.location = value.location(); })
          .key("path", &TokenRefreshDocument::target, asked_path(),
               "The path of the application's refresh endpoint, with a query if it needs one.")
          .by_default("required without url")
          .example("/api/token/refresh/")
          .key("upstream", &TokenRefreshDocument::upstream, text("name"),
               "The upstream that has the refresh endpoint, where it is not that of the route.")
          .by_default("the route's upstream")
          .commented_out()
          .example("api")
          .located(&TokenRefreshDocument::upstream_location)
          .key("url", asked_server<TokenRefreshDocument>, asked_url(),
               "In place of path and upstream, the URL of the refresh endpoint. Host is that of the URL.")
          .by_default("none")
          .commented_out()
          .example("\"http://127.0.0.1:8000/api/token/refresh/\"")
          .key("method", &TokenRefreshDocument::method,
               words<std::string>({{"POST", "POST"}, {"PUT", "PUT"}, {"PATCH", "PATCH"}, {"GET", "GET"}}),
               "The method of the call. It has no body; the refresh endpoint gets Cookie, Origin and "
               "User-Agent of the handshake, and the fields in which every endpoint is told who the client "
               "is.")
          .key("cookie", &TokenRefreshDocument::cookie,
               text("cookie name", parse_cookie_name, cookie_pattern),
               "The name of the refresh cookie. A request without it is refused as if there were no refresh. "
               "Browsers send a cookie with the handshake only where its Path covers the path of the "
               "WebSocket: one with Path=/api/token/ does not come with /ws, and no check can see that. The "
               "key cookies of the routes that set it can widen it: path: { /api/token/: / }.")
          .required()
          .example("refresh_token")
          .key("token", &TokenRefreshDocument::token, answer_token(),
               "Where the answer of the refresh endpoint has the fresh token: a member of its JSON (access, "
               "or data.access of a nested object), { cookie: NAME } for a cookie that it sets, or "
               "{ header: NAME }. The body has at most 64KiB.")
          .required()
          .folded()
          .example("access")
          .key("timeout", &TokenRefreshDocument::timeout, duration(10ms, 60s),
               "How long the handshake waits for the answer, from resolving the name on. Then it is refused "
               "as one with an expired token.")
          .at_most_one_of({"path", "url"}, "stands beside {}; a url has its own path")
          .at_most_one_of({"upstream", "url"}, "stands beside {}; one of them is asked")
          .at_least_one_of({"path", "url"}, "has neither path nor url; nobody could be asked")
          .needs("upstream", "path", "needs path: what is asked of it");
  return keys;
}

}  // namespace postern::config
