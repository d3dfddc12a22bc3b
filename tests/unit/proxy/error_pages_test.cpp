#include "proxy/error_pages.h"

#include <doctest/doctest.h>

#include "base/json.h"

using namespace postern;
using proxy::PageFormat;

namespace {

PageFormat chosen(std::string_view accept) {
  http::Headers headers;
  headers.add("Accept", accept);
  return proxy::choose_format(headers);
}

proxy::PageFacts facts() {
  proxy::PageFacts facts;
  facts.status = 404;
  facts.reason = "Not Found";
  facts.error = "no_route";
  facts.message = "No route matches.";
  facts.remedy = "Check the address.";
  facts.detail = "the detail";
  facts.request_id = "id-1";
  facts.host = "app.example";
  facts.path = "/x";
  return facts;
}

constexpr std::string_view hostile = "<script>alert('1')</script>\"&\r\n\x01";

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("error pages: programs get JSON, browsers a page, terminals what they ask for") {
  CHECK(proxy::choose_format({}) == PageFormat::json);
  CHECK(chosen("*/*") == PageFormat::json);
  CHECK(chosen("application/json, text/plain, */*") == PageFormat::json);
  CHECK(chosen("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8") ==
        PageFormat::html);
  CHECK(chosen("text/plain") == PageFormat::text);
  CHECK(chosen("text/*") == PageFormat::html);
  CHECK(chosen("text/html;q=0.5, application/json;q=0.6") == PageFormat::json);
  CHECK(chosen("text/html;q=0.6, application/json;q=0.5") == PageFormat::html);
  CHECK(chosen("image/png") == PageFormat::json);
  CHECK(chosen("application/json;q=0, text/html;q=0, */*;q=0") == PageFormat::json);
}

TEST_CASE("error pages: each built-in says what is known") {
  for (PageFormat format : {PageFormat::json, PageFormat::html, PageFormat::text}) {
    const std::string page = proxy::built_in_page(format, facts());
    for (std::string_view part :
         {"no_route", "No route matches.", "Check the address.", "the detail", "id-1"}) {
      CAPTURE(part);
      CHECK(contains(page, part));
    }
  }
  proxy::PageFacts few;
  few.status = 502;
  few.reason = "Bad Gateway";
  few.error = "upstream_refused";
  few.message = "The endpoint refused the connection.";
  CHECK(proxy::built_in_page(PageFormat::text, few) ==
        "502 Bad Gateway\nThe endpoint refused the connection.\ncause: upstream_refused\n");
  CHECK_FALSE(contains(proxy::built_in_page(PageFormat::html, few), "Request id"));
}

TEST_CASE("error pages: nothing of a client's becomes markup, a line, or the end of a string") {
  proxy::PageFacts evil = facts();
  evil.detail = evil.host = evil.path = evil.request_id = evil.message = hostile;
  const std::string html = proxy::built_in_page(PageFormat::html, evil);
  CHECK_FALSE(contains(html, "<script"));
  CHECK_FALSE(contains(html, "alert('"));
  CHECK_FALSE(contains(html, "\x01"));
  CHECK(contains(html, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;"));
  const auto json = base::parse_json(proxy::built_in_page(PageFormat::json, evil));
  REQUIRE(json.has_value());
  CHECK(*base::find_string(*json, "detail") == hostile);
  CHECK(contains(proxy::built_in_page(PageFormat::text, evil), "</script>\"&???\n"));
}

TEST_CASE("error pages: the built-in page needs nothing from elsewhere") {
  const std::string html = proxy::built_in_page(PageFormat::html, facts());
  for (std::string_view outside :
       {"http:", "https:", "src=", "href=", "url(", "@import", "<script", "style=\""}) {
    CAPTURE(outside);
    CHECK_FALSE(contains(html, outside));
  }
  CHECK(proxy::built_in_policy().starts_with("default-src 'none'; style-src 'sha256-"));
}

TEST_CASE("error pages: an operator's page has its placeholders filled, escaped, and its other braces left") {
  const std::string source =
      "<style>a{color:red}</style>{status} {reason}: {message} {detail} {nothing} {status";
  proxy::PageFacts evil = facts();
  evil.detail = hostile;
  CHECK(proxy::PageTemplate(source, PageFormat::html).fill(evil) ==
        "<style>a{color:red}</style>404 Not Found: No route matches. "
        "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;??? {nothing} {status");
  CHECK(proxy::PageTemplate("{\"e\":\"{error}\",\"d\":\"{detail}\"}", PageFormat::json).fill(evil) ==
        "{\"e\":\"no_route\",\"d\":\"<script>alert('1')</script>\\\"&\\r\\n\\u0001\"}");
  CHECK(proxy::PageTemplate("", PageFormat::text).fill(evil).empty());
  // Inserted text is not searched for placeholders.
  evil.message = "{detail}";
  CHECK(proxy::PageTemplate("{message}", PageFormat::text).fill(evil) == "{detail}");
}

TEST_CASE("error pages: the narrowest range counts") {
  proxy::ErrorPages pages;
  pages.add(400, 599, PageFormat::html, "any");
  pages.add(404, 404, PageFormat::html, "lost");
  pages.add(500, 599, PageFormat::html, "broken");
  pages.add(500, 599, PageFormat::text, "plain");
  const auto page = [&](uint16_t status, PageFormat format) {
    const proxy::PageTemplate* found = pages.find(status, format);
    return found ? found->fill({}) : "(none)";
  };
  CHECK(page(404, PageFormat::html) == "lost");
  CHECK(page(403, PageFormat::html) == "any");
  CHECK(page(500, PageFormat::html) == "broken");
  CHECK(page(599, PageFormat::text) == "plain");
  CHECK(page(499, PageFormat::text) == "(none)");
  CHECK(page(404, PageFormat::json) == "(none)");
}
