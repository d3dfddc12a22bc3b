// Decides whether an attempt may be repeated, so that nothing is lost and nothing is done twice against the
// operator's will.
#pragma once

#include "base/error_fwd.h"
#include "http/head.h"
#include "upstream/group_model.h"

namespace postern::proxy {

struct AttemptFacts {
  bool sent = false;            // bytes of the request were written to the endpoint
  bool response_begun = false;  // a byte of the response was received
  bool body_consumed = false;   // bytes of the request's body were read and are not kept
  bool informed = false;        // the client has received an interim response
};

// Whether a request with this method may be sent a second time. Never true for a method that only the
// application defines: the gateway does not know what it means.
bool may_repeat(http::Method method, const upstream::RetryModel& rules);

// Whether an attempt that failed may be repeated.
bool may_retry(base::Cause cause, const AttemptFacts& facts, http::Method method,
               const upstream::RetryModel& rules);
// Whether an attempt may be repeated because of the status of its response, which has been received
// completely.
bool may_retry_status(uint16_t status, const AttemptFacts& facts, http::Method method,
                      const upstream::RetryModel& rules);

}  // namespace postern::proxy
