#include "files/range.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace postern::files;

namespace {

std::string read(std::string_view field, uint64_t size = 1000) {
  const Range range = read_range(field, size);
  switch (range.kind) {
    case Range::Kind::whole: return "whole";
    case Range::Kind::unsatisfiable: return "unsatisfiable";
    case Range::Kind::part: break;
  }
  return std::to_string(range.first) + "-" + std::to_string(range.last);
}

}  // namespace

TEST_CASE("range: one range of bytes") {
  CHECK(read("bytes=0-0") == "0-0");
  CHECK(read("bytes=0-") == "0-999");
  CHECK(read("bytes=0-999") == "0-999");
  CHECK(read("bytes=0-1000") == "0-999");
  CHECK(read("bytes=999-") == "999-999");
  CHECK(read("bytes=10-19") == "10-19");
  CHECK(read("Bytes= 10-19 ") == "10-19");
  CHECK(read("bytes=-1") == "999-999");
  CHECK(read("bytes=-1000") == "0-999");
  CHECK(read("bytes=-5000") == "0-999");
  CHECK(read("bytes=0-99999999999999999999999") == "0-999");
  CHECK(read("bytes=-99999999999999999999999") == "0-999");
}

TEST_CASE("range: beyond the end") {
  CHECK(read("bytes=1000-") == "unsatisfiable");
  CHECK(read("bytes=1000-2000") == "unsatisfiable");
  CHECK(read("bytes=99999999999999999999999-") == "unsatisfiable");
  CHECK(read("bytes=-0") == "unsatisfiable");
  CHECK(read("bytes=0-", 0) == "unsatisfiable");
  CHECK(read("bytes=0-0", 0) == "unsatisfiable");
  CHECK(read("bytes=-5", 0) == "whole");
}

TEST_CASE("range: what may be ignored is") {
  for (const char* field : {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=1-2,4-5",
                            "bytes=0-,-1", "bytes=1", "items=0-5", "bytes 0-5", "bytes=+1-2", "bytes=1-+2",
                            "bytes=0x1-2", "bytes=1--2", "bytes=--1", "bytes=1 - 2", "=0-5"}) {
    CAPTURE(field);
    CHECK(read(field) == "whole");
  }
}
