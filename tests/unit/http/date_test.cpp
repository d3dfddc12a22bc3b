#include "http/date.h"

#include <doctest/doctest.h>

#include <string>

using postern::http::imf_fixdate;

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
