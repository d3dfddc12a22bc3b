#include "http/hop_by_hop.h"

#include <doctest/doctest.h>

#include <ctime>
#include <string>

using namespace postern::http;

namespace {

std::string names_left(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  Headers headers;
  for (const auto& [name, value] : fields) headers.add(name, value);
  remove_hop_by_hop(headers);
  std::string names;
  for (const HeaderField& field : headers) names += std::string(names.empty() ? "" : " ").append(field.name);
  return names;
}

}  // namespace

TEST_CASE("hop by hop: the fields of one connection are removed, the others keep their order") {
  CHECK(names_left({{"Host", "a"},
                    {"Connection", "keep-alive, Upgrade"},
                    {"Keep-Alive", "timeout=5"},
                    {"Accept", "*/*"},
                    {"Proxy-Connection", "keep-alive"},
                    {"TE", "trailers"},
                    {"Trailer", "X"},
                    {"Transfer-Encoding", "chunked"},
                    {"Upgrade", "websocket"},
                    {"HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"},
                    {"Proxy-Authenticate", "Basic"},
                    {"Proxy-Authorization", "Basic eA=="},
                    {"Sec-WebSocket-Key", "x"}}) == "Host Accept Sec-WebSocket-Key");
}

TEST_CASE("hop by hop: fields that Connection names go with it, wherever they stand") {
  CHECK(
      names_left(
          {{"X-Hop", "1"}, {"Connection", "close, x-hop ,, X-Other"}, {"x-other", "2"}, {"X-Stays", "3"}}) ==
      "X-Stays");
  CHECK(names_left({{"A1", ""}, {"Connection", "a1"}, {"B1", ""}, {"connection", "b1"}, {"A1", ""}}).empty());
}

TEST_CASE("hop by hop: Connection cannot take away what an endpoint decides by") {
  CHECK(names_left({{"Connection",
                     "host, authorization, cookie, content-length, x-forwarded-for, x-forwarded-user, "
                     "origin, content-encoding, x-real-ip, sec-fetch-site, cache-control, set-cookie"},
                    {"Host", ""},
                    {"Authorization", ""},
                    {"Cookie", ""},
                    {"Content-Length", ""},
                    {"X-Forwarded-For", ""},
                    {"X-Forwarded-User", ""},
                    {"Origin", ""},
                    {"Content-Encoding", ""},
                    {"X-Real-IP", ""},
                    {"Sec-Fetch-Site", ""},
                    {"Cache-Control", ""},
                    {"Set-Cookie", ""}}) ==
        "Host Authorization Cookie Content-Length X-Forwarded-For X-Forwarded-User Origin Content-Encoding "
        "X-Real-IP "
        "Sec-Fetch-Site Cache-Control Set-Cookie");
}

TEST_CASE("hop by hop: a field called close or upgrade by option only is another matter") {
  CHECK(names_left({{"Connection", "close"}, {"Close", "x"}, {"Accept", "y"}}) == "Close Accept");
}

TEST_CASE("hop by hop: thousands of options and fields are no product of both") {
  // As many of each as fit in a head of 64 KiB. Comparing each with each took 100 million comparisons, which
  // is seconds in this build.
  std::string connection = "X-Gone";
  for (int i = 0; i < 12'000; ++i) connection += ",x" + std::to_string(i);
  Headers headers;
  headers.add("Connection", connection);
  for (int i = 0; i < 12'000; ++i) headers.add("Y-Stays", "");
  headers.add("x-gone", "");
  headers.add("X11999", "");
  const std::clock_t before = std::clock();
  remove_hop_by_hop(headers);
  CHECK(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC < 0.5);
  CHECK(headers.size() == 12'000);
  CHECK(headers.find("X-Gone") == nullptr);
}
