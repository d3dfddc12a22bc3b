// Whatever a client accepts: no coding is chosen that it does not accept or that was not offered, none that
// it likes less than another, and every element counts wherever the list is cut.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "coding/accept_encoding.h"
#include "http/headers.h"

using postern::base::check;
using namespace postern::coding;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Accepted accepted = Accepted::read(text);
  constexpr auto offered = std::to_array<Coding>({Coding::zstd, Coding::brotli, Coding::gzip});
  const Coding best = accepted.best(offered);
  for (const Coding coding : offered) {
    check(accepted.weight(coding) <= 1000, "a weight is at most 1");
    check(accepted.weight(best) >= accepted.weight(coding) || best == Coding::identity,
          "the best is the best");
    check(accepted.best(std::array<Coding, 1>{coding}) != coding || accepted.weight(coding) > 0,
          "a coding of weight 0 is not chosen");
  }
  check(accepted.best({}) == Coding::identity, "nothing was offered");

  const size_t comma = text.find(',');
  if (comma == text.npos) return 0;
  postern::http::Headers headers;
  headers.add("Accept-Encoding", text.substr(0, comma));
  headers.add("Accept-Encoding", text.substr(comma + 1));
  check(Accepted::read(headers).best(offered) == best, "two fields are one list");
  return 0;
}
