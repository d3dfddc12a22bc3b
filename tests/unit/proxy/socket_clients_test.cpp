#include "proxy/socket_clients.h"

#include <doctest/doctest.h>

using namespace postern::proxy;

TEST_CASE("socket clients: those that need the status are known by what they ask for") {
  for (const char* query :
       {"EIO=4", "EIO=3&transport=websocket", "jobId=all&EIO=4", "vsn=2.0.0", "a=b&vsn=1.0.0",
        "transport=webSockets&clientProtocol=2.1&connectionToken=x%2Fy"}) {
    CAPTURE(query);
    CHECK(needs_status(query, ""));
  }
  for (const char* protocols : {"vite-hmr", "vite-ping", "chat, vite-hmr"})
    CHECK(needs_status("", protocols));
  for (const char* query :
       {"", "xEIO=4", "EIO", "EIOx=4", "a=EIO=4", "avsn=2", "vsn", "id=7", "connectionToken=x"}) {
    CAPTURE(query);
    CHECK_FALSE(needs_status(query, "chat, vite-hmr2"));
  }
}

TEST_CASE("socket clients: the negotiate of SignalR, and the connection that it gives") {
  CHECK(negotiated_path("/hub/negotiate") == "/hub");
  CHECK(negotiated_path("/negotiate") == "/");
  CHECK(negotiated_path("/hub/negotiates").empty());
  CHECK(negotiated_path("/hub/xnegotiate").empty());
  CHECK(negotiated_path("/").empty());
  CHECK(names_a_connection("id=x"));
  CHECK(names_a_connection("access_token=a&id=x"));
  CHECK_FALSE(names_a_connection("uid=x"));
  CHECK_FALSE(names_a_connection("id"));
}

TEST_CASE("socket clients: codes that a subprotocol defines are said with its meaning, or not at all") {
  for (const char* protocols : {"graphql-transport-ws", "graphql-ws", "chat, graphql-ws"}) {
    CAPTURE(protocols);
    for (const int code : {4400, 4401, 4403, 4399, 4501, 1013, 1008})
      CHECK(may_say(static_cast<uint16_t>(code), protocols));
    for (const int code : {4404, 4406, 4408, 4409, 4429, 4500})
      CHECK_FALSE(may_say(static_cast<uint16_t>(code), protocols));
  }
  for (const int code : {4404, 4429, 4401}) CHECK(may_say(static_cast<uint16_t>(code), "chat"));
  CHECK(may_say(4429, ""));
}
