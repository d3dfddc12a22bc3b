// The bodies of the gateway's own errors: JSON for programs, an HTML page for browsers, text for terminals,
// chosen by the client's Accept field; and the operator's own pages that replace them.
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

// The format that the client prefers; JSON without a preference, since such a client is usually a program. A
// browser that navigates to a page prefers text/html.
PageFormat choose_format(const http::Headers& request);

// What a page can say about one failure. An empty field is unknown, or not shown to this client.
struct PageFacts {
  uint16_t status = 0;
  std::string_view reason{};  // phrase of the status
  std::string_view error{};   // label of the base::Cause
  std::string_view message{};
  std::string_view remedy{};
  std::string_view detail{};
  std::string_view request_id{};
  std::string_view host{};  // as the client sent it
  std::string_view path{};  // as the client sent it, without the query
};

// The page that is compiled into Postern.
std::string built_in_page(PageFormat format, const PageFacts& facts);
// The Content-Security-Policy of the built-in HTML page. It allows the page's own style and nothing else.
std::string_view built_in_policy();

// An operator's page: text with {status}, {reason}, {error}, {message}, {remedy}, {detail}, {request_id},
// {host} and {path}; braces around any other text are kept as they are. Values are escaped for the format.
class PageTemplate {
 public:
  PageTemplate(std::string text, PageFormat format);
  std::string fill(const PageFacts& facts) const;

 private:
  struct Part {
    size_t begin = 0;  // literal text up to a placeholder
    size_t end = 0;
    std::optional<size_t> fact{};  // the PageFacts field inserted after the literal text
  };
  std::string text_;
  std::vector<Part> parts_;
  PageFormat format_;
};

// Immutable once it is filled; find() may then be called by any thread.
class ErrorPages {
 public:
  // Adds a page for the statuses from `first` to `last`, both included. If several ranges match, the
  // narrowest one counts, and among equals the one that was added first.
  void add(uint16_t first, uint16_t last, PageFormat format, std::string text);
  const PageTemplate* find(uint16_t status, PageFormat format) const;

  bool full_detail = false;  // clients are also shown details about what is behind the gateway

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
