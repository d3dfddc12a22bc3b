#include "upstream/endpoint.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "unit/upstream/upstream_fixture.h"

using namespace postern;
using namespace postern::upstream;
using namespace std::chrono_literals;
using support::answers;
using support::response_text;

namespace {

// Fills the pool with `count` connections; the last one was idle for the shortest time.
void fill(UpstreamFixture& fixture, size_t count, base::Duration between = 1s) {
  std::vector<Lease> leases;
  for (size_t i = 0; i < count; ++i) leases.push_back(fixture.connected());
  for (Lease& lease : leases) fixture.exchange(lease);
  for (Lease& lease : leases) {
    lease = {};
    fixture.turns.advance(between);
  }
}

}  // namespace

TEST_CASE("pool: the connection that rested for the shortest time is taken first") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  fill(fixture, 3);
  std::vector<Lease> taken;
  for (size_t expected : {2, 1, 0}) {
    taken.push_back(fixture.idle());
    REQUIRE(taken.back());
    fixture.exchange(taken.back());
    CHECK(fixture.upstream.at(1).connections[expected]->requests.size() == 2);
    CHECK(taken.back()->reused());
  }
  CHECK_FALSE(fixture.idle());
  CHECK(fixture.endpoint(0).load() == 3);
}

TEST_CASE("pool: a connection that rested longer than asked for is left where it is") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  fixture.use_and_return();
  fixture.turns.advance(fresh_max_age + 1s);
  CHECK_FALSE(fixture.idle(0, fresh_max_age));
  CHECK(fixture.upstream.open_count() == 1);
  CHECK(fixture.idle(0));
  fixture.use_and_return();
  fixture.turns.advance(fresh_max_age - 1s);
  CHECK(fixture.idle(0, fresh_max_age));
}

TEST_CASE("pool: connections are closed when they rested for the keep-alive time, each at its own") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  fill(fixture, 3, 10s);  // idle for 30, 20 and 10 s of 55
  CHECK(fixture.upstream.open_count() == 3);
  fixture.turns.advance(24s);
  CHECK(fixture.upstream.open_count() == 3);
  fixture.turns.advance(2s);
  CHECK(fixture.upstream.open_count() == 2);
  fixture.turns.advance(10s);
  CHECK(fixture.upstream.open_count() == 1);
  fixture.turns.advance(10s);
  CHECK(fixture.upstream.open_count() == 0);
  CHECK_FALSE(fixture.idle());
}

TEST_CASE("pool: a connection that its endpoint closes is gone at once") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  fill(fixture, 2);
  fixture.upstream.at(1).connections[1]->finish();
  fixture.turns.settle();
  CHECK(fixture.upstream.at(1).connections[1]->gateway_closed());
  fixture.upstream.at(1).connections[0]->reset();
  fixture.turns.settle();
  CHECK(fixture.upstream.open_count() == 0);
  CHECK_FALSE(fixture.idle());
}

TEST_CASE("pool: a connection that says something nobody asked for is gone at once") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  fixture.use_and_return();
  fixture.upstream.at(1).last().send("HTTP/1.1 408 Request Timeout\r\n\r\n");
  fixture.turns.settle();
  CHECK(fixture.upstream.open_count() == 0);
  CHECK_FALSE(fixture.idle());
}

TEST_CASE("pool: the oldest makes room when there are too many") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  fixture.endpoint(0).set_limits({.pool = {.idle_max = 2}});
  fill(fixture, 3);
  CHECK(fixture.upstream.open_count() == 2);
  CHECK(fixture.upstream.at(1).connections[0]->gateway_closed());
}

TEST_CASE("pool: with a limit of none nothing is kept") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  fixture.endpoint(0).set_limits({.pool = {.idle_max = 0}});
  fixture.use_and_return();
  fixture.turns.settle();
  CHECK(fixture.upstream.open_count() == 0);
}

TEST_CASE("pool: retiring closes what rests, and what comes back later") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("x"));
  fixture.use_and_return();
  Lease out = fixture.connected();
  fixture.exchange(out);
  fixture.endpoint(0).retire();
  fixture.turns.settle();
  CHECK(fixture.upstream.open_count() == 1);
  out = {};
  fixture.turns.settle();
  CHECK(fixture.upstream.open_count() == 0);
}

TEST_CASE("lease: only a connection that was left clean is given back") {
  const auto idle_after = [](const std::string& answer, bool request) {
    UpstreamFixture fixture({1});
    fixture.upstream.at(1).behaviour = answers(answer);
    {
      Lease lease = fixture.connected();
      if (request) fixture.exchange(lease);
    }
    fixture.turns.settle();
    CHECK(fixture.endpoint(0).load() == 0);
    const bool idle = static_cast<bool>(fixture.idle());
    CHECK(idle == (fixture.upstream.open_count() == 1));
    return idle;
  };
  CHECK(idle_after(response_text("whole"), true));
  CHECK(idle_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", true));
  CHECK(idle_after("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", true));
  CHECK_FALSE(idle_after({}, false));                                              // never used
  CHECK_FALSE(idle_after({}, true));                                               // no answer
  CHECK_FALSE(idle_after("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx", true));  // half of it
  CHECK_FALSE(idle_after(response_text("x", "Connection: close\r\n"), true));      // announces the end
  CHECK_FALSE(idle_after("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", true));  // no keep-alive
  CHECK_FALSE(idle_after("HTTP/1.1 200 OK\r\n\r\nx", true));   // the body ends with the connection
  CHECK_FALSE(idle_after(response_text("x") + "more", true));  // more bytes than the response
  CHECK_FALSE(idle_after("no HTTP at all\r\n\r\n", true));
}

TEST_CASE("lease: a body that was not read through is not given back") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour = answers(response_text("unread"));
  {
    Lease lease = fixture.connected();
    http::RequestHead head;
    head.method_text = "GET";
    head.target = "/";
    lease->request_body().end();
    lease->send(head);
    fixture.turns.settle();
  }
  fixture.turns.settle();
  CHECK_FALSE(fixture.idle());
  CHECK(fixture.upstream.open_count() == 0);
}

TEST_CASE("lease: moving one moves its load") {
  UpstreamFixture fixture({1});
  Lease first = fixture.connected();
  CHECK(fixture.endpoint(0).load() == 1);
  Lease second = std::move(first);
  CHECK(fixture.endpoint(0).load() == 1);
  first = std::move(second);
  CHECK(fixture.endpoint(0).load() == 1);
  first = {};
  CHECK(fixture.endpoint(0).load() == 0);
}

TEST_CASE("lease: a tunnel that has the transport outlives the connection, and keeps the permit") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).behaviour =
      answers("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nearly");
  Lease lease = fixture.connected();
  fixture.exchange(lease);
  lease.close_if_transport_taken();
  CHECK(lease);  // its transport is still its own
  support::ScriptedPeer tunnel(lease->take_tunnel());
  lease.close_if_transport_taken();
  fixture.turns.settle();
  CHECK_FALSE(lease);
  CHECK(fixture.endpoint(0).load() == 1);
  CHECK(fixture.upstream.open_count() == 1);
  CHECK(tunnel.heard() == "early");
  lease = {};
  CHECK(fixture.endpoint(0).load() == 0);
}

TEST_CASE("connect: a scope that is cancelled ends it") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).reach = support::Reach::silent;
  Connecting connecting(fixture.turns, fixture.connector, fixture.group(), 0);
  CHECK_FALSE(connecting.outcome.has_value());
  connecting.scope.cancel(base::Cause::client_closed);
  fixture.turns.settle();
  REQUIRE(connecting.outcome.has_value());
  CHECK(connecting.outcome->error().cause == base::Cause::client_closed);
}

TEST_CASE("connect: the limit of the group is kept, and the endpoint rests") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).reach = support::Reach::silent;
  Connecting connecting(fixture.turns, fixture.connector, fixture.group(), 0);
  fixture.turns.advance(4900ms);
  CHECK_FALSE(connecting.outcome.has_value());
  fixture.turns.advance(200ms);
  REQUIRE(connecting.outcome.has_value());
  CHECK(connecting.outcome->error() == base::Error{base::Cause::upstream_timed_out, base::Stage::connect});
  CHECK(fixture.endpoint(0).availability() == Availability::cooling_down);
}

TEST_CASE("connect: a client that leaves says nothing about the endpoint") {
  UpstreamFixture fixture({1});
  fixture.upstream.at(1).reach = support::Reach::silent;
  Connecting connecting(fixture.turns, fixture.connector, fixture.group(), 0);
  connecting.scope.cancel(base::Cause::client_closed);
  fixture.turns.settle();
  CHECK(fixture.endpoint(0).availability() == Availability::available);
}

TEST_CASE("pool: connections to where the endpoint's name no longer leads are closed, others are used") {
  for (const bool looked_up : {true, false}) {
    CAPTURE(looked_up);
    UpstreamFixture fixture({1});
    fixture.upstream.at(1).behaviour = answers(response_text("x"));
    fixture.models[0].endpoints[0].looked_up = looked_up;
    fill(fixture, 3);  // an unused lease closes its connection
    CHECK(fixture.idle());
    fixture.upstream.leads = false;
    CHECK(static_cast<bool>(fixture.idle()) != looked_up);
    fixture.turns.settle();
    CHECK(fixture.upstream.at(1).open_count() == (looked_up ? 0 : 1));
  }
}
