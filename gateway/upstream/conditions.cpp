#include "upstream/conditions.h"
#include "base/error.h"

namespace postern::upstream {

std::optional<Condition> condition_of(base::Cause cause, bool sent) {
  if (base::traits(cause).fault != base::Side::upstream) return std::nullopt;
  if (!sent) return Condition::connect;
  switch (cause) {
    case base::Cause::upstream_timed_out:
    case base::Cause::upstream_upgrade_unanswered: return Condition::timeout;
    case base::Cause::upstream_bad_response:
    case base::Cause::upstream_head_too_large:
    case base::Cause::upstream_bad_handshake: return Condition::invalid_response;
    case base::Cause::upstream_closed: return Condition::reset;
    default: return std::nullopt;
  }
}

}  // namespace postern::upstream
