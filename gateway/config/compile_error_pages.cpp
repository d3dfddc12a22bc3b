#include "config/compile_error_pages.h"

#include <optional>

#include "base/ascii.h"
#include "config/compile_policy.h"
#include "config/examine_files.h"

namespace postern::config {
namespace {

std::optional<proxy::PageFormat> format_of(std::string_view file) {
  const std::string lower = base::to_lower(file);
  if (lower.ends_with(".html") || lower.ends_with(".htm")) return proxy::PageFormat::html;
  if (lower.ends_with(".json")) return proxy::PageFormat::json;
  if (lower.ends_with(".txt")) return proxy::PageFormat::text;
  return std::nullopt;
}

std::string key_of(const ErrorPageDocument& page) {
  if (page.first == page.last) return "error_pages." + std::to_string(page.first);
  return "error_pages." + std::to_string(page.first / 100) + "xx";
}

}  // namespace

proxy::ErrorPages compile_error_pages(const Document& document, Diagnostics& problems) {
  proxy::ErrorPages pages;
  pages.full_detail = document.error_pages.full_detail;
  for (const ErrorPageDocument& page : document.error_pages.pages) {
    const std::string shown = document.quote(page.location, page.file);
    const auto format = format_of(page.file);
    if (!format) {
      problems.error(page.location, key_of(page), shown + " ends in none of .html, .json and .txt");
      continue;
    }
    std::optional<std::string> text = read_file(resolve_file(document, page.file), max_error_page);
    if (!text)
      problems.error(page.location, key_of(page), why_unreadable(document, page.file));
    else if (text->size() > max_error_page)
      problems.error(page.location, key_of(page), shown + " is longer than 64KiB");
    else
      pages.add(page.first, page.last, *format, std::move(*text));
  }
  return pages;
}

}  // namespace postern::config
