#include "files/content_type.h"

#include <doctest/doctest.h>

using postern::files::content_type_of;

TEST_CASE("content type: what a web application is made of") {
  CHECK(content_type_of("index.html") == "text/html; charset=utf-8");
  CHECK(content_type_of("assets/app-3f2a.js") == "text/javascript; charset=utf-8");
  CHECK(content_type_of("a.mjs") == "text/javascript; charset=utf-8");
  CHECK(content_type_of("a.css") == "text/css; charset=utf-8");
  CHECK(content_type_of("a.txt") == "text/plain; charset=utf-8");
  CHECK(content_type_of("a.json") == "application/json");
  CHECK(content_type_of("a.js.map") == "application/json");
  CHECK(content_type_of("site.webmanifest") == "application/manifest+json");
  CHECK(content_type_of("a.wasm") == "application/wasm");
  CHECK(content_type_of("a.svg") == "image/svg+xml");
  CHECK(content_type_of("a.xml") == "application/xml");
  CHECK(content_type_of("a.ico") == "image/x-icon");
  CHECK(content_type_of("a.png") == "image/png");
  CHECK(content_type_of("a.jpg") == "image/jpeg");
  CHECK(content_type_of("a.jpeg") == "image/jpeg");
  CHECK(content_type_of("a.webp") == "image/webp");
  CHECK(content_type_of("a.avif") == "image/avif");
  CHECK(content_type_of("a.woff2") == "font/woff2");
  CHECK(content_type_of("a.mp4") == "video/mp4");
  CHECK(content_type_of("a.pdf") == "application/pdf");
  CHECK(content_type_of("a.zip") == "application/zip");
  CHECK(content_type_of("a.7z") == "application/x-7z-compressed");
}

TEST_CASE("content type: case does not count, the last extension does, and only of the name") {
  CHECK(content_type_of("A.HTML") == "text/html; charset=utf-8");
  CHECK(content_type_of("archive.tar.gz") == "application/gzip");
  CHECK(content_type_of("v1.css/readme") == "application/octet-stream");
  CHECK(content_type_of("readme") == "application/octet-stream");
  CHECK(content_type_of("a.") == "application/octet-stream");
  CHECK(content_type_of("a.webmanifestx") == "application/octet-stream");
  CHECK(content_type_of("a.unheardof") == "application/octet-stream");
  CHECK(content_type_of("") == "application/octet-stream");
}
