#include "support/socket_fixture.h"

namespace postern::support {

std::string SocketFixture::handshake_text(std::string_view fields, std::string_view path) {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         std::string(fields) + "\r\n";
}

std::string SocketFixture::yaml(const std::string& websocket, const std::string& more) {
  return R"(
listeners: [{ address: "127.0.0.1:0" }]
upstreams: { app: { endpoints: ["http://127.0.0.1:3001"] } }
)" + more +
         R"(
routes:
  - name: all
    upstream: app
    websocket: )" +
         websocket + "\n";
}

SocketFixture::SocketFixture(const std::string& websocket, std::string_view fields,
                             const std::string& answer_fields, const std::string& more)
    : proxy(yaml(websocket, more)), client(proxy.connect()) {
  proxy.upstream.at(3001).behaviour = accepts_websocket(answer_fields);
  client.send(handshake_text(fields));
  handshake = client.response();
}

std::vector<std::string> SocketFixture::read(const std::string& bytes, bool masked) {
  using namespace websocket;
  struct Reader final : FrameWalker::Visitor {
    std::vector<std::string> said;
    bool masked = false;
    bool inside = false;  // inside a frame
    std::string payload;
    static std::string kind_of(const FrameHeader& header) {
      static const char* const kinds[] = {"continuation", "text", "binary"};
      return std::string(header.opcode < 3 ? kinds[header.opcode] : "reserved") +
             (header.reserved != 0 ? "z" : "") + (header.final ? "" : "+");
    }
    FrameWalker::Pass on_frame(const FrameHeader& header) override {
      payload.clear();
      inside = true;
      if (header.masked != masked) said.emplace_back("wrong");
      return FrameWalker::Pass::take;
    }
    FrameWalker::Pass on_control(const FrameHeader& header, std::string_view text) override {
      if (header.masked != masked) said.emplace_back("wrong");
      if (header.is(Opcode::close)) {
        const CloseBody body = read_close(text);
        said.push_back("close " + std::to_string(body.code) + (body.reason.empty() ? "" : " ") +
                       std::string(body.reason));
      } else {
        said.push_back((header.is(Opcode::ping) ? "ping " : "pong ") + std::string(text));
      }
      return FrameWalker::Pass::drop;
    }
    void on_payload(const FrameHeader& header, base::Bytes piece, uint64_t, bool end) override {
      payload += base::text_of(piece);
      if (!end) return;
      inside = false;
      if (header.masked)
        apply_mask(std::as_writable_bytes(std::span(payload.data(), payload.size())), header.mask, 0);
      said.push_back(kind_of(header) + " " + payload);
    }
    void on_passed(base::Bytes) override {}
  };
  Reader reader;
  reader.masked = masked;
  FrameWalker walker;
  walker.walk(base::bytes_of(bytes), reader);
  if (reader.inside) reader.said.emplace_back("half a frame");
  return std::move(reader.said);
}

}  // namespace postern::support
