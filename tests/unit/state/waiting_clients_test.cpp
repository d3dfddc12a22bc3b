#include "state/waiting_clients.h"

#include <doctest/doctest.h>

#include "state/process_load.h"

using namespace postern;
using namespace std::chrono_literals;

TEST_CASE(
    "waiting clients: a client's first upgrade says how long those after it may wait, until it is "
    "forgotten") {
  constexpr base::Instant start{base::Duration(1'000'000'000'000)};
  state::ProcessLoads loads;
  const auto clients = loads.clients_of("app");
  CHECK(clients == loads.clients_of("app"));  // shared by all workers
  CHECK(clients != loads.clients_of("other"));
  CHECK(clients->until("a", start + 10s, start) == start + 10s);
  CHECK(clients->until("a", start + 14s, start + 4s) == start + 10s);
  CHECK(clients->until("a", start + 5s, start + 4s) == start + 5s);  // not longer than it would wait alone
  CHECK(clients->until("a", start + 30s, start + 20s) == start + 10s);
  CHECK(clients->until("b", start + 30s, start + 20s) == start + 30s);
  clients->forget();
  CHECK(clients->until("a", start + 40s, start + 30s) == start + 40s);
}
