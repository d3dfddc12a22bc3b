#include "policy/printable.h"

namespace postern::policy {

std::string printable(std::string_view text, size_t limit) {
  std::string cleaned(text.substr(0, limit));
  for (char& c : cleaned)
    if (c < 0x20 || c > 0x7e) c = '?';
  if (text.size() > limit) cleaned += "...";
  return cleaned;
}

}  // namespace postern::policy
