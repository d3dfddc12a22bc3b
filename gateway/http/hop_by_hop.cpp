#include "http/hop_by_hop.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "base/ascii.h"

namespace postern::http {
namespace {

bool is_hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return true;
    default: return false;
  }
}

constexpr std::string_view http2_settings = "http2-settings";  // it is only sent together with Upgrade: h2c

// Fields without an id that Connection must not remove; every field with an id is protected already.
constexpr auto end_to_end_names = std::to_array<std::string_view>({
    "accept",
    "age",
    "allow",
    "cache-control",
    "etag",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "location",
    "pragma",
    "range",
    "set-cookie",
    "strict-transport-security",
    "true-client-ip",
    "www-authenticate",
    "x-frame-options",
    "x-real-ip",
    "x-request-id",
});
constexpr auto end_to_end_prefixes =
    std::to_array<std::string_view>({"access-control-", "content-", "sec-", "x-forwarded-"});

bool is_end_to_end(std::string_view name) {
  if (field_id(name) != FieldId::other) return true;
  for (std::string_view prefix : end_to_end_prefixes)
    if (base::equal_ignoring_case(name.substr(0, prefix.size()), prefix)) return true;
  return std::any_of(end_to_end_names.begin(), end_to_end_names.end(),
                     [name](std::string_view known) { return base::equal_ignoring_case(known, name); });
}

// "close", "keep-alive" and "upgrade" are connection options, not names of fields that still have to be
// removed.
bool is_usual(std::string_view option) {
  return base::equal_ignoring_case(option, "keep-alive") || base::equal_ignoring_case(option, "close") ||
         base::equal_ignoring_case(option, "upgrade");
}

bool names_unusual(std::string_view connection) {
  while (const std::optional<std::string_view> option = base::next_element(connection))
    if (!is_usual(*option)) return true;
  return false;
}

// Case-insensitive order of names.
bool precedes(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return base::lower(x) < base::lower(y); });
}

}  // namespace

void remove_hop_by_hop(Headers& headers) {
  std::vector<std::string_view> unusual;  // values of Connection that name further fields to remove
  headers.remove_if([&unusual](const HeaderField& field) {
    if (field.id == FieldId::other)
      return field.name.size() == http2_settings.size() &&
             base::equal_ignoring_case(field.name, http2_settings);
    if (field.id == FieldId::connection && names_unusual(field.value)) unusual.push_back(field.value);
    return is_hop_by_hop(field.id);
  });
  if (unusual.empty()) return;
  // Options and fields may both be numerous: each field is looked up by binary search, not compared with
  // every option.
  std::vector<std::string_view> named;
  for (std::string_view connection : unusual)
    while (const std::optional<std::string_view> name = base::next_element(connection))
      if (!is_usual(*name) && !is_end_to_end(*name)) named.push_back(*name);
  std::sort(named.begin(), named.end(), precedes);
  headers.remove_if([&named](const HeaderField& field) {
    return std::binary_search(named.begin(), named.end(), field.name, precedes);
  });
}

}  // namespace postern::http
