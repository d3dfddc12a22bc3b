#include "proxy/error_pages.h"

#include <array>

#include "base/text_builder.h"
#include "crypto/base64.h"
#include "crypto/digest.h"
#include "http/accept.h"

namespace postern::proxy {
namespace {

// The page needs no other resource, since it is shown when things do not work.
constexpr std::string_view style =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d8dee4;--paper:#f6f8fa;--card:#fff;"
    "--mark:#b42318}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4ae;--line:#30363d;--paper:#0d1117;"
    "--card:#161b22;--mark:#ff8a80}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--paper);"
    "color:var(--ink);font:1rem/1.55 system-ui,sans-serif}"
    "main{width:100%;max-width:40rem;background:var(--card);border:1px solid "
    "var(--line);border-radius:.75rem;"
    "padding:clamp(1.25rem,5vw,2.5rem)}"
    "h1{margin:0 0 1rem;font-size:clamp(1.35rem,5vw,1.75rem);line-height:1.25}"
    "h1 b{color:var(--mark);font-variant-numeric:tabular-nums;margin-right:.35em}"
    "p{margin:0 0 .75rem}"
    "dl{margin:1.5rem 0 0;padding-top:1rem;border-top:1px solid var(--line);display:grid;"
    "grid-template-columns:max-content minmax(0,1fr);gap:.35rem 1rem;font-size:.9rem}"
    "dt{color:var(--soft)}"
    "dd{margin:0;overflow-wrap:anywhere}"
    "code{font:.95em ui-monospace,SFMono-Regular,Menlo,monospace}"
    "@media(max-width:30rem){dl{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:.6rem}}";

constexpr auto fact_names = std::to_array<std::string_view>(
    {"status", "reason", "error", "message", "remedy", "detail", "request_id", "host", "path"});

std::string fact_of(const PageFacts& facts, size_t index) {
  switch (index) {
    case 0: return std::to_string(facts.status);
    case 1: return std::string(facts.reason);
    case 2: return std::string(facts.error);
    case 3: return std::string(facts.message);
    case 4: return std::string(facts.remedy);
    case 5: return std::string(facts.detail);
    case 6: return std::string(facts.request_id);
    case 7: return std::string(facts.host);
    default: return std::string(facts.path);
  }
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Escapes text for use between tags and in quoted attributes.
void append_html(base::TextBuilder& out, std::string_view text) {
  for (char c : text) {
    switch (c) {
      case '&': out.append("&amp;"); break;
      case '<': out.append("&lt;"); break;
      case '>': out.append("&gt;"); break;
      case '"': out.append("&quot;"); break;
      case '\'': out.append("&#39;"); break;
      default: out.append(is_control(c) ? '?' : c);
    }
  }
}

void append_plain(base::TextBuilder& out, std::string_view text) {
  for (char c : text) out.append(is_control(c) ? '?' : c);
}

void append_escaped(base::TextBuilder& out, PageFormat format, std::string_view text) {
  switch (format) {
    case PageFormat::json: out.append_json_escaped(text); break;
    case PageFormat::html: append_html(out, text); break;
    case PageFormat::text: append_plain(out, text); break;
  }
}

void append_json_page(base::TextBuilder& out, const PageFacts& facts) {
  const auto member = [&out](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out.append(out.empty() ? '{' : ',').append_json_string(name).append(':').append_json_string(value);
  };
  member("error", facts.error);
  member("message", facts.message);
  member("remedy", facts.remedy);
  member("detail", facts.detail);
  member("request_id", facts.request_id);
  out.append("}\n");
}

void append_html_page(base::TextBuilder& out, const PageFacts& facts) {
  const auto row = [&out](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    append_html(out.append("<dt>").append(name).append("</dt><dd><code>"), value);
    out.append("</code></dd>");
  };
  out.append(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
  append_html(out.append_number(facts.status).append(' '), facts.reason);
  out.append("</title><style>").append(style).append("</style></head><body><main><h1><b>");
  append_html(out.append_number(facts.status).append("</b>"), facts.reason);
  append_html(out.append("</h1><p>"), facts.message);
  out.append("</p>");
  if (!facts.remedy.empty()) {
    append_html(out.append("<p>"), facts.remedy);
    out.append("</p>");
  }
  out.append("<dl>");
  row("Address", std::string(facts.host).append(facts.path));
  row("Cause", facts.error);
  row("Detail", facts.detail);
  row("Request id", facts.request_id);
  out.append("</dl></main></body></html>\n");
}

void append_text_page(base::TextBuilder& out, const PageFacts& facts) {
  const auto line = [&out](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    append_plain(out.append(name), value);
    out.append('\n');
  };
  append_plain(out.append_number(facts.status).append(' '), facts.reason);
  out.append('\n');
  line("", facts.message);
  line("", facts.remedy);
  line("cause: ", facts.error);
  line("detail: ", facts.detail);
  line("request id: ", facts.request_id);
}

}  // namespace

std::string_view content_type_of(PageFormat format) {
  switch (format) {
    case PageFormat::json: return "application/json";
    case PageFormat::html: return "text/html; charset=utf-8";
    case PageFormat::text: return "text/plain; charset=utf-8";
  }
  return "application/json";
}

PageFormat choose_format(const http::Headers& request) {
  struct Choice {
    PageFormat format;
    std::string_view type;
    std::string_view subtype;
  };
  static constexpr auto choices = std::to_array<Choice>({{PageFormat::json, "application", "json"},
                                                         {PageFormat::html, "text", "html"},
                                                         {PageFormat::text, "text", "plain"}});
  PageFormat best = PageFormat::json;
  int most = 0;
  for (const Choice& choice : choices) {
    const int quality = http::media_quality(request, choice.type, choice.subtype);
    if (quality <= most) continue;
    most = quality;
    best = choice.format;
  }
  return best;
}

std::string built_in_page(PageFormat format, const PageFacts& facts) {
  base::TextBuilder out;
  switch (format) {
    case PageFormat::json: append_json_page(out, facts); break;
    case PageFormat::html: append_html_page(out, facts); break;
    case PageFormat::text: append_text_page(out, facts); break;
  }
  return std::string(out.view());
}

std::string_view built_in_policy() {
  static const std::string policy = "default-src 'none'; style-src 'sha256-" +
                                    crypto::encode_base64(crypto::as_bytes(crypto::sha256(style))) +
                                    "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  return policy;
}

PageTemplate::PageTemplate(std::string text, PageFormat format) : text_(std::move(text)), format_(format) {
  size_t begin = 0;
  for (size_t at = text_.find('{'); at != std::string::npos; at = text_.find('{', at + 1)) {
    const std::string_view rest = std::string_view(text_).substr(at + 1);
    for (size_t fact = 0; fact < fact_names.size(); ++fact) {
      const std::string_view name = fact_names[fact];
      if (!rest.starts_with(name) || !rest.substr(name.size()).starts_with('}')) continue;
      parts_.push_back({begin, at, fact});
      begin = at + name.size() + 2;
      break;
    }
  }
  parts_.push_back({begin, text_.size()});
}

std::string PageTemplate::fill(const PageFacts& facts) const {
  base::TextBuilder out;
  for (const Part& part : parts_) {
    out.append(std::string_view(text_).substr(part.begin, part.end - part.begin));
    if (part.fact) append_escaped(out, format_, fact_of(facts, *part.fact));
  }
  return std::string(out.view());
}

void ErrorPages::add(uint16_t first, uint16_t last, PageFormat format, std::string text) {
  entries_.push_back({first, last, format, PageTemplate(std::move(text), format)});
}

const PageTemplate* ErrorPages::find(uint16_t status, PageFormat format) const {
  const Entry* found = nullptr;
  for (const Entry& entry : entries_) {
    if (entry.format != format || status < entry.first || status > entry.last) continue;
    if (!found || entry.last - entry.first < found->last - found->first) found = &entry;
  }
  return found ? &found->page : nullptr;
}

}  // namespace postern::proxy
