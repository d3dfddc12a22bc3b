#include "policy/request_limits.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "support/judged_request.h"

using namespace postern::policy;
using postern::http::BodyKind;
using postern::support::JudgedRequest;

namespace {

Verdict judged(uint64_t limit, BodyKind body, uint64_t length) {
  JudgedRequest request("POST");
  request.head.body = body;
  request.head.content_length = length;
  request.context.body_size_max = limit;
  return RequestLimits().judge(request.context);
}

}  // namespace

TEST_CASE("request limits: a body of the limit passes, one byte more is refused with 413") {
  CHECK_FALSE(judged(10, BodyKind::length, 10).answers());
  Verdict verdict = judged(10, BodyKind::length, 11);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().status == 413);
  CHECK(verdict.response().cause == postern::base::Cause::body_too_large);
  CHECK(verdict.response().detail == "the body has 11 bytes, the limit is 10");
}

TEST_CASE("request limits: no limit, no body and a body without length pass") {
  CHECK_FALSE(judged(0, BodyKind::length, UINT64_MAX).answers());
  CHECK_FALSE(judged(10, BodyKind::none, 0).answers());
  CHECK_FALSE(judged(10, BodyKind::chunked, 0).answers());
}
