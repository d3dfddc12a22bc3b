#include "files/conditions.h"

#include <optional>

#include "base/ascii.h"
#include "http/date.h"

namespace postern::files {
namespace {

struct Tag {
  std::string_view opaque;  // includes its quotes
  bool weak = false;
};

// Removes one entity-tag from the front of a list (RFC 9110 8.8.3). A tag may contain commas.
std::optional<Tag> next_tag(std::string_view& list) {
  while (!list.empty() && (list.front() == ' ' || list.front() == '\t' || list.front() == ','))
    list.remove_prefix(1);
  Tag tag;
  if (list.starts_with("W/")) {
    tag.weak = true;
    list.remove_prefix(2);
  }
  if (!list.starts_with('"')) return std::nullopt;
  const size_t end = list.find('"', 1);
  if (end == list.npos) return std::nullopt;
  tag.opaque = list.substr(0, end + 1);
  list.remove_prefix(end + 1);
  return tag;
}

// Whether any field of this name matches; nothing when there is no such field. Weak comparison accepts weak
// tags too (8.8.3.2).
std::optional<bool> matches(const http::Headers& headers, std::string_view name, std::string_view etag,
                            bool weak_comparison) {
  std::optional<bool> found;
  for (const http::HeaderField& field : headers) {
    if (!base::equal_ignoring_case(field.name, name)) continue;
    found = found.value_or(false) || base::trim(field.value) == "*";
    std::string_view list = field.value;
    while (const auto tag = next_tag(list))
      if (tag->opaque == etag && (weak_comparison || !tag->weak)) found = true;
  }
  return found;
}

std::optional<int64_t> date_of(const http::Headers& headers, std::string_view name, int64_t now_unix) {
  const http::HeaderField* field = headers.find(name);
  return field ? http::parse_http_date(field->value, now_unix) : std::nullopt;
}

}  // namespace

Condition evaluate(const http::Headers& headers, const Validators& validators, int64_t now_unix) {
  if (const auto match = matches(headers, "If-Match", validators.etag, false)) {
    if (!*match) return Condition::failed;
  } else if (const auto date = date_of(headers, "If-Unmodified-Since", now_unix)) {
    if (validators.last_modified > *date) return Condition::failed;
  }
  if (const auto match = matches(headers, "If-None-Match", validators.etag, true)) {
    if (*match) return Condition::not_modified;
  } else if (const auto date = date_of(headers, "If-Modified-Since", now_unix)) {
    if (validators.last_modified <= *date) return Condition::not_modified;
  }
  return Condition::holds;
}

bool range_applies(const http::Headers& headers, const Validators& validators, int64_t now_unix) {
  const http::HeaderField* field = headers.find("If-Range");
  if (!field) return true;
  std::string_view value = base::trim(field->value);
  if (value.starts_with('"') || value.starts_with("W/")) {
    const auto tag = next_tag(value);
    return tag && value.empty() && !tag->weak && tag->opaque == validators.etag;
  }
  // A date is a strong validator only when the file cannot have changed twice within that second (8.8.2.2).
  return http::parse_http_date(value, now_unix) == validators.last_modified &&
         validators.last_modified < now_unix;
}

}  // namespace postern::files
