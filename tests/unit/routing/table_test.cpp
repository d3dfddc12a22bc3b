#include "routing/table.h"

#include <doctest/doctest.h>

using namespace postern::routing;

namespace {

struct Written {
  const char* name;
  const char* host = "";
  const char* path = "/";
  bool exact = false;
  std::vector<std::string> methods = {};
};

Table table_of(std::vector<Written> written) {
  std::vector<Route> routes;
  for (Written& route : written) {
    Route made;
    made.name = route.name;
    made.hosts = {read_host_pattern(route.host).value()};
    made.paths = {route.path};
    made.exact = route.exact;
    made.methods = std::move(route.methods);
    routes.push_back(std::move(made));
  }
  return Table(std::move(routes));
}

// Returns the name of the route, "405 <allow>", or "404".
std::string matched(const Table& table, std::string_view host, std::string_view path,
                    std::string_view method = "GET") {
  const Match match = table.match({host, path, method});
  if (match.route) return match.route->name;
  return match.path_matched_other_method ? "405 " + match.allow : "404";
}

}  // namespace

TEST_CASE("table: hosts come before paths, whatever the order of the routes") {
  const Table table = table_of({{"default"},
                                {"default-api", "", "/api/v1"},
                                {"wildcard", "*.example.com"},
                                {"long-wildcard", "*.eu.example.com", "/api"},
                                {"exact", "app.example.com", "/app"}});
  CHECK(matched(table, "app.example.com", "/app/x") == "exact");
  CHECK(matched(table, "APP.Example.Com", "/app") == "exact");
  CHECK(matched(table, "app.example.com", "/other") == "wildcard");
  CHECK(matched(table, "a.eu.example.com", "/api") == "long-wildcard");
  CHECK(matched(table, "a.eu.example.com", "/") == "wildcard");
  CHECK(matched(table, "app.example.com", "/api/v1") == "wildcard");
  CHECK(matched(table, "example.com", "/api/v1/x") == "default-api");
  CHECK(matched(table, "", "/x") == "default");
}

TEST_CASE("table: within a host the exact path wins, then the longest prefix") {
  const Table table =
      table_of({{"root"}, {"prefix", "", "/a"}, {"exact", "", "/a", true}, {"deep", "", "/a/b/"}});
  CHECK(matched(table, "h", "/a") == "exact");
  CHECK(matched(table, "h", "/a/") == "prefix");
  CHECK(matched(table, "h", "/a/b") == "deep");
  CHECK(matched(table, "h", "/ab") == "root");
}

TEST_CASE("table: nothing is matched where no host or no path is") {
  const Table table = table_of({{"a", "a.org", "/api"}});
  CHECK(matched(table, "b.org", "/api") == "404");
  CHECK(matched(table, "a.org", "/") == "404");
  CHECK(matched(table, "a.org", "*", "OPTIONS") == "404");
  CHECK(matched(Table(), "a.org", "/") == "404");
}

TEST_CASE("table: routes of one address are told apart by method, the first that takes it wins") {
  const Table table = table_of({{"read", "", "/x", false, {"GET", "HEAD"}},
                                {"write", "", "/x", false, {"POST", "GET"}},
                                {"odd", "", "/x/", false, {"PURGE"}}});
  CHECK(matched(table, "h", "/x", "GET") == "read");
  CHECK(matched(table, "h", "/x/1", "POST") == "write");
  CHECK(matched(table, "h", "/x", "PURGE") == "odd");
  CHECK(matched(table, "h", "/x", "DELETE") == "405 GET, HEAD, POST, PURGE");
  CHECK(matched(table, "h", "/x", "get") == "405 GET, HEAD, POST, PURGE");
}

TEST_CASE("table: a method refused by a specific rule is not taken by a more general one") {
  const Table table = table_of({{"root"},
                                {"admin", "", "/admin", false, {"GET"}},
                                {"host-admin", "a.org", "/admin", false, {"HEAD"}}});
  CHECK(matched(table, "h", "/admin/users", "POST") == "405 GET");
  CHECK(matched(table, "a.org", "/admin", "GET") == "405 HEAD");
  CHECK(matched(table, "a.org", "/other", "POST") == "root");
}

TEST_CASE("table: a preflight is matched by the method it asks about") {
  postern::http::RequestHead request;
  request.method = postern::http::Method::options;
  request.method_text = "OPTIONS";
  CHECK(method_to_match(request) == "OPTIONS");
  request.headers.add("Access-Control-Request-Method", "PUT");
  CHECK(method_to_match(request) == "OPTIONS");  // without Origin it is not a preflight
  request.headers.add("Origin", "https://a.org");
  CHECK(method_to_match(request) == "PUT");
  const Table table = table_of({{"put", "", "/", false, {"PUT"}}});
  CHECK(matched(table, "h", "/", method_to_match(request)) == "put");
}

TEST_CASE("table: routes keep their place when the table moves") {
  Table first = table_of({{"a"}, {"b", "", "/b"}});
  const Route* route = first.match({"h", "/b", "GET"}).route;
  const Table second = std::move(first);
  CHECK(second.match({"h", "/b", "GET"}).route == route);
}

namespace {

std::shared_ptr<const Conditions> with_header(const char* name, const char* second = nullptr) {
  auto conditions = std::make_shared<Conditions>();
  conditions->headers.push_back({name, postern::http::FieldId::other, {}});
  if (second) conditions->headers.push_back({second, postern::http::FieldId::other, {}});
  return conditions;
}

std::string matched_with(const Table& table, std::vector<const char*> fields, std::string_view path,
                         std::string_view method = "GET") {
  postern::http::Headers headers;
  for (const char* name : fields) headers.add(name, "1");
  const Match match = table.match({.host = "h", .path = path, .method = method, .headers = &headers});
  if (match.route) return match.route->name;
  return match.path_matched_other_method ? "405 " + match.allow : "404";
}

Route route_of(const char* name, const char* path, std::shared_ptr<const Conditions> conditions = nullptr,
               std::vector<std::string> methods = {}) {
  Route route;
  route.name = name;
  route.paths = {path};
  route.conditions = std::move(conditions);
  route.methods = std::move(methods);
  return route;
}

template <class... Routes>
Table table_with(Routes... routes) {
  std::vector<Route> all;
  (all.push_back(std::move(routes)), ...);
  return Table(std::move(all));
}

}  // namespace

TEST_CASE("table: of one address the route with more conditions wins, whatever the order") {
  const Table table =
      table_with(route_of("plain", "/x"), route_of("one", "/x/", with_header("A")),
                 route_of("two", "/x", with_header("A", "B")), route_of("other", "/x", with_header("B")));
  CHECK(matched_with(table, {}, "/x/1") == "plain");
  CHECK(matched_with(table, {"A"}, "/x") == "one");
  CHECK(matched_with(table, {"B"}, "/x") == "other");
  CHECK(matched_with(table, {"B", "A"}, "/x") == "two");
}

TEST_CASE("table: of one address a route with methods comes before one without") {
  const Table table = table_with(route_of("any", "/x"), route_of("write", "/x", nullptr, {"POST"}));
  CHECK(matched_with(table, {}, "/x", "POST") == "write");
  CHECK(matched_with(table, {}, "/x", "GET") == "any");
}

TEST_CASE("table: a route whose conditions do not fit is not there") {
  const Table table = table_with(route_of("root", "/"), route_of("api", "/api", with_header("A")),
                                 route_of("deep", "/api/v2", with_header("B")));
  CHECK(matched_with(table, {}, "/api/v2/x") == "root");
  CHECK(matched_with(table, {"A"}, "/api/v2/x") == "api");
  CHECK(matched_with(table, {"A", "B"}, "/api/v2/x") == "deep");
  const Table alone = table_with(route_of("api", "/api", with_header("A")));
  CHECK(matched_with(alone, {}, "/api") == "404");
}

TEST_CASE("table: where no conditions fit a less specific host is looked at") {
  std::vector<Route> routes;
  routes.push_back(route_of("any", "/"));
  routes.push_back(route_of("host", "/", with_header("A")));
  routes.back().hosts = {read_host_pattern("h").value()};
  const Table table(std::move(routes));
  CHECK(matched_with(table, {}, "/") == "any");
  CHECK(matched_with(table, {"A"}, "/") == "host");
}

TEST_CASE("table: 405 names the methods of routes whose conditions fit") {
  const Table table = table_with(route_of("root", "/"), route_of("a", "/x", with_header("A"), {"GET"}),
                                 route_of("b", "/x", with_header("B"), {"PUT", "GET"}),
                                 route_of("c", "/x", with_header("C"), {"HEAD"}));
  CHECK(matched_with(table, {"A"}, "/x", "POST") == "405 GET");
  CHECK(matched_with(table, {"A", "B"}, "/x", "POST") == "405 GET, PUT");
  CHECK(matched_with(table, {"A", "B"}, "/x", "PUT") == "b");
  CHECK(matched_with(table, {}, "/x", "POST") == "root");
}

TEST_CASE("table: a route stands at every pair of its hosts and paths") {
  std::vector<Route> routes;
  routes.push_back(route_of("many", "/a"));
  routes.back().hosts = {read_host_pattern("a.org").value(), read_host_pattern("*.b.org").value()};
  routes.back().paths = {"/a", "/b/c"};
  const Table table(std::move(routes));
  for (const char* host : {"a.org", "x.b.org"})
    for (const char* path : {"/a", "/a/x", "/b/c"}) CHECK(matched(table, host, path) == "many");
  CHECK(matched(table, "b.org", "/a") == "404");
  CHECK(matched(table, "a.org", "/b") == "404");
}
