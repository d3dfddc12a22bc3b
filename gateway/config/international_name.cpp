#include "config/international_name.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

namespace postern::config {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

tl::expected<std::string, std::string> to_ascii_name(std::string_view name) {
  const std::string terminated(name);
  char* converted = nullptr;
  const int result = idn2_to_ascii_8z(terminated.c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, decltype(&idn2_free)> owner(converted, &idn2_free);
  if (result != IDN2_OK) return tl::unexpected<std::string>(idn2_strerror(result));
  return std::string(converted);
}

}  // namespace postern::config
