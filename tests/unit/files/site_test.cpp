#include "files/site.h"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.h"
#include "http/date.h"
#include "http/target.h"
#include "unit/files/support.h"

using namespace postern;
using namespace postern::files;
using files_test::Tree;

namespace {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr int64_t now = 1'800'000'000;
constexpr std::string_view browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

// One answer, with accessors for what tests check.
struct Answer {
  std::optional<Found> found;
  std::optional<http::LocalResponse> local;

  int status() const { return found ? found->head.status : local->status; }
  std::string field(std::string_view name) const {
    if (found) {
      const http::HeaderField* field = found->head.headers.find(name);
      return field ? std::string(field->value) : std::string();
    }
    for (const auto& [each, value] : local->headers)
      if (each == name) return value;
    return {};
  }
  std::string body() const {
    if (!found || found->length == 0) return {};
    std::string text(found->length, '\0');
    REQUIRE(found->file.read_at(found->offset, reinterpret_cast<std::byte*>(text.data()), text.size()) ==
            static_cast<int64_t>(text.size()));
    return text;
  }
};

struct Rig {
  Tree tree;
  Options options;
  mutable std::unique_ptr<Site> site;  // the site of the last answer, whose head has views into it

  Rig() { options.root = tree.root(); }
  Answer ask(std::string_view target, const Fields& fields = {}, std::string_view method = "GET",
             http::Upgrade upgrade = http::Upgrade::none) const {
    http::RequestHead head;
    head.method = http::method_of(method);
    head.method_text = method;
    head.upgrade = upgrade;
    for (const auto& [name, value] : fields) head.headers.add(name, value);
    http::Target read;
    REQUIRE(http::read_target(target, read).has_value());
    site = std::make_unique<Site>(options);
    auto answer = site->answer({.head = head,
                                .path = read.path,
                                .public_path = read.path,
                                .query = read.query,
                                .has_query = read.has_query,
                                .now_unix = now});
    Answer result;
    if (auto* found = std::get_if<Found>(&answer))
      result.found.emplace(std::move(*found));
    else
      result.local.emplace(std::move(std::get<http::LocalResponse>(answer)));
    return result;
  }
};

}  // namespace

TEST_CASE("site: a file, with everything that is to be said about it") {
  Rig rig;
  rig.tree.write("assets/app.js", "let a = 1;", 1'700'000'000);
  const Answer answer = rig.ask("/assets/app.js");
  CHECK(answer.status() == 200);
  CHECK(answer.body() == "let a = 1;");
  CHECK(answer.found->head.body == http::BodyKind::length);
  CHECK(answer.found->head.content_length == 10);
  CHECK(answer.field("Content-Type") == "text/javascript; charset=utf-8");
  CHECK(answer.field("X-Content-Type-Options") == "nosniff");
  CHECK(answer.field("Last-Modified") == "Tue, 14 Nov 2023 22:13:20 GMT");
  CHECK(answer.field("Date") == http::imf_fixdate(now));
  CHECK(answer.field("Accept-Ranges") == "bytes");
  CHECK(answer.field("ETag").starts_with("\"a-"));
  CHECK(answer.field("Cache-Control").empty());
  CHECK(answer.field("Vary").empty());
}

TEST_CASE("site: HEAD has the head of GET") {
  Rig rig;
  rig.tree.write("a.txt", "some text");
  const Answer get = rig.ask("/a.txt");
  const Answer head = rig.ask("/a.txt", {{"Range", "bytes=0-1"}}, "HEAD");
  CHECK(head.status() == 200);  // Range applies to GET only
  CHECK(head.found->head.content_length == 9);
  for (const char* name : {"Content-Type", "ETag", "Last-Modified", "Accept-Ranges"})
    CHECK(head.field(name) == get.field(name));
}

TEST_CASE("site: any other method is 405") {
  Rig rig;
  rig.tree.write("a.txt", "x");
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"}) {
    const Answer answer = rig.ask("/a.txt", {}, method);
    CHECK(answer.status() == 405);
    CHECK(answer.field("Allow") == "GET, HEAD");
    CHECK(answer.local->cause == base::Cause::method_not_allowed);
  }
}

TEST_CASE("site: names with escapes") {
  Rig rig;
  rig.tree.write("a b.txt", "space");
  rig.tree.write("caf\xc3\xa9.txt", "accent");
  rig.tree.write("100%.txt", "percent");
  CHECK(rig.ask("/a%20b.txt").body() == "space");
  CHECK(rig.ask("/caf%C3%A9.txt").body() == "accent");
  CHECK(rig.ask("/caf%c3%a9.txt").body() == "accent");
  CHECK(rig.ask("/100%25.txt").body() == "percent");
  CHECK(rig.ask("/%2561.txt").status() == 404);  // decoded only once
}

TEST_CASE("site: a folder is its index, behind its slash, and never a listing") {
  Rig rig;
  rig.tree.write("index.html", "home");
  rig.tree.write("docs/index.html", "docs");
  rig.tree.write("empty/file.txt", "x");
  CHECK(rig.ask("/").body() == "home");
  CHECK(rig.ask("/").field("Content-Type") == "text/html; charset=utf-8");
  CHECK(rig.ask("/docs/").body() == "docs");
  const Answer redirect = rig.ask("/docs?a=/b");
  CHECK(redirect.status() == 301);
  CHECK(redirect.field("Location") == "/docs/?a=/b");
  CHECK(rig.ask("//docs").field("Location") == "/docs/");  // does not name another host
  CHECK(rig.ask("/empty").status() == 404);
  CHECK(rig.ask("/empty/").status() == 404);
  CHECK(rig.ask("/docs/index.html").body() == "docs");
  rig.options.index = "file.txt";
  CHECK(rig.ask("/empty/").body() == "x");
  CHECK(rig.ask("/docs").status() == 404);
}

TEST_CASE("site: what is not there is 404 with its cause") {
  Rig rig;
  rig.tree.write("a.txt", "x");
  for (const char* target : {"/b.txt", "/a.txt/", "/a.txt/b", "/none/", "/"}) {
    CAPTURE(target);
    const Answer answer = rig.ask(target);
    CHECK(answer.status() == 404);
    CHECK(answer.local->cause == base::Cause::file_not_found);
    CHECK(answer.local->detail.empty());
  }
  CHECK(rig.ask("/" + std::string(300, 'x')).status() == 404);
}

TEST_CASE("site: names that begin with a dot are not shown, unless they are asked for") {
  Rig rig;
  rig.tree.write(".env", "secret");
  rig.tree.write(".git/config", "secret");
  rig.tree.write("a/.htaccess", "secret");
  rig.tree.write(".well-known/security.txt", "contact");
  rig.tree.write("a/.well-known/x", "not the well-known one");
  for (const char* target : {"/.env", "/%2eenv", "/.git/config", "/a/.htaccess", "/a/.well-known/x"}) {
    CAPTURE(target);
    CHECK(rig.ask(target).status() == 404);
  }
  CHECK(rig.ask("/.well-known/security.txt").body() == "contact");
  rig.options.single_page.emplace();
  rig.tree.write("index.html", "app");
  CHECK(rig.ask("/.git", {{"Accept", browser}}).status() == 404);
  rig.options.hidden = true;
  CHECK(rig.ask("/.git/config").body() == "secret");
}

TEST_CASE("site: nothing but files below the root is served") {
  Rig rig;
  rig.tree.write("in.txt", "inside");
  std::ofstream(rig.tree.beside("secret")) << "secret";
  rig.tree.link("out.txt", "../secret");
  rig.tree.link("link.txt", "in.txt");
  REQUIRE(mkfifo(rig.tree.path("pipe").c_str(), 0600) == 0);
  CHECK(rig.ask("/out.txt").status() == 404);
  CHECK(rig.ask("/link.txt").body() == "inside");
  CHECK(rig.ask("/pipe").status() == 404);
}

TEST_CASE("site: a folder that went away looks to clients like a file that did") {
  Rig rig;
  rig.tree.write("a.txt", "x");
  rig.options.root = rig.tree.beside("gone");
  CHECK(rig.ask("/a.txt").status() == 404);
}

TEST_CASE("site: what an error of the system means to a client") {
  for (int error : {ENOENT, ENOTDIR, EXDEV, ELOOP, ENAMETOOLONG, ENXIO, EINVAL}) {
    CHECK(failure_of(error, "/srv").cause == base::Cause::file_not_found);
    CHECK(failure_of(error, "/srv").detail.empty());
  }
  CHECK(failure_of(EMFILE, "/srv").cause == base::Cause::overloaded);
  CHECK(failure_of(ENFILE, "/srv").cause == base::Cause::overloaded);
  for (int error : {EACCES, EIO}) {
    const http::LocalResponse failure = failure_of(error, "/srv");
    CHECK(failure.status == 500);
    CHECK(failure.cause == base::Cause::file_unreadable);
    CHECK(failure.detail == "/srv: " + std::string(std::strerror(error)));  // only in the log
  }
}

TEST_CASE("site: without a free descriptor it says so") {
  Rig rig;
  rig.tree.write("a.txt", "x");
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int probe = dup(0);
  close(probe);
  const rlimit none{static_cast<rlim_t>(probe), before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const Answer answer = rig.ask("/a.txt");
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK(answer.status() == 503);
  CHECK(answer.local->cause == base::Cause::overloaded);
}

TEST_CASE("site: a single-page application answers for its own addresses") {
  Rig rig;
  rig.tree.write("index.html", "app");
  rig.tree.write("assets/app.js", "js");
  rig.options.single_page.emplace();
  const auto page = [&](std::string_view target, std::string_view accept = browser) {
    return rig.ask(target, {{"Accept", accept}});
  };
  for (const char* target : {"/users", "/users/42", "/users/", "/apiary", "/assets", "/a.b/c"}) {
    CAPTURE(target);
    const Answer answer = page(target);
    CHECK(answer.status() == 200);
    CHECK(answer.body() == "app");
    CHECK(answer.field("Content-Type") == "text/html; charset=utf-8");
    CHECK(answer.field("Cache-Control") == "no-cache");
  }
  CHECK(rig.ask("/users", {{"Accept", browser}}, "HEAD").status() == 200);
  CHECK(page("/assets/app.js").body() == "js");
  // Never for a missing asset, an API, a WebSocket, or a client that does not accept HTML.
  for (const char* target : {"/assets/app-old.js", "/favicon.ico", "/users/john.doe", "/api", "/api/users",
                             "/ws", "/socket.io/", "/socket.io/?EIO=4&transport=polling"}) {
    CAPTURE(target);
    CHECK(page(target).status() == 404);
  }
  for (const char* accept :
       {"*/*", "application/json", "application/json, text/html", "text/*", "", "text/html;q=0",
        "text/html;q=0.0", "text/html; q=0.000", "TEXT/HTML;level=1;Q=0", "image/avif,image/webp,*/*"}) {
    CAPTURE(accept);
    CHECK(page("/users", accept).status() == 404);
  }
  CHECK(rig.ask("/users").status() == 404);
  CHECK(rig.ask("/users", {{"Accept", browser}}, "GET", http::Upgrade::websocket).status() == 404);
  CHECK(rig.ask("/users", {{"Accept", browser}, {"Sec-Fetch-Dest", "empty"}}).status() == 404);
  CHECK(rig.ask("/users", {{"Accept", browser}, {"Sec-Fetch-Dest", "document"}}).status() == 200);
  CHECK(rig.ask("/users", {{"Accept", browser}}, "POST").status() == 405);
  rig.options.single_page->except = {"/internal/"};
  CHECK(page("/api").body() == "app");
  CHECK(page("/internal").status() == 404);
  CHECK(page("/internal/x").status() == 404);
  rig.options.single_page.reset();
  CHECK(page("/users").status() == 404);
}

TEST_CASE("site: a single-page application without its page is 404") {
  Rig rig;
  rig.tree.write("a.txt", "x");
  rig.options.single_page.emplace();
  CHECK(rig.ask("/users", {{"Accept", browser}}).status() == 404);
}

TEST_CASE("site: ranges") {
  Rig rig;
  rig.tree.write("a.bin", "0123456789");
  const Answer part = rig.ask("/a.bin", {{"Range", "bytes=2-4"}});
  CHECK(part.status() == 206);
  CHECK(part.field("Content-Range") == "bytes 2-4/10");
  CHECK(part.found->head.content_length == 3);
  CHECK(part.body() == "234");
  CHECK(part.field("ETag") == rig.ask("/a.bin").field("ETag"));
  CHECK(rig.ask("/a.bin", {{"Range", "bytes=-3"}}).body() == "789");
  CHECK(rig.ask("/a.bin", {{"Range", "bytes=8-"}}).body() == "89");
  CHECK(rig.ask("/a.bin", {{"Range", "bytes=0-1,4-5"}}).status() == 200);
  const Answer beyond = rig.ask("/a.bin", {{"Range", "bytes=10-"}});
  CHECK(beyond.status() == 416);
  CHECK(beyond.local->cause == base::Cause::range_not_satisfiable);
  CHECK(beyond.field("Content-Range") == "bytes */10");
}

TEST_CASE("site: a range goes on with what If-Range names, or begins anew") {
  Rig rig;
  rig.tree.write("a.bin", "0123456789", 1'700'000'000);
  const std::string etag = rig.ask("/a.bin").field("ETag");
  const std::string date = rig.ask("/a.bin").field("Last-Modified");
  const auto status = [&](std::string_view if_range) {
    return rig.ask("/a.bin", {{"Range", "bytes=5-"}, {"If-Range", if_range}}).status();
  };
  CHECK(status(etag) == 206);
  CHECK(status(date) == 206);
  CHECK(status("W/" + etag) == 200);
  CHECK(status("\"other\"") == 200);
  rig.tree.write("a.bin", "9876543210", 1'700'000'001);
  CHECK(status(etag) == 200);
  CHECK(status(date) == 200);
}

TEST_CASE("site: conditions") {
  Rig rig;
  rig.tree.write("index.html", "page", 1'700'000'000);
  const std::string etag = rig.ask("/").field("ETag");
  const Answer same = rig.ask("/", {{"If-None-Match", etag}, {"Range", "bytes=0-1"}});
  CHECK(same.status() == 304);
  CHECK(same.found->head.body == http::BodyKind::none);
  CHECK(same.found->length == 0);
  CHECK(same.field("ETag") == etag);
  CHECK(same.field("Cache-Control") == "no-cache");
  CHECK(same.field("Content-Type").empty());
  CHECK(rig.ask("/", {{"If-None-Match", "W/" + etag}}, "HEAD").status() == 304);
  CHECK(rig.ask("/", {{"If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT"}}).status() == 304);
  const Answer failed = rig.ask("/", {{"If-Match", "\"other\""}});
  CHECK(failed.status() == 412);
  CHECK(failed.found->head.body == http::BodyKind::length);
  CHECK(failed.found->head.content_length == 0);
  CHECK(failed.found->length == 0);
  CHECK(rig.ask("/", {{"If-Match", etag}}).status() == 200);
  rig.tree.write("index.html", "PAGE", 1'700'000'001);
  CHECK(rig.ask("/", {{"If-None-Match", etag}}).status() == 200);
}

TEST_CASE("site: a time in the future is not told") {
  Rig rig;
  rig.tree.write("a.txt", "x", now + 1000);
  CHECK(rig.ask("/a.txt").field("Last-Modified") == http::imf_fixdate(now));
}

TEST_CASE("site: a variant that lies beside the file, as the client likes it") {
  Rig rig;
  rig.options.precompressed = true;
  rig.tree.write("app.js", "plain");
  rig.tree.write("app.js.br", "BR");
  rig.tree.write("app.js.gz", "GZIP");
  rig.tree.write("only.css", "plain");
  rig.tree.write("image.png", "plain");
  rig.tree.write("image.png.br", "BR");
  const auto ask = [&](std::string_view target, std::string_view accept) {
    return rig.ask(target, {{"Accept-Encoding", accept}});
  };
  const Answer brotli = ask("/app.js", "gzip, deflate, br, zstd");
  CHECK(brotli.body() == "BR");
  CHECK(brotli.field("Content-Encoding") == "br");
  CHECK(brotli.field("Content-Type") == "text/javascript; charset=utf-8");
  CHECK(brotli.field("Vary") == "Accept-Encoding");
  const Answer gzip = ask("/app.js", "gzip");
  CHECK(gzip.body() == "GZIP");
  CHECK(gzip.field("Content-Encoding") == "gzip");
  CHECK(ask("/app.js", "br;q=0.1, gzip;q=0.9").body() == "GZIP");
  CHECK(ask("/app.js", "zstd, gzip;q=0.5").body() == "GZIP");  // no .zst file exists
  const Answer plain = ask("/app.js", "");
  CHECK(plain.body() == "plain");
  CHECK(plain.field("Content-Encoding").empty());
  CHECK(plain.field("Vary") == "Accept-Encoding");
  CHECK(brotli.field("ETag") != gzip.field("ETag"));
  CHECK(brotli.field("ETag") != plain.field("ETag"));
  CHECK(ask("/only.css", "br").body() == "plain");
  CHECK(ask("/only.css", "br").field("Vary") == "Accept-Encoding");
  CHECK(ask("/image.png", "br").body() == "plain");
  CHECK(ask("/image.png", "br").field("Vary").empty());
  CHECK(ask("/app.js.br", "br").field("Content-Type") == "application/octet-stream");
  // The range is of the variant, as RFC 9110 requires.
  CHECK(rig.ask("/app.js", {{"Accept-Encoding", "gzip"}, {"Range", "bytes=1-2"}}).body() == "ZI");
  const Answer same =
      rig.ask("/app.js", {{"Accept-Encoding", "br"}, {"If-None-Match", brotli.field("ETag")}});
  CHECK(same.status() == 304);
  CHECK(same.field("Vary") == "Accept-Encoding");
  CHECK(rig.ask("/app.js", {{"Accept-Encoding", "gzip"}, {"If-None-Match", brotli.field("ETag")}}).status() ==
        200);
  rig.options.precompressed = false;
  CHECK(ask("/app.js", "br").body() == "plain");
  CHECK(ask("/app.js", "br").field("Vary").empty());
}

TEST_CASE("site: Cache-Control by path, the first that fits") {
  Rig rig;
  rig.options.cache = {{"/assets/special.js", "no-store"},
                       {"/assets/*", "public, max-age=31536000, immutable"},
                       {"*.html", "max-age=60"},
                       {"*", "max-age=5"}};
  for (const char* name : {"assets/special.js", "assets/app.js", "index.html", "other.txt"})
    rig.tree.write(name, "x");
  CHECK(rig.ask("/assets/special.js").field("Cache-Control") == "no-store");
  CHECK(rig.ask("/assets/app.js").field("Cache-Control") == "public, max-age=31536000, immutable");
  CHECK(rig.ask("/").field("Cache-Control") == "max-age=60");
  CHECK(rig.ask("/other.txt").field("Cache-Control") == "max-age=5");
  rig.options.cache.clear();
  CHECK(rig.ask("/").field("Cache-Control") == "no-cache");
}

TEST_CASE("site: an entity tag changes with size, time and file") {
  OpenFile file;
  file.size = 0x123;
  file.modified_ns = 1'700'000'000'000'000'000;
  file.inode = 42;
  const std::string tag = entity_tag(file);
  CHECK(tag.starts_with("\"123-"));
  CHECK(tag.ends_with('"'));
  file.inode = 43;
  const std::string other_inode = entity_tag(file);
  file.inode = 42;
  file.modified_ns += 1;
  const std::string other_time = entity_tag(file);
  CHECK(tag != other_inode);
  CHECK(tag != other_time);
  CHECK(other_inode != other_time);
}
