// May an attempt be repeated without anything being lost, or done twice against the operator's will?
#pragma once

#include "base/error.h"
#include "http/head.h"
#include "upstream/group_model.h"

namespace postern::proxy {

struct AttemptFacts {
  bool sent = false;            // bytes of the request were given to the endpoint
  bool response_begun = false;  // a byte of the response has come
  bool body_consumed = false;   // bytes of the request's body are gone
  bool informed = false;        // the client has had an interim response
};

// Whether a request with this method may be sent a second time. What a method means that is nobody's but the
// application's is not known here: it never is.
bool may_repeat(http::Method method, const upstream::RetryModel& rules);

// One that failed.
bool may_retry(base::Cause cause, const AttemptFacts& facts, http::Method method,
               const upstream::RetryModel& rules);
// One whose answer is whole, and not wanted because of its status.
bool may_retry_status(uint16_t status, const AttemptFacts& facts, http::Method method,
                      const upstream::RetryModel& rules);

}  // namespace postern::proxy
