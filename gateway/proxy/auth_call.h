// One question to another server about a request: a coroutine that belongs to the worker and not to the
// request, as several requests may wait for its answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"
#include "base/root_task.h"
#include "base/scope.h"
#include "http/head.h"
#include "policy/auth_desk.h"
#include "proxy/auth_cache.h"
#include "proxy/snapshot.h"
#include "state/shared_answers.h"
#include "upstream/connector.h"

namespace postern::proxy {

class AuthCall final : private base::RootTask<bool>::Owner {
 public:
  class Owner {
   public:
    // The answer is there, or it is known that there will be none. `storable`: the server lets it be kept.
    virtual void on_answer(policy::AuthResult answer, bool storable) = 0;
    // Nothing is left to do; the call is freed at the end of the turn.
    virtual void on_over() = 0;

   protected:
    ~Owner() = default;
  };

  // What the call is about. `server` belongs to the snapshot of the pin.
  struct Subject {
    Pin pin;
    const policy::AuthServer& server;
    base::IpAddress client;
    http::RequestHead question;         // see auth_question()
    std::optional<AuthCache::Key> key;  // nullopt: the answer is not kept
  };

  // All arguments but the subject outlive the call.
  AuthCall(base::Turn& turn, const upstream::Connector& connector, state::SharedAnswers& shared, Owner& owner,
           Subject subject);
  ~AuthCall();

  // Called once. The answer may be there before it returns.
  void begin();
  // Nobody waits for the answer any more.
  void abandon();

  const Subject& subject() const { return subject_; }

 private:
  void on_task_ended(bool) override { owner_.on_over(); }
  base::Task<bool> run();
  base::Task<bool> await_turn();
  base::Task<base::Result<http::ResponseHead>> send();
  base::Task<base::Result<http::ResponseHead>> send_to(size_t index, upstream::Permit& permit);
  base::Task<base::Result<void>> connect(size_t index, upstream::Permit& permit);
  base::Task<base::Result<http::ResponseHead>> receive_head();
  base::Task<base::Result<std::string>> receive_body(size_t most);
  bool may_retry(size_t index, base::Error error);
  policy::AuthAnswer answer_of(http::ResponseHead& head) const;
  policy::AuthFailure failure_of(base::Error error) const;
  using Settled = tl::expected<policy::AuthAnswer, policy::AuthFailure>;
  void settle(Settled result, bool storable = false);

  bool is_repeatable() const { return http::is_idempotent(subject_.server.method); }
  upstream::Group& group() const { return *subject_.pin->groups[subject_.server.group]; }
  const telemetry::Series::Upstream& series() const {
    return subject_.pin->series.upstreams[subject_.server.group];
  }

  base::Turn& turn_;
  const upstream::Connector& connector_;
  state::SharedAnswers& answers_;
  Owner& owner_;
  Subject subject_;
  base::Scope scope_;
  upstream::Lease lease_;      // set once a connection is there
  std::vector<size_t> tried_;  // endpoints
  bool abandoned_ = false;
  bool is_for_all_ = false;  // other workers wait for the answer
  bool names_host_ = false;  // the question does; otherwise each endpoint gets its own
  base::Error last_;         // why the last attempt failed
  std::string detail_;       // of that
  uint32_t attempts_ = 0;
  bool met_stale_connection_ = false;  // a pooled one was found closed
  base::RootTask<bool> task_;          // last, so that it is destroyed before what it uses
};

}  // namespace postern::proxy
