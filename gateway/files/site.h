// The files module serves a folder. It knows files, ranges, conditions and content types; it provides an
// answer for a normalised path, and the coroutine that sends a file's bytes. It must not know streams, routes
// or endpoints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "coding/accept_encoding.h"
#include "files/folder.h"
#include "http/head.h"
#include "http/local_response.h"

namespace postern::files {

// A single-page application: the index file answers for the application's client-side routes.
struct SinglePage {
  std::vector<std::string> except{"/api", "/ws", "/socket.io"};  // path prefixes, matched by whole segments
};

struct Options {
  std::string root;  // folder
  std::string index = "index.html";
  std::optional<SinglePage> single_page;
  // Cache-Control by path; the first pattern that matches is used: "*.js", "/assets/*", "/exact", "*".
  std::vector<std::pair<std::string, std::string>> cache;
  bool precompressed = false;  // look for NAME.br, NAME.zst and NAME.gz
  bool hidden = false;         // serve names that begin with a dot
};

struct Request {
  const http::RequestHead& head;
  std::string_view path;         // normalised (http::Target): the path below the root
  std::string_view public_path;  // normalised: the path in the client's URL, for redirects
  // `path` is `public_path` without a prefix. A request for "/docs" may then name the folder at the root, and
  // is redirected to "/docs/".
  bool prefix_stripped = false;
  std::string_view query;
  bool has_query = false;
  int64_t now_unix = 0;
};

// The head of a 200, 206, 304 or 412, with its framing, and the file that its body comes from. The head has
// views into the site.
struct Found {
  http::ResponseHead head;
  OpenFile file;
  uint64_t offset = 0;
  uint64_t length = 0;            // 0: no body, or an empty one
  std::string_view content_type;  // also for a 304, whose head does not contain it
};

// Immutable and shared by all workers. Nothing is cached between requests: a deployment is visible at once.
class Site {
 public:
  explicit Site(Options options);

  // Answers one request. A refusal or a redirect is a LocalResponse. Opens files, and so blocks on the disk.
  std::variant<Found, http::LocalResponse> answer(const Request& request) const;

 private:
  struct Opened {
    OpenFile file;
    std::string path;          // of the file, relative to the root
    bool needs_slash = false;  // a folder with an index file, but the URL lacks the final slash
  };
  tl::expected<Opened, int> open(const std::string& path) const;
  tl::expected<Opened, int> open_for(const Request& request, const std::string& path) const;
  coding::Coding open_variant(const http::RequestHead& request, Opened& opened) const;
  bool shows(std::string_view path) const;
  bool is_navigation(const Request& request) const;
  std::string_view cache_control(std::string_view path, std::string_view content_type) const;
  std::variant<Found, http::LocalResponse> describe(const Request& request, Opened opened) const;

  Options options_;
  std::vector<std::string> compressible_;
};

// The response to a client when a file could not be opened with this errno. The detail is for the log.
http::LocalResponse failure_of(int error, const std::string& root);

// An ETag of the file's size, modification time and inode, without showing the inode.
std::string entity_tag(const OpenFile& file);

}  // namespace postern::files
