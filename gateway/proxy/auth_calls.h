// The questions of one worker to other servers about requests: those under way, the requests that wait for
// them, and the answers that are kept.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/turn.h"
#include "policy/auth_desk.h"
#include "proxy/auth_cache.h"
#include "state/shared_answers.h"
#include "upstream/connector.h"

namespace postern::proxy {

struct ExchangeState;

// For one thread: the worker's. Outlives the requests.
class AuthCalls {
 public:
  // All outlive this; `shared` is the process's.
  AuthCalls(base::Turn& turn, const upstream::Connector& connector, state::SharedAnswers& shared);
  ~AuthCalls();
  AuthCalls(const AuthCalls&) = delete;
  AuthCalls& operator=(const AuthCalls&) = delete;

  // At most so many requests wait for the servers of one upstream, and at most so many questions go on for
  // which no request waits any more (AuthServer::token).
  static constexpr size_t waiting_max = 1000;
  static constexpr size_t unawaited_max = 1000;

  struct Reply {
    policy::AuthDesk::Reply reply;
    bool kept = false;  // it is an answer that was kept
  };
  // Answers from what is kept; or joins a question that is the same; or asks. With `alone` it does not join.
  Reply ask(const ExchangeState& exchange, const policy::AuthServer& server, bool alone);

  size_t waiting(std::string_view upstream) const;

 private:
  class Flight;
  class Waiter;
  using Waiting = std::map<std::string, size_t, std::less<>>;  // by upstream

  policy::AuthDesk::Reply begin(const ExchangeState& exchange, const policy::AuthServer& server,
                                const std::optional<AuthCache::Key>& key, bool shared);
  // nullopt: the answer is kept for nobody.
  std::optional<AuthCache::Key> key_of(const ExchangeState& exchange, const policy::AuthServer& server);

  base::Turn& turn_;
  const upstream::Connector& connector_;
  state::SharedAnswers& answers_;
  AuthCache cache_;
  std::string key_text_;                      // reused, so that a key costs no allocation
  std::map<AuthCache::Key, Flight*> shared_;  // under way; equal requests join them
  Waiting waiting_;
  size_t unawaited_ = 0;  // questions
  std::list<std::unique_ptr<Flight>> flights_;
};

}  // namespace postern::proxy
