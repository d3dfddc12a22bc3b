#include "telemetry/request_id.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

using namespace postern::telemetry;

TEST_CASE("request id: ids follow xoshiro256** from a known seed") {
  // The reference implementation gives 11520, 0, 1509978240, 1215971899390074240 for the state 1, 2, 3, 4.
  RequestIdSource source(RequestIdSource::Seed{1, 2, 3, 4});
  CHECK(source.next().view() == "0000000000002d000000000000000000");
  CHECK(source.next().view() ==
        "000000005a007080"
        "10e0000000009d80");
}

TEST_CASE("request id: ids are 32 hex digits that never come twice") {
  RequestIdSource first;
  RequestIdSource second;
  std::set<std::string> seen;
  for (int i = 0; i < 5000; ++i) {
    for (RequestIdSource* source : {&first, &second}) {
      const RequestId id = source->next();
      CHECK(id.view().size() == 32);
      CHECK(std::all_of(id.view().begin(), id.view().end(),
                        [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }));
      seen.insert(std::string(id.view()));
    }
  }
  CHECK(seen.size() == 10000);
}

TEST_CASE("request id: made ids are acceptable themselves") {
  RequestIdSource source;
  CHECK(is_acceptable_request_id(source.next().view()));
}

TEST_CASE("request id: ids of the usual kinds are accepted up to 128 characters") {
  CHECK(is_acceptable_request_id("1"));
  CHECK(is_acceptable_request_id("7b0e3a52-9c4d-4f5e-8a61-0123456789ab"));
  CHECK(is_acceptable_request_id("Root=1-67891233-abcdef012345678912345678"));
  CHECK(is_acceptable_request_id("a.b_c:d/e+f=="));
  CHECK(is_acceptable_request_id(std::string(128, 'a')));
}

TEST_CASE("request id: the empty, the long and every other character are refused") {
  CHECK_FALSE(is_acceptable_request_id(""));
  CHECK_FALSE(is_acceptable_request_id(std::string(129, 'a')));
  const std::string_view allowed = "._-:/+=";
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    const bool letter_or_digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool expected = letter_or_digit || (c != 0 && allowed.find(c) != allowed.npos);
    CAPTURE(code);
    CHECK(is_acceptable_request_id(std::string("ok") + c) == expected);
  }
}
