// A WebSocket through the whole proxy: a test scripts the client and the endpoint, frame by frame.
//
//   SocketFixture socket("walk: …");           // the route's websocket section, in YAML
//   socket.client_sends(frame(text, "hello"));
//   CHECK(socket.endpoint_heard() == frames);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/frame_recorder.h"
#include "support/proxy_fixture.h"
#include "unit/websocket/frames.h"

namespace postern::support {

class SocketFixture {
 public:
  // `websocket` is the YAML value of the key `websocket`, on one line. `fields` are those of the handshake,
  // `answer_fields` those of its answer.
  explicit SocketFixture(const std::string& websocket = "{}", std::string_view fields = {},
                         const std::string& answer_fields = {}, const std::string& more = {});

  ProxyFixture proxy;
  TestClient& client;
  HttpMessage handshake;  // the answer to the handshake

  FakeConnection& endpoint() { return proxy.upstream.at(3001).last(); }
  void client_sends(const std::string& frames) { client.send(frames); }
  void endpoint_sends(const std::string& frames) {
    endpoint().send(frames);
    proxy.settle();
  }
  // What each side has received since the last call, one text per frame: "text hello", "close 1001 away",
  // "ping …". The kind of a fragment that is not the last is followed by "+", that of a compressed frame by
  // "z". A frame that is masked towards the client, or not masked towards the endpoint, is "wrong".
  std::vector<std::string> client_heard() { return read(client.take_unread(), false); }
  std::vector<std::string> endpoint_heard() { return read(endpoint().take_unread(), true); }
  base::Json record() { return proxy.log.line("tunnel_close"); }
  bool over() { return proxy.tunnels.size() == 0; }

  static std::string handshake_text(std::string_view fields, std::string_view path = "/ws");
  static std::string yaml(const std::string& websocket, const std::string& more);
  // The frames in `bytes`, as client_heard() gives them; `masked`: they come from the client's side.
  static std::vector<std::string> read(const std::string& bytes, bool masked);
};

}  // namespace postern::support
