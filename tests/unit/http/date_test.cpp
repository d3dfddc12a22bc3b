#include "http/date.h"

#include <doctest/doctest.h>

#include <string>

using postern::http::imf_fixdate;
using postern::http::parse_http_date;

TEST_CASE("date: the value is the IMF-fixdate of the second") {
  CHECK(imf_fixdate(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(imf_fixdate(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(imf_fixdate(1709251199) == "Thu, 29 Feb 2024 23:59:59 GMT");
}

TEST_CASE("date: a second that is asked for again gives the same, another gives another") {
  const std::string first(imf_fixdate(1000000000));
  CHECK(imf_fixdate(1000000000) == first);
  CHECK(imf_fixdate(1000000001) == "Sun, 09 Sep 2001 01:46:41 GMT");
  CHECK(imf_fixdate(1000000000) == first);
}

TEST_CASE("date: all three forms are read") {
  constexpr int64_t now = 1'800'000'000;  // 2027
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", now) == 784111777);
  CHECK(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now) == 784111777);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994", now) == 784111777);
  CHECK(parse_http_date("Thu Feb 29 23:59:59 2024", now) == 1709251199);
  CHECK(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT", now) == 0);
  CHECK(parse_http_date("Wed, 31 Dec 1969 23:59:59 GMT", now) == -1);
  for (int64_t second : {int64_t{1}, int64_t{951782399}, int64_t{4102444800}})
    CHECK(parse_http_date(imf_fixdate(second), now) == second);
}

TEST_CASE("date: a year of two digits lies at most 50 years ahead") {
  constexpr int64_t now = 1'800'000'000;  // 2027
  CHECK(parse_http_date("Friday, 01-Jan-77 00:00:00 GMT", now) ==
        parse_http_date("Fri, 01 Jan 2077 00:00:00 GMT", now));
  CHECK(parse_http_date("Sunday, 01-Jan-78 00:00:00 GMT", now) ==
        parse_http_date("Sun, 01 Jan 1978 00:00:00 GMT", now));
}

TEST_CASE("date: what is none of them, or no day, is nothing") {
  for (const char* text : {"",
                           "0",
                           "yesterday",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           " Sun, 06 Nov 1994 08:49:37 GMT",
                           "sun, 06 nov 1994 08:49:37 gmt",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Wed, 29 Feb 2023 00:00:00 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:00 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun Nov 06 08:49:37 1994 GMT",
                           "Sun, 06 Nov -994 08:49:37 GMT",
                           "Sunday, 06-Nov-1994 08:49:37 GMT"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_http_date(text, 1'800'000'000).has_value());
  }
}
