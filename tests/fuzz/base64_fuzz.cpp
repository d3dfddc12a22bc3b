// Whatever decodes is exactly what the encoder writes for those bytes, in both alphabets; and every bytes
// come back from their encoding.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "crypto/base64.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern::crypto;
  using postern::base::check;
  std::string_view input(reinterpret_cast<const char*>(data), size);

  auto url = decode_base64url(input);
  if (url) check(encode_base64url(*url) == input, "an accepted base64url text is canonical");
  auto standard = decode_base64(input);
  if (standard) check(encode_base64(*standard) == input, "an accepted base64 text is canonical");
  if (url && standard) check(*url == *standard, "a text in both alphabets means one thing");

  check(decode_base64url(encode_base64url(input)) == input, "base64url goes both ways");
  check(decode_base64(encode_base64(input)) == input, "base64 goes both ways");
  return 0;
}
