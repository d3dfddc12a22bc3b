#include "policy/forward_auth.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "http/escapes.h"
#include "policy/cors.h"
#include "policy/origin.h"
#include "policy/request_context.h"

namespace postern::policy {
namespace {

using http::Method;

constexpr std::string_view uri_mark = "{uri}";
constexpr std::string_view url_mark = "{url}";

bool is_redirect(uint16_t status) { return status / 100 == 3; }

bool is_unreserved(char c) {  // RFC 3986 2.3
  const char small = base::lower(c);
  return (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

// Appends a text as the value of a query parameter.
void append_encoded(std::string_view text, std::string& to) {
  for (const char c : text)
    if (is_unreserved(c))
      to += c;
    else
      http::append_escape(c, to);
}

// Whether a browser is about to show the response as a page. Over plain http a browser sends no Sec-Fetch
// fields.
bool wants_page(const http::RequestHead& request) {
  if (request.method != Method::get && request.method != Method::head) return false;
  if (request.upgrade != http::Upgrade::none) return false;
  if (request.headers.find("Sec-Fetch-Mode")) return is_navigation(request);
  const http::HeaderField* accept = request.headers.find("Accept");
  return accept && base::to_lower(accept->value).find("text/html") != std::string::npos;
}

// Whether a field is about the body, in whose place the error page stands.
bool describes_body(std::string_view name) {
  constexpr std::string_view prefix = "content-";
  if (base::equal_ignoring_case(name.substr(0, prefix.size()), prefix)) return true;
  for (const char* field : {"cache-control", "etag", "expires", "last-modified"})
    if (base::equal_ignoring_case(name, field)) return true;
  return false;
}

std::string fill_sign_in(std::string_view text, const RequestContext& context) {
  std::string filled;
  while (!text.empty()) {
    const size_t mark = std::min(text.find(uri_mark), text.find(url_mark));
    filled.append(text.substr(0, mark));
    if (mark == text.npos) break;
    if (text.substr(mark).starts_with(url_mark) && !context.authority.empty()) {
      append_encoded(context.tls ? "https://" : "http://", filled);
      append_encoded(context.authority, filled);
    }
    append_encoded(context.request.target, filled);
    text.remove_prefix(mark + uri_mark.size());
  }
  return filled;
}

Verdict fail(const AuthFailure& failure) {
  http::LocalResponse response = http::refusal(failure.cause, failure.detail);
  if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
  return Verdict::answer(std::move(response));
}

}  // namespace

AskedAuth::AskedAuth(base::Duration limit) : Awaited(limit, base::Cause::auth_timed_out) {}

Verdict ForwardAuthPolicy::judge(RequestContext& context) const {
  if (!context.origin_checked && is_bare_preflight(context.request)) {
    remove_answer_fields(options_.server.answer_fields, context);
    return Verdict::pass();
  }
  const auto* asked = static_cast<const AskedAuth*>(context.awaited.get());
  AuthResult result = asked ? asked->result() : AuthResult();
  if (!result) {
    AuthDesk::Reply reply = context.auth->ask(options_.server, asked != nullptr);
    if (reply.asked) return Verdict::wait(std::move(reply.asked));
    result = std::move(reply.known);
  }
  if (!*result) {
    context.auth->count(options_.server, AuthOutcome::failed);
    return fail(result->error());
  }
  const AuthAnswer& answer = **result;
  context.auth->count(options_.server, answer.passes() ? AuthOutcome::passed : AuthOutcome::refused);
  return answer.passes() ? admit(context, answer) : refuse(context, answer);
}

Verdict ForwardAuthPolicy::admit(RequestContext& context, const AuthAnswer& answer) const {
  remove_answer_fields(options_.server.answer_fields, context);
  for (const AuthAnswerField& wanted : options_.server.answer_fields) {
    std::string value;
    for (const auto& [name, text] : answer.fields)
      if (base::equal_ignoring_case(name, wanted.from) && !text.empty())
        value.append(value.empty() ? "" : ", ").append(text);
    if (!value.empty()) context.forwarded_fields.emplace_back(wanted.to, std::move(value));
  }
  if (options_.server.sets_cookies)
    for (const auto& [name, text] : answer.fields)
      if (base::equal_ignoring_case(name, "Set-Cookie")) context.set_cookies.push_back(text);
  return Verdict::pass();
}

Verdict ForwardAuthPolicy::refuse(const RequestContext& context, const AuthAnswer& answer) const {
  http::LocalResponse response = http::refusal(
      base::Cause::auth_refused, "the authentication server answered " + std::to_string(answer.status));
  response.status = answer.status;
  const bool is_upgrade = context.request.upgrade != http::Upgrade::none;
  const bool signs_in = answer.status == 401 && !options_.sign_in.empty() && wants_page(context.request);
  if (signs_in || (is_upgrade && is_redirect(answer.status))) {
    for (const auto& [name, value] : answer.fields)
      if (base::equal_ignoring_case(name, "Set-Cookie")) response.headers.emplace_back(name, value);
    response.status = signs_in ? 302 : 401;
    if (signs_in) {
      response.headers.emplace_back("Location", fill_sign_in(options_.sign_in, context));
      response.headers.emplace_back("Cache-Control", "no-store");
      response.has_own_body = true;
    }
    return Verdict::answer(std::move(response));
  }
  response.headers = answer.fields;
  // An answer that says nothing is explained by the gateway's error page, but nobody reads a redirect.
  response.has_own_body = !answer.body.empty() || is_redirect(answer.status);
  if (response.has_own_body)
    response.body = answer.body;
  else
    std::erase_if(response.headers, [](const auto& field) { return describes_body(field.first); });
  return Verdict::answer(std::move(response));
}

void remove_answer_fields(const std::vector<AuthAnswerField>& fields, RequestContext& context) {
  if (fields.empty()) return;
  context.request.headers.remove_if([&](const http::HeaderField& field) {
    return std::any_of(fields.begin(), fields.end(), [&](const AuthAnswerField& own) {
      return base::equal_as_variable(field.name, own.to);
    });
  });
}

std::string_view sign_in_problem(std::string_view text) {
  const bool is_path = text.starts_with('/') && !text.starts_with("//") && !text.starts_with("/\\");
  if (!is_path && !text.starts_with("https://") && !text.starts_with("http://"))
    return "is neither a path nor a URL of http or https";
  for (const char c : text)
    if (c <= ' ' || c > '~' || c == '"' || c == '<' || c == '>' || c == '\\')
      return "has a character that a URL cannot have";
  for (size_t brace = text.find_first_of("{}"); brace != text.npos;
       brace = text.find_first_of("{}", brace + uri_mark.size()))
    if (!text.substr(brace).starts_with(uri_mark) && !text.substr(brace).starts_with(url_mark))
      return "has braces that are neither {uri} nor {url}";
  return {};
}

}  // namespace postern::policy
