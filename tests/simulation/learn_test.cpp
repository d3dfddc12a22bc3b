// A balance that learns from responses which endpoint knows a value, such as the id of an MCP session.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

std::string yaml(const std::string& more = "", const std::string& values = "1000",
                 const std::string& endpoints = "\"http://127.0.0.1:3001\", \"http://127.0.0.1:3002\"") {
  return "listeners: [{ address: \"127.0.0.1:0\" }]\n"
         "upstreams:\n"
         "  app:\n"
         "    endpoints: [" +
         endpoints +
         "]\n"
         "    balance: { learn: { response_header: Mcp-Session-Id, values: " +
         values + " } }\n" + more + "routes: [{ name: all, upstream: app }]\n";
}

// Each endpoint has its own sessions: "<port>-<number>".
struct Sessions {
  explicit Sessions(const std::string& text = yaml()) : proxy(text) {
    for (const uint16_t port : {3001, 3002})
      proxy.upstream.at(port).behaviour = answers_with([this, port](const HttpMessage& request) {
        const std::string id = request.field("Mcp-Session-Id");
        if (id.empty()) {
          const std::string made = std::to_string(port) + "-" + std::to_string(++made_);
          return response_text("new", "Mcp-Session-Id: " + made + "\r\n");
        }
        if (!id.starts_with(std::to_string(port)) || lost)
          return response_text("unknown", "", "404 Not Found");
        return response_text(std::to_string(port));
      });
  }
  std::string ask(const std::string& id, const std::string& method = "POST") {
    TestClient& client = proxy.connect();
    client.send(method + " /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" +
                (id.empty() ? "" : "Mcp-Session-Id: " + id + "\r\n") + "\r\n");
    last = client.response();
    return last.body;
  }
  std::string begin() {
    ask("");
    return last.field("Mcp-Session-Id");
  }

  ProxyFixture proxy;
  HttpMessage last;
  bool lost = false;

 private:
  int made_ = 0;
};

}  // namespace

TEST_CASE("learn: a session goes on at the endpoint that began it, however many there are") {
  Sessions sessions;
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(sessions.begin());
  for (int round = 0; round < 3; ++round)
    for (const std::string& id : ids) CHECK(sessions.ask(id) == id.substr(0, 4));
  CHECK(sessions.proxy.upstream.at(3001).request_count() > 20);
  CHECK(sessions.proxy.upstream.at(3002).request_count() > 20);
}

TEST_CASE("learn: a reload forgets nothing, and the order of the endpoints does not matter") {
  Sessions sessions;
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(sessions.begin());
  sessions.proxy.adopt(yaml());
  sessions.proxy.adopt(yaml("", "1000", "\"http://127.0.0.1:3002\", \"http://127.0.0.1:3001\""));
  for (const std::string& id : ids) CHECK(sessions.ask(id) == id.substr(0, 4));
}

TEST_CASE("learn: an unknown value goes as the other balance says") {
  Sessions sessions;
  for (int i = 0; i < 4; ++i) sessions.ask("3009-1");
  CHECK(sessions.proxy.upstream.at(3001).request_count() == 2);
  CHECK(sessions.proxy.upstream.at(3002).request_count() == 2);
}

TEST_CASE("learn: the end of a session is forgotten: by a DELETE that succeeds, by a 404 of its endpoint") {
  for (const bool by_delete : {false, true}) {
    CAPTURE(by_delete);
    Sessions sessions;
    const std::string id = sessions.begin();
    CHECK(sessions.proxy.group().recall(id).has_value());
    sessions.lost = !by_delete;
    sessions.ask(id, by_delete ? "DELETE" : "POST");
    CHECK_FALSE(sessions.proxy.group().recall(id).has_value());
  }
  Sessions sessions;  // a DELETE that the endpoint refuses
  const std::string id = sessions.begin();
  for (const uint16_t port : {3001, 3002})
    sessions.proxy.upstream.at(port).behaviour = answers(response_text("no", "", "405 Method Not Allowed"));
  sessions.ask(id, "DELETE");
  CHECK(sessions.proxy.group().recall(id).has_value());
}

TEST_CASE(
    "learn: an endpoint that stands in for another, and does not know the value, makes nobody forget it") {
  Sessions sessions;
  const std::string id = sessions.begin();
  const auto own = static_cast<uint16_t>(std::stoi(id));
  sessions.proxy.upstream.at(own).reach = Reach::refused;
  for (const auto& connection : sessions.proxy.upstream.at(own).connections) connection->leave();
  sessions.proxy.settle();
  CHECK(sessions.ask(id) == "unknown");
  CHECK(sessions.last.status() == 404);
  sessions.proxy.upstream.at(own).reach = Reach::good;
  sessions.proxy.advance(5s);  // it is cooling down after the failure
  CHECK(sessions.ask(id) == id.substr(0, 4));
}

TEST_CASE("learn: of too many values the one that was used longest ago goes") {
  Sessions sessions(yaml("", "16"));
  const std::string first = sessions.begin();
  for (int i = 0; i < 200; ++i) sessions.begin();
  CHECK_FALSE(sessions.proxy.group().recall(first).has_value());
  CHECK(sessions.proxy.group().state().learned->size() <= 16);
  CHECK(sessions.ask(sessions.begin()).size() == 4);
}

TEST_CASE("learn: a group that learns no more lets go of what it knew") {
  Sessions sessions;
  sessions.begin();
  sessions.proxy.adopt(ProxyFixture::two_endpoints);
  CHECK(sessions.proxy.group().state().learned == nullptr);
  sessions.ask("3001-1");
  sessions.proxy.adopt(yaml());
  CHECK(sessions.proxy.group().state().learned->size() == 0);
}
