// A fixture for tests of the server connection: a client in memory, and an application that the test scripts.
#pragma once

#include <doctest/doctest.h>
#include <functional>
#include <string>
#include <vector>
#include "base/error.h"
#include "http1/server_connection.h"
#include "support/memory_transport.h"
#include "support/watched_task.h"

namespace postern::server_fixture {

using namespace postern;
using namespace std::chrono_literals;
using base::Cause;
using http::BodyKind;
using http1::ServerConnection;
using support::ScriptedPeer;
using support::TurnFixture;
using Arrival = ServerConnection::Arrival;

inline const http::ClientFacts facts;

// A client in memory, and an application that answers each request with the response that a test has set.
class Fixture : public ServerConnection::Owner {
 public:
  using Application = std::function<void(ServerConnection&)>;

  explicit Fixture(Application application, const http::ServerLimits& the_limits = {})
      : limits(the_limits), application_(std::move(application)), serving_(serve(*this)) {}
  virtual ~Fixture() = default;

  TurnFixture turns;
  http::ServerLimits limits;
  support::MemoryPair pair = support::connect_in_memory(turns);
  std::shared_ptr<support::Wire> wire = pair.wire;
  ScriptedPeer client{std::move(pair.first)};
  std::optional<ServerConnection> server{std::in_place, turns.turn, std::move(pair.second),
                                         limits,        facts,      *this};
  base::Scope scope{turns.turn};
  std::vector<std::string> targets;
  std::vector<Cause> gone;
  int ended = 0;  // how often the owner was notified of the client's end
  std::optional<http::Fault> fault;
  std::optional<base::Result<bool>> handed_over;  // result of the previous response
  bool over = false;
  bool closed = false;
  bool read_bodies_first = false;
  bool finish_at_once = true;  // false: the test calls finish()

  std::string exchange(std::string_view bytes) {
    client.send(bytes);
    turns.settle();
    return client.take_heard();
  }

  // Ends the exchange of the open stream, after its response was handed over or cut.
  void finish() { exchange_ended_.put(true); }

 private:
  void on_client_ended() override { ++ended; }
  void on_client_gone(Cause why) override { gone.push_back(why); }

  static base::Task<int> serve(Fixture& fixture) {
    bool another = true;
    while (another) {
      base::Result<Arrival> arrival = co_await fixture.server->arrivals().take(fixture.scope);
      if (!arrival || *arrival == Arrival::over) break;
      if (*arrival == Arrival::refused) {
        fixture.fault = *fixture.server->fault();
        http::ResponseHead head;
        head.status = base::traits(fixture.fault->cause).status;
        head.body = BodyKind::length;
        fixture.server->respond(head);
        fixture.server->response_body().end();
      } else {
        while (fixture.read_bodies_first && !fixture.server->request_body().at_end()) {
          base::Result<base::Chunk> chunk = co_await fixture.server->request_body().read(fixture.scope);
          if (!chunk) break;
        }
        fixture.targets.emplace_back(fixture.server->request().target);
        fixture.application_(*fixture.server);
      }
      if (!fixture.finish_at_once && *arrival != Arrival::refused)
        co_await fixture.exchange_ended_.take(fixture.scope);
      if (fixture.server->response_body().closed()) {
        base::Slot<bool>& sent = fixture.server->hand_over();
        base::Result<bool> handed = co_await sent.take(fixture.scope);
        fixture.handed_over = handed;
        if (!handed) fixture.server->cut_response(handed.error());
      }
      another = fixture.server->finish_stream();
    }
    fixture.over = true;
    fixture.server->close();
    base::Result<bool> closed = co_await fixture.server->closed().take(fixture.scope);
    fixture.closed = closed.has_value();
    fixture.server.reset();
    co_return 0;
  }

  Application application_;
  base::Slot<bool> exchange_ended_;
  support::WatchedTask<int> serving_;
};

inline void answer(ServerConnection& server, std::string_view body, uint16_t status = 200) {
  http::ResponseHead head;
  head.status = status;
  head.body = BodyKind::length;
  head.content_length = body.size();
  server.respond(head);
  server.response_body().push(base::Chunk::copy_of(body));
  server.response_body().end();
}

inline void echo_target(ServerConnection& server) { answer(server, std::string(server.request().target)); }

inline std::string get(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

inline std::string ok(std::string_view body, std::string_view fields = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(fields) +
         "\r\n" + std::string(body);
}

}  // namespace postern::server_fixture
