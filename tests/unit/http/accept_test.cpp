#include "http/accept.h"

#include <doctest/doctest.h>

using namespace postern;

namespace {

int html(std::string_view accept) {
  http::Headers headers;
  headers.add("Accept", accept);
  return http::media_quality(headers, "text", "html");
}

}  // namespace

TEST_CASE("accept: without a word everything is wanted") {
  CHECK(http::media_quality({}, "text", "html") == 1000);
  CHECK(html("") == 1000);
  CHECK(html(" , ") == 1000);
}

TEST_CASE("accept: the most specific range decides, wherever it stands") {
  CHECK(html("text/html") == 1000);
  CHECK(html("TEXT/Html;q=0.5") == 500);
  CHECK(html("text/*;q=0.4") == 400);
  CHECK(html("*/*;q=0.1") == 100);
  CHECK(html("*/*, text/*;q=0.2, text/html;q=0") == 0);
  CHECK(html("text/html;q=0.3, text/*;q=0.9, */*") == 300);
  CHECK(html("application/json") == 0);
  CHECK(html("text/html;level=1;q=0.7") == 700);
  CHECK(html("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8") == 1000);
}

TEST_CASE("accept: several fields are one list") {
  http::Headers headers;
  headers.add("accept", "*/*;q=0.1");
  headers.add("Accept", "text/html;q=0.6");
  CHECK(http::media_quality(headers, "text", "html") == 600);
  CHECK(http::media_quality(headers, "application", "json") == 100);
}

TEST_CASE("accept: qualities have three digits, and what is not well-formed says nothing") {
  CHECK(html("text/html;q=1.000") == 1000);
  CHECK(html("text/html;q=0.001") == 1);
  CHECK(html("text/html; Q=0.25") == 250);
  for (const char* bad :
       {"text/html;q=1.001", "text/html;q=2", "text/html;q=0.1234", "text/html;q=", "text/html;q=-1",
        "text/html;q=.5", "text/html;q=0,5", "text", "/html", "text/", "te xt/html", "*/html", "a/b/c"}) {
    CAPTURE(bad);
    CHECK(html(bad) == 0);
  }
}
