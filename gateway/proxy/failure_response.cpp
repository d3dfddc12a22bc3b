#include "proxy/failure_response.h"

#include "base/text_builder.h"
#include "http/date.h"

namespace postern::proxy {
namespace {

std::string refusal_body(const http::LocalResponse& response, std::string_view request_id) {
  const base::ErrorTraits& traits = base::traits(*response.cause);
  base::TextBuilder body;
  const auto member = [&body](std::string_view name, std::string_view value) {
    body.append(body.view().empty() ? '{' : ',');
    body.append_json_string(name);
    body.append(':');
    body.append_json_string(value);
  };
  member("error", traits.label);
  member("message", response.message.empty() ? traits.meaning : std::string_view(response.message));
  if (traits.fault == base::Side::client) {
    member("remedy", traits.remedy);
    if (!response.detail.empty()) member("detail", response.detail);
  }
  if (!request_id.empty()) member("request_id", request_id);
  body.append("}\n");
  return std::string(body.view());
}

}  // namespace

std::string render(const http::LocalResponse& response, std::string_view request_id, int64_t now_unix,
                   http::ResponseHead& head) {
  std::string body = response.cause ? refusal_body(response, request_id) : response.body;
  head.status = response.status;
  const bool no_body = response.status == 204 || response.status == 304;
  head.body = no_body ? http::BodyKind::none : http::BodyKind::length;
  head.content_length = body.size();
  head.headers.add(http::FieldId::date, "Date", head.arena.keep(http::imf_fixdate(now_unix)));
  for (const auto& [name, value] : response.headers)
    head.headers.add(head.arena.keep(name), head.arena.keep(value));
  if (response.cause) {
    head.headers.add(http::FieldId::content_type, "Content-Type", "application/json");
    head.headers.add("Cache-Control", "no-store");
  }
  return body;
}

http::LocalResponse failure_response(base::Error error, std::string detail) {
  http::LocalResponse response = http::refusal(error.cause, std::move(detail));
  if (error.cause == base::Cause::upgrade_required)
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
  if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace postern::proxy
