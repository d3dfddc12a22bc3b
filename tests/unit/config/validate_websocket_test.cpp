#include "config/validate_websocket.h"

#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern::config;

namespace {

// What is said of `top` for all routes and of those of `routes`, without the file's name.
std::string said(const std::string& top, const std::string& routes = "[{ upstream: \"http://a\", jwt: j }]") {
  return said_of(
      "listeners: [{ address: \"127.0.0.1:0\" }]\nrate_limits: { some: { rate: 1/s } }\n"
      "jwt: { j: { keys: k.json, algorithms: [RS256] } }\nwebsocket: " +
      top + "\nroutes: " + routes + "\n");
}

std::string route(const std::string& websocket, const std::string& path = "/", const std::string& jwt = "j") {
  return "{ match: { path: " + path + " }, upstream: \"http://a\"" + (jwt.empty() ? "" : ", jwt: " + jwt) +
         (websocket.empty() ? "" : ", websocket: " + websocket) + " }";
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("validate websocket: what has no effect is a warning where it stands") {
  const std::vector<std::pair<std::string, std::string>> useless = {
      {"{ from_client: { byte_rate: 1KiB/s, message_size: 1MiB } }",
       "from_client.byte_rate: lets less come at once"},
      {"{ from_client: { byte_rate: 1KiB/s, byte_burst: 2KiB, message_size: 1MiB } }",
       "from_client.byte_burst: lets less come at once"},
      {"{ from_upstream: { types: [a], messages: binary } }", "from_upstream.types: nothing can pass"},
      {"{ from_client: { types: [a], messages: none } }", "from_client.types: nothing can pass"},
      {"{ from_client: { message_timeout: 5s } }", "from_client.message_timeout: has no effect"},
      {"{ from_client: { on_rate: drop } }", "from_client.on_rate: has no effect: there is no rate"},
      {"{ message_limit: some, from_upstream: { on_rate: drop } }", "from_upstream.on_rate: has no effect"},
      {"{ from_client: { on_type: close } }", "from_client.on_type: has no effect: there are no types"},
      {"{ from_client: { first_passes: true } }", "from_client.first_passes: has no effect"},
      {"{ from_client: { type_field: /kind } }", "from_client.type_field: has no effect"},
      {"{ latest_field: /kind, slow_reader: drop_oldest }",
       "latest_field: has no effect without slow_reader: keep_latest"},
      {"{ pong_timeout: 5s, ping_interval: none }", "pong_timeout: has no effect"},
      {"{ message_limit: [some, some] }", "message_limit[1]: stands in this list already, and counts once"},
      {"{ mode: tunnel, from_client: { rate: 5/s } }", "mode: becomes walk"},
      {"{ mode: walk, slow_reader: close }", "mode: becomes inspect"},
  };
  for (const auto& [text, warning] : useless) {
    const std::string shown(text);
    CAPTURE(shown);
    const std::string for_all = said(text);
    CAPTURE(for_all);
    CHECK(for_all.starts_with("f:4:"));
    CHECK(contains(for_all, " warning: websocket." + warning));
    CHECK(std::count(for_all.begin(), for_all.end(), '\n') == 1);
    const std::string own = said("{}", "[" + route(text) + "]");
    CAPTURE(own);
    CHECK(own.starts_with("f:5:"));
    CHECK(contains(own, " warning: routes[0].websocket." + warning));
  }
}

TEST_CASE("validate websocket: what has an effect, and what holds by default, is no problem") {
  for (const char* text :
       {"{}", "{ from_client: { byte_rate: 1KiB/s } }",
        "{ from_client: { byte_rate: 1KiB/s, message_size: 1KiB } }",
        "{ from_client: { byte_rate: 1KiB/s, message_size: none } }",
        "{ from_client: { byte_rate: 1KiB/s, message_size: 1MiB, on_rate: slow } }",
        "{ from_client: { types: [a], messages: text, on_type: close, first_passes: true, type_field: /k } }",
        "{ from_client: { on_rate: drop, rate: 5/s } }",
        "{ byte_limit: some, from_client: { on_rate: slow } }",
        "{ from_client: { on_rate: close, on_type: drop, first_passes: false, type_field: /type } }",
        "{ latest_field: /kind, slow_reader: keep_latest }", "{ latest_field: /type }",
        "{ ping_interval: none }", "{ mode: inspect }", "{ mode: walk, message_limit: some }",
        "{ sockets: { per_subject: 5 } }"})
    CHECK_MESSAGE(said(text) == "", text);
}

TEST_CASE("validate websocket: what is said for all routes has an effect if it has one anywhere") {
  const std::string with_rate =
      "[" + route("", "/") + ", " + route("{ from_client: { rate: 5/s } }", "/b") + "]";
  CHECK(said("{ from_client: { on_rate: drop } }", with_rate) == "");
  CHECK(said("{ pong_timeout: 5s }", "[" + route("{ ping_interval: none }") + ", " + route("", "/b") + "]") ==
        "");
  CHECK(contains(said("{ pong_timeout: 5s }", "[" + route("{ ping_interval: none }") + "]"),
                 "f:4:28 warning: websocket.pong_timeout"));
  // What meets on a route is said there.
  CHECK(contains(
      said("{ from_client: { types: [a] } }", "[" + route("{ from_client: { messages: binary } }") + "]"),
      "warning: routes[0].websocket.from_client.messages: nothing can pass"));
  CHECK(contains(
      said("{ mode: tunnel }", with_rate),
      "warning: websocket.mode: becomes walk, which the rules need; leave mode out, or the rules; so on "
      "routes[1] in line 5"));
  CHECK(said("{ pong_timeout: 5s, ping_interval: none }", "[{ respond: {} }]") == "");
}

TEST_CASE("validate websocket: per_subject needs tokens") {
  const std::string rule = "{ sockets: { per_subject: 5 } }";
  CHECK(said("{}", "[" + route(rule, "/", "") + "]") ==
        "f:5:91 routes[0].websocket.sockets.per_subject: counts by the sub claim of a token: the route needs "
        "jwt to "
        "have any\n");
  CHECK(said(rule, "[" + route("", "/") + ", " + route("", "/b", "") + ", " + route("", "/c", "") + "]") ==
        "f:4:38 warning: websocket.sockets.per_subject: counts by the sub claim of a token, and limits "
        "nothing where "
        "there is no jwt; so on routes[1] in line 5 and 1 more\n");
  CHECK(said(rule, "[" + route("{ sockets: { per_subject: none } }", "/", "") +
                       ", { match: { path: /c }, respond: {} }]") == "");
}
