#include "policy/request_limits.h"
#include "base/error.h"
#include "policy/request_context.h"

#include <string>

namespace postern::policy {

Verdict RequestLimits::judge(RequestContext& context) const {
  const http::RequestHead& request = context.request;
  if (context.body_size_max == 0 || request.body != http::BodyKind::length) return Verdict::pass();
  if (request.content_length <= context.body_size_max) return Verdict::pass();
  return Verdict::answer(http::refusal(base::Cause::body_too_large,
                                       "the body has " + std::to_string(request.content_length) +
                                           " bytes, the limit is " + std::to_string(context.body_size_max)));
}

}  // namespace postern::policy
