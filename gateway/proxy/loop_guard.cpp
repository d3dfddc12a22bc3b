#include "proxy/loop_guard.h"

namespace postern::proxy {

std::string loop_mark(std::string_view process, size_t route) {
  return std::string("postern-").append(process).append("-").append(std::to_string(route));
}

bool comes_back(const http::Headers& headers, std::string_view mark) {
  return !mark.empty() && headers.list_contains(http::FieldId::cdn_loop, mark);
}

}  // namespace postern::proxy
