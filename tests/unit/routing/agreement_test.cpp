#include "routing/agreement.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>

#include "http/target.h"

using namespace postern;
using namespace postern::routing;

namespace {

struct Written {
  std::string name;
  std::string host;
  std::string path = "/";
  bool exact = false;
  std::vector<std::string> methods{};
};

Table table_of(const std::vector<Written>& written) {
  std::vector<Route> routes;
  for (const Written& route : written) {
    Route made;
    made.name = route.name;
    made.hosts = {read_host_pattern(route.host).value()};
    made.paths = {route.path};
    made.exact = route.exact;
    made.methods = route.methods;
    routes.push_back(std::move(made));
  }
  return Table(std::move(routes));
}

// Returns the name of the route, "404", or the sentence.
std::string landed(const Table& table, std::string_view host, std::string_view path,
                   std::string_view method) {
  const auto match = match_every_reading(path, [&](std::string_view reading) {
    return table.match({host, reading, method});
  });
  if (!match) return match.error();
  return match->route ? match->route->name : match->path_matched_other_method ? "405" : "404";
}

// --- an independent model ---
//
// It is written from the behaviour of real servers, independently of the code under test: every combination
// of steps, on lists of segments. A reader may cut parameters and resolve dots, or not; decodes never, once
// or twice, with escaped slashes as slashes or as parts of names; and then may convert backslashes to
// slashes, cut parameters, merge slashes and resolve dots.

constexpr char name_slash = '\x01';  // an escaped slash that is a part of a name

int hex(char c) {
  const std::string_view digits = "0123456789abcdef";
  const size_t found = digits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return found == digits.npos ? -1 : static_cast<int>(found);
}

std::string unescaped(const std::string& text, bool slashes) {
  if (text.find('%') == text.npos) return text;
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    if (!escape) {
      out += text[i];
      continue;
    }
    const char c = static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
    out += c == '/' && !slashes ? name_slash : c;
    i += 2;
  }
  return out;
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> segments(1);
  for (char c : path.substr(1)) {
    if (c == '/')
      segments.emplace_back();
    else
      segments.back() += c;
  }
  return segments;
}

std::string joined(const std::vector<std::string>& segments) {
  std::string path;
  for (const std::string& segment : segments) path += '/' + segment;
  return path.empty() ? "/" : path;
}

std::string cut(const std::string& path) {
  if (path.find(';') == path.npos) return path;
  std::vector<std::string> segments = split(path);
  for (std::string& segment : segments) segment = segment.substr(0, segment.find(';'));
  return joined(segments);
}

// Returns nothing when the path climbs above the root.
std::optional<std::string> resolved(const std::string& path) {
  if (path.find("/.") == path.npos) return path;
  std::vector<std::string> kept;
  const std::vector<std::string> segments = split(path);
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    if (segments[i] == "..") {
      if (kept.empty()) return std::nullopt;
      kept.pop_back();
    } else if (segments[i] != ".") {
      kept.push_back(segments[i]);
      continue;
    }
    if (last) kept.emplace_back();
  }
  return joined(kept);
}

std::string with_slashes(std::string path) {
  std::replace(path.begin(), path.end(), '\\', '/');
  return path;
}

std::string merged(const std::string& path) {
  if (path.find("//") == path.npos) return path;
  std::string once;
  for (char c : path)
    if (c != '/' || !once.ends_with('/')) once += c;
  return once;
}

constexpr std::string_view above_root = "above the root";

std::string resolved_or_above(const std::string& path) {
  return resolved(path).value_or(std::string(above_root));
}

using Texts = std::set<std::string>;

// The results with this step and without it, since readers differ.
template <class Step>
Texts with_or_without(const Texts& texts, const Step& step) {
  Texts all = texts;
  for (const std::string& text : texts) {
    if (text == above_root) continue;
    std::string made = step(text);
    if (made != text) all.insert(std::move(made));
  }
  return all;
}

// The results of all readers for this path.
Texts all_readings(const std::string& path) {
  const Texts first = with_or_without(with_or_without({path}, cut), resolved_or_above);
  Texts decoded = first;
  for (const bool slashes : {true, false}) {
    const auto decode = [slashes](const std::string& text) { return unescaped(text, slashes); };
    decoded.merge(with_or_without(with_or_without(first, decode), decode));
  }
  return with_or_without(
      with_or_without(with_or_without(with_or_without(decoded, with_slashes), cut), merged),
      resolved_or_above);
}

bool takes(const Written& route, const std::string& path) {
  if (path == route.path) return true;
  return !route.exact && (route.path == "/" || path.starts_with(route.path + "/"));
}

// Among the routes for this host, the exact one or the one with the longest path decides; among several
// routes with the same path, the method decides.
std::string judged(const std::vector<Written>& routes, const std::string& host, const std::string& method,
                   const std::string& path) {
  for (const std::string& wanted : {host, std::string()}) {
    const Written* best = nullptr;
    for (const Written& route : routes) {
      if (route.host != wanted || !takes(route, path)) continue;
      if (!best || std::pair(route.exact, route.path.size()) > std::pair(best->exact, best->path.size()))
        best = &route;
    }
    if (!best) continue;
    for (const bool with_methods : {true, false})
      for (const Written& route : routes)
        if (with_methods != route.methods.empty() && route.host == wanted && route.path == best->path &&
            route.exact == best->exact && (route.methods.empty() || route.methods.front() == method))
          return route.name;
    return "none";
  }
  return "none";
}

const std::vector<Written>& some_routes() {
  static const std::vector<Written> routes = {
      {"root", "", "/"},
      {"admin", "", "/admin"},
      {"admin-put", "", "/public/put", false, {"PUT"}},
      {"public", "", "/public"},
      {"deep", "", "/public/a/b"},
      {"exact", "", "/public/a", true},
      {"app", "app.example", "/public"},
      {"app-get", "app.example", "/admin", false, {"GET"}},
      {"app-post", "app.example", "/admin", false, {"POST"}},
  };
  return routes;
}

std::string generated(std::minstd_rand& random) {
  static const std::vector<std::string> pieces = {
      "/",    "/",     "/",        "/",        "admin", "admin", "public", "public", "a",        "b",
      "put",  "x",     "..",       "..",       "..",    ".",     "//",     "\\",     ";",        ";v=1",
      "%2f",  "%2F",   "%5c",      "%2e",      "%2E",   "%2e",   "%3b",    "%252f",  "%252e",    "%25",
      "%61",  "%41",   "%2561",    "%70ublic", "%",     "%4",    "|",      "{",      "\xc3\xa9", "%c3%a9",
      "%20",  "@s",    "~",        "%7E",      "...",   "a.b",   "%3f",    "%253b",  "%255c",    "..%2f",
      "/../", "/..;/", "/%2e%2e/", "\\..\\",   "%zz",   "^"};
  std::string path = "/";
  if (random() % 2 == 0) path += random() % 2 == 0 ? "public/" : "admin/";
  for (uint32_t length = random() % 7; length > 0; --length) path += pieces[random() % pieces.size()];
  return path;
}

}  // namespace

TEST_CASE("agreement: what leads everywhere to one route is matched") {
  const Table table = table_of(some_routes());
  for (const char* path : {"/public/@a%2fc", "/public//c", "/public/c;b=1", "/public/a|b", "/public/%7Eu",
                           "/public/%41", "/public/a%", "/public/\xc3\xa9", "/public/c/../d", "/public/./c"})
    CHECK_MESSAGE(landed(table, "h", path, "GET") == "public", path);
  CHECK(landed(table, "h", "/x//y%2fz;a", "GET") == "root");
  CHECK(landed(table, "app.example", "/admin/a%2fb", "GET") == "app-get");
  CHECK(landed(table, "app.example", "/admin/a%2fb", "PUT") == "405");
}

TEST_CASE("agreement: what leads to two is refused, and both are named") {
  const Table table = table_of(some_routes());
  for (const char* path :
       {"/public/..%2fadmin", "/public/..;/admin", "/public\\..\\admin", "/public/%2e%2e/admin",
        "/public/%252e%252e/admin", "/public/../admin", "/public//../admin", "/public/..%c0%afadmin"}) {
    const std::string sentence = landed(table, "h", path, "GET");
    CAPTURE(sentence);
    CHECK(sentence.starts_with("servers read this path in different ways: as \"/public"));
    CHECK(sentence.find(" to route \"public\"") != sentence.npos);
    CHECK(sentence.find(" to route \"admin\"") != sentence.npos);
  }
  CHECK(
      landed(table, "h", "/public/..%2fadmin", "GET") ==
      "servers read this path in different ways: as \"/public/..%2Fadmin\" it leads to route \"public\", as "
      "\"/admin\" to route \"admin\"");
  CHECK(landed(table, "h", "/public/" + std::string(300, 'a') + "/../../admin", "GET").size() < 400);
}

TEST_CASE("agreement: methods, hosts and exact paths count") {
  const Table table = table_of(some_routes());
  const auto two = [&](std::string_view host, std::string_view path, std::string_view method,
                       std::string_view one, std::string_view other) {
    const std::string sentence = landed(table, host, path, method);
    CAPTURE(sentence);
    CHECK(sentence.find(one) != sentence.npos);
    CHECK(sentence.find(other) != sentence.npos);
  };
  two("h", "/public/put;x", "GET", "route \"public\"", "no route");  // the other reading gives 405
  two("h", "/public/put;x", "PUT", "route \"public\"", "route \"admin-put\"");
  two("h", "/public//a", "GET", "route \"public\"", "route \"exact\"");
  two("h", "/public/a/.", "GET", "route \"public\"", "route \"exact\"");
  two("app.example", "/public/../admin", "POST", "route \"app\"", "route \"app-post\"");
  two("app.example", "/public/../admin", "PUT", "route \"app\"", "no route");
  const Table few = table_of({{"api", "", "/api"}});
  CHECK(landed(few, "h", "/%61pi/x", "GET").find("no route") != std::string::npos);
  CHECK(landed(few, "h", "/x//y", "GET") == "404");
  CHECK(landed(table_of({{"public", "", "/public"}, {"admin", "", "/admin"}}), "h", "/public\\..\\admin",
               "GET") ==
        "servers read this path in different ways: as \"/public/../admin\" it leads to route \"public\", as "
        "\"/admin\" to route \"admin\"");
}

TEST_CASE("agreement: of generated targets each accepted one has one route in every reading") {
  constexpr uint32_t seed = 12'2026;
  constexpr int count = 100'000;
  const Table table = table_of(some_routes());
  std::minstd_rand random(seed);
  int accepted = 0;
  int odd = 0;
  int refused = 0;
  int refused_alone = 0;  // although the model finds one route for all readings
  for (int i = 0; i < count; ++i) {
    const std::string path = generated(random);
    const std::string host = random() % 2 == 0 ? "app.example" : "other.example";
    const std::string method = random() % 4 == 0 ? "PUT" : random() % 2 == 0 ? "GET" : "POST";
    CAPTURE(path);
    CAPTURE(host);
    CAPTURE(method);
    http::Target target;
    if (!http::read_target(path, target)) {
      FAIL("the path is refused for itself");
    }
    std::string route = "refused";
    if (!target.odd) {
      const Match match = table.match({host, target.path, method});
      route = match.route ? match.route->name : "none";
    } else {
      const auto match = match_every_reading(target.raw_path, [&](std::string_view reading) {
        return table.match({host, reading, method});
      });
      if (match) route = match->route ? match->route->name : "none";
    }
    bool agree = true;
    const std::string first = judged(some_routes(), host, method, path);
    for (const std::string& reading : all_readings(path)) {
      const std::string there =
          reading == above_root ? reading : judged(some_routes(), host, method, reading);
      agree = agree && there == first;
      if (agree && (route == "refused" || there == route)) continue;
      if (route == "refused") break;
      CAPTURE(reading);
      REQUIRE(there == route);
    }
    if (route == "refused") {
      ++refused;
      if (agree) ++refused_alone;
    } else {
      ++accepted;
      if (target.odd) ++odd;
      if (target.raw_path != path || !target.as_it_came) {
        FAIL("the path does not go on as it came");
      }
    }
  }
  MESSAGE("seed " << seed << ": " << count << " targets, " << accepted << " accepted (" << odd
                  << " odd ones), " << refused << " refused, " << refused_alone
                  << " of them for readings that the judge lacks");
  CHECK(odd > count / 10);
  CHECK(refused > count / 10);
  CHECK(refused_alone < refused / 20);
}
