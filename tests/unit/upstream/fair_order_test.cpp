#include "upstream/fair_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

using namespace postern;
using namespace postern::upstream;

namespace {

base::IpAddress address(const char* text) { return *base::IpAddress::parse(text); }

// Named entries in one order.
struct Fixture {
  struct Named : FairOrder::Entry {
    std::string name;
  };
  Named& enter(const std::string& name, const char* client) {
    entries.push_back(std::make_unique<Named>());
    entries.back()->name = name;
    order.enter(*entries.back(), address(client));
    return *entries.back();
  }
  std::string names() {
    std::string all;
    for (FairOrder::Entry* at = order.first(); at; at = order.after(*at))
      all += (all.empty() ? "" : " ") + static_cast<Named&>(*at).name;
    return all;
  }
  FairOrder order;
  std::vector<std::unique_ptr<Named>> entries;
};

}  // namespace

TEST_CASE("fair order: the first wish of each client comes before the second of any") {
  Fixture fixture;
  for (const char* name : {"a1", "a2", "a3"}) fixture.enter(name, "192.0.2.1");
  fixture.enter("b1", "192.0.2.2");
  fixture.enter("c1", "192.0.2.3");
  fixture.enter("b2", "192.0.2.2");
  CHECK(fixture.names() == "a1 b1 c1 a2 b2 a3");
}

TEST_CASE("fair order: an IPv6 client is its /64, and no IPv4 client") {
  Fixture fixture;
  fixture.enter("a1", "2001:db8::1");
  fixture.enter("a2", "2001:db8::2");
  fixture.enter("b1", "2001:db8:0:1::1");
  fixture.enter("c1", "32.1.13.184");  // the same four bytes
  CHECK(fixture.names() == "a1 b1 c1 a2");
}

TEST_CASE("fair order: who comes later begins where the order has got to, and saves nothing up") {
  Fixture fixture;
  for (const char* name : {"a1", "a2", "a3", "a4"}) fixture.enter(name, "192.0.2.1");
  for (int i = 0; i < 2; ++i) fixture.entries[static_cast<size_t>(i)]->leave();
  for (const char* name : {"b1", "b2", "b3"}) fixture.enter(name, "192.0.2.2");
  CHECK(fixture.names() == "a3 b1 a4 b2 b3");
}

TEST_CASE("fair order: a client whose last wish leaves gets its place again") {
  Fixture fixture;
  fixture.enter("a1", "192.0.2.1");
  Fixture::Named& last = fixture.enter("a2", "192.0.2.1");
  fixture.enter("b1", "192.0.2.2");
  fixture.enter("b2", "192.0.2.2");
  last.leave();
  CHECK_FALSE(last.entered());
  fixture.enter("a3", "192.0.2.1");
  CHECK(fixture.names() == "a1 b1 b2 a3");
  CHECK(fixture.order.stands_behind(*fixture.order.last(), address("192.0.2.3")));
  CHECK_FALSE(fixture.order.stands_behind(*fixture.order.last(), address("192.0.2.1")));
}

TEST_CASE("fair order: however many new clients come, a second wish has its turn") {
  Fixture fixture;
  fixture.enter("a1", "192.0.2.1");
  fixture.enter("a2", "192.0.2.1");
  std::string served;
  for (int i = 0; i < 6; ++i) {
    fixture.enter("x" + std::to_string(i), ("198.51.100." + std::to_string(i)).c_str());
    auto* first = static_cast<Fixture::Named*>(fixture.order.first());
    served += first->name + " ";
    first->serve();
  }
  CHECK(served == "a1 x0 a2 x1 x2 x3 ");
}

TEST_CASE("fair order: what a client wished for before, and no longer does, is not held against it") {
  Fixture fixture;
  fixture.enter("v", "192.0.2.9");  // stays at the front
  fixture.enter("a0", "192.0.2.1");
  for (int i = 1; i < 100; ++i) {
    fixture.enter("a" + std::to_string(i), "192.0.2.1");
    fixture.entries[fixture.entries.size() - 2]->leave();
  }
  for (const char* name : {"b1", "b2", "b3", "b4"}) fixture.enter(name, "192.0.2.2");
  CHECK(static_cast<Fixture::Named*>(fixture.order.last())->name == "b4");
  CHECK(fixture.order.stands_behind(*fixture.order.last(), address("192.0.2.1")));
}

TEST_CASE("fair order: with places for some, those who give way leave each client its share") {
  Fixture fixture;
  constexpr size_t permits = 12;
  const auto ask = [&](const char* client) {
    if (fixture.entries.size() >= permits) {
      FairOrder::Entry* last = fixture.order.last();
      if (!fixture.order.stands_behind(*last, address(client))) return;
      std::erase_if(fixture.entries, [&](const auto& entry) { return entry.get() == last; });
    }
    fixture.enter(client, client);
  };
  const auto count = [&](const std::string& client) {
    return std::count_if(fixture.entries.begin(), fixture.entries.end(),
                         [&](const auto& entry) { return entry->name == client; });
  };
  for (int i = 0; i < 100; ++i) ask("192.0.2.1");
  CHECK(count("192.0.2.1") == permits);
  ask("192.0.2.2");
  CHECK(count("192.0.2.2") == 1);
  for (int i = 0; i < 100; ++i) ask("192.0.2.2");
  CHECK(count("192.0.2.1") == 6);
  for (int i = 0; i < 100; ++i)
    for (const char* client : {"192.0.2.3", "192.0.2.1", "192.0.2.2", "192.0.2.3"}) ask(client);
  for (const char* client : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) CHECK(count(client) == 4);
}

TEST_CASE("fair order: whatever enters and leaves, ranks are in order and nobody is lost") {
  std::mt19937 random(7);
  Fixture fixture;
  for (int step = 0; step < 20'000; ++step) {
    if (fixture.entries.size() < 40 && random() % 2 == 0) {
      const std::string client = "192.0.2." + std::to_string(random() % 7);
      fixture.enter(client, client.c_str());
    } else if (!fixture.entries.empty()) {
      fixture.entries.erase(fixture.entries.begin() +
                            static_cast<std::ptrdiff_t>(random() % fixture.entries.size()));
    }
    size_t there = 0;
    for (FairOrder::Entry* at = fixture.order.first(); at; at = fixture.order.after(*at)) ++there;
    REQUIRE(there == fixture.entries.size());
  }
  fixture.entries.clear();
  CHECK(fixture.order.empty());
}
