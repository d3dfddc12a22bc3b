#include "http/cookies.h"

#include <string>

namespace postern::http {

void remove_cookie(RequestHead& request, std::string_view name) {
  bool is_there = false;
  std::string others;
  for (const HeaderField& field : request.headers) {
    if (field.id != FieldId::cookie) continue;
    each_cookie(field.value, [&](std::string_view pair, std::string_view own_name, std::string_view) {
      if (own_name == name) {
        is_there = true;
        return;
      }
      if (!others.empty()) others += "; ";
      others += pair;
    });
  }
  if (!is_there) return;
  if (others.empty())
    request.headers.remove(FieldId::cookie);
  else
    request.headers.set("Cookie", request.arena.keep(others));
}

}  // namespace postern::http
