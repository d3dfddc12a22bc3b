// One try at one endpoint, up to the head of its response.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "http/head.h"
#include "upstream/group_model.h"
#include "upstream/lease.h"

namespace postern::proxy {

struct Attempt {
  upstream::Permit permit;  // until the lease has it
  upstream::Lease lease;
  http::ResponseHead head;
  const upstream::EndpointModel* endpoint = nullptr;
  // The upload that runs beside the coroutine; last, so that it ends before the lease it writes to.
  base::Task<base::Result<void>> uploading;
};

// What a request remembers from one attempt to the next. A request that is held gets turns, each with
// attempts of its own.
struct RetryState {
  std::vector<size_t> tried;      // endpoints, in this turn
  uint32_t attempts = 0;          // in this turn
  uint32_t broken = 0;            // attempts of all turns that failed after they were sent
  bool stale_connection = false;  // a pooled connection turned out to be closed
  bool next_is_free = false;      // the next attempt makes up for that one
  base::Error last{base::Cause::no_endpoint, base::Stage::connect};

  void begin_turn() {
    tried.clear();
    attempts = 0;
    next_is_free = false;
  }
};

}  // namespace postern::proxy
