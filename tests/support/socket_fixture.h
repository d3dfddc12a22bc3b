// A WebSocket through the whole proxy: a client and an endpoint that are scripted by a test, frame by frame.
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
  // `websocket`: what stands behind `websocket:`, on one line. `fields` of the handshake and of its answer.
  explicit SocketFixture(const std::string& websocket = "{}", std::string_view fields = {},
                         const std::string& answer_fields = {}, const std::string& more = {});

  ProxyFixture proxy;
  TestClient& client;
  HttpMessage handshake;  // its answer

  FakeConnection& endpoint() { return proxy.upstream.at(3001).last(); }
  void client_sends(const std::string& frames) { client.send(frames); }
  void endpoint_sends(const std::string& frames) {
    endpoint().send(frames);
    proxy.settle();
  }
  // What each side heard since it was asked last, "text hello", "close 1001 away", "ping …", one for each
  // frame; a fragment that is not the last has "+" behind its kind, compressed ones "z". A masked frame
  // towards the client, or the reverse, is "wrong".
  std::vector<std::string> client_heard() { return read(client.take_unread(), false); }
  std::vector<std::string> endpoint_heard() { return read(endpoint().take_unread(), true); }
  base::Json record() { return proxy.log.line("tunnel_close"); }
  bool over() { return proxy.tunnels.size() == 0; }

  static std::string handshake_text(std::string_view fields, std::string_view path = "/ws");
  static std::string yaml(const std::string& websocket, const std::string& more);

 private:
  static std::vector<std::string> read(const std::string& bytes, bool masked);
};

}  // namespace postern::support
