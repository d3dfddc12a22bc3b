#include "files/site.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/ascii.h"
#include "base/error.h"
#include "coding/negotiation.h"
#include "files/conditions.h"
#include "files/content_type.h"
#include "files/range.h"
#include "http/accept.h"
#include "http/date.h"
#include "http/escapes.h"
#include "http/path_prefix.h"

namespace postern::files {
namespace {

using base::Cause;
using coding::Coding;
using http::FieldId;

int hex_value(char c) {
  const char letter = base::lower(c);
  return letter >= 'a' ? letter - 'a' + 10 : letter - '0';
}

// The path as a file name below the root: escapes decoded, without the leading slash. A normalised path
// contains only complete escapes, and no escaped NUL, slash or backslash.
std::string file_name_of(std::string_view path) {
  std::string name;
  name.reserve(path.size());
  for (size_t i = 1; i < path.size(); ++i) {
    if (path[i] == '%' && path.size() - i > 2) {
      name += static_cast<char>(hex_value(path[i + 1]) * 16 + hex_value(path[i + 2]));
      i += 2;
    } else {
      name += path[i];
    }
  }
  return name;
}

std::string_view last_segment(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool fits(std::string_view pattern, std::string_view path) {
  if (pattern.starts_with('*')) return path.ends_with(pattern.substr(1));
  if (pattern.ends_with('*')) return path.starts_with(pattern.substr(0, pattern.size() - 1));
  return path == pattern;
}

// Whether Accept names this media type with a weight above 0.
bool accepts_by_name(const http::Headers& headers, std::string_view type) {
  for (const http::HeaderField& field : headers) {
    if (!base::equal_ignoring_case(field.name, "Accept")) continue;
    std::string_view list = field.value;
    while (const auto element = base::next_element(list)) {
      if (!base::equal_ignoring_case(base::trim(element->substr(0, element->find(';'))), type)) continue;
      const size_t slash = type.find('/');
      return http::media_quality(headers, type.substr(0, slash), type.substr(slash + 1)) > 0;
    }
  }
  return false;
}

// A 64-bit finaliser (splitmix64): every bit of the input changes about half of the bits of the output.
uint64_t mixed(uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

void append_hex(std::string& text, uint64_t value) {
  std::array<char, 16> digits{};
  size_t count = 0;
  do digits[count++] = "0123456789abcdef"[value % 16];
  while ((value /= 16) != 0);
  while (count > 0) text += digits[--count];
}

struct Suffix {
  Coding coding;
  std::string_view text;
};
// Ordered by size, smallest first, for clients that prefer none: all of them cost the same here.
constexpr auto suffixes =
    std::to_array<Suffix>({{Coding::brotli, ".br"}, {Coding::zstd, ".zst"}, {Coding::gzip, ".gz"}});

}  // namespace

std::string entity_tag(const OpenFile& file) {
  std::string tag = "\"";
  append_hex(tag, file.size);
  tag += '-';
  append_hex(tag, mixed(static_cast<uint64_t>(file.modified_ns) ^ mixed(file.inode)));
  tag += '"';
  return tag;
}

http::LocalResponse failure_of(int error, const std::string& root) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EXDEV:  // a link leads out of the folder
    case ELOOP:
    case ENAMETOOLONG:
    case ENXIO:  // the file is a socket
    case EINVAL: return http::refusal(Cause::file_not_found, {});
    case EMFILE:
    case ENFILE: return http::refusal(Cause::overloaded, "no descriptor is left for a file");
    default: return http::refusal(Cause::file_unreadable, root + ": " + std::strerror(error));
  }
}

Site::Site(Options options) : options_(std::move(options)), compressible_(coding::Rules::default_types()) {}

// Files that begin with a dot (.git, .env) are not served, except /.well-known (RFC 8615).
bool Site::shows(std::string_view path) const {
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, end - start);
    if (segment == "." || segment == "..") return false;  // a normalised path has neither
    if (segment.starts_with('.') && !options_.hidden && !(start == 0 && segment == ".well-known"))
      return false;
    start = end + 1;
  }
  return path.find('\0') == path.npos;
}

// Whether a browser navigates to a page; only then the application's index answers. A missing script must be
// a 404 and not an HTML page, and so must a call of an API path that does not exist.
bool Site::is_navigation(const Request& request) const {
  if (!options_.single_page || request.head.upgrade != http::Upgrade::none) return false;
  if (last_segment(request.path).find('.') != std::string_view::npos) return false;
  for (const std::string& prefix : options_.single_page->except)
    if (http::is_below(request.path, prefix)) return false;
  const http::Headers& headers = request.head.headers;
  if (!accepts_by_name(headers, "text/html") || accepts_by_name(headers, "application/json")) return false;
  const http::HeaderField* destination = headers.find("Sec-Fetch-Dest");  // sent by browsers since 2023
  return !destination || destination->value == "document" || destination->value == "iframe" ||
         destination->value == "frame";
}

tl::expected<Site::Opened, int> Site::open(const std::string& path) const {
  Opened opened;
  opened.path = path.empty() || path.ends_with('/') ? path + options_.index : path;
  auto file = open_below(options_.root, opened.path);
  if (!file) return tl::unexpected(file.error());
  if (file->directory && opened.path == path) {
    const auto index = open_below(options_.root, path + "/" + options_.index);
    if (!index) return tl::unexpected(index.error());
    opened.needs_slash = index->regular;
  }
  if (!file->regular && !opened.needs_slash) return tl::unexpected(ENOENT);
  opened.file = std::move(*file);
  return opened;
}

tl::expected<Site::Opened, int> Site::open_for(const Request& request, const std::string& path) const {
  if (!shows(path)) return tl::unexpected(ENOENT);
  auto opened = open(path);
  const bool missing = !opened && (opened.error() == ENOENT || opened.error() == ENOTDIR);
  return missing && is_navigation(request) ? open(std::string()) : std::move(opened);
}

// Replaces the file by the best precompressed variant next to it.
Coding Site::open_variant(const http::RequestHead& request, Opened& opened) const {
  std::array<Coding, suffixes.size()> offered{};
  std::transform(suffixes.begin(), suffixes.end(), offered.begin(),
                 [](const Suffix& suffix) { return suffix.coding; });
  const coding::Accepted accepted = coding::Accepted::read(request.headers);
  for (;;) {
    const Coding best = accepted.best(offered);
    if (best == Coding::identity) return best;
    for (size_t i = 0; i < offered.size(); ++i) {
      if (suffixes[i].coding != best) continue;
      auto variant = open_below(options_.root, opened.path + std::string(suffixes[i].text));
      if (variant && variant->regular) {
        opened.file = std::move(*variant);
        return best;
      }
      offered[i] = Coding::identity;  // it does not exist: try the next best
    }
  }
}

std::string_view Site::cache_control(std::string_view path, std::string_view content_type) const {
  for (const auto& [pattern, value] : options_.cache)
    if (fits(pattern, path)) return value;
  // A page names the assets of its version, so it must be revalidated each time; the answer is mostly a 304.
  return content_type.starts_with("text/html") ? std::string_view("no-cache") : std::string_view();
}

std::variant<Found, http::LocalResponse> Site::answer(const Request& request) const {
  if (request.head.method != http::Method::get && request.head.method != http::Method::head) {
    http::LocalResponse refused = http::refusal(Cause::method_not_allowed, "a file takes GET and HEAD");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  auto opened = open_for(request, file_name_of(request.path));
  if (!opened) return failure_of(opened.error(), options_.root);
  const bool folder_by_prefix = request.prefix_stripped && request.path.ends_with('/');
  if (opened->needs_slash || (folder_by_prefix && !request.public_path.ends_with('/'))) {
    http::LocalResponse redirect;
    redirect.status = 301;
    std::string location(request.public_path);
    location += '/';
    if (request.has_query) location.append("?").append(http::in_ascii(request.query));
    redirect.headers.emplace_back("Location", std::move(location));
    return redirect;
  }
  return describe(request, std::move(*opened));
}

std::variant<Found, http::LocalResponse> Site::describe(const Request& request, Opened opened) const {
  Found found;
  http::ResponseHead& head = found.head;
  const std::string_view content_type = found.content_type = content_type_of(opened.path);
  const bool varies = options_.precompressed && coding::is_listed(compressible_, content_type);
  const Coding coding = varies ? open_variant(request.head, opened) : Coding::identity;
  const uint64_t size = opened.file.size;
  const std::string_view etag = head.arena.keep(entity_tag(opened.file));
  // Last-Modified must not be later than now (8.8.2.1), whatever the file system says.
  const Validators validators{etag, std::min(opened.file.modified(), request.now_unix)};

  http::Headers& fields = head.headers;
  fields.reserve(12);
  fields.add(FieldId::date, "Date", head.arena.keep(http::imf_fixdate(request.now_unix)));
  fields.add("ETag", etag);
  fields.add("Last-Modified", head.arena.keep(http::imf_fixdate(validators.last_modified)));
  if (const std::string_view cache = cache_control("/" + opened.path, content_type); !cache.empty())
    fields.add("Cache-Control", cache);
  if (varies) coding::add_vary(head);

  switch (evaluate(request.head.headers, validators, request.now_unix)) {
    case Condition::not_modified: head.status = 304; return found;
    case Condition::failed: {
      head.status = 412;
      head.body = http::BodyKind::length;
      return found;
    }
    case Condition::holds: break;
  }

  found.length = size;
  const http::HeaderField* asked = request.head.headers.find("Range");
  if (asked && request.head.method == http::Method::get &&
      range_applies(request.head.headers, validators, request.now_unix)) {
    const Range range = read_range(asked->value, size);
    if (range.kind == Range::Kind::unsatisfiable) {
      http::LocalResponse refused = http::refusal(Cause::range_not_satisfiable, {});
      refused.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
      return refused;
    }
    if (range.kind == Range::Kind::part) {
      head.status = 206;
      found.offset = range.first;
      found.length = range.last - range.first + 1;
      fields.add("Content-Range", head.arena.keep({"bytes ", std::to_string(range.first), "-",
                                                   std::to_string(range.last), "/", std::to_string(size)}));
    }
  }
  fields.add(FieldId::content_type, "Content-Type", content_type);
  if (coding != Coding::identity) fields.add("Content-Encoding", coding::token(coding));
  fields.add("Accept-Ranges", "bytes");
  fields.add("X-Content-Type-Options", "nosniff");
  head.body = http::BodyKind::length;
  head.content_length = found.length;
  found.file = std::move(opened.file);
  return found;
}

}  // namespace postern::files
