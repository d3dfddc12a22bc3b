// One attempt to send a request to one endpoint, up to the head of the response; and the state that a request
// keeps between its attempts.
#pragma once

#include <vector>

#include "base/error_fwd.h"
#include "base/result.h"
#include "base/task.h"
#include "http/head.h"
#include "upstream/group_model.h"
#include "upstream/lease.h"

namespace postern::proxy {

struct Attempt {
  upstream::Permit permit;  // until the lease takes it over
  upstream::Lease lease;
  http::ResponseHead head;
  const upstream::EndpointModel* endpoint = nullptr;
  // The upload runs concurrently with the exchange's coroutine. It is the last member, so that it is
  // destroyed before the lease that it writes to.
  base::Task<base::Result<void>> uploading;
};

// What a request remembers from one attempt to the next. A held request gets several turns, and each turn has
// its own attempts.
struct RetryState {
  RetryState();  // in retry.cpp, where causes are known

  std::vector<size_t> tried;      // endpoints tried in this turn
  uint32_t attempts = 0;          // in this turn
  uint32_t broken = 0;            // attempts of all turns that failed after they were sent
  bool stale_connection = false;  // a pooled connection was found closed
  bool next_is_free = false;  // the next attempt replaces the one on the stale connection and is not counted
  base::Error last;           // no_endpoint, until an attempt fails

  void begin_turn() {
    tried.clear();
    attempts = 0;
    next_is_free = false;
  }
};

}  // namespace postern::proxy
