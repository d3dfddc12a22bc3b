#include "base/recent_map.h"

#include <doctest/doctest.h>

using namespace postern;
using namespace std::chrono_literals;

namespace {

constexpr base::Instant start{base::Duration(1'000'000'000'000)};

}  // namespace

TEST_CASE("recent map: what was touched is there, until it was not for long enough") {
  base::RecentMap<int> map(10, 60s);
  CHECK(map.find("a", start) == nullptr);
  map.touch("a", start) = 1;
  map.touch("b", start + 30s) = 2;
  REQUIRE(map.find("a", start + 59s) != nullptr);
  CHECK(*map.find("a", start + 59s) == 1);
  CHECK(map.find("a", start + 60s) == nullptr);
  CHECK(*map.find("b", start + 60s) == 2);
  CHECK(map.touch("b", start + 80s) == 2);  // kept for another 60 s
  CHECK(map.find("b", start + 139s) != nullptr);
  CHECK(map.touch("a", start + 139s) == 0);  // a new entry
}

TEST_CASE("recent map: of more than it may hold, the one not touched for longest gives way") {
  base::RecentMap<int> map(3, 1h);
  for (const char* key : {"a", "b", "c"}) map.touch(key, start);
  map.touch("a", start + 1s);
  map.touch("d", start + 2s);
  CHECK(map.size() == 3);
  CHECK(map.find("b", start + 2s) == nullptr);
  CHECK(map.find("a", start + 2s) != nullptr);
  map.erase("a");
  map.erase("nothing");
  CHECK(map.size() == 2);
  for (int i = 0; i < 1000; ++i) map.touch(std::to_string(i), start + 3s);
  CHECK(map.size() == 3);
  map.clear();
  CHECK(map.empty());
  CHECK(map.find("999", start + 3s) == nullptr);
}
