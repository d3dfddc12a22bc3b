// What the gateway's own errors look like: JSON for programs, a page for people, text for terminals, as the
// client's Accept asks; and the operator's own pages in their place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/headers.h"

namespace postern::proxy {

enum class PageFormat : uint8_t { json, html, text };
std::string_view content_type_of(PageFormat format);

// The format that the client wants most; JSON when it does not care, since whoever has no preference is a
// program. A browser that goes somewhere names text/html.
PageFormat choose_format(const http::Headers& request);

// What can be said about one failure. Empty: not known, or not for this client.
struct PageFacts {
  uint16_t status = 0;
  std::string_view reason{};  // phrase of the status
  std::string_view error{};   // label of the cause
  std::string_view message{};
  std::string_view remedy{};
  std::string_view detail{};
  std::string_view request_id{};
  std::string_view host{};  // as the client sent it
  std::string_view path{};  // likewise, without the query
};

// The answer that Postern brings along.
std::string built_in_page(PageFormat format, const PageFacts& facts);
// The Content-Security-Policy of the built-in HTML page, which needs its style and nothing else.
std::string_view built_in_policy();

// An operator's page: text with {status}, {reason}, {error}, {message}, {remedy}, {detail}, {request_id},
// {host} and {path}; braces around anything else stay as they are. Values are escaped as the format needs it.
class PageTemplate {
 public:
  PageTemplate(std::string text, PageFormat format);
  std::string fill(const PageFacts& facts) const;

 private:
  struct Part {
    size_t begin = 0;  // literal text up to a placeholder
    size_t end = 0;
    std::optional<size_t> fact{};  // which of the names above comes behind it
  };
  std::string text_;
  std::vector<Part> parts_;
  PageFormat format_;
};

// Immutable; any thread may ask.
class ErrorPages {
 public:
  // For the statuses from `first` to `last`, both included. The range that is narrowest counts, and of such
  // the one that was added first.
  void add(uint16_t first, uint16_t last, PageFormat format, std::string text);
  const PageTemplate* find(uint16_t status, PageFormat format) const;

  bool full_detail = false;  // what lies behind the gateway is told to clients too

 private:
  struct Entry {
    uint16_t first;
    uint16_t last;
    PageFormat format;
    PageTemplate page;
  };
  std::vector<Entry> entries_;
};

}  // namespace postern::proxy
