#include "proxy/answer.h"

#include <algorithm>
#include <chrono>

#include "base/ascii.h"
#include "base/error.h"
#include "http/escapes.h"
#include "http/path_prefix.h"
#include "proxy/failure_response.h"
#include "proxy/loop_guard.h"
#include "proxy/renewal.h"
#include "proxy/response_encoding.h"
#include "proxy/route_match.h"

namespace postern::proxy {

using base::Cause;
using base::Result;
using base::Stage;
using http::FieldId;
using http::LocalResponse;

namespace {

bool is_below_one_of(const std::vector<std::string>& prefixes, std::string_view path) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return http::is_below(path, prefix); });
}

}  // namespace

Result<std::optional<LocalResponse>> redirect_to_https(ExchangeState& exchange) {
  const http::ClientFacts& facts = exchange.stream.client();
  // A trusted proxy in front already received it over https.
  if (!facts.redirect_port || exchange.facts.client.tls) return std::nullopt;
  if (facts.redirect_except && !exchange.facts.target.odd &&
      is_below_one_of(*facts.redirect_except, exchange.facts.target.path))
    return std::nullopt;
  const auto authority = http::read_authority(exchange.facts.client.authority);
  if (!authority || authority->host.empty())
    return base::fail(exchange.failed(Cause::bad_request, Stage::routing, "a redirect needs a Host"));
  std::string location = "https://";
  const bool v6 = authority->host.find(':') != std::string_view::npos;
  location += v6 ? "[" + std::string(authority->host) + "]" : std::string(authority->host);
  if (*facts.redirect_port != 443) location += ":" + std::to_string(*facts.redirect_port);
  location += exchange.facts.client.prefix;
  location += exchange.facts.original_target == "*" ? std::string("/")
                                                    : http::in_ascii(exchange.facts.original_target);
  LocalResponse response;
  response.status = 308;
  response.headers.emplace_back("Location", std::move(location));
  return response;
}

LocalResponse ticket_answer(ExchangeState& exchange, const routing::IssueTicket& action) {
  const std::string_view token = exchange.context->token_text;
  if (token.empty()) return http::refusal(Cause::token_missing, "a ticket stands for a token");
  const std::optional<std::string> ticket =
      exchange.services.tickets.issue(token, exchange.services.turn.now, action.lifetime);
  LocalResponse response;
  if (!ticket) {
    response = http::refusal(Cause::tickets_full, "");
    response.headers.emplace_back("Retry-After", "5");
    return response;
  }
  const int64_t seconds = std::chrono::floor<std::chrono::seconds>(action.lifetime).count();
  response.body = "{\"ticket\":\"" + *ticket + "\",\"expires_in\":" + std::to_string(seconds) + "}\n";
  response.headers.emplace_back("Content-Type", "application/json");
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Result<std::optional<LocalResponse>> action_answer(ExchangeState& exchange) {
  if (const auto* redirect = std::get_if<routing::Redirect>(&exchange.route->action)) {
    if (exchange.facts.client.authority.empty() && redirect->to.uses(policy::Placeholder::host))
      return base::fail(exchange.failed(Cause::bad_request, Stage::policy, "a redirect needs a Host"));
    LocalResponse response;
    response.status = redirect->status;
    std::string location = http::in_ascii(redirect->to.fill(*exchange.context));
    const bool is_path =
        location.starts_with('/') && !location.starts_with("//") && !location.starts_with("/\\");
    if (is_path) location.insert(0, exchange.facts.client.prefix);
    response.headers.emplace_back("Location", std::move(location));
    return response;
  }
  if (const auto* issue = std::get_if<routing::IssueTicket>(&exchange.route->action))
    return ticket_answer(exchange, *issue);
  if (std::holds_alternative<routing::RenewConnections>(exchange.route->action))
    return renewal_answer(exchange);
  const auto* respond = std::get_if<routing::Respond>(&exchange.route->action);
  if (!respond) return std::nullopt;
  if (exchange.stream.request().method == http::Method::options && !respond->allow.empty()) {
    LocalResponse response;
    response.status = 204;
    response.headers.emplace_back("Allow", respond->allow);
    return response;
  }
  return respond->response;
}

Result<std::variant<files::Found, LocalResponse>> find_file(ExchangeState& exchange,
                                                            const files::Site& site) {
  http::RequestHead& request = exchange.stream.request();
  const http::Target& target = exchange.facts.target;
  const std::string_view prefix = exchange.facts.client.prefix;
  const auto& rewrite = exchange.route->rewriting.path;
  std::string rewritten;
  http::Target below;  // the target in the site's folder, if that differs from the client's path
  if (Result<void> regular = need_normal_path(exchange, "serves files"); !regular)
    return base::fail(regular.error());
  if (rewrite) {
    auto applied = rewrite->apply(target);
    if (!applied) return base::fail(exchange.failed(Cause::bad_request, Stage::routing, applied.error()));
    if (*applied) rewritten = std::move(**applied);
    const auto read = http::read_target(rewritten.empty() ? target.path : rewritten, below);
    if (!read) return base::fail(exchange.failed(Cause::bad_request, Stage::routing, read.error()));
  }
  return site.answer({.head = request,
                      .path = rewrite ? below.path : target.path,
                      .public_path = prefix.empty() ? target.path : request.arena.keep({prefix, target.path}),
                      .prefix_stripped = rewrite && !rewrite->stripped().empty(),
                      .query = target.query,
                      .has_query = target.has_query,
                      .now_unix = exchange.context->now_unix});
}

std::unique_ptr<coding::Encoder> finish_head(const ExchangeState& exchange, files::Found& found) {
  const auto& compression = exchange.route->compression;
  if (compression && coding::is_listed(compression->types, found.content_type))
    coding::add_vary(found.head);  // also for a 304, which does not name its type
  std::unique_ptr<coding::Encoder> encoder =
      begin_encoding(exchange, read_encodings(exchange), found.length, found.head);
  const std::string_view id = exchange.facts.request_id;
  if (!id.empty()) found.head.headers.add(FieldId::other, exchange.snapshot().request_id_field, id);
  exchange.route->pipeline.amend(*exchange.context, found.head);
  return encoder;
}

Result<std::optional<LocalResponse>> check_forwarding(ExchangeState& exchange) {
  const http::RequestHead& request = exchange.stream.request();
  if (comes_back(request.headers, exchange.route->rewriting.loop_mark))
    return base::fail(exchange.failed(Cause::loop, Stage::routing,
                                      "CDN-Loop says that the request was sent to an upstream by route \"" +
                                          exchange.route->name + "\" before"));
  const bool traces = request.method_text == "TRACE";
  if (!traces && request.method != http::Method::options) return std::nullopt;
  const http::HeaderField* left = request.headers.find(FieldId::max_forwards);
  if (!left || base::parse_decimal(left->value) != 0) return std::nullopt;
  LocalResponse response;
  response.status = 204;
  if (traces)  // a reflected request could show fields that the client must not see
    response = http::refusal(Cause::method_not_allowed,
                             "Max-Forwards is 0: the gateway answers, and it reflects no request");
  std::string allow;
  for (const std::string& method : exchange.route->methods)
    if (!traces || method != "TRACE") allow.append(allow.empty() ? "" : ", ").append(method);
  if (exchange.route->methods.empty() && traces) allow = http::usual_methods;
  if (!allow.empty()) response.headers.emplace_back("Allow", std::move(allow));
  return response;
}

std::string render(const ExchangeState& exchange, const LocalResponse& response, http::ResponseHead& head) {
  const http::RequestHead& request = exchange.stream.request();
  const RequestFacts& facts = exchange.facts;
  const Snapshot& snapshot = exchange.snapshot();
  std::string body = render(response,
                            {.request_id = facts.request_id,
                             .now_unix = exchange.services.unix_now(),
                             .pages = &snapshot.error_pages,
                             .request = &request,
                             .host = facts.client.authority,
                             .target = facts.original_target},
                            head);
  if (!facts.request_id.empty())
    head.headers.add(FieldId::other, snapshot.request_id_field, facts.request_id);
  if (exchange.route) {
    exchange.route->pipeline.amend(*exchange.context, head);
  } else {
    const auto authority = http::read_authority(request.authority);
    snapshot.unrouted_cors.amend(authority ? authority->host : std::string_view(), request, head);
    if (exchange.context && snapshot.unrouted) snapshot.unrouted->amend(*exchange.context, head);
  }
  return body;
}

}  // namespace postern::proxy
