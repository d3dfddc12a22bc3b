#include "net/resolver.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "scripted_names.h"
#include "support/turn_fixture.h"
#include "support/watched_task.h"

using namespace postern;
using namespace postern::net;
using namespace std::chrono_literals;
using base::Cause;
using base::Stage;

namespace {

using Resolving = support::WatchedTask<base::Result<Resolver::Addresses>>;
using ResolvingService = support::WatchedTask<base::Result<Resolver::Targets>>;

struct Fixture {
  support::TurnFixture turns;
  ScriptedNames names;
  base::Scope scope{turns.turn};
  Resolver resolver{turns.turn, names, 1};
  std::string why;

  // What is known at once; empty when that needs a query.
  std::vector<std::string> now(std::string_view name) {
    Resolving resolving(resolver.resolve(scope, name, why));
    std::vector<std::string> texts;
    if (resolving.ended() && resolving.outcome())
      for (const base::IpAddress& address : *resolving.outcome()) texts.push_back(address.text());
    return texts;
  }
  void learn(std::string_view name, NameAnswer answer) {
    Resolving resolving(resolver.resolve(scope, name, why));
    REQUIRE_FALSE(resolving.ended());
    names.answer(std::move(answer));
    turns.settle();
    REQUIRE(resolving.ended());
    REQUIRE(resolving.outcome().has_value());
  }
  bool leads(std::string_view name, std::string_view address, uint16_t port = 80) {
    return resolver.leads_to(NameKind::host, name, {ip(address), port});
  }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("resolver: a literal is its own answer, at once") {
  Fixture fixture;
  for (const std::string text : {"127.0.0.1", "::1", "10.1.2.3"}) CHECK(fixture.now(text) == Texts{text});
  CHECK(fixture.names.asked.empty());
}

TEST_CASE("resolver: localhost is both loopback addresses, whatever this machine says of the name") {
  Fixture fixture;
  for (const std::string name : {"localhost", "LocalHost"})
    CHECK(fixture.now(name) == Texts{"::1", "127.0.0.1"});
  CHECK(fixture.names.asked.empty());
}

TEST_CASE("resolver: an answer is used for as long as it lives, then asked for again") {
  Fixture fixture;
  fixture.learn("a.example", addresses({"10.0.0.1"}, 30s));
  CHECK(fixture.now("a.example") == Texts{"10.0.0.1"});
  CHECK(fixture.now("A.Example") == Texts{"10.0.0.1"});
  fixture.turns.advance(29s);
  CHECK(fixture.now("a.example") == Texts{"10.0.0.1"});
  CHECK(fixture.names.asked.size() == 1);
  fixture.turns.advance(2s);
  Resolving resolving(fixture.resolver.resolve(fixture.scope, "a.example", fixture.why));
  CHECK_FALSE(resolving.ended());
  CHECK(fixture.names.asked == Texts{"a.example", "a.example"});
  fixture.names.answer(addresses({"10.0.0.2"}, 30s));
  fixture.turns.settle();
  REQUIRE(resolving.ended());
  CHECK(*resolving.outcome() == Resolver::Addresses{ip("10.0.0.2")});
}

TEST_CASE("resolver: the life of an answer is bounded both ways") {
  Fixture fixture;
  fixture.learn("short.example", addresses({"10.0.0.1"}, 0s));
  fixture.turns.advance(Resolver::fresh_min - 50ms);
  CHECK(fixture.now("short.example") == Texts{"10.0.0.1"});
  CHECK(fixture.names.asked.size() == 1);
  fixture.turns.advance(100ms);
  fixture.now("short.example");
  CHECK(fixture.names.asked.size() == 2);
  fixture.names.fail();
  fixture.learn("long.example", addresses({"10.0.0.1"}, 24h));
  const size_t asked = fixture.names.asked.size();
  fixture.turns.advance(Resolver::fresh_max - 1s);
  fixture.now("long.example");
  CHECK(fixture.names.asked.size() == asked);
  fixture.turns.advance(2s);
  fixture.now("long.example");
  CHECK(fixture.names.asked.size() == asked + 1);
}

TEST_CASE("resolver: one question serves all who wait for it") {
  Fixture fixture;
  Resolving first(fixture.resolver.resolve(fixture.scope, "a.example", fixture.why));
  Resolving second(fixture.resolver.resolve(fixture.scope, "a.example", fixture.why));
  Resolving dropped(fixture.resolver.resolve(fixture.scope, "a.example", fixture.why));
  dropped.drop();
  base::Scope leaving(fixture.turns.turn);
  Resolving cancelled(fixture.resolver.resolve(leaving, "a.example", fixture.why));
  leaving.cancel(Cause::client_closed);
  fixture.turns.settle();
  REQUIRE(cancelled.ended());
  CHECK(cancelled.outcome().error().cause == Cause::client_closed);
  CHECK(fixture.names.asked.size() == 1);
  fixture.names.answer(addresses({"10.0.0.1"}, 30s));
  fixture.turns.settle();
  CHECK(first.outcome().has_value());
  CHECK(second.outcome().has_value());
  CHECK_FALSE(dropped.ended());
}

TEST_CASE("resolver: an answer is kept also when nobody waits for it any more") {
  Fixture fixture;
  { Resolving dropped(fixture.resolver.resolve(fixture.scope, "a.example", fixture.why)); }
  fixture.names.answer(addresses({"10.0.0.1"}, 30s));
  CHECK(fixture.now("a.example") == Texts{"10.0.0.1"});
}

TEST_CASE("resolver: another address of a family comes first each time, the families take turns") {
  Fixture fixture;
  fixture.learn("a.example", addresses({"10.0.0.1", "10.0.0.2", "10.0.0.3"}, 30s));
  CHECK(fixture.now("a.example") == Texts{"10.0.0.2", "10.0.0.3", "10.0.0.1"});
  CHECK(fixture.now("a.example") == Texts{"10.0.0.3", "10.0.0.1", "10.0.0.2"});
  CHECK(fixture.now("a.example") == Texts{"10.0.0.1", "10.0.0.2", "10.0.0.3"});
  fixture.learn("both.example", addresses({"10.0.0.1", "10.0.0.2", "2001:db8::1"}, 30s));
  CHECK(fixture.now("both.example") == Texts{"2001:db8::1", "10.0.0.2", "10.0.0.1"});
  CHECK(fixture.now("both.example") == Texts{"2001:db8::1", "10.0.0.1", "10.0.0.2"});
}

TEST_CASE("resolver: a name that cannot be resolved says why, and is not asked for again at once") {
  Fixture fixture;
  Resolving resolving(fixture.resolver.resolve(fixture.scope, "a.example", fixture.why));
  fixture.names.fail("there is no such name");
  fixture.turns.settle();
  REQUIRE(resolving.ended());
  CHECK(resolving.outcome().error() == base::Error{Cause::upstream_unresolved, Stage::resolve});
  CHECK(fixture.why == "there is no such name");
  fixture.turns.advance(Resolver::after_failure - 100ms);
  fixture.why.clear();
  Resolving again(fixture.resolver.resolve(fixture.scope, "a.example", fixture.why));
  REQUIRE(again.ended());
  CHECK_FALSE(again.outcome().has_value());
  CHECK(fixture.why == "there is no such name");
  CHECK(fixture.names.asked.size() == 1);
  fixture.turns.advance(200ms);
  fixture.learn("a.example", addresses({"10.0.0.1"}, 30s));
  CHECK(fixture.now("a.example") == Texts{"10.0.0.1"});
}

TEST_CASE("resolver: a known name survives an outage of its servers, for as long as a stale answer may") {
  Fixture fixture;
  fixture.learn("a.example", addresses({"10.0.0.1"}, 10s));
  fixture.turns.advance(11s);
  Resolving first(fixture.resolver.resolve(fixture.scope, "a.example", fixture.why));
  CHECK_FALSE(first.ended());
  fixture.names.fail();
  fixture.turns.settle();
  REQUIRE(first.ended());
  CHECK(*first.outcome() == Resolver::Addresses{ip("10.0.0.1")});
  CHECK(fixture.now("a.example") == Texts{"10.0.0.1"});  // without waiting, a moment after a failure
  CHECK(fixture.names.asked.size() == 2);
  fixture.turns.advance(Resolver::stale_max - 2s);
  fixture.now("a.example");
  fixture.names.fail();
  CHECK(fixture.now("a.example") == Texts{"10.0.0.1"});
  fixture.turns.advance(3s);
  Resolving last(fixture.resolver.resolve(fixture.scope, "a.example", fixture.why));
  fixture.names.fail();
  fixture.turns.settle();
  REQUIRE(last.ended());
  CHECK_FALSE(last.outcome().has_value());
}

TEST_CASE("resolver: with an old answer at hand a slow server is not waited for to the end") {
  Fixture fixture;
  fixture.learn("a.example", addresses({"10.0.0.1"}, 10s));
  fixture.turns.advance(11s);
  Resolving waiting(fixture.resolver.resolve(fixture.scope, "a.example", fixture.why));
  fixture.turns.advance(Resolver::patience - 50ms);
  CHECK_FALSE(waiting.ended());
  fixture.turns.advance(100ms);
  REQUIRE(waiting.ended());
  CHECK(*waiting.outcome() == Resolver::Addresses{ip("10.0.0.1")});
  CHECK_FALSE(fixture.scope.failure().has_value());
  fixture.names.answer(addresses({"10.0.0.2"}, 10s));  // a late answer is used too
  CHECK(fixture.now("a.example") == Texts{"10.0.0.2"});
}

TEST_CASE("resolver: connections that are at rest lead where the name leads") {
  Fixture fixture;
  CHECK(fixture.leads("10.0.0.1", "10.0.0.1"));
  CHECK_FALSE(fixture.leads("10.0.0.1", "10.0.0.2"));
  CHECK(fixture.leads("localhost", "127.0.0.1"));
  CHECK(fixture.leads("a.example", "10.0.0.1"));  // nothing contradicts it
  CHECK(fixture.names.asked.empty());
  fixture.learn("a.example", addresses({"10.0.0.1", "2001:db8::1"}, 10s));
  CHECK(fixture.leads("a.example", "10.0.0.1"));
  CHECK(fixture.leads("A.example", "2001:db8::1"));
  CHECK_FALSE(fixture.leads("a.example", "10.0.0.9"));
  fixture.turns.advance(11s);
  CHECK(fixture.leads("a.example", "10.0.0.1"));  // the old answer is used until the new one arrives
  CHECK(fixture.names.asked.size() == 2);
  fixture.names.answer(addresses({"10.0.0.2"}, 10s));
  CHECK_FALSE(fixture.leads("a.example", "10.0.0.1"));
  CHECK(fixture.leads("a.example", "10.0.0.2"));
}

TEST_CASE("resolver: a service has its targets by priority, and they lead to their own addresses") {
  Fixture fixture;
  ResolvingService resolving(
      fixture.resolver.resolve_service(fixture.scope, "_http._tcp.a.example", fixture.why));
  CHECK(fixture.names.asked == Texts{"service _http._tcp.a.example"});
  fixture.names.answer(targets({{"b.example", 8002, 20, 1}, {"10.0.0.7", 8001, 10, 1}}, 10s));
  fixture.turns.settle();
  REQUIRE(resolving.ended());
  REQUIRE(resolving.outcome().has_value());
  CHECK(resolving.outcome()->at(0).host == "10.0.0.7");
  CHECK(resolving.outcome()->at(1).host == "b.example");
  const auto leads = [&](std::string_view address, uint16_t port) {
    return fixture.resolver.leads_to(NameKind::service, "_http._tcp.a.example", {ip(address), port});
  };
  CHECK(leads("10.0.0.7", 8001));
  CHECK_FALSE(leads("10.0.0.7", 8003));
  CHECK_FALSE(leads("10.0.0.8", 8001));
  fixture.learn("b.example", addresses({"10.0.0.2"}, 10s));
  CHECK(leads("10.0.0.2", 8002));
  CHECK_FALSE(leads("10.0.0.3", 8002));
  ResolvingService failing(fixture.resolver.resolve_service(fixture.scope, "_x._tcp.a.example", fixture.why));
  fixture.names.fail("there is no such name");
  fixture.turns.settle();
  REQUIRE(failing.ended());
  CHECK(failing.outcome().error().cause == Cause::upstream_unresolved);
}

TEST_CASE("resolver: what other servers said is asked for again") {
  Fixture fixture;
  fixture.learn("a.example", addresses({"10.0.0.1"}, 300s));
  fixture.resolver.forget();
  fixture.learn("a.example", addresses({"10.0.0.2"}, 300s));
  CHECK(fixture.now("a.example") == Texts{"10.0.0.2"});
}

TEST_CASE("resolver: it remembers so many names and no more, the waited for ones always") {
  Fixture fixture;
  Resolving waiting(fixture.resolver.resolve(fixture.scope, "waiting.example", fixture.why));
  NameSource::Asker* asker = fixture.names.open;
  for (size_t i = 1; i < Resolver::names_max; ++i)
    fixture.learn("n" + std::to_string(i) + ".example", addresses({"10.0.0.1"}, 300s));
  const size_t asked = fixture.names.asked.size();
  CHECK(fixture.now("n1.example") == Texts{"10.0.0.1"});
  CHECK(fixture.names.asked.size() == asked);
  fixture.learn("one.more.example", addresses({"10.0.0.1"}, 300s));
  CHECK(fixture.now("n1.example").empty());  // forgotten, and queried
  CHECK(fixture.names.asked.back() == "n1.example");
  asker->on_answer(addresses({"10.0.0.5"}, 300s));
  fixture.turns.settle();
  REQUIRE(waiting.ended());
  CHECK(waiting.outcome().has_value());
}

TEST_CASE("resolver: when every name is waited for, one more is refused") {
  Fixture fixture;
  std::vector<std::unique_ptr<Resolving>> all;
  for (size_t i = 0; i < Resolver::names_max; ++i)
    all.push_back(std::make_unique<Resolving>(
        fixture.resolver.resolve(fixture.scope, "n" + std::to_string(i) + ".example", fixture.why)));
  Resolving refused(fixture.resolver.resolve(fixture.scope, "more.example", fixture.why));
  REQUIRE(refused.ended());
  CHECK(refused.outcome().error().cause == Cause::overloaded);
}
