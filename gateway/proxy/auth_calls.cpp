#include "proxy/auth_calls.h"

#include <chrono>

#include "base/error.h"
#include "proxy/auth_call.h"
#include "proxy/auth_question.h"
#include "proxy/exchange_state.h"
#include "proxy/loop_guard.h"

namespace postern::proxy {

using base::Cause;
using policy::AuthFailure;
using policy::AuthResult;

namespace {

AuthResult failure(Cause cause, std::string detail) {
  return AuthResult::make(tl::unexpected(AuthFailure{cause, std::move(detail)}));
}

policy::AuthDesk::Reply too_many(const policy::AuthServer& server) {
  return {failure(Cause::auth_waits_full,
                  std::to_string(AuthCalls::waiting_max) + " requests wait for " + server.name),
          {}};
}

// Whether an answer may serve a request that differs from the one it was given to, where the key leaves parts
// out: a refusal may speak about those, as a redirect does about the address.
bool serves_others(const policy::AuthServer& server, const AuthResult& answer) {
  return server.token || server.cache->key.empty() || !*answer || (*answer)->passes();
}

}  // namespace

// One question under way, and the requests that wait for it.
class AuthCalls::Flight final : private AuthCall::Owner {
 public:
  Flight(AuthCalls& calls, AuthCall::Subject subject)
      : calls_(calls), call_(calls.turn_, calls.connector_, calls.answers_, *this, std::move(subject)) {}
  ~Flight() = default;
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;

  void begin() { call_.begin(); }
  void join(base::Link& waiter) { waiters_.append(waiter); }
  // A waiter has left the list.
  void on_waiter_left() {
    if (waiters_.linked() || answered_ || unawaited_) return;
    if (server().token && calls_.unawaited_ < unawaited_max) {
      unawaited_ = true;
      ++calls_.unawaited_;
      return;
    }
    answered_ = true;
    end_sharing();
    call_.abandon();
  }
  const policy::AuthServer& server() const { return call_.subject().server; }

  std::list<std::unique_ptr<Flight>>::iterator place;  // in flights_
  bool shared = false;                                 // it is in shared_

 private:
  void on_answer(AuthResult answer, bool storable) override;
  void on_over() override {
    end_sharing();
    if (unawaited_) --calls_.unawaited_;
    std::unique_ptr<Flight> self = std::move(*place);
    calls_.flights_.erase(place);
    calls_.turn_.graveyard.bury(std::move(self));
  }
  void end_sharing() {
    if (std::exchange(shared, false)) calls_.shared_.erase(*call_.subject().key);
  }

  AuthCalls& calls_;
  base::Link waiters_;
  bool answered_ = false;   // or given up
  bool unawaited_ = false;  // it has been, once: it goes on to its end
  AuthCall call_;
};

// One request that waits.
class AuthCalls::Waiter final : public policy::AskedAuth {
 public:
  // A moment later than the limit of the question, which says more about what was wrong.
  Waiter(AuthCalls& calls, Flight& flight, bool joined)
      : AskedAuth(flight.server().timeout + std::chrono::seconds(1)),
        calls_(calls),
        flight_(&flight),
        joined_(joined),
        count_(calls.waiting_.try_emplace(flight.server().name, 0).first) {
    ++count_->second;
    flight.join(link_);
  }
  ~Waiter() override {
    if (--count_->second == 0) calls_.waiting_.erase(count_);
    link_.unlink();
    if (flight_) flight_->on_waiter_left();
  }
  void receive(const AuthResult& answer, bool serves_others) {
    flight_ = nullptr;
    if (!joined_ || serves_others) result_ = answer;
    arrive();
  }
  static Waiter& of(base::Link* link) { return *base::LinkIn<Waiter>::of(link); }

 private:
  AuthCalls& calls_;
  Flight* flight_;  // null: it has answered
  bool joined_;     // the question of another request
  Waiting::iterator count_;
  base::LinkIn<Waiter> link_{this};
};

void AuthCalls::Flight::on_answer(AuthResult answer, bool storable) {
  answered_ = true;
  end_sharing();
  const AuthCall::Subject& subject = call_.subject();
  bool others = true;
  if (subject.key) {
    // An answer that sets a cookie, or must not be kept, is for the one who asked.
    others = (storable || !*answer) && serves_others(server(), answer);
    if (!server().token)
      calls_.cache_.keep(*subject.key, answer, *server().cache, storable, calls_.turn_.now);
  }
  while (waiters_.linked()) {
    Waiter& waiter = Waiter::of(waiters_.next);
    waiters_.next->unlink();
    waiter.receive(answer, others);
  }
}

AuthCalls::AuthCalls(base::Turn& turn, const upstream::Connector& connector, state::SharedAnswers& shared)
    : turn_(turn), connector_(connector), answers_(shared) {}

AuthCalls::~AuthCalls() = default;

size_t AuthCalls::waiting(std::string_view upstream) const {
  const auto found = waiting_.find(upstream);
  return found == waiting_.end() ? 0 : found->second;
}

std::optional<AuthCache::Key> AuthCalls::key_of(const ExchangeState& exchange,
                                                const policy::AuthServer& server) {
  if (!server.cache) return std::nullopt;
  key_text_.clear();
  if (!append_auth_key(exchange, server, key_text_)) return std::nullopt;
  return crypto::sha256(key_text_);
}

AuthCalls::Reply AuthCalls::ask(const ExchangeState& exchange, const policy::AuthServer& server, bool alone) {
  if (comes_back(exchange.stream.request().headers, exchange.route->rewriting.loop_mark))
    return {{failure(Cause::loop,
                     "asking " + server.name + " leads back to route \"" + exchange.route->name + "\""),
             {}}};
  const std::optional<AuthCache::Key> key = key_of(exchange, server);
  if (!key) return {begin(exchange, server, key, false)};
  if (AuthResult kept = server.token ? AuthResult() : cache_.find(*key, turn_.now))
    return {{std::move(kept), {}}, true};
  const auto found = shared_.find(*key);
  if (alone || found == shared_.end()) return {begin(exchange, server, key, found == shared_.end())};
  if (waiting(server.name) >= waiting_max) return {too_many(server)};
  return {{AuthResult(), std::make_unique<Waiter>(*this, *found->second, true)}};
}

policy::AuthDesk::Reply AuthCalls::begin(const ExchangeState& exchange, const policy::AuthServer& server,
                                         const std::optional<AuthCache::Key>& key, bool shared) {
  if (waiting(server.name) >= waiting_max) return too_many(server);
  AuthCall::Subject subject{exchange.pin, server, exchange.facts.client.address,
                            auth_question(exchange, server), key};
  Flight& flight = *flights_.emplace_back(std::make_unique<Flight>(*this, std::move(subject)));
  flight.place = std::prev(flights_.end());
  if (shared) flight.shared = shared_.emplace(*key, &flight).second;
  auto waiter = std::make_unique<Waiter>(*this, flight, false);
  flight.begin();
  return {AuthResult(), std::move(waiter)};
}

}  // namespace postern::proxy
