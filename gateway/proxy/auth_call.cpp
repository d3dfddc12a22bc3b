#include "proxy/auth_call.h"

#include <chrono>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "base/pause.h"
#include "http/hop_by_hop.h"
#include "proxy/retry.h"
#include "upstream/passive_health.h"

namespace postern::proxy {
namespace {

using base::Cause;
using base::Error;
using base::Result;
using base::Stage;
using base::Task;
using http::FieldId;
using policy::AuthAnswer;
using policy::AuthFailure;

// Of an answer that lets the request pass. Its body says nothing; it is read so that the connection can be
// used again.
constexpr size_t unused_body_max = size_t{64} * 1024;

// How often a worker looks whether another one has the answer that both wait for, and how long it finds one
// there that has no token.
constexpr base::Duration look_again = std::chrono::milliseconds(20);
constexpr base::Duration failure_kept = std::chrono::seconds(1);

size_t size_of(const tl::expected<AuthAnswer, AuthFailure>& settled) {
  if (!settled) return settled.error().detail.size();
  size_t size = settled->body.size() + settled->no_token.size();
  for (const auto& [name, value] : settled->fields) size += name.size() + value.size();
  return size;
}

bool decides(const http::ResponseHead& head) {
  return !head.opens_tunnel && head.status >= 200 && head.status < 500 && head.status != 304;
}

// Whether the server lets its answer be kept. An answer with a cookie is for one client, once; where tokens
// are asked for, this one client is whoever has the same key.
bool is_storable(const policy::AuthServer& server, const http::Headers& headers) {
  if (server.token) return true;
  for (const http::HeaderField& field : headers) {
    if (base::equal_ignoring_case(field.name, "set-cookie")) return false;
    if (base::equal_ignoring_case(field.name, "cache-control") &&
        (base::list_contains(field.value, "no-store") || base::list_contains(field.value, "no-cache")))
      return false;
  }
  return true;
}

bool is_for_pass(const policy::AuthServer& server, std::string_view name) {
  if (base::equal_ignoring_case(name, "set-cookie")) return server.sets_cookies;
  for (const policy::AuthAnswerField& wanted : server.answer_fields)
    if (base::equal_ignoring_case(name, wanted.from)) return true;
  return false;
}

void read_token(const policy::AnswerTokenPlace& place, const http::Headers& headers, std::string_view body,
                AuthAnswer& answer) {
  tl::expected<std::string, std::string> token = policy::read_answer_token(place, headers, body);
  if (token)
    answer.body = std::move(*token);
  else
    answer.no_token = std::move(token.error());
}

std::string in_milliseconds(base::Duration duration) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(duration).count()) + " ms";
}

}  // namespace

AuthCall::AuthCall(base::Turn& turn, const upstream::Connector& connector, state::SharedAnswers& shared,
                   Owner& owner, Subject subject)
    : turn_(turn),
      connector_(connector),
      answers_(shared),
      owner_(owner),
      subject_(std::move(subject)),
      scope_(turn),
      names_host_(subject_.question.headers.find(FieldId::host) != nullptr) {}

AuthCall::~AuthCall() {
  if (is_for_all_) answers_.withdraw(*subject_.key);
}

void AuthCall::begin() {
  base::RootTask<bool>::Owner& self = *this;
  task_.begin(run(), self);
}

void AuthCall::abandon() {
  abandoned_ = true;
  scope_.cancel(Cause::client_closed);
}

Task<bool> AuthCall::run() {
  const policy::AuthServer& server = subject_.server;
  base::Phase phase(scope_, Stage::policy, server.timeout, Cause::auth_timed_out);
  if (server.token && subject_.key) {
    Task<bool> awaiting = await_turn();
    const bool answered = co_await awaiting;
    if (answered) co_return true;
  }
  Task<Result<http::ResponseHead>> sending = send();
  Result<http::ResponseHead> head = co_await sending;
  if (!head) {
    settle(tl::unexpected(failure_of(head.error())));
    co_return true;
  }
  if (!decides(*head)) {
    settle(tl::unexpected(
        AuthFailure{Cause::auth_bad_answer, server.name + " answered " + std::to_string(head->status)}));
    co_return true;
  }
  const bool storable = is_storable(server, head->headers);
  if (head->status / 100 == 2 && !server.token) {
    settle(answer_of(*head), storable);  // the request does not wait for the body
    Task<Result<std::string>> draining = receive_body(unused_body_max);
    co_await draining;
    co_return true;
  }
  Task<Result<std::string>> receiving = receive_body(server.answer_size);
  Result<std::string> body = co_await receiving;
  if (!body) {
    settle(tl::unexpected(failure_of(body.error())));
    co_return true;
  }
  AuthAnswer answer = answer_of(*head);
  if (answer.passes())
    read_token(*server.token, head->headers, *body, answer);
  else
    answer.body = std::move(*body);
  settle(std::move(answer), storable);
  co_return true;
}

// Waits until another worker has the answer, or this one is to ask. Returns whether the call is settled.
Task<bool> AuthCall::await_turn() {
  using Turn = state::SharedAnswers::Turn;
  for (;;) {
    const base::Duration limit = subject_.server.timeout + std::chrono::seconds(1);
    const state::SharedAnswers::Found found = answers_.look(*subject_.key, turn_.now, limit);
    if (found.turn == Turn::answered) {
      owner_.on_answer(policy::AuthResult::make(*static_cast<const Settled*>(found.answer.get())), true);
      co_return true;
    }
    is_for_all_ = found.turn == Turn::own;
    if (found.turn != Turn::awaited) co_return false;
    base::Pause pause(scope_, look_again);
    Result<void> waited = co_await pause;
    if (!waited) {
      settle(tl::unexpected(failure_of(waited.error())));
      co_return true;
    }
  }
}

Task<Result<http::ResponseHead>> AuthCall::send() {
  for (;;) {
    const upstream::RequestView view{subject_.client, subject_.question.headers, {}};
    upstream::Pick pick = group().pick(view, tried_);
    if (!pick.permit) {
      if (attempts_ == 0) last_.cause = pick.at_limit ? Cause::upstream_at_limit : Cause::no_endpoint;
      co_return base::fail(last_);
    }
    const size_t index = pick.index;
    ++attempts_;
    series().all->add(telemetry::UpstreamCount::attempts);
    if (attempts_ > 1) series().all->add(telemetry::UpstreamCount::retries);
    series().endpoints[index]->add(telemetry::EndpointCount::attempts);
    pick.permit.endpoint()->ejection().on_attempt(turn_.now);
    Task<Result<http::ResponseHead>> sending = send_to(index, pick.permit);
    Result<http::ResponseHead> head = co_await sending;
    if (head) {
      note_answer(group(), index, turn_.now, head->status);
      co_return head;
    }
    last_ = head.error();
    if (!may_retry(index, last_)) co_return head;
  }
}

// Tells the group what the failure says about the endpoint.
bool AuthCall::may_retry(size_t index, Error error) {
  if (scope_.failure()) return false;
  const upstream::RetryModel& rules = group().model().retries;
  const AttemptFacts facts{.sent = static_cast<bool>(lease_),
                           .response_begun = lease_ && lease_->response_begun()};
  const bool stale = lease_ && lease_->reused() && !met_stale_connection_ && !facts.response_begun;
  lease_ = {};
  if (stale) {  // it says nothing about the endpoint
    met_stale_connection_ = true;
    if (is_repeatable()) return true;
  } else {
    if (base::traits(error.cause).fault == base::Side::upstream)
      series().endpoints[index]->add(telemetry::EndpointCount::failures);
    if (const auto condition = upstream::condition_of(error.cause, facts.sent))
      note_failure(group(), index, turn_.now, *condition, base::traits(error.cause).label);
  }
  tried_.push_back(index);
  return attempts_ <= rules.attempts && proxy::may_retry(error.cause, facts, subject_.server.method, rules);
}

Task<Result<http::ResponseHead>> AuthCall::send_to(size_t index, upstream::Permit& permit) {
  const upstream::EndpointModel& endpoint = group().model().endpoints[index];
  if (!met_stale_connection_)
    lease_ =
        connector_.reuse(group(), index, permit, is_repeatable() ? base::no_limit : upstream::fresh_max_age);
  if (!lease_) {
    Task<Result<void>> connecting = connect(index, permit);
    Result<void> connected = co_await connecting;
    if (!connected) co_return base::fail(connected.error());
  }
  if (!names_host_) subject_.question.headers.set("Host", endpoint.authority);
  lease_->request_body().end();
  lease_->send(subject_.question);
  Task<Result<http::ResponseHead>> receiving = receive_head();
  Result<http::ResponseHead> head = co_await receiving;
  if (!head) {
    const std::string& fault = lease_->fault().detail;
    detail_ =
        endpoint.text + ": " + (fault.empty() ? std::string(base::traits(head.error().cause).label) : fault);
  }
  co_return head;
}

Task<Result<void>> AuthCall::connect(size_t index, upstream::Permit& permit) {
  std::string tried;
  Task<Result<upstream::Lease>> connecting =
      connector_.connect(scope_, group(), index, std::nullopt, permit, tried);
  Result<upstream::Lease> connected = co_await connecting;
  if (!connected) {
    detail_ = group().model().endpoints[index].text + ": " + tried;
    co_return base::fail(connected.error());
  }
  lease_ = std::move(*connected);
  co_return Result<void>();
}

Task<Result<http::ResponseHead>> AuthCall::receive_head() {
  base::Slot<http::ResponseHead>& response = lease_->response();
  for (;;) {
    Result<http::ResponseHead> head = co_await response.take(scope_);
    if (!head || !head->interim()) co_return head;
  }
}

Task<Result<std::string>> AuthCall::receive_body(size_t most) {
  std::string body;
  for (;;) {
    Result<base::Chunk> chunk = co_await lease_->response_body().read(scope_);
    if (!chunk) {
      detail_ = lease_->fault().detail;
      co_return base::fail(chunk.error());
    }
    if (chunk->empty()) co_return body;
    if (body.size() + chunk->size() > most) {
      detail_ = "the body of its answer is larger than " + std::to_string(most) + " bytes";
      co_return base::fail(Cause::upstream_bad_response, Stage::response_body);
    }
    body.append(base::text_of(chunk->bytes()));
  }
}

AuthAnswer AuthCall::answer_of(http::ResponseHead& head) const {
  AuthAnswer answer;
  answer.status = head.status;
  const std::string_view id_field = subject_.pin->snapshot->request_id_field;  // the gateway writes its own
  http::remove_hop_by_hop(head.headers);
  for (const http::HeaderField& field : head.headers) {
    const bool is_own = field.id == FieldId::content_length || field.id == FieldId::date ||
                        base::equal_ignoring_case(field.name, id_field);
    if (answer.passes() ? is_for_pass(subject_.server, field.name) : !is_own)
      answer.fields.emplace_back(field.name, field.value);
  }
  return answer;
}

AuthFailure AuthCall::failure_of(Error error) const {
  const policy::AuthServer& server = subject_.server;
  const auto with_detail = [&](Cause cause) {
    const std::string what = detail_.empty() ? std::string(base::traits(error.cause).label) : detail_;
    return AuthFailure{cause, what.starts_with(server.name) ? what : server.name + ": " + what};
  };
  switch (error.cause) {
    case Cause::auth_timed_out:
      return {error.cause, server.name + " did not answer within " + in_milliseconds(server.timeout)};
    case Cause::upstream_timed_out: return with_detail(Cause::auth_timed_out);
    case Cause::upstream_bad_response:
    case Cause::upstream_head_too_large: return with_detail(Cause::auth_bad_answer);
    default: return with_detail(Cause::auth_unavailable);
  }
}

void AuthCall::settle(Settled result, bool storable) {
  if (is_for_all_ && !abandoned_) {
    is_for_all_ = false;
    const bool passes = result && result->passes();
    answers_.answer(*subject_.key, std::make_shared<const Settled>(result), size_of(result), turn_.now,
                    passes ? subject_.server.cache->kept : failure_kept);
  }
  owner_.on_answer(policy::AuthResult::make(std::move(result)), storable);
}

}  // namespace postern::proxy
