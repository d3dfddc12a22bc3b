#include "policy/basic_auth.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.h"
#include "policy/basic_credentials.h"
#include "policy/cors.h"
#include "policy/jwt_policy.h"
#include "policy/password_desk.h"
#include "policy/request_context.h"

namespace postern::policy {
namespace {

using base::Cause;
using http::FieldId;

// A quoted-string (RFC 9110 5.6.4); the configuration lets no control character in.
std::string quoted_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

Verdict come_back_later(Cause cause, std::string detail, base::Duration wait) {
  http::LocalResponse response = http::refusal(cause, std::move(detail));
  const int64_t seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  response.headers.emplace_back("Retry-After", std::to_string(std::max<int64_t>(1, seconds)));
  return Verdict::answer(std::move(response));
}

}  // namespace

BasicAuthPolicy::BasicAuthPolicy(BasicAuthOptions options)
    : options_(std::move(options)),
      challenge_("Basic realm=" + quoted_string(options_.realm) + ", charset=\"UTF-8\"") {}

Verdict BasicAuthPolicy::refuse(Cause cause, std::string detail) const {
  http::LocalResponse response =
      http::refusal(cause, std::move(detail) + " (users \"" + options_.users->name() + "\")");
  response.headers.emplace_back("WWW-Authenticate", challenge_);
  return Verdict::answer(std::move(response));
}

Verdict BasicAuthPolicy::admit(RequestContext& context, std::string_view user) const {
  if (!options_.user_field.empty())
    context.forwarded_fields.emplace_back(options_.user_field, claim_field_value(user));
  if (!options_.keep_authorization) context.request.headers.remove(FieldId::authorization);
  return Verdict::pass();
}

Verdict BasicAuthPolicy::judge(RequestContext& context) const {
  if (!context.origin_checked && is_bare_preflight(context.request)) {
    remove_basic_credentials(context);  // no browser sends any, and nobody may try passwords at the endpoint
    return Verdict::pass();
  }
  const http::Headers& headers = context.request.headers;
  if (headers.count(FieldId::authorization) > 1)
    return refuse(Cause::credentials_malformed, "the request has more than one Authorization field");
  auto read = read_basic_credentials(headers.get(FieldId::authorization));
  if (!read) return refuse(Cause::credentials_malformed, std::string(read.error()));
  if (!*read) return refuse(Cause::credentials_missing, "the request has no Basic credentials");
  const BasicCredentials& credentials = **read;

  using Kind = PasswordDesk::Answer::Kind;
  Kind kind = Kind::wrong;
  if (context.awaited) {
    kind = static_cast<const PasswordDesk::Asked&>(*context.awaited).right() ? Kind::right : Kind::wrong;
  } else {
    PasswordList::Entry entry = options_.users->find(credentials.user);
    PasswordDesk::Answer answer = context.passwords->ask(
        {credentials.user, credentials.password, std::move(entry.hash), entry.is_known_user}, context.client,
        context.now);
    if (answer.kind == Kind::asked) return Verdict::wait(std::move(answer.asked));
    if (answer.kind == Kind::full)
      return come_back_later(
          Cause::password_checks_full,
          "too many passwords wait to be checked, of all clients or of client " + context.client.text(),
          std::chrono::seconds(5));
    if (answer.kind == Kind::limited)
      return come_back_later(Cause::too_many_passwords,
                             "client " + context.client.text() + " has tried too many wrong passwords",
                             answer.wait);
    kind = answer.kind;
  }
  if (kind == Kind::right) return admit(context, credentials.user);
  return refuse(Cause::credentials_refused, "the user or the password is not right");
}

void remove_basic_credentials(RequestContext& context) {
  context.request.headers.remove_if([](const http::HeaderField& field) {
    if (field.id != FieldId::authorization) return false;
    const auto read = read_basic_credentials(field.value);
    return !read || read->has_value();
  });
}

}  // namespace postern::policy
