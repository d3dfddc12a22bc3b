#include "proxy/retry.h"

namespace postern::proxy {

bool may_retry(base::Cause cause, const AttemptFacts& facts, http::Method method) {
  if (facts.response_begun || facts.body_consumed) return false;
  switch (base::traits(cause).retry) {
    case base::Retry::never: return false;
    case base::Retry::if_unsent: return !facts.sent;
    case base::Retry::if_idempotent: return !facts.sent || http::is_idempotent(method);
  }
  return false;
}

}  // namespace postern::proxy
