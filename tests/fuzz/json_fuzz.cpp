// What the reader takes, the library takes as well and reads as the same value; it is not too deep, and what
// is written of it is read back as the same value.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json.h"

namespace {

using postern::base::Json;

int depth_of(const Json& value) {
  if (!value.is_structured()) return 0;
  int deepest = 0;
  for (const Json& element : value) deepest = std::max(deepest, depth_of(element));
  return deepest + 1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using postern::base::check;
  using postern::base::parse_json;
  std::string_view input(reinterpret_cast<const char*>(data), size);

  auto value = parse_json(input);
  if (!value) {
    check(value.error().offset <= size + 1, "a problem lies in the text or at its end");
    return 0;
  }
  check(depth_of(*value) <= postern::base::JsonLimits().depth, "the depth limit holds");
  Json other = Json::parse(input, nullptr, false);
  check(!other.is_discarded() && other == *value, "the library reads the same value");
  auto again = parse_json(postern::base::write_json(*value));
  check(again.has_value() && *again == *value, "what is written is read back");
  return 0;
}
