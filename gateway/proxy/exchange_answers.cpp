// The answers that an exchange gives by itself: files, redirects, fixed answers and failures.
#include "base/ascii.h"
#include "base/error.h"
#include "coding/encoding_pump.h"
#include "files/send_file.h"
#include "http/escapes.h"
#include "policy/request_context.h"
#include "proxy/exchange.h"
#include "proxy/failure_response.h"
#include "proxy/loop_guard.h"

namespace postern::proxy {

using base::Cause;
using base::Error;
using base::Result;
using base::Stage;
using base::Task;
using http::FieldId;

Task<Result<void>> Exchange::serve_files(const files::Site& site) {
  note_encodings();
  const http::RequestHead& request = stream_.request();
  std::string rewritten;
  http::Target below;  // the target in the site's folder, if that differs from the client's path
  if (Result<void> regular = need_normal_path("serves files"); !regular) co_return regular;
  if (route_->rewriting.path) {
    auto applied = route_->rewriting.path->apply(target_);
    if (!applied) co_return base::fail(failed(Cause::bad_request, Stage::routing, applied.error()));
    if (*applied) rewritten = std::move(**applied);
    const auto read = http::read_target(rewritten.empty() ? target_.path : rewritten, below);
    if (!read) co_return base::fail(failed(Cause::bad_request, Stage::routing, read.error()));
  }
  std::variant<files::Found, http::LocalResponse> answer_or_found = site.answer(
      {.head = request,
       .path = route_->rewriting.path ? below.path : target_.path,
       .public_path = client_.prefix.empty() ? target_.path
                                             : stream_.request().arena.keep({client_.prefix, target_.path}),
       .prefix_stripped = route_->rewriting.path && !route_->rewriting.path->stripped().empty(),
       .query = target_.query,
       .has_query = target_.has_query,
       .now_unix = context_->now_unix});
  if (auto* local = std::get_if<http::LocalResponse>(&answer_or_found)) {
    answer(std::move(*local));
    co_return Result<void>();
  }
  auto& found = std::get<files::Found>(answer_or_found);
  if (refuse_by_close(found.head.status, std::nullopt, "not_a_socket", "route")) co_return Result<void>();
  if (route_->compression && coding::is_listed(route_->compression->types, found.content_type))
    coding::add_vary(found.head);  // also for a 304, which does not name its type
  const std::unique_ptr<coding::Encoder> encoder = begin_encoding(found.length, found.head);
  if (!request_id_.empty()) found.head.headers.add(FieldId::other, snapshot().request_id_field, request_id_);
  route_->pipeline.amend(*context_, found.head);
  // The rest of the request body is not awaited.
  if (!stream_.request_body().closed()) stream_.close_after_response();
  status_ = found.head.status;
  answered_ = true;
  stream_.respond(found.head);
  if (request.method != http::Method::head) {
    const base::PumpLimits limits = response_limits(base::no_limit);
    const base::Instant began = services_.turn.now;
    Task<Result<base::Pumped>> sending =
        files::send_file(scope_, found.file, found.offset, found.length, encoder.get(),
                         stream_.response_body(), limits, response_bytes_);
    Result<base::Pumped> sent = co_await sending;
    stages_.body = since(began);
    if (!sent) {
      if (sent.error().cause == Cause::file_unreadable) detail_ = "the file became shorter while it was sent";
      co_return base::fail(sent.error());
    }
  }
  stream_.response_body().end();
  co_return Result<void>();
}

Result<void> Exchange::answer_locally() {
  if (const auto* redirect = std::get_if<routing::Redirect>(&route_->action)) {
    if (client_.authority.empty() && redirect->to.uses(policy::Placeholder::host))
      return base::fail(failed(Cause::bad_request, Stage::policy, "a redirect needs a Host"));
    http::LocalResponse response;
    response.status = redirect->status;
    std::string location = http::in_ascii(redirect->to.fill(*context_));
    const bool is_path =
        location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
    if (is_path) location.insert(0, client_.prefix);
    response.headers.emplace_back("Location", std::move(location));
    answer(std::move(response));
    return {};
  }
  const auto& respond = std::get<routing::Respond>(route_->action);
  if (stream_.request().method == http::Method::options && !respond.allow.empty()) {
    http::LocalResponse response;
    response.status = 204;
    response.headers.emplace_back("Allow", respond.allow);
    answer(std::move(response));
  } else {
    answer(respond.response);
  }
  return {};
}

// Refuses requests that must not be forwarded: those in a loop, and those with Max-Forwards: 0 (RFC 9110
// 7.6.2).
Result<void> Exchange::check_forwarding() {
  const http::RequestHead& request = stream_.request();
  if (comes_back(request.headers, route_->rewriting.loop_mark))
    return base::fail(failed(
        Cause::loop, Stage::routing,
        "CDN-Loop says that the request was sent to an upstream by route \"" + route_->name + "\" before"));
  const bool traces = request.method_text == "TRACE";
  if (!traces && request.method != http::Method::options) return {};
  const http::HeaderField* left = request.headers.find(FieldId::max_forwards);
  if (!left || base::parse_decimal(left->value) != 0) return {};
  http::LocalResponse response;
  response.status = 204;
  if (traces)  // a reflected request could show fields that the client must not see
    response = http::refusal(Cause::method_not_allowed,
                             "Max-Forwards is 0: the gateway answers, and it reflects no request");
  std::string allow;
  for (const std::string& method : route_->methods)
    if (!traces || method != "TRACE") allow.append(allow.empty() ? "" : ", ").append(method);
  if (route_->methods.empty() && traces) allow = http::usual_methods;
  if (!allow.empty()) response.headers.emplace_back("Allow", std::move(allow));
  answer(std::move(response));
  return {};
}

void Exchange::answer(http::LocalResponse response) {
  if (response.cause && !failure_) {
    failure_ = Error{*response.cause, scope_.stage};
    detail_ = response.detail;
  }
  const auto [error, who] =
      response.cause ? std::pair(base::traits(*response.cause).label, std::string_view("gateway"))
      : route_       ? std::pair(std::string_view("not_a_socket"), std::string_view("route"))
               : std::pair(std::string_view("refused"), std::string_view("listener"));  // a redirect to https
  if (refuse_by_close(response.status, response.cause, error, who)) return;
  answered_ = true;
  // The rest of the request body is not awaited.
  if (!stream_.request_body().closed()) stream_.close_after_response();
  http::ResponseHead head;
  const std::string body = render(response,
                                  {.request_id = request_id_,
                                   .now_unix = services_.unix_now(),
                                   .pages = &snapshot().error_pages,
                                   .request = &stream_.request(),
                                   .host = client_.authority,
                                   .target = original_target_},
                                  head);
  if (!request_id_.empty()) head.headers.add(FieldId::other, snapshot().request_id_field, request_id_);
  if (route_) {
    route_->pipeline.amend(*context_, head);
  } else {
    const http::RequestHead& request = stream_.request();
    const auto authority = http::read_authority(request.authority);
    snapshot().unrouted_cors.amend(authority ? authority->host : std::string_view(), request, head);
    if (context_ && snapshot().unrouted) snapshot().unrouted->amend(*context_, head);
  }
  status_ = head.status;
  stream_.respond(head);
  response_bytes_ = body.size();
  stream_.response_body().push(base::Chunk::copy_of(body));
  stream_.response_body().end();
}

Error Exchange::failed(Cause cause, Stage stage, std::string_view detail) {
  detail_ = detail;
  return Error{cause, stage};
}

void Exchange::answer_failure(Error error) {
  // Whatever the exchange was waiting for: the client left before its request was read completely.
  if (error.cause == Cause::client_closed && stream_.request_body().aborted())
    error.stage = Stage::request_body;
  if (!failure_) failure_ = error;
  const http::Fault* fault = stream_.fault();
  if (fault && error.cause == fault->cause) note_fault(*fault);
  if (error.cause == Cause::client_closed) return;  // no client is left to answer
  if (answered_) {
    // Ends the started body in a way that the client recognises as truncated.
    stream_.response_body().abort(error);
    return;
  }
  if (error.cause == Cause::bad_request) stream_.close_after_response();
  answer(failure_response(error, detail_));
}

void Exchange::note_fault(const http::Fault& fault) {
  detail_ = fault.detail;
  offending_ = fault.bytes;
}

Task<Outcome> Exchange::refuse() {
  const http::Fault& fault = *stream_.fault();
  failure_ = Error{fault.cause, Stage::request_head};
  note_fault(fault);
  // As far as they could be read.
  original_target_ = stream_.request().target;
  authority_ = stream_.request().authority;
  made_id_ = services_.request_ids.next();
  request_id_ = snapshot().request_id_field.empty() ? std::string_view() : made_id_.view();
  client_ = identify(snapshot(), stream_.client(), stream_.request());
  answer(failure_response(*failure_, detail_));
  Task<Outcome> concluding = conclude();
  Outcome outcome = co_await concluding;
  co_return outcome;
}

}  // namespace postern::proxy
