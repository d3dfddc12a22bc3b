// May a failed attempt be repeated without anything being lost or done twice?
#pragma once

#include "base/error.h"
#include "http/head.h"

namespace postern::proxy {

struct AttemptFacts {
  bool sent = false;            // bytes of the request were given to the endpoint
  bool response_begun = false;  // a byte of the response has come
  bool body_consumed = false;   // bytes of the request's body are gone
};

bool may_retry(base::Cause cause, const AttemptFacts& facts, http::Method method);

}  // namespace postern::proxy
