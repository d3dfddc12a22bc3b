#include "policy/csrf.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "policy/origin.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern::policy;
using postern::base::Cause;
using postern::support::JudgedRequest;
using postern::telemetry::ReportedRule;

namespace {

constexpr std::string_view own = "https://app.example.com";  // of JudgedRequest
constexpr std::string_view listed = "https://partner.example";
constexpr std::string_view foreign = "https://evil.example";

struct Setting {
  bool strict = false;
  bool report_only = false;
};

// A route whose list has `listed` and "null".
Pipeline route_with(Setting setting) {
  auto list = OriginList::compile(
      {"web", {{OriginRule::Kind::exact, std::string(listed)}, {OriginRule::Kind::null, ""}}});
  REQUIRE(list);
  std::vector<std::unique_ptr<const Policy>> policies;
  policies.push_back(
      std::make_unique<CsrfPolicy>(CsrfOptions{*list, "api", setting.strict, setting.report_only}));
  policies.push_back(std::make_unique<OriginPolicy>(
      OriginOptions{*list, false, "api", nullptr, false, setting.report_only}));
  return Pipeline(std::move(policies));
}

// A submitted form with cookies, over TLS.
struct Form : JudgedRequest {
  explicit Form(std::string_view method = "POST") : JudgedRequest(method) {
    context.tls = true;
    with("Cookie", "session=1").with("Sec-Fetch-Mode", "navigate");
  }
};

bool passes(JudgedRequest& request, Setting setting = {}) {
  Verdict verdict = route_with(setting).judge(request.context);
  if (verdict.answers()) CHECK(verdict.response().cause == Cause::cross_site_refused);
  return verdict.passes();
}

struct Fields {
  std::string_view site;  // of Sec-Fetch-Site; each: empty, no field
  std::string_view origin;
  std::string_view referer;
  bool passes;
  bool passes_strict;
};

}  // namespace

TEST_CASE("csrf: where a request comes from decides") {
  const Fields cases[] = {
      // Sec-Fetch-Site
      {"same-origin", own, "", true, true},
      {"same-origin", "null", "", true, true},  // Referrer-Policy: no-referrer
      {"none", "", "", true, true},
      {"same-site", "https://blog.example.com", "", true, false},
      {"cross-site", foreign, "", false, false},
      {"cross-site", "null", "", false, false},
      {"cross-site", "", "", false, false},
      {"cross-site", listed, "", true, true},
      {"cross-site", own, "", false, false},  // redirected here by another site
      {"cross-site", "", listed, false, false},
      {"Same-Origin", own, "", false, false},
      {"elsewhere", own, "", false, false},
      // Origin
      {"", own, "", true, true},
      {"", "https://APP.example.com.:443", "", true, true},
      {"", listed, "", true, true},
      {"", foreign, "", false, false},
      {"", "null", "", false, false},
      {"", "http://app.example.com", "", false, false},
      {"", foreign, "https://app.example.com/page", false, false},
      // Referer
      {"", "", "https://app.example.com/page?x=https://evil.example", true, true},
      {"", "", "https://app.example.com", true, true},
      {"", "", "https://partner.example/form", true, true},
      {"", "", "https://evil.example/?https://app.example.com", false, false},
      {"", "", "https://app.example.com@evil.example/", false, false},
      {"", "", "https://evil.example\\@app.example.com/", false, false},
      {"", "", "about:blank", false, false},
      {"", "", "null", false, false},
      // none of them
      {"", "", "", true, false},
  };
  for (const Fields& fields : cases) {
    for (const bool strict : {false, true}) {
      Form request;
      if (!fields.site.empty()) request.with("Sec-Fetch-Site", fields.site);
      if (!fields.origin.empty()) request.with("Origin", fields.origin);
      if (!fields.referer.empty()) request.with("Referer", fields.referer);
      CAPTURE(fields.site);
      CAPTURE(fields.origin);
      CAPTURE(fields.referer);
      CAPTURE(strict);
      CHECK(passes(request, {.strict = strict}) == (strict ? fields.passes_strict : fields.passes));
    }
  }
}

TEST_CASE("csrf: only a method that changes something, and only with cookies") {
  const auto from_elsewhere = [](JudgedRequest& request) -> JudgedRequest& {
    return request.with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Mode", "navigate");
  };
  for (std::string_view method : {"GET", "HEAD", "OPTIONS", "TRACE"}) {
    CAPTURE(method);
    Form request(method);
    CHECK(passes(from_elsewhere(request), {.strict = true}));
  }
  for (std::string_view method : {"POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get"}) {
    CAPTURE(method);
    Form request(method);
    CHECK_FALSE(passes(from_elsewhere(request)));
  }
  JudgedRequest without_cookies("POST");
  CHECK(passes(from_elsewhere(without_cookies), {.strict = true}));
}

TEST_CASE("csrf: a field that stands there twice is nobody's word") {
  Form request;
  request.with("Sec-Fetch-Site", "same-origin").with("Sec-Fetch-Site", "same-origin");
  CHECK_FALSE(passes(request));
  Form referer;
  referer.with("Referer", "https://app.example.com/").with("Referer", "https://app.example.com/");
  CHECK_FALSE(passes(referer));
}

TEST_CASE(
    "csrf: a password that the browser adds by itself counts like a cookie, a page's own token does not") {
  struct Row {
    std::string_view authorization;
    bool passes;
  };
  for (const Row& row :
       {Row{"Basic YWxpY2U6eA==", false}, Row{"basic\tYWxpY2U6eA==", false}, Row{"Negotiate abc", false},
        Row{"NTLM abc", false}, Row{"Digest a=b", false}, Row{"Bearer abc", true}, Row{"Basics abc", true}}) {
    CAPTURE(row.authorization);
    JudgedRequest request("POST");
    request.context.tls = true;
    request.with("Authorization", row.authorization).with("Sec-Fetch-Mode", "navigate");
    request.with("Origin", foreign).with("Sec-Fetch-Site", "cross-site");
    CHECK(passes(request, {.strict = true}) == row.passes);
  }
}

TEST_CASE("csrf: the refusal says what was asked, from where, and what refuses it") {
  Form request;
  request.with("Origin", foreign).with("Sec-Fetch-Site", "cross-site");
  Verdict verdict = route_with({}).judge(request.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().status == 403);
  CHECK(verdict.response().detail ==
        "a POST with cookies or a password and Origin \"https://evil.example\", Sec-Fetch-Site "
        "\"cross-site\" is refused by "
        "csrf of origin list \"web\" (route \"api\")");
}

TEST_CASE("csrf: what only reports lets pass, and notes what it would have said") {
  Form request;
  request.with("Origin", foreign).with("Sec-Fetch-Site", "cross-site");
  CHECK(passes(request, {.report_only = true}));
  REQUIRE(request.context.reported.size() == 1);
  CHECK(request.context.reported[0].rule == ReportedRule::csrf);
  CHECK(request.context.reported[0].cause == Cause::cross_site_refused);
  CHECK(request.context.reported[0].detail.starts_with("a POST with cookies"));
}
