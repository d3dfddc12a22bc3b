#include "net/resolver.h"

#include <doctest/doctest.h>

#include "scripted_names.h"
#include "support/watched_task.h"
#include "support/world.h"

using namespace postern;
using namespace postern::net;
using namespace std::chrono_literals;
using base::Cause;
using base::Stage;

namespace {

using Resolving = support::WatchedTask<base::Result<Resolver::Addresses>>;
using ResolvingService = support::WatchedTask<base::Result<Resolver::Targets>>;

struct Ground {
  support::World world;
  ScriptedNames names;
  base::Scope scope{world.turn};
  Resolver resolver{world.turn, names, 1};
  std::string why;

  // What is known at once; nothing when that has to be asked for.
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
    world.settle();
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
  Ground ground;
  for (const std::string text : {"127.0.0.1", "::1", "10.1.2.3"}) CHECK(ground.now(text) == Texts{text});
  CHECK(ground.names.asked.empty());
}

TEST_CASE("resolver: localhost is both loopback addresses, whatever this machine says of the name") {
  Ground ground;
  for (const std::string name : {"localhost", "LocalHost"})
    CHECK(ground.now(name) == Texts{"::1", "127.0.0.1"});
  CHECK(ground.names.asked.empty());
}

TEST_CASE("resolver: an answer is used for as long as it lives, then asked for again") {
  Ground ground;
  ground.learn("a.example", addresses({"10.0.0.1"}, 30s));
  CHECK(ground.now("a.example") == Texts{"10.0.0.1"});
  CHECK(ground.now("A.Example") == Texts{"10.0.0.1"});
  ground.world.advance(29s);
  CHECK(ground.now("a.example") == Texts{"10.0.0.1"});
  CHECK(ground.names.asked.size() == 1);
  ground.world.advance(2s);
  Resolving resolving(ground.resolver.resolve(ground.scope, "a.example", ground.why));
  CHECK_FALSE(resolving.ended());
  CHECK(ground.names.asked == Texts{"a.example", "a.example"});
  ground.names.answer(addresses({"10.0.0.2"}, 30s));
  ground.world.settle();
  REQUIRE(resolving.ended());
  CHECK(*resolving.outcome() == Resolver::Addresses{ip("10.0.0.2")});
}

TEST_CASE("resolver: the life of an answer is bounded both ways") {
  Ground ground;
  ground.learn("short.example", addresses({"10.0.0.1"}, 0s));
  ground.world.advance(Resolver::fresh_min - 50ms);
  CHECK(ground.now("short.example") == Texts{"10.0.0.1"});
  CHECK(ground.names.asked.size() == 1);
  ground.world.advance(100ms);
  ground.now("short.example");
  CHECK(ground.names.asked.size() == 2);
  ground.names.fail();
  ground.learn("long.example", addresses({"10.0.0.1"}, 24h));
  const size_t asked = ground.names.asked.size();
  ground.world.advance(Resolver::fresh_max - 1s);
  ground.now("long.example");
  CHECK(ground.names.asked.size() == asked);
  ground.world.advance(2s);
  ground.now("long.example");
  CHECK(ground.names.asked.size() == asked + 1);
}

TEST_CASE("resolver: one question serves all who wait for it") {
  Ground ground;
  Resolving first(ground.resolver.resolve(ground.scope, "a.example", ground.why));
  Resolving second(ground.resolver.resolve(ground.scope, "a.example", ground.why));
  Resolving dropped(ground.resolver.resolve(ground.scope, "a.example", ground.why));
  dropped.drop();
  base::Scope leaving(ground.world.turn);
  Resolving cancelled(ground.resolver.resolve(leaving, "a.example", ground.why));
  leaving.cancel(Cause::client_closed);
  ground.world.settle();
  REQUIRE(cancelled.ended());
  CHECK(cancelled.outcome().error().cause == Cause::client_closed);
  CHECK(ground.names.asked.size() == 1);
  ground.names.answer(addresses({"10.0.0.1"}, 30s));
  ground.world.settle();
  CHECK(first.outcome().has_value());
  CHECK(second.outcome().has_value());
  CHECK_FALSE(dropped.ended());
}

TEST_CASE("resolver: an answer is kept also when nobody waits for it any more") {
  Ground ground;
  { Resolving dropped(ground.resolver.resolve(ground.scope, "a.example", ground.why)); }
  ground.names.answer(addresses({"10.0.0.1"}, 30s));
  CHECK(ground.now("a.example") == Texts{"10.0.0.1"});
}

TEST_CASE("resolver: another address of a family comes first each time, the families take turns") {
  Ground ground;
  ground.learn("a.example", addresses({"10.0.0.1", "10.0.0.2", "10.0.0.3"}, 30s));
  CHECK(ground.now("a.example") == Texts{"10.0.0.2", "10.0.0.3", "10.0.0.1"});
  CHECK(ground.now("a.example") == Texts{"10.0.0.3", "10.0.0.1", "10.0.0.2"});
  CHECK(ground.now("a.example") == Texts{"10.0.0.1", "10.0.0.2", "10.0.0.3"});
  ground.learn("both.example", addresses({"10.0.0.1", "10.0.0.2", "2001:db8::1"}, 30s));
  CHECK(ground.now("both.example") == Texts{"2001:db8::1", "10.0.0.2", "10.0.0.1"});
  CHECK(ground.now("both.example") == Texts{"2001:db8::1", "10.0.0.1", "10.0.0.2"});
}

TEST_CASE("resolver: a name that cannot be resolved says why, and is not asked for again at once") {
  Ground ground;
  Resolving resolving(ground.resolver.resolve(ground.scope, "a.example", ground.why));
  ground.names.fail("there is no such name");
  ground.world.settle();
  REQUIRE(resolving.ended());
  CHECK(resolving.outcome().error() == base::Error{Cause::upstream_unresolved, Stage::resolve});
  CHECK(ground.why == "there is no such name");
  ground.world.advance(Resolver::after_failure - 100ms);
  ground.why.clear();
  Resolving again(ground.resolver.resolve(ground.scope, "a.example", ground.why));
  REQUIRE(again.ended());
  CHECK_FALSE(again.outcome().has_value());
  CHECK(ground.why == "there is no such name");
  CHECK(ground.names.asked.size() == 1);
  ground.world.advance(200ms);
  ground.learn("a.example", addresses({"10.0.0.1"}, 30s));
  CHECK(ground.now("a.example") == Texts{"10.0.0.1"});
}

TEST_CASE("resolver: a known name survives an outage of its servers, for as long as a stale answer may") {
  Ground ground;
  ground.learn("a.example", addresses({"10.0.0.1"}, 10s));
  ground.world.advance(11s);
  Resolving first(ground.resolver.resolve(ground.scope, "a.example", ground.why));
  CHECK_FALSE(first.ended());
  ground.names.fail();
  ground.world.settle();
  REQUIRE(first.ended());
  CHECK(*first.outcome() == Resolver::Addresses{ip("10.0.0.1")});
  CHECK(ground.now("a.example") == Texts{"10.0.0.1"});  // without waiting, a moment after a failure
  CHECK(ground.names.asked.size() == 2);
  ground.world.advance(Resolver::stale_max - 2s);
  ground.now("a.example");
  ground.names.fail();
  CHECK(ground.now("a.example") == Texts{"10.0.0.1"});
  ground.world.advance(3s);
  Resolving last(ground.resolver.resolve(ground.scope, "a.example", ground.why));
  ground.names.fail();
  ground.world.settle();
  REQUIRE(last.ended());
  CHECK_FALSE(last.outcome().has_value());
}

TEST_CASE("resolver: with an old answer at hand a slow server is not waited for to the end") {
  Ground ground;
  ground.learn("a.example", addresses({"10.0.0.1"}, 10s));
  ground.world.advance(11s);
  Resolving waiting(ground.resolver.resolve(ground.scope, "a.example", ground.why));
  ground.world.advance(Resolver::patience - 50ms);
  CHECK_FALSE(waiting.ended());
  ground.world.advance(100ms);
  REQUIRE(waiting.ended());
  CHECK(*waiting.outcome() == Resolver::Addresses{ip("10.0.0.1")});
  CHECK_FALSE(ground.scope.failure().has_value());
  ground.names.answer(addresses({"10.0.0.2"}, 10s));  // late, and of use all the same
  CHECK(ground.now("a.example") == Texts{"10.0.0.2"});
}

TEST_CASE("resolver: connections that are at rest lead where the name leads") {
  Ground ground;
  CHECK(ground.leads("10.0.0.1", "10.0.0.1"));
  CHECK_FALSE(ground.leads("10.0.0.1", "10.0.0.2"));
  CHECK(ground.leads("localhost", "127.0.0.1"));
  CHECK(ground.leads("a.example", "10.0.0.1"));  // nothing is known to the contrary
  CHECK(ground.names.asked.empty());
  ground.learn("a.example", addresses({"10.0.0.1", "2001:db8::1"}, 10s));
  CHECK(ground.leads("a.example", "10.0.0.1"));
  CHECK(ground.leads("A.example", "2001:db8::1"));
  CHECK_FALSE(ground.leads("a.example", "10.0.0.9"));
  ground.world.advance(11s);
  CHECK(ground.leads("a.example", "10.0.0.1"));  // the old answer holds while the new one is on its way
  CHECK(ground.names.asked.size() == 2);
  ground.names.answer(addresses({"10.0.0.2"}, 10s));
  CHECK_FALSE(ground.leads("a.example", "10.0.0.1"));
  CHECK(ground.leads("a.example", "10.0.0.2"));
}

TEST_CASE("resolver: a service has its targets by priority, and they lead to their own addresses") {
  Ground ground;
  ResolvingService resolving(
      ground.resolver.resolve_service(ground.scope, "_http._tcp.a.example", ground.why));
  CHECK(ground.names.asked == Texts{"service _http._tcp.a.example"});
  ground.names.answer(targets({{"b.example", 8002, 20, 1}, {"10.0.0.7", 8001, 10, 1}}, 10s));
  ground.world.settle();
  REQUIRE(resolving.ended());
  REQUIRE(resolving.outcome().has_value());
  CHECK(resolving.outcome()->at(0).host == "10.0.0.7");
  CHECK(resolving.outcome()->at(1).host == "b.example");
  const auto leads = [&](std::string_view address, uint16_t port) {
    return ground.resolver.leads_to(NameKind::service, "_http._tcp.a.example", {ip(address), port});
  };
  CHECK(leads("10.0.0.7", 8001));
  CHECK_FALSE(leads("10.0.0.7", 8003));
  CHECK_FALSE(leads("10.0.0.8", 8001));
  ground.learn("b.example", addresses({"10.0.0.2"}, 10s));
  CHECK(leads("10.0.0.2", 8002));
  CHECK_FALSE(leads("10.0.0.3", 8002));
  ResolvingService failing(ground.resolver.resolve_service(ground.scope, "_x._tcp.a.example", ground.why));
  ground.names.fail("there is no such name");
  ground.world.settle();
  REQUIRE(failing.ended());
  CHECK(failing.outcome().error().cause == Cause::upstream_unresolved);
}

TEST_CASE("resolver: what other servers said is asked for again") {
  Ground ground;
  ground.learn("a.example", addresses({"10.0.0.1"}, 300s));
  ground.resolver.forget();
  ground.learn("a.example", addresses({"10.0.0.2"}, 300s));
  CHECK(ground.now("a.example") == Texts{"10.0.0.2"});
}

TEST_CASE("resolver: it remembers so many names and no more, the waited for ones always") {
  Ground ground;
  Resolving waiting(ground.resolver.resolve(ground.scope, "waiting.example", ground.why));
  NameSource::Asker* asker = ground.names.open;
  for (size_t i = 1; i < Resolver::names_max; ++i)
    ground.learn("n" + std::to_string(i) + ".example", addresses({"10.0.0.1"}, 300s));
  const size_t asked = ground.names.asked.size();
  CHECK(ground.now("n1.example") == Texts{"10.0.0.1"});
  CHECK(ground.names.asked.size() == asked);
  ground.learn("one.more.example", addresses({"10.0.0.1"}, 300s));
  CHECK(ground.now("n1.example").empty());  // forgotten, and asked for
  CHECK(ground.names.asked.back() == "n1.example");
  asker->on_answer(addresses({"10.0.0.5"}, 300s));
  ground.world.settle();
  REQUIRE(waiting.ended());
  CHECK(waiting.outcome().has_value());
}

TEST_CASE("resolver: when every name is waited for, one more is refused") {
  Ground ground;
  std::vector<std::unique_ptr<Resolving>> all;
  for (size_t i = 0; i < Resolver::names_max; ++i)
    all.push_back(std::make_unique<Resolving>(
        ground.resolver.resolve(ground.scope, "n" + std::to_string(i) + ".example", ground.why)));
  Resolving refused(ground.resolver.resolve(ground.scope, "more.example", ground.why));
  REQUIRE(refused.ended());
  CHECK(refused.outcome().error().cause == Cause::overloaded);
}
