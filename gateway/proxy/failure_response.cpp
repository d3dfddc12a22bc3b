#include "proxy/failure_response.h"

#include <optional>

#include "base/error.h"
#include "http/date.h"

namespace postern::proxy {
namespace {

struct ErrorPage {
  std::string body;
  PageFormat format = PageFormat::json;
  bool built_in = true;
};

ErrorPage make_error_page(const http::LocalResponse& response, const AnswerFacts& facts) {
  const base::ErrorTraits& traits = base::traits(*response.cause);
  PageFacts page;
  page.status = response.status;
  page.reason = http::reason_phrase(response.status);
  page.error = traits.label;
  page.message = response.message.empty() ? traits.meaning : std::string_view(response.message);
  page.request_id = facts.request_id;
  if (traits.fault == base::Side::client || (facts.pages && facts.pages->full_detail)) {
    page.remedy = traits.remedy;
    page.detail = response.detail;
  }
  ErrorPage made;
  if (facts.request) {
    made.format = choose_format(facts.request->headers);
    page.host = facts.host;
    page.path = facts.target.substr(0, facts.target.find('?'));
  }
  const PageTemplate* own = facts.pages ? facts.pages->find(response.status, made.format) : nullptr;
  made.built_in = own == nullptr;
  made.body = own ? own->fill(page) : built_in_page(made.format, page);
  return made;
}

}  // namespace

std::string render(const http::LocalResponse& response, const AnswerFacts& facts, http::ResponseHead& head) {
  std::optional<ErrorPage> page;
  if (response.cause && !response.has_own_body) page = make_error_page(response, facts);
  const std::string& body = page ? page->body : response.body;
  const bool no_body = response.status == 204 || response.status == 304;
  head.status = response.status;
  head.body = no_body ? http::BodyKind::none : http::BodyKind::length;
  head.content_length = body.size();
  head.headers.add(http::FieldId::date, "Date", head.arena.keep(http::imf_fixdate(facts.now_unix)));
  for (const auto& [name, value] : response.headers)
    head.headers.add(head.arena.keep(name), head.arena.keep(value));
  if (response.status == 405 && !head.headers.find("Allow"))
    head.headers.add("Allow",
                     std::string_view());  // RFC 9110 15.5.6 requires it; the allowed methods are unknown
  if (page) {
    head.headers.add(http::FieldId::content_type, "Content-Type", content_type_of(page->format));
    head.headers.add("Cache-Control", "no-store");
    if (page->format == PageFormat::html) {
      head.headers.add("X-Content-Type-Options", "nosniff");
      if (page->built_in) head.headers.add("Content-Security-Policy", built_in_policy());
    }
  }
  return body;
}

http::LocalResponse failure_response(base::Error error, std::string detail) {
  http::LocalResponse response = http::refusal(error.cause, std::move(detail));
  if (error.cause == base::Cause::upgrade_required)
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
  if (error.cause == base::Cause::connect_not_served)
    response.headers.emplace_back("Allow", http::usual_methods);
  if (response.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace postern::proxy
