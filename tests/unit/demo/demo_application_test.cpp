#include "demo/demo_application.h"

#include <doctest/doctest.h>

#include <chrono>
#include <future>
#include <thread>

#include "base/json.h"
#include "crypto/base64.h"
#include "demo/page.h"
#include "net/mailbox.h"
#include "unit/demo/raw_client.h"
#include "unit/websocket/frames.h"

using namespace postern;
using namespace postern::demo;
using demo::test::RawClient;
using websocket::test::close_payload;
using websocket::test::frame;
using websocket::test::server_frame;

namespace {

constexpr std::string_view secret = "a secret that only this test knows";
constexpr std::string_view handshake_fields =
    "Host: demo\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

Options quick() {
  Options options;
  options.tick = std::chrono::milliseconds(20);
  return options;
}

// The application on its own thread and loop, as the gateway runs it.
class Running final : private DemoApplication::Owner {
 public:
  explicit Running(const Options& options = quick())
      : options_(options), thread_([this] { live(); }), mailbox_(started_.get_future().get()) {}
  ~Running() {
    stop();
    thread_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void stop() {
    if (!std::exchange(stopping_, true)) mailbox_->post(true);
  }
  const base::SocketAddress& address() const { return address_; }

 private:
  void live() {
    net::Loop loop;
    loop_ = &loop;
    auto socket = net::listen_on({base::IpAddress::v4({127, 0, 0, 1}), 0});
    REQUIRE(socket);
    DemoApplication application(loop, std::move(*socket), std::string(secret), options_);
    address_ = application.address();
    net::Mailbox<bool> mailbox(loop, [&](bool) { application.stop(this); });
    started_.set_value(&mailbox);
    loop.run();
  }
  void on_demo_stopped() override { loop_->stop(); }

  Options options_;
  std::promise<net::Mailbox<bool>*> started_;
  net::Loop* loop_ = nullptr;
  base::SocketAddress address_;
  bool stopping_ = false;
  std::thread thread_;
  net::Mailbox<bool>* mailbox_;
};

struct Response {
  int status = 0;
  std::string head;
  std::string body;
  base::Json json() const {
    auto parsed = base::parse_json(body);
    REQUIRE(parsed);
    return *parsed;
  }
};

// Reads a response that has a Content-Length.
Response take_response(RawClient& client, bool hidden = false) {
  Response response;
  response.head = client.take_until("\r\n\r\n");
  response.status = std::stoi(response.head.substr(9, 3));
  const size_t at = response.head.find("Content-Length: ");
  if (at != std::string::npos && !hidden)
    response.body = client.take(std::stoul(response.head.substr(at + 16)));
  return response;
}

Response ask(RawClient& client, std::string_view request_line, std::string_view fields = "") {
  client.send(std::string(request_line) + " HTTP/1.1\r\nHost: demo:80\r\n" + std::string(fields) + "\r\n");
  return take_response(client);
}

// Opens a WebSocket; the next bytes are frames.
void upgrade(RawClient& client, std::string_view path) {
  client.send("GET " + std::string(path) + " HTTP/1.1\r\n" + std::string(handshake_fields));
  const std::string head = client.take_until("\r\n\r\n");
  REQUIRE(head.starts_with("HTTP/1.1 101 "));
  CHECK(head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != std::string::npos);
}

base::Json claims_of(const base::Json& answer) {
  const std::string token = answer.at("token");
  const size_t first = token.find('.');
  const size_t second = token.find('.', first + 1);
  const crypto::HmacKey key(crypto::Algorithm::hs256, secret);
  const auto signature = crypto::decode_base64url(std::string_view(token).substr(second + 1));
  REQUIRE(signature);
  CHECK(key.verify(std::string_view(token).substr(0, second), *signature));
  const auto claims =
      base::parse_json(*crypto::decode_base64url(token.substr(first + 1, second - first - 1)));
  REQUIRE(claims);
  return *claims;
}

}  // namespace

TEST_CASE("demo application: serves the page, and several requests on one connection") {
  Running running;
  RawClient client(running.address());
  for (int i = 0; i < 3; ++i) {
    const Response response = ask(client, "GET /");
    CHECK(response.status == 200);
    CHECK(response.head.find("Content-Type: text/html; charset=utf-8\r\n") != std::string::npos);
    CHECK(response.body == page());
  }
  client.send("HEAD / HTTP/1.1\r\nHost: demo\r\n\r\n");
  CHECK(take_response(client, true).head.find("Content-Length: " + std::to_string(page().size())) !=
        std::string::npos);
  CHECK(ask(client, "GET /api/hello").status == 200);
}

TEST_CASE("demo application: hello shows what the application was told of the request") {
  Running running;
  RawClient client(running.address());
  const base::Json told =
      ask(client, "GET /api/hello?x=1",
          "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Request-Id: id-1\r\n"
          "X-Forwarded-For: 192.0.2.2\r\n")
          .json();
  CHECK(told.at("method") == "GET");
  CHECK(told.at("host") == "demo:80");
  CHECK(told.at("x-forwarded-for") == "192.0.2.1, 192.0.2.2");
  CHECK(told.at("x-forwarded-proto") == "https");
  CHECK(told.at("x-request-id") == "id-1");
  CHECK_FALSE(told.contains("x-forwarded-host"));
}

TEST_CASE("demo application: private shows the user that the gateway named, and null when it named none") {
  Running running;
  RawClient client(running.address());
  CHECK(ask(client, "GET /api/private", "X-User-Id: demo-user\r\n").json().at("x-user-id") == "demo-user");
  CHECK(ask(client, "GET /api/private").json().at("x-user-id").is_null());
}

TEST_CASE("demo application: token mints a fresh one, or one that ran out an hour ago") {
  Running running;
  RawClient client(running.address());
  const int64_t before = net::unix_now();
  const base::Json fresh = claims_of(ask(client, "POST /api/token", "Content-Length: 0\r\n").json());
  CHECK(fresh.at("iss") == "postern-demo");
  CHECK(fresh.at("aud") == "demo");
  CHECK(fresh.at("sub") == "demo-user");
  const int64_t expires = fresh.at("exp");
  CHECK(expires >= before + 300);
  CHECK(expires <= net::unix_now() + 300);
  const base::Json stale =
      claims_of(ask(client, "POST /api/token?expired=1", "Content-Length: 0\r\n").json());
  CHECK(stale.at("exp").get<int64_t>() <= net::unix_now() - 3600);
}

TEST_CASE("demo application: other paths and methods are refused, and the connection goes on") {
  Running running;
  RawClient client(running.address());
  CHECK(ask(client, "GET /nothing").json().at("error") == "not_found");
  const Response get = ask(client, "GET /api/token");
  CHECK(get.status == 405);
  CHECK(get.head.find("Allow: POST\r\n") != std::string::npos);
  CHECK(ask(client, "DELETE /").status == 405);
  CHECK(ask(client, "GET /ws/echo").status == 426);
  CHECK(ask(client, "GET /%2e%2e/").status == 404);
  CHECK(ask(client, "GET /").status == 200);
}

TEST_CASE("demo application: bodies are read up to the limit and refused beyond it") {
  Running running;
  const auto post = [&](size_t size) {
    RawClient client(running.address());
    client.send("POST /api/token HTTP/1.1\r\nHost: demo\r\nContent-Length: " + std::to_string(size) +
                "\r\n\r\n");
    if (size <= 64 * 1024) client.send(std::string(size, 'x'));
    return take_response(client).status;
  };
  CHECK(post(64 * 1024) == 200);
  CHECK(post(64 * 1024 + 1) == 413);
  RawClient chunked(running.address());
  chunked.send("POST /api/token HTTP/1.1\r\nHost: demo\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n" +
               std::string(0x10001, 'x'));
  CHECK(take_response(chunked).status == 413);
}

TEST_CASE("demo application: a client that waits for 100 gets it") {
  Running running;
  RawClient client(running.address());
  client.send("POST /api/token HTTP/1.1\r\nHost: demo\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.take_until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  client.send("{}");
  CHECK(take_response(client).status == 200);
}

TEST_CASE("demo application: bytes that are no request are answered with 400 and the end") {
  Running running;
  RawClient client(running.address());
  client.send("NONSENSE\r\n\r\n");
  CHECK(client.take_rest().starts_with("HTTP/1.1 400 "));
}

TEST_CASE("demo application: a body that breaks its framing is answered with 400 and the end") {
  Running running;
  RawClient client(running.address());
  client.send(
      "POST /api/token HTTP/1.1\r\nHost: demo\r\nTransfer-Encoding: chunked\r\n\r\nnothing hexadecimal\r\n");
  CHECK(client.take_rest().starts_with("HTTP/1.1 400 "));
}

TEST_CASE("demo application: events come one after another, and end after the limit") {
  Options options = quick();
  options.stream_limit = std::chrono::milliseconds(200);
  Running running(options);
  RawClient client(running.address());
  client.send("GET /api/events HTTP/1.1\r\nHost: demo\r\n\r\n");
  const std::string head = client.take_until("\r\n\r\n");
  CHECK(head.find("Content-Type: text/event-stream\r\n") != std::string::npos);
  for (int number = 1; number <= 3; ++number) {
    CHECK(client.take_until("\n\n").find("id: " + std::to_string(number) + "\ndata: {") != std::string::npos);
  }
  client.take_until("0\r\n\r\n");  // the proper end, not a cut
  CHECK(ask(client, "GET /api/hello").status == 200);
}

TEST_CASE("demo application: an event stream whose client leaves is over") {
  Options options = quick();
  options.connections = 1;
  Running running(options);
  {
    RawClient client(running.address());
    client.send("GET /api/events HTTP/1.1\r\nHost: demo\r\n\r\n");
    client.take_until("id: 1\n");
  }
  RawClient next(running.address());  // waits in the kernel's queue until there is room
  CHECK(ask(next, "GET /api/hello").status == 200);
}

TEST_CASE("demo application: echo gives back texts and bytes, and ends with the client's code") {
  Running running;
  for (const std::string_view path : {"/ws/echo", "/ws/private"}) {
    RawClient client(running.address());
    upgrade(client, path);
    const std::string large(200'000, '\xfe');
    const std::string answers = server_frame(1, "hello") + server_frame(2, large);
    client.send(frame(1, "hello") + frame(2, large));
    CHECK((client.take(answers.size()) == answers));
    client.send(frame(8, close_payload(4001, "bye")));
    CHECK(client.take_rest() == server_frame(8, close_payload(4001, "bye")));
  }
}

TEST_CASE("demo application: frames that come with the handshake are not lost") {
  Running running;
  RawClient client(running.address());
  client.send("GET /ws/echo HTTP/1.1\r\n" + std::string(handshake_fields) + frame(1, "early"));
  client.take_until("\r\n\r\n");
  const std::string answer = server_frame(1, "early");
  CHECK(client.take(answer.size()) == answer);
}

TEST_CASE("demo application: a message beyond the limit ends the socket with 1009") {
  Options options = quick();
  options.messages.message_size = 1000;
  Running running(options);
  RawClient client(running.address());
  upgrade(client, "/ws/echo");
  client.send(frame(2, std::string(1001, 'x')));
  CHECK(client.take_rest().substr(2, 2) == close_payload(1009));
}

TEST_CASE("demo application: a client that does not read is not read from, and loses nothing") {
  Running running;
  RawClient client(running.address());
  upgrade(client, "/ws/echo");
  constexpr int count = 64;
  const std::string message = frame(2, std::string(100'000, 'x'));
  const std::string answer = server_frame(2, std::string(100'000, 'x'));
  std::thread writer([&] {
    for (int i = 0; i < count; ++i) client.send(message);
  });
  int equal = 0;
  for (int i = 0; i < count; ++i) equal += client.take(answer.size()) == answer ? 1 : 0;
  writer.join();
  CHECK(equal == count);
}

TEST_CASE("demo application: the ticker speaks first and goes on") {
  Running running;
  RawClient client(running.address());
  upgrade(client, "/ws/ticker");
  for (int number = 1; number <= 3; ++number) {
    const std::string start = client.take(2);
    CHECK(start[0] == '\x81');
    const auto tick = base::parse_json(client.take(static_cast<size_t>(start[1])));
    REQUIRE(tick);
    CHECK(tick->at("tick") == number);
  }
}

TEST_CASE("demo application: a silent echo is closed after the limit") {
  Options options = quick();
  options.stream_limit = std::chrono::milliseconds(50);
  options.close_limit = std::chrono::milliseconds(50);
  Running running(options);
  RawClient client(running.address());
  upgrade(client, "/ws/echo");
  CHECK(client.take_rest().substr(2, 2) == close_payload(1000));
}

TEST_CASE("demo application: a handshake that is none is refused") {
  Running running;
  RawClient client(running.address());
  CHECK(ask(client, "GET /ws/echo",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 12\r\n")
            .json()
            .at("error") == "bad_handshake");
}

TEST_CASE("demo application: stop ends event streams cleanly and sockets with 1001") {
  Options options = quick();
  options.stop_limit = std::chrono::seconds(60);  // no connection has to be cut
  options.close_limit = std::chrono::seconds(60);
  Running running(options);
  RawClient idle(running.address());
  CHECK(ask(idle, "GET /api/hello").status == 200);
  RawClient events(running.address());
  events.send("GET /api/events HTTP/1.1\r\nHost: demo\r\n\r\n");
  events.take_until("id: 2\n");
  RawClient socket(running.address());
  upgrade(socket, "/ws/echo");
  running.stop();
  CHECK(idle.take_rest().empty());
  CHECK(events.take_rest().ends_with("0\r\n\r\n"));
  const std::string start = socket.take(2);
  CHECK(socket.take(static_cast<size_t>(start[1])).substr(0, 2) == close_payload(1001));
  socket.send(frame(8, close_payload(1001)));
  CHECK(socket.take_rest().empty());
}

TEST_CASE("demo application: stop cuts what does not end by itself") {
  Options options = quick();
  options.stop_limit = std::chrono::milliseconds(50);
  options.close_limit = std::chrono::seconds(60);
  Running running(options);
  RawClient socket(running.address());
  upgrade(socket, "/ws/echo");
  RawClient half(running.address());
  half.send("GET /api/hello HTT");
  running.stop();
  CHECK(socket.take_rest().substr(2, 2) == close_payload(1001));  // which the client does not answer
  CHECK(half.is_cut());
}
