#include "upstream/request_view.h"

#include "http/target.h"
#include "upstream/balancer.h"

namespace postern::upstream {
namespace {

std::string_view cookie_of(const http::Headers& headers, std::string_view name) {
  for (const http::HeaderField& field : headers) {
    if (field.id != http::FieldId::cookie) continue;
    const std::string_view value = http::cookie_value(field.value, name);
    if (!value.empty()) return value;
  }
  return {};
}

}  // namespace

std::optional<uint64_t> hash_key(const HashSource& source, const RequestView& request) {
  std::string_view text;
  switch (source.kind) {
    case HashSource::Kind::client_address: {
      const auto& bytes = request.client.bytes();
      text = {reinterpret_cast<const char*>(bytes.data()), request.client.is_v6() ? bytes.size() : 4};
      break;
    }
    case HashSource::Kind::header: {
      const http::HeaderField* field = request.headers.find(source.name);
      if (field != nullptr) text = field->value;
      break;
    }
    case HashSource::Kind::cookie: text = cookie_of(request.headers, source.name); break;
    case HashSource::Kind::query: text = http::query_parameter(request.query, source.name); break;
  }
  if (text.empty()) return std::nullopt;
  return hash_of(text);
}

}  // namespace postern::upstream
