#include "proxy/unrouted_cors.h"

#include <algorithm>

namespace postern::proxy {

void UnroutedCors::add(const routing::HostPattern& host, const Entry& entry) {
  const size_t index = hosts_.add(host);
  if (index >= entries_.size()) entries_.resize(index + 1);
  std::vector<Entry>& entries = entries_[index];
  const bool known = std::any_of(entries.begin(), entries.end(),
                                 [&entry](const Entry& other) { return other.list == entry.list; });
  if (!known) entries.push_back(entry);
}

void UnroutedCors::amend(std::string_view host, const http::RequestHead& request,
                         http::ResponseHead& head) const {
  if (entries_.empty()) return;
  const std::string_view origin =
      request.headers.count(http::FieldId::origin) == 1 ? request.headers.get(http::FieldId::origin) : "";
  const Entry* any = nullptr;
  routing::HostMatcher::Walk walk(hosts_, host);
  while (const std::optional<size_t> index = walk.next()) {
    for (const Entry& entry : entries_[*index]) {
      if (entry.list->allows(origin)) return entry.cors->add_fields(request, origin, false, head);
      if (!any) any = &entry;
    }
  }
  if (any) any->cors->add_fields(request, {}, false, head);
}

}  // namespace postern::proxy
