// Origins as browsers, and as others, may spell them, with a verdict for each: whether one list has it.
#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>

#include "policy/origin_list.h"
#include "policy/origin_text.h"

using namespace postern::policy;
using Kind = OriginRule::Kind;

namespace {

struct Case {
  std::string_view origin;
  bool listed;
};

constexpr bool yes = true;
constexpr bool no = false;

std::shared_ptr<const OriginList> the_list() {
  auto list = OriginList::compile({"cases",
                                   {{Kind::exact, "https://app.example.com"},
                                    {Kind::exact, "http://localhost:5173"},
                                    {Kind::exact, "https://dotted.example."},
                                    {Kind::exact, "https://port.example:8443"},
                                    {Kind::exact, "http://plain.example:80"},
                                    {Kind::exact, "HTTPS://Upper.Example:443"},
                                    {Kind::exact, "https://xn--mnchen-3ya.example"},
                                    {Kind::exact, "http://192.0.2.7:8080"},
                                    {Kind::exact, "http://[2001:DB8:0:0::1]:8080"},
                                    {Kind::exact, "https://[::1]"},
                                    {Kind::exact, "https://[::ffff:192.0.2.1]"},
                                    {Kind::exact, "capacitor://localhost"},
                                    {Kind::exact, "chrome-extension://abcdefghijklmnop"},
                                    {Kind::wildcard, "https://*.pages.example.com"},
                                    {Kind::wildcard, "https://*.xn--mnchen-3ya.example"},
                                    {Kind::wildcard, "http://*.dev.example:3000"},
                                    {Kind::pattern, "https://pr-[0-9]+\\.example\\.com"},
                                    {Kind::pattern, "https://.*\\.loose\\.example"},
                                    {Kind::pattern, "file://"}}});
  REQUIRE(list);
  return *list;
}

constexpr auto cases = std::to_array<Case>({
    // case
    {"https://app.example.com", yes},
    {"https://APP.example.com", yes},
    {"HTTPS://app.example.com", yes},
    {"hTtPs://aPp.ExAmPlE.cOm", yes},
    {"https://upper.example", yes},
    {"https://UPPER.EXAMPLE", yes},
    {"https://PR-7.example.com", yes},
    {"CAPACITOR://LOCALHOST", yes},
    // scheme
    {"http://app.example.com", no},
    {"wss://app.example.com", no},
    {"app.example.com", no},
    {"//app.example.com", no},
    {"https:app.example.com", no},
    {"https:/app.example.com", no},
    {"https:///app.example.com", no},
    {"https//app.example.com", no},
    {"xhttps://app.example.com", no},
    {" https://app.example.com", no},
    {"ht tps://app.example.com", no},
    {"capacitor://localhost", yes},
    {"ionic://localhost", no},
    {"chrome-extension://abcdefghijklmnop", yes},
    {"chrome-extension://abcdefghijklmnoq", no},
    {"moz-extension://abcdefghijklmnop", no},
    {"file://", yes},
    {"file:///", no},
    {"file://host", no},
    // port
    {"https://app.example.com:443", yes},
    {"https://app.example.com:0443", yes},
    {"https://app.example.com:80", no},
    {"https://app.example.com:8443", no},
    {"https://app.example.com:", no},
    {"https://app.example.com:443:443", no},
    {"https://app.example.com:+443", no},
    {"https://app.example.com:443a", no},
    {"https://app.example.com:000443", no},
    {"https://app.example.com:65979", no},
    {"https://port.example:8443", yes},
    {"https://port.example:08443", yes},
    {"https://port.example", no},
    {"http://plain.example", yes},
    {"http://plain.example:80", yes},
    {"https://plain.example:80", no},
    {"http://localhost:5173", yes},
    {"http://localhost", no},
    {"http://localhost:5174", no},
    {"capacitor://localhost:80", no},
    // the dot at the end of a name
    {"https://app.example.com.", yes},
    {"https://app.example.com.:443", yes},
    {"https://APP.EXAMPLE.COM.", yes},
    {"https://app.example.com..", no},
    {"https://.app.example.com", no},
    {"https://app..example.com", no},
    {"https://dotted.example", yes},
    {"https://dotted.example.", yes},
    {"https://.", no},
    {"https://", no},
    // names beyond ASCII
    {"https://xn--mnchen-3ya.example", yes},
    {"https://XN--MNCHEN-3YA.example", yes},
    {"https://xn--mnchen-3ya.example.", yes},
    {"https://shop.xn--mnchen-3ya.example", yes},
    {"https://m\xc3\xbcnchen.example", no},
    {"https://munchen.example", no},
    {"https://xn--mnchen-3yb.example", no},
    {"https://m%C3%BCnchen.example", no},
    {"https://app.example.com\xe3\x80\x82", no},
    // addresses
    {"http://192.0.2.7:8080", yes},
    {"http://192.0.2.7.:8080", yes},
    {"http://192.0.2.07:8080", no},
    {"http://3221225991:8080", no},
    {"http://[::ffff:192.0.2.7]:8080", no},
    {"http://[2001:db8::1]:8080", yes},
    {"http://[2001:DB8::1]:8080", yes},
    {"http://[2001:db8:0:0:0:0:0:1]:8080", yes},
    {"http://[2001:0db8::0001]:8080", yes},
    {"http://[2001:db8::1]", no},
    {"http://[2001:db8::2]:8080", no},
    {"http://2001:db8::1:8080", no},
    {"http://[2001:db8::1%25eth0]:8080", no},
    {"http://[2001:db8::1:8080", no},
    {"http://2001:db8::1]:8080", no},
    {"https://[::1]", yes},
    {"https://[0:0:0:0:0:0:0:1]:443", yes},
    {"https://[::0.0.0.1]", yes},
    {"https://[::1].", no},
    {"https://[::1]x", no},
    {"https://[]", no},
    {"https://[127.0.0.1]", no},
    {"https://[::ffff:c000:201]", yes},
    {"https://[::ffff:192.0.2.1]", yes},
    {"https://192.0.2.1", no},
    // what is more than an origin
    {"https://app.example.com/", no},
    {"https://app.example.com/path", no},
    {"https://app.example.com?", no},
    {"https://app.example.com#", no},
    {"https://app.example.com\\", no},
    {"https://user@app.example.com", no},
    {"https://app.example.com@evil.example", no},
    {"https://app.example.com https://evil.example", no},
    {"https://evil.example, https://app.example.com", no},
    {"https://app.example.com\t", no},
    {std::string_view("https://app.example.com\0", 24), no},
    {"https://app.example.com,", no},
    {"*", no},
    {"", no},
    // other names
    {"https://app.example.com.evil.example", no},
    {"https://evil-app.example.com", no},
    {"https://xapp.example.com", no},
    {"https://example.com", no},
    {"https://app.example.co", no},
    {"https://app-example.com", no},
    // wildcards
    {"https://a.pages.example.com", yes},
    {"https://a.b.pages.example.com", yes},
    {"https://A.pages.example.com.:443", yes},
    {"https://a_b.pages.example.com", yes},
    {"https://pages.example.com", no},
    {"https://.pages.example.com", no},
    {"https://a..pages.example.com", no},
    {"https://evilpages.example.com", no},
    {"https://*.pages.example.com", no},
    {"https://a.pages.example.com.evil.example", no},
    {"https://evil.example/.pages.example.com", no},
    {"https://evil.example#.pages.example.com", no},
    {"https://evil.example:1.pages.example.com", no},
    {"http://a.dev.example:3000", yes},
    {"http://a.dev.example", no},
    {"http://a.dev.example:30000", no},
    // patterns
    {"https://pr-12.example.com", yes},
    {"https://pr-12.example.com.", yes},
    {"https://pr-12.example.com:443", yes},
    {"https://pr-.example.com", no},
    {"https://pr-12xexample.com", no},
    {"https://pr-12.example.com.evil.example", no},
    {"https://a.loose.example", yes},
    {"https://evil.example/.loose.example", no},
    {"https://evil.example?.loose.example", no},
    {"https://evil.example https://a.loose.example", no},
    {"https://evil\xc3\xa9.loose.example", no},
    // null, which this list does not have
    {"null", no},
    {"NULL", no},
    {"null.loose.example", no},
});

}  // namespace

TEST_CASE("origin cases: each is on the list or not, whatever its spelling") {
  const auto list = the_list();
  static_assert(cases.size() >= 80);
  for (const Case& one : cases) {
    CAPTURE(one.origin);
    CHECK(list->allows(one.origin) == one.listed);
  }
}

TEST_CASE("origin cases: no case stands there twice") {
  std::set<std::string_view> seen;
  for (const Case& one : cases) {
    CAPTURE(one.origin);
    CHECK(seen.insert(one.origin).second);
  }
}

TEST_CASE("origin text: what has the canonical spelling is returned as it is") {
  std::string scratch;
  for (std::string_view origin :
       {"https://app.example.com", "http://localhost:5173", "https://[2001:db8::1]:8443", "https://[::]",
        "https://a-rather-long-name-that-no-short-string-holds.example.com", "capacitor://localhost",
        "https://[1:0:1::]", "https://[1::1:0:0:1:1]", "https://[1:2:3:4:5:6:7:8]"}) {
    CAPTURE(origin);
    const std::string_view canonical = canonical_origin(origin, scratch);
    CHECK(canonical == origin);
    CHECK(canonical.data() == origin.data());
    CHECK(scratch.empty());
  }
}

TEST_CASE("origin text: another spelling becomes the canonical one") {
  const std::pair<std::string_view, std::string_view> spellings[] = {
      {"HTTPS://App.Example.com.:0443", "https://app.example.com"},
      {"http://a.example:00", "http://a.example:0"},
      {"http://[2001:0DB8:0:0:1:0:0:1]:80", "http://[2001:db8::1:0:0:1]"},
      {"https://[1:0:0:1:0:0:0:1]", "https://[1:0:0:1::1]"},
      {"https://[::1.2.3.4]", "https://[::102:304]"},
      {"https://[::FFFF:1.2.3.4]", "https://[::ffff:102:304]"},
      {"https://[0:0:0:0:0:0:0:0]", "https://[::]"},
      {"https://[1::0]", "https://[1::]"},
      {"https://[1:0::2:0:3:4:5]", "https://[1::2:0:3:4:5]"},
  };
  for (const auto& [origin, expected] : spellings) {
    const std::string shown(origin);  // a binding cannot be captured
    CAPTURE(shown);
    std::string scratch;
    CHECK(canonical_origin(origin, scratch) == expected);
  }
}
