// The policy module judges requests and amends responses. It knows messages, origins and tokens; it gives
// policies, and the pipeline that runs the policies of one route in their fixed order; it must not know
// streams, sockets, YAML or which endpoint a request will go to.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "http/head.h"
#include "http/local_response.h"
#include "policy/awaited.h"

namespace postern::policy {

struct RequestContext;

// The result of a policy: the request passes, or gets this response, or waits for something before the policy
// can say.
class Verdict {
 public:
  static Verdict pass() { return {}; }
  static Verdict answer(http::LocalResponse response) {
    Verdict verdict;
    verdict.response_ = std::make_unique<http::LocalResponse>(std::move(response));
    return verdict;
  }
  static Verdict wait(std::unique_ptr<Awaited> awaited) {
    Verdict verdict;
    verdict.awaited_ = std::move(awaited);
    return verdict;
  }
  bool passes() const { return !answers() && !waits(); }
  bool answers() const { return response_ != nullptr; }
  http::LocalResponse& response() { return *response_; }
  bool waits() const { return awaited_ != nullptr; }
  std::unique_ptr<Awaited> take_awaited() { return std::move(awaited_); }

 private:
  std::unique_ptr<http::LocalResponse> response_;
  std::unique_ptr<Awaited> awaited_;
};

// Immutable and shared by all workers; a call never suspends. What a policy learns about a request is stored
// in the context. A policy that needs something that is not there yet returns Verdict::wait(); it is asked
// again when that has arrived, and finds it in context.awaited. The policies of a route may wait 32 times
// for one request.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual std::string_view name() const = 0;
  virtual Verdict judge(RequestContext& context) const = 0;
  // Called in place of judge() when what this policy has waited for (context.awaited) did not come in time.
  // The request is refused for the cause that the wait names, unless the policy has another way.
  virtual Verdict give_up(RequestContext& context) const;
  // Called for every response, including the gateway's own.
  virtual void amend(const RequestContext& context, http::ResponseHead& head) const;
};

// The policies of one route. They run in the order that pipeline.cpp defines, whatever order they are given
// in.
class Pipeline {
 public:
  Pipeline() = default;
  explicit Pipeline(std::vector<std::unique_ptr<const Policy>> policies);
  // Asks the policies until one does not pass. When the verdict is to wait, the caller awaits what it says,
  // puts it into context.awaited and calls again with the same context: judging goes on at the policy that
  // asked for it, and those before it are not asked again.
  Verdict judge(RequestContext& context) const;
  // Adds the cookies that the policies have learned of, and has each of them amend the head.
  void amend(const RequestContext& context, http::ResponseHead& head) const;

 private:
  std::vector<std::unique_ptr<const Policy>> policies_;
};

}  // namespace postern::policy
