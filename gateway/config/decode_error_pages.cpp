#include "config/decode_error_pages.h"

#include "base/ascii.h"
#include "config/text.h"

namespace postern::config {
namespace {

constexpr std::size_t max_pages = 200;

// "404", "4xx" and "5xx".
bool read_statuses(std::string_view key, ErrorPageDocument& page) {
  if (key.size() != 3 || (key[0] != '4' && key[0] != '5')) return false;
  if (key.substr(1) == "xx") {
    page.first = static_cast<uint16_t>((key[0] - '0') * 100);
    page.last = static_cast<uint16_t>(page.first + 99);
    return true;
  }
  const auto status = base::parse_decimal(key);
  if (!status) return false;
  page.first = page.last = static_cast<uint16_t>(*status);
  return true;
}

}  // namespace

void decode_error_pages(const Value& value, ErrorPagesDocument& pages) {
  for (const auto& [key, entry] : value.entries()) {
    if (key.text == "detail") {
      pages.detail_location = entry.location();
      if (const auto index = entry.one_of({"safe", "full"})) pages.full_detail = *index == 1;
      continue;
    }
    ErrorPageDocument page;
    if (!read_statuses(key.text, page)) {
      entry.diagnostics().error(
          key.location, entry.path(),
          "unknown key " + quoted(key.text) + "; it is a status from 400 to 599, 4xx, 5xx, or detail");
      continue;
    }
    for (const Value& item : entry.items_or_one()) {
      const auto file = item.text();
      if (!file) continue;
      page.file = std::string(*file);
      page.location = item.location();
      pages.pages.push_back(page);
    }
  }
  if (pages.pages.size() > max_pages) value.complain("has more than 200 pages");
}

}  // namespace postern::config
