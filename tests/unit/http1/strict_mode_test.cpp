// llhttp has two modes that differ in what they let through, chosen when it is compiled and again wherever
// its header is seen. These tests fail when either was compiled loosely.
#include <doctest/doctest.h>
#include <llhttp.h>

#include <string>
#include <string_view>

namespace {

// Feeds the bytes to llhttp only, without the gateway's own rules.
llhttp_errno_t feed_llhttp(llhttp_type_t type, std::string_view bytes) {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  llhttp_t machine;
  llhttp_init(&machine, type, &settings);
  return llhttp_execute(&machine, bytes.data(), bytes.size());
}

}  // namespace

TEST_CASE("llhttp: its header was seen in strict mode") { CHECK(LLHTTP_STRICT_MODE == 1); }

TEST_CASE("llhttp: its code was compiled in strict mode") {
  for (std::string_view loose : {
           "GET / HTTP/1.1\r\nHost: a\r\nx:\rTransfer-Encoding: chunked\r\n\r\n",  // CVE-2023-30589
           "GET / HTTP/1.1\r\nHost: a\r\n\rXGET /evil HTTP/1.1\r\n",               // CVE-2025-23167
           "GET / HTTP/1.1\r\nX Y: b\r\n\r\n",
           "GET /\x80 HTTP/1.1\r\n\r\n",
           "GET /\ta HTTP/1.1\r\n\r\n",
           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\rXhello\r\n0\r\n\r\n",
           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\rX",
       }) {
    CAPTURE(std::string(loose));
    CHECK(feed_llhttp(HTTP_REQUEST, loose) != HPE_OK);
  }
  CHECK(feed_llhttp(HTTP_RESPONSE, "HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n") != HPE_OK);
  CHECK(feed_llhttp(HTTP_REQUEST, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") == HPE_OK);
}
