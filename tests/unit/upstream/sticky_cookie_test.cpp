#include "upstream/sticky_cookie.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace postern;
using namespace postern::upstream;
using namespace std::chrono_literals;

namespace {

constexpr int64_t now = 1'800'000'000;
const std::string secret = "0123456789abcdef0123456789abcdef";
const std::vector<std::string> endpoints = {"http://10.0.0.1:80", "http://10.0.0.2:80", "http://10.0.0.3:80"};

StickyCookie cookie_of(const StickyOptions& options = {}, const std::string& key = secret,
                       const std::string& group = "app", const std::vector<std::string>& texts = endpoints) {
  return StickyCookie(options, key, group, texts);
}

// Returns "name=value" of a Set-Cookie value, as a browser sends it back.
std::string pair_of(const std::string& set_cookie) { return set_cookie.substr(0, set_cookie.find(';')); }

std::optional<StickyCookie::Session> read(const StickyCookie& cookie, const std::string& cookies,
                                          int64_t at = now) {
  http::Headers headers;
  headers.add("Cookie", cookies);
  return cookie.read(headers, at);
}

}  // namespace

TEST_CASE("sticky cookie: what it sets it reads, for every endpoint, on every instance with the secret") {
  for (size_t endpoint = 0; endpoint < endpoints.size(); ++endpoint) {
    const std::string pair = pair_of(cookie_of().set_cookie(endpoint, now, false));
    const auto session = read(cookie_of(), "a=b; " + pair + "; c=d");
    REQUIRE(session.has_value());
    CHECK(session->endpoint == endpoint);
    CHECK_FALSE(session->is_ageing);
  }
}

TEST_CASE("sticky cookie: it names the endpoint by its address, wherever that stands in the list") {
  const std::string pair = pair_of(cookie_of().set_cookie(2, now, false));
  const StickyCookie other = cookie_of({}, secret, "app", {endpoints[2], "http://10.0.0.9:80"});
  CHECK(read(other, pair)->endpoint == 0);
  const StickyCookie without = cookie_of({}, secret, "app", {endpoints[0], endpoints[1]});
  CHECK_FALSE(read(without, pair).has_value());
}

TEST_CASE("sticky cookie: nothing of the endpoint or the secret can be read from it") {
  const std::string text = cookie_of().set_cookie(0, now, false);
  CHECK(text.find("10.0.0") == std::string::npos);
  CHECK(text.find(secret) == std::string::npos);
  CHECK(pair_of(text) != pair_of(cookie_of({}, secret, "other").set_cookie(0, now, false)));
}

TEST_CASE("sticky cookie: its attributes are safe by default, and those that were asked for") {
  CHECK(cookie_of().set_cookie(0, now, false).ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"));
  CHECK(cookie_of()
            .set_cookie(0, now, true)
            .ends_with("; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"));
  StickyOptions options;
  options.cookie = "route";
  options.path = "/app";
  options.ttl = 60s;
  options.secure = StickyOptions::Secure::always;
  options.same_site = StickyOptions::SameSite::none;
  const std::string text = cookie_of(options).set_cookie(0, now, false);
  CHECK(text.starts_with("route="));
  CHECK(text.ends_with("; Path=/app; Max-Age=60; HttpOnly; Secure; SameSite=None"));
  options.secure = StickyOptions::Secure::never;
  options.same_site = StickyOptions::SameSite::strict;
  CHECK(cookie_of(options).set_cookie(0, now, true).ends_with("; Max-Age=60; HttpOnly; SameSite=Strict"));
}

TEST_CASE("sticky cookie: it ages after half of its time, and ends with it") {
  const std::string pair = pair_of(cookie_of().set_cookie(1, now, false));
  CHECK_FALSE(read(cookie_of(), pair, now + 1800)->is_ageing);
  CHECK(read(cookie_of(), pair, now + 1801)->is_ageing);
  CHECK(read(cookie_of(), pair, now + 3599)->is_ageing);
  CHECK_FALSE(read(cookie_of(), pair, now + 3600).has_value());
}

TEST_CASE("sticky cookie: forged and foreign ones are ignored") {
  const std::string pair = pair_of(cookie_of().set_cookie(1, now, false));
  REQUIRE(read(cookie_of(), pair).has_value());
  CHECK_FALSE(read(cookie_of({}, "another secret, of thirty-two by"), pair).has_value());
  CHECK_FALSE(read(cookie_of({}, secret, "other"), pair).has_value());
  // Each character after the name is changed, left out, and doubled.
  for (size_t at = pair.find('=') + 1; at < pair.size(); ++at) {
    std::string changed = pair;
    changed[at] = pair[at] == 'A' ? 'B' : 'A';
    CHECK_FALSE(read(cookie_of(), changed).has_value());
    CHECK_FALSE(read(cookie_of(), pair.substr(0, at) + pair.substr(at + 1)).has_value());
    CHECK_FALSE(read(cookie_of(), pair.substr(0, at) + pair[at] + pair.substr(at)).has_value());
    CHECK_FALSE(read(cookie_of(), pair.substr(0, at)).has_value());
  }
  // The MAC of one endpoint is not valid for another.
  const std::string other = pair_of(cookie_of().set_cookie(2, now, false));
  const size_t id_end = pair.find('.');
  CHECK_FALSE(read(cookie_of(), other.substr(0, id_end) + pair.substr(id_end)).has_value());
  for (const char* text : {"", "postern_route", "postern_route=", "postern_route=..", "postern_route=a.b.c",
                           "postern_route=.1.", "other=x"})
    CHECK_FALSE(read(cookie_of(), text).has_value());
  CHECK_FALSE(read(cookie_of(), pair + std::string(10'000, 'A')).has_value());
}

TEST_CASE("sticky cookie: one that somebody planted does not hide the good one") {
  const std::string pair = pair_of(cookie_of().set_cookie(1, now, false));
  CHECK(read(cookie_of(), "postern_route=planted; " + pair)->endpoint == 1);
  http::Headers headers;
  headers.add("Cookie", "postern_route=planted");
  headers.add("Cookie", pair);
  CHECK(cookie_of().read(headers, now)->endpoint == 1);
}

TEST_CASE("sticky cookie: of many that look right, only the first four are worth a computation") {
  const std::string good = pair_of(cookie_of().set_cookie(1, now, false));
  const std::string other = pair_of(cookie_of().set_cookie(2, now, false));
  // The id and time of one endpoint with the MAC of another.
  const std::string plausible = other.substr(0, other.rfind('.')) + good.substr(good.rfind('.'));
  std::string cookies;
  for (int count = 0; count < 6; ++count) {
    CAPTURE(count);
    CHECK(read(cookie_of(), cookies + good).has_value() == (count < 4));
    cookies += plausible + "; ";
  }
  // Obviously invalid cookies cost nothing, and are not counted.
  std::string nonsense;
  for (int count = 0; count < 100; ++count) nonsense += "postern_route=x.9999999999.AAAA; ";
  CHECK(read(cookie_of(), nonsense + good).has_value());
}

TEST_CASE("sticky cookie: it is taken out of the request, and nothing else is") {
  const auto stripped = [](const std::vector<std::string>& fields) {
    http::RequestHead request;
    request.headers.add("Host", "a");
    for (const std::string& field : fields) request.headers.add("Cookie", request.arena.keep(field));
    cookie_of().strip(request);
    std::vector<std::string> left;
    for (const http::HeaderField& field : request.headers)
      if (field.id == http::FieldId::cookie) left.emplace_back(field.value);
    return left;
  };
  using List = std::vector<std::string>;
  CHECK(stripped({"postern_route=x"}) == List{});
  CHECK(stripped({"a=b; postern_route=x; c=d=e"}) == List{"a=b; c=d=e"});
  CHECK(stripped({"postern_route=x; postern_route=y;a=\"b c\""}) == List{"a=\"b c\""});
  CHECK(stripped({"a=b", "postern_route=x", "c=d"}) == List{"a=b; c=d"});
  CHECK(stripped({"a=b;c=d", "e"}) == List{"a=b;c=d", "e"});  // unchanged
  CHECK(stripped({"xpostern_route=x; postern_routex=y"}) == List{"xpostern_route=x; postern_routex=y"});
  CHECK(stripped({}) == List{});
}
