#include "policy/request_text.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "http/escapes.h"
#include "http/target.h"
#include "policy/braced_text.h"
#include "policy/request_context.h"

namespace postern::policy {
namespace {

using Kind = RequestValue::Kind;

std::optional<RequestValue> read_value(std::string_view name) {
  if (name == "host") return RequestValue{Kind::host, {}};
  const size_t dot = name.find('.');
  if (dot == name.npos || dot + 1 == name.size()) return std::nullopt;
  const std::string rest(name.substr(dot + 1));
  if (name.starts_with("path.")) return RequestValue{Kind::path, rest};
  if (name.starts_with("host.")) return RequestValue{Kind::host_label, rest};
  if (name.starts_with("query.")) return RequestValue{Kind::query, rest};
  return std::nullopt;
}

std::string decode_segment(std::string_view segment) {
  std::string text;
  text.reserve(segment.size());
  for (size_t at = 0; at < segment.size(); ++at) {
    const int byte = segment[at] == '%' ? http::escaped_byte(segment, at) : -1;
    text += byte < 0 ? segment[at] : static_cast<char>(byte);
    if (byte >= 0) at += 2;
  }
  return text;
}

std::string host_of(std::string_view authority) {
  const auto read = http::read_authority(authority);
  if (!read) return {};
  std::string host = base::to_lower(read->host);
  if (host.ends_with('.')) host.pop_back();
  return host;
}

// How many parameters some backend takes for this one: PHP drops spaces before a name and ends it at a NUL,
// and "name[]" is an element of it to many.
size_t count_likenesses(std::string_view query, std::string_view name) {
  size_t count = 0;
  while (!query.empty()) {
    const size_t end = std::min(query.find_first_of("&;"), query.size());
    std::string spelled = http::decode_query_value(query.substr(0, std::min(query.find('='), end)));
    query.remove_prefix(std::min(end + 1, query.size()));
    spelled.erase(0, std::min(spelled.find_first_not_of(' '), spelled.size()));
    spelled.erase(std::min(spelled.find_first_of(std::string_view("[\0", 2)), spelled.size()));
    if (spelled == name) ++count;
  }
  return count;
}

std::optional<std::string> find_parameter(std::string_view query, std::string_view name) {
  // Backends disagree about which of several counts, and whether one that is spelled with escapes does.
  if (count_likenesses(query, name) > 1) return std::nullopt;
  const std::string_view value = http::query_parameter(query, name);
  if (value.data() == nullptr || http::count_query_parameter(query, name) != 1) return std::nullopt;
  return http::decode_query_value(value);
}

}  // namespace

std::optional<std::string> RequestValues::find(const RequestValue& value) const {
  if (!context) return std::nullopt;
  std::optional<std::string> found;
  switch (value.kind) {
    case Kind::path:
      if (const auto segment = path ? path->find(value.name, reading) : std::nullopt)
        found = decode_segment(*segment);
      break;
    case Kind::host_label: {
      const std::string whole = host_of(context->authority);
      if (const auto label = host ? host->find(value.name, whole) : std::nullopt) found = std::string(*label);
      break;
    }
    case Kind::host: found = host_of(context->authority); break;
    case Kind::query: found = find_parameter(context->target.query, value.name); break;
  }
  return found && !found->empty() ? found : std::nullopt;
}

tl::expected<RequestText, std::string> RequestText::read(std::string_view text) {
  auto split = split_braces(text);
  if (!split) return tl::unexpected(std::move(split.error()));
  RequestText made;
  for (BracedPart& piece : *split) {
    if (piece.is_literal) {
      made.parts_.push_back({std::move(piece.text)});
      continue;
    }
    std::optional<RequestValue> value = read_value(piece.text);
    if (!value)
      return tl::unexpected(
          std::string("has a name in braces that is none of {path.NAME}, {host}, {host.NAME} "
                      "and {query.NAME}; write \"{{\" for the character itself"));
    made.parts_.push_back({{}, std::move(*value)});
  }
  if (made.parts_.empty()) made.parts_.push_back({});
  return made;
}

RequestText RequestText::literal(std::string text) {
  RequestText made;
  made.parts_.push_back({std::move(text)});
  return made;
}

const std::string* RequestText::fixed() const {
  return parts_.size() == 1 && !parts_.front().value ? &parts_.front().text : nullptr;
}

std::vector<RequestValue> RequestText::values() const {
  std::vector<RequestValue> found;
  for (const Part& part : parts_)
    if (part.value) found.push_back(*part.value);
  return found;
}

std::optional<std::string> RequestText::fill(const RequestValues& values) const {
  std::string text;
  for (const Part& part : parts_) {
    if (!part.value) {
      text += part.text;
      continue;
    }
    const std::optional<std::string> found = values.find(*part.value);
    if (!found) return std::nullopt;
    text += *found;
  }
  return text;
}

}  // namespace postern::policy
