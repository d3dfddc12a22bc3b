#include "coding/negotiation.h"

#include <algorithm>

#include "base/ascii.h"

namespace postern::coding {
namespace {

using http::FieldId;
using http::HeaderField;

constexpr std::string_view event_stream = "text/event-stream";

// What the response's fields say about encoding: some describe the exact bytes of the body or forbid changing
// it.
struct Findings {
  bool encoded = false;
  bool no_transform = false;
  bool bound_to_bytes = false;  // it has a digest or a range
};

Findings look_at(const http::Headers& headers) {
  Findings found;
  for (const HeaderField& field : headers) {
    if (field.id != FieldId::other) continue;
    const auto is = [&field](std::string_view name) { return base::equal_ignoring_case(field.name, name); };
    if (is("Content-Encoding"))
      found.encoded = found.encoded || !base::equal_ignoring_case(field.value, "identity");
    else if (is("Cache-Control"))
      found.no_transform = found.no_transform || base::list_contains(field.value, "no-transform");
    else if (is("Content-Range") || is("Content-Digest") || is("Repr-Digest") || is("Digest") ||
             is("Content-MD5"))
      found.bound_to_bytes = true;
  }
  return found;
}

bool has_body(uint16_t status) {
  return status >= 200 && status != 204 && status != 205 && status != 206 && status != 304;
}

void weaken(http::ResponseHead& head, std::string_view strong) {
  head.headers.set("ETag", head.arena.keep({"W/", strong}));
}

// A client that stores an encoded body stores its weak validator; a 304 that confirms it must contain the
// same one.
void name_what_is_held(std::string_view if_none_match, http::ResponseHead& head) {
  const HeaderField* tag = head.headers.find("ETag");
  if (!tag || !tag->value.starts_with('"')) return;
  for (size_t at = if_none_match.find(tag->value); at != if_none_match.npos;
       at = if_none_match.find(tag->value, at + 1)) {
    if (if_none_match.substr(0, at).ends_with("W/")) return weaken(head, tag->value);
  }
}

// Returns `tags` without the W/ of weak tags; nothing when there is none.
std::optional<std::string> strong_tags(std::string_view tags) {
  if (tags.find("W/\"") == tags.npos) return std::nullopt;
  std::string strong;
  bool quoted = false;
  for (size_t i = 0; i < tags.size(); ++i) {
    if (!quoted && tags.substr(i, 3) == "W/\"") i += 2;  // skips to the quote
    if (tags[i] == '"') quoted = !quoted;
    strong += tags[i];
  }
  return strong;
}

}  // namespace

void restore_validators(http::RequestHead& request) {
  request.headers.change_values([&request](const HeaderField& field) {
    const auto is = [&field](std::string_view name) { return base::equal_ignoring_case(field.name, name); };
    if (field.id != FieldId::other || !(is("If-Match") || is("If-None-Match") || is("If-Range")))
      return field.value;
    const std::optional<std::string> strong = strong_tags(field.value);
    return strong ? request.arena.keep(*strong) : field.value;
  });
}

std::vector<std::string> Rules::default_types() {
  return {"text/*",
          "application/javascript",
          "application/json",
          "application/ld+json",
          "application/manifest+json",
          "application/problem+json",
          "application/xml",
          "application/xhtml+xml",
          "application/rss+xml",
          "application/atom+xml",
          "application/wasm",
          "application/graphql-response+json",
          "application/x-ndjson",
          "application/vnd.ms-fontobject",
          "font/otf",
          "font/ttf",
          "image/bmp",
          "image/svg+xml",
          "image/x-icon",
          "image/vnd.microsoft.icon"};
}

bool is_listed(const std::vector<std::string>& types, std::string_view content_type) {
  const std::string_view type = base::trim(content_type.substr(0, content_type.find(';')));
  if (type.empty() || base::equal_ignoring_case(type, event_stream)) return false;
  return std::any_of(types.begin(), types.end(), [type](const std::string& listed) {
    if (!listed.ends_with("/*")) return base::equal_ignoring_case(type, listed);
    const size_t prefix = listed.size() - 1;
    return type.size() > prefix &&
           base::equal_ignoring_case(type.substr(0, prefix), listed.substr(0, prefix));
  });
}

void add_vary(http::ResponseHead& head) {
  for (const HeaderField& field : head.headers) {
    if (field.id != FieldId::vary) continue;
    if (base::list_contains(field.value, "*") || base::list_contains(field.value, "Accept-Encoding")) return;
  }
  head.headers.add(FieldId::vary, "Vary", "Accept-Encoding");
}

Coding negotiate(const Rules& rules, const Request& request, std::optional<uint64_t> size,
                 http::ResponseHead& head) {
  if (head.status == 304) name_what_is_held(request.if_none_match, head);
  if (!is_listed(rules.types, head.headers.get(FieldId::content_type))) return Coding::identity;
  const Findings found = look_at(head.headers);
  if (found.no_transform) return Coding::identity;
  add_vary(head);
  if (!has_body(head.status) || found.encoded || found.bound_to_bytes) return Coding::identity;
  if (size && (*size < rules.min_size || *size == 0)) return Coding::identity;
  const Coding coding = request.accepted.best(rules.algorithms);
  if (coding == Coding::identity || live_encoders() >= live_encoders_max) return Coding::identity;

  head.headers.set("Content-Encoding", token(coding));
  head.headers.remove("Accept-Ranges");
  head.headers.remove(FieldId::content_length);
  if (const HeaderField* tag = head.headers.find("ETag"); tag && tag->value.starts_with('"'))
    weaken(head, tag->value);
  head.body = http::BodyKind::chunked;
  head.content_length = 0;
  return coding;
}

}  // namespace postern::coding
