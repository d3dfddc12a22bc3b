#include "policy/origin.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "policy/request_context.h"
#include "support/judged_request.h"

using namespace postern::policy;
using postern::base::Cause;
using postern::support::JudgedRequest;
using Kind = OriginRule::Kind;

namespace {

std::shared_ptr<const OriginList> list_of(std::vector<OriginRule> rules) {
  auto list = OriginList::compile({"dashboard", std::move(rules)});
  REQUIRE(list);
  return *list;
}

OriginPolicy policy_of(std::vector<OriginRule> rules, bool require = false) {
  return OriginPolicy({list_of(std::move(rules)), require, "api"});
}

// The hosts of a configuration that names app.example.com and the subdomains of shop.example.
class Named final : public HostNames {
  bool contain(std::string_view host) const override {
    return host == "app.example.com" || host.ends_with(".shop.example");
  }
};

Verdict judged_plain(std::string_view origin, std::string_view authority) {
  JudgedRequest request;
  request.with("Origin", origin);
  request.context.authority = authority;
  return OriginPolicy({list_of({}), false, "api", std::make_shared<const Named>()}).judge(request.context);
}

JudgedRequest& navigating(JudgedRequest& request, std::string_view mode = "navigate") {
  return request.with("Origin", "https://login.example").with("Sec-Fetch-Mode", mode);
}

std::string refusal_of(std::vector<OriginRule> rules) {
  auto list = OriginList::compile({"x", std::move(rules)});
  return list ? "" : std::to_string(list.error().rule) + ": " + list.error().sentence;
}

}  // namespace

TEST_CASE("origin list: exact origins are taken as browsers write them") {
  const auto list = list_of({{Kind::exact, "https://App.Example.com:443"},
                             {Kind::exact, "http://localhost:3000"},
                             {Kind::exact, "http://[::1]:8080"},
                             {Kind::exact, "capacitor://localhost"}});
  CHECK(list->allows("https://app.example.com"));
  CHECK(list->allows("http://localhost:3000"));
  CHECK(list->allows("http://[::1]:8080"));
  CHECK(list->allows("capacitor://localhost"));
  for (std::string_view other :
       {"http://app.example.com", "https://app.example.com:8443", "https://app.example.com/",
        "https://app.example.com.evil.org", "http://localhost", "https://evil-app.example.com", "null", ""}) {
    CAPTURE(other);
    CHECK_FALSE(list->allows(other));
  }
}

TEST_CASE("origin list: a wildcard takes one or more labels, and nothing that only ends like it") {
  const auto list =
      list_of({{Kind::wildcard, "https://*.example.com"}, {Kind::wildcard, "http://*.test:3000"}});
  CHECK(list->allows("https://a.example.com"));
  CHECK(list->allows("https://a.b-2.example.com"));
  CHECK(list->allows("http://x.test:3000"));
  for (std::string_view other :
       {"https://example.com", "https://.example.com", "https://evilexample.com", "http://a.example.com",
        "https://a.example.com:8443", "https://a..example.com", "https://evil.org/.example.com",
        "https://evil.org:1.example.com", "https://u@a.example.com", "https://evil.org#.example.com",
        "http://x.test"}) {
    CAPTURE(other);
    CHECK_FALSE(list->allows(other));
  }
}

TEST_CASE("origin list: a pattern must fit the whole origin") {
  const auto list = list_of({{Kind::pattern, "https://pr-[0-9]+\\.example\\.com"}, {Kind::pattern, "nul+"}});
  CHECK(list->allows("https://pr-12.example.com"));
  CHECK_FALSE(list->allows("https://pr-12.example.com.evil.org"));
  CHECK_FALSE(list->allows("xhttps://pr-12.example.com"));
  CHECK_FALSE(list->allows("https://pr-.example.com"));
  CHECK_FALSE(list->allows("null"));
}

TEST_CASE("origin list: null is allowed only where it is listed") {
  CHECK(list_of({{Kind::null, ""}})->allows("null"));
  CHECK_FALSE(list_of({})->allows("null"));
}

TEST_CASE("origin list: what is no rule is refused with its place and a sentence") {
  CHECK(
      refusal_of({{Kind::null, ""}, {Kind::pattern, "("}}).starts_with("1: \"(\" is not an RE2 expression"));
  for (const char* text : {"*", "app.example.com", "https://", "https://a.com/path", "https://u@a.com",
                           "https://a b", "https://a.com:", "https://a.com:99999", "https://*.a.com", ""})
    CHECK(refusal_of({{Kind::exact, text}}).find("is not an origin") != std::string::npos);
  for (const char* text :
       {"*", "https://*", "https://*example.com", "https://a.*.com", "*.example.com", "https://*.*.com"})
    CHECK(refusal_of({{Kind::wildcard, text}}).find("is not a wildcard origin") != std::string::npos);
}

TEST_CASE("origin: a listed origin is noted for CORS") {
  JudgedRequest request;
  request.with("Origin", "https://a.org");
  CHECK_FALSE(policy_of({{Kind::exact, "https://a.org"}}).judge(request.context).answers());
  CHECK(request.context.origin_checked);
  CHECK(request.context.allowed_origin == "https://a.org");
}

TEST_CASE("origin: an unlisted origin is refused by HTTP and by WebSocket, and the detail names both sides") {
  for (bool websocket : {false, true}) {
    JudgedRequest request;
    request.with("Origin", "https://evil.example");
    if (websocket) request.websocket();
    Verdict verdict = policy_of({{Kind::exact, "https://a.org"}}).judge(request.context);
    REQUIRE(verdict.answers());
    CHECK(verdict.response().status == 403);
    CHECK(verdict.response().cause == Cause::origin_refused);
    CHECK(verdict.response().detail ==
          "origin \"https://evil.example\" is not on origin list \"dashboard\" (route \"api\")");
    CHECK(request.context.origin_checked);
    CHECK(request.context.allowed_origin.empty());
  }
}

TEST_CASE("origin: a request without Origin passes, an upgrade only where none is required") {
  JudgedRequest plain;
  CHECK_FALSE(policy_of({}, true).judge(plain.context).answers());
  JudgedRequest upgrade;
  upgrade.websocket();
  CHECK_FALSE(policy_of({}, false).judge(upgrade.context).answers());
  Verdict verdict = policy_of({}, true).judge(upgrade.context);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().detail ==
        "a WebSocket without Origin is refused by origin list \"dashboard\" (route \"api\")");
}

TEST_CASE("origin: more than one Origin is refused, even when each is listed") {
  JudgedRequest request;
  request.with("Origin", "https://a.org").with("Origin", "https://a.org");
  CHECK(policy_of({{Kind::exact, "https://a.org"}}).judge(request.context).answers());
  CHECK(request.context.allowed_origin.empty());
}

TEST_CASE("origin: the gateway's own origin passes without being listed") {
  JudgedRequest request;
  request.with("Origin", "https://APP.example.com").websocket();
  CHECK(policy_of({}).judge(request.context).answers());  // the request came over plain HTTP
  request.context.tls = true;
  CHECK_FALSE(policy_of({}).judge(request.context).answers());
  CHECK(request.context.allowed_origin.empty());
}

TEST_CASE("origin: scheme, host and port decide what is the same origin") {
  CHECK(is_same_origin("https://a.org", true, "a.org"));
  CHECK(is_same_origin("https://a.org", true, "A.org:443"));
  CHECK(is_same_origin("https://a.org:443", true, "a.org"));
  CHECK(is_same_origin("http://a.org:8080", false, "a.org:8080"));
  CHECK(is_same_origin("http://[::1]:80", false, "[::1]"));
  CHECK_FALSE(is_same_origin("http://a.org", true, "a.org"));
  CHECK_FALSE(is_same_origin("https://a.org", false, "a.org"));
  CHECK_FALSE(is_same_origin("https://a.org", true, "a.org:8443"));
  CHECK_FALSE(is_same_origin("https://a.org:80", true, "a.org"));
  CHECK_FALSE(is_same_origin("https://a.org.evil.org", true, "a.org"));
  CHECK_FALSE(is_same_origin("null", true, "null"));
  CHECK_FALSE(is_same_origin("", true, ""));
  CHECK_FALSE(is_same_origin("https://u@a.org", true, "a.org"));
}

TEST_CASE("origin: what is printed of an origin is printable and short") {
  const std::string long_origin = "https://\x01\xc3\xa9" + std::string(500, 'a');
  JudgedRequest request;
  request.with("Origin", long_origin);
  Verdict verdict = policy_of({}).judge(request.context);
  REQUIRE(verdict.answers());
  const std::string& detail = verdict.response().detail;
  CHECK(detail.starts_with("origin \"https://???aaa"));
  CHECK(detail.find(std::string(189, 'a') + "...\"") != std::string::npos);
  CHECK(detail.find(std::string(190, 'a')) == std::string::npos);
}

TEST_CASE("origin: over plain HTTP the host must be known for the gateway's own") {
  for (std::string_view host :
       {"app.example.com", "eu.shop.example", "localhost", "app.localhost", "LOCALHOST", "localhost.",
        "127.0.0.1", "192.168.1.5", "[::1]", "[2001:db8::1]"}) {
    CAPTURE(host);
    CHECK_FALSE(judged_plain("http://" + std::string(host) + ":8080", std::string(host) + ":8080").answers());
  }
  for (std::string_view host : {"rebound.evil.example", "xlocalhost", "localhost.evil.example",
                                "shop.example", "127.0.0.1.evil.example", "router"}) {
    CAPTURE(host);
    CHECK(judged_plain("http://" + std::string(host) + ":8080", std::string(host) + ":8080").answers());
  }
}

TEST_CASE("origin: a host that is not known is refused with the line that makes it known") {
  Verdict verdict = judged_plain("http://nas.example:8080", "nas.example:8080");
  REQUIRE(verdict.answers());
  CHECK(verdict.response().cause == Cause::origin_refused);
  CHECK(verdict.response().detail.find("(DNS rebinding)") != std::string::npos);
  CHECK(verdict.response().detail.ends_with("hosts: [\"nas.example\"]"));
}

TEST_CASE("origin: over TLS the certificate has proved the host") {
  JudgedRequest request;
  request.with("Origin", "https://any.example").websocket();
  request.context.authority = "any.example";
  request.context.tls = true;
  CHECK_FALSE(policy_of({}).judge(request.context).answers());
}

TEST_CASE("origin: a browser that goes somewhere makes no CORS request") {
  for (std::string_view method : {"POST", "GET"}) {
    JudgedRequest request(method);
    navigating(request);
    CHECK_FALSE(policy_of({}).judge(request.context).answers());
    CHECK(request.context.allowed_origin.empty());
    CHECK(request.context.origin_checked);
  }
  JudgedRequest opaque("POST");  // Referrer-Policy: no-referrer
  opaque.with("Origin", "null").with("Sec-Fetch-Mode", "navigate");
  CHECK_FALSE(policy_of({}).judge(opaque.context).answers());
}

TEST_CASE("origin: nothing else passes for going somewhere") {
  const OriginPolicy policy = policy_of({});
  for (std::string_view mode : {"cors", "no-cors", "same-origin", "websocket", "navigate, cors", ""}) {
    CAPTURE(mode);
    JudgedRequest request("POST");
    CHECK(policy.judge(navigating(request, mode).context).answers());
  }
  for (std::string_view method : {"OPTIONS", "PUT", "DELETE"}) {  // links and forms send no such method
    CAPTURE(method);
    JudgedRequest request(method);
    CHECK(policy.judge(navigating(request).context).answers());
  }
  JudgedRequest socket;
  CHECK(policy.judge(navigating(socket).websocket().context).answers());
  JudgedRequest twice("POST");
  CHECK(policy.judge(navigating(twice).with("Sec-Fetch-Mode", "navigate").context).answers());
  JudgedRequest unsaid("POST");
  unsaid.with("Origin", "https://login.example");
  CHECK(policy.judge(unsaid.context).answers());
}

TEST_CASE("origin: a list may refuse who goes somewhere, too") {
  JudgedRequest request("POST");
  navigating(request);
  CHECK(OriginPolicy({list_of({}), false, "api", nullptr, true}).judge(request.context).answers());
  JudgedRequest own("POST");
  own.with("Origin", "https://app.example.com").with("Sec-Fetch-Mode", "navigate");
  own.context.tls = true;
  CHECK_FALSE(OriginPolicy({list_of({}), false, "api", nullptr, true}).judge(own.context).answers());
}

TEST_CASE("origin: the own host is the same in every spelling") {
  CHECK(is_same_origin("https://a.org.", true, "a.org"));
  CHECK(is_same_origin("https://a.org", true, "a.org.:443"));
  CHECK(is_same_origin("https://[2001:DB8:0::1]", true, "[2001:db8::1]"));
  CHECK_FALSE(is_same_origin("https://a.org..", true, "a.org"));
  CHECK_FALSE(is_same_origin("https://[::ffff:1.2.3.4]", true, "1.2.3.4"));
  CHECK_FALSE(is_same_origin("http://", false, ""));
}

TEST_CASE("origin: a list that reports only lets pass, notes it, and is not in force for the request") {
  JudgedRequest request;
  request.with("Origin", "https://evil.example").websocket();
  const OriginPolicy policy({list_of({{Kind::exact, "https://a.org"}}), false, "api", nullptr, false, true});
  CHECK(policy.judge(request.context).passes());
  CHECK_FALSE(request.context.origin_checked);
  REQUIRE(request.context.reported.size() == 1);
  CHECK(request.context.reported[0].cause == Cause::origin_refused);
  CHECK(request.context.reported[0].detail ==
        "origin \"https://evil.example\" is not on origin list \"dashboard\" (route \"api\")");
  JudgedRequest listed;
  listed.with("Origin", "https://a.org");
  CHECK(policy.judge(listed.context).passes());
  CHECK(listed.context.origin_checked);
  CHECK(listed.context.reported.empty());
}
