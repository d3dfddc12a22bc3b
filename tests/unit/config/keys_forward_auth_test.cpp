#include <doctest/doctest.h>

#include <chrono>

#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;
using namespace std::chrono_literals;

namespace {

// What is said of a good file but for the forward_auth of its route, and what stands beside it.
std::string said_of_auth(const std::string& auth, const std::string& beside = "") {
  return said_of(rest + "    forward_auth: " + auth + "\n" + beside);
}

const std::string url = "url: \"http://127.0.0.1:4180/oauth2/auth\"";
const std::string place = "f:5:19 routes[0].forward_auth";

}  // namespace

TEST_CASE("forward_auth: every key is taken") {
  const auto loaded =
      load(rest +
           "    forward_auth:\n"
           "      url: \"https://Auth.example.com:8443/verify?x=1\"\n"
           "      timeout: 2s\n"
           "      request_headers: [Cookie, X-Key]\n"
           "      answer_headers: { Remote-User: X-WEBAUTH-USER, Authorization: Authorization }\n"
           "      set_cookies: true\n"
           "      sign_in: \"https://login.example.com/?rd={url}\"\n"
           "      answer_size: 8KiB\n"
           "      cache: { time: 30s, refusals: 1s, key: [\"cookie:s\", \"header:X-Key\", method, host, "
           "path, uri, client_address] }\n");
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.empty());
  REQUIRE(loaded->routes[0].forward_auth);
  const ForwardAuthDocument& auth = *loaded->routes[0].forward_auth;
  CHECK(auth.upstream == "https://auth.example.com:8443");
  CHECK(auth.target == "/verify?x=1");
  CHECK(auth.timeout == 2s);
  CHECK(auth.request_fields == std::vector<std::string>{"Cookie", "X-Key"});
  REQUIRE(auth.answer_fields.size() == 2);
  CHECK(auth.answer_fields[0].from == "Remote-User");
  CHECK(auth.answer_fields[0].to == "X-WEBAUTH-USER");
  CHECK(auth.sets_cookies);
  CHECK(auth.sign_in == "https://login.example.com/?rd={url}");
  CHECK(auth.answer_size == 8192);
  REQUIRE(auth.cache);
  CHECK(auth.cache->kept == 30s);
  CHECK(auth.cache->refusals_kept == 1s);
  REQUIRE(auth.cache->key.size() == 7);
  CHECK(auth.cache->key[0].kind == policy::AuthKeyPart::Kind::cookie);
  CHECK(auth.cache->key[0].name == "s");
  CHECK(auth.cache->key[6].kind == policy::AuthKeyPart::Kind::client_address);
  CHECK(loaded->upstreams.back().name == "https://auth.example.com:8443");
}

TEST_CASE("forward_auth: the short forms") {
  const auto loaded =
      load(rest + "    forward_auth: http://127.0.0.1:4180/oauth2/auth\n" +
           "  - match: { path: /b }\n    upstream: api\n    forward_auth: { upstream: api, path: \"/a?b\", "
           "answer_headers: [Remote-User], cache: 10s }\n");
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.empty());
  const ForwardAuthDocument& first = *loaded->routes[0].forward_auth;
  CHECK(first.upstream == "http://127.0.0.1:4180");
  CHECK(first.target == "/oauth2/auth");
  CHECK_FALSE(first.cache);
  CHECK(first.timeout == 5s);
  const ForwardAuthDocument& second = *loaded->routes[1].forward_auth;
  CHECK(second.upstream == "api");
  CHECK(second.target == "/a?b");
  CHECK(second.answer_fields[0].from == second.answer_fields[0].to);
  CHECK(second.cache->kept == 10s);
  CHECK(second.cache->key.empty());
}

TEST_CASE("forward_auth: one server is asked, and it exists") {
  CHECK(said_of_auth("{ timeout: 1s }") == place + ": has neither url nor upstream; nobody could be asked\n");
  CHECK(said_of_auth("{ " + url + ", upstream: api }").find("stands beside url; one of them is asked") !=
        std::string::npos);
  CHECK(said_of_auth("{ " + url + ", path: /a }").find("needs upstream; a url has its own path") !=
        std::string::npos);
  CHECK(said_of_auth("{ upstream: apy, path: /a }")
            .find("there is no upstream \"apy\"; did you mean \"api\"?") != std::string::npos);
  CHECK(said_of_auth("127.0.0.1:4180") != "");
  CHECK(said_of_auth("\"http://user@127.0.0.1/\"") != "");
  CHECK(said_of_auth("{ upstream: api, path: auth }").find("does not begin with \"/\"") != std::string::npos);
}

TEST_CASE("forward_auth: fields that the endpoint gets are free and may be set") {
  const auto said = [](const std::string& fields, const std::string& beside = "") {
    return said_of_auth("{ " + url + ", answer_headers: " + fields + " }", beside);
  };
  CHECK(said("[]") == "");
  CHECK(said("X-User") == "");
  CHECK(said("[Authorization]") == "");
  for (const char* field :
       {"Cookie", "Host", "Connection", "Content-Length", "X-Forwarded-For", "Sec-Fetch-Mode", "a b"}) {
    CAPTURE(field);
    CHECK(said("[\"" + std::string(field) + "\"]") != "");
    CHECK(said("{ X-User: \"" + std::string(field) + "\" }") != "");
  }
  CHECK(said("[X-User, x_user]").find("\"x_user\" stands in line 5 already") != std::string::npos);
  CHECK(said("{ \"a b\": X-User }") != "");
  CHECK(said("[X-Request-Id]").find("\"X-Request-Id\" carries the request id already") != std::string::npos);
}

TEST_CASE("forward_auth: fields that another rule sets are refused") {
  const std::string jwt =
      "jwt: { login: { secret: 0123456789012345678901234567890123456789, algorithms: [HS256] } }\n";
  const auto said = [&](const std::string& field) {
    return said_of(jwt + rest + "    jwt: login\n    forward_claims: { sub: X-User }\n    forward_auth: { " +
                   url + ", answer_headers: [" + field + "] }\n");
  };
  CHECK(said("X-Other") == "");
  CHECK(said("X_USER").find("\"X_USER\" carries the claim \"sub\" already") != std::string::npos);
  CHECK(said("Authorization").find("\"Authorization\" carries the token of jwt, which would be replaced") !=
        std::string::npos);
}

TEST_CASE("forward_auth: a cache that mixes clients is warned of") {
  const auto said = [](const std::string& cache) {
    return said_of_auth("{ " + url + ", cache: " + cache + " }");
  };
  CHECK(said("none") == "");
  CHECK(said("{ time: 1s, key: \"cookie:s\" }") == "");
  CHECK(said("{ time: 1s, key: [uri, host] }")
            .find("warning: routes[0].forward_auth.cache.key: is the same for all clients: who comes first "
                  "decides for the "
                  "others; add the cookie or the header that tells them apart") != std::string::npos);
  CHECK(said("{ time: 1s, key: [cookies] }")
            .find("is none of method, host, path, uri, client_address, header:NAME and cookie:NAME") !=
        std::string::npos);
  CHECK(said("{ time: 1s, key: [\"cookie:\"] }")
            .find("has no name of a header field or a cookie behind the colon") != std::string::npos);
  CHECK(said("{ time: 1s, key: [] }") != "");
  CHECK(said("2h") != "");
  CHECK(said("{ key: \"cookie:s\" }") != "");
}

TEST_CASE("forward_auth: a page to sign in at is an address, and can be reached") {
  const auto said = [](const std::string& text, const std::string& beside = "") {
    return said_of_auth("{ " + url + ", sign_in: \"" + text + "\" }", beside);
  };
  const std::string open = "  - { match: { path: /oauth2 }, upstream: api }\n";
  CHECK(said("/oauth2/start?rd={uri}", open) == "");
  CHECK(said("https://login.example.com/{url}") == "");
  CHECK(said("/oauth2/start?rd={uri}") ==
        "f:5:19 warning: routes[0].forward_auth.sign_in: leads to a route with forward_auth, which sends the "
        "browser "
        "there again; give \"/oauth2/start\" a route of its own to the authentication server\n");
  for (const char* text : {"oauth2", "//evil.example/", "javascript:alert(1)"}) {
    CAPTURE(text);
    CHECK(said(text).find("is neither a path nor a URL of http or https") != std::string::npos);
  }
  CHECK(said("/a b").find("has a character that a URL cannot have") != std::string::npos);
  CHECK(said("/a{path}").find("has braces that are neither {uri} nor {url}") != std::string::npos);
  CHECK(said("/a}").find("has braces that are neither {uri} nor {url}") != std::string::npos);
}

TEST_CASE("forward_auth: a server that is the gateway itself is warned of") {
  CHECK(
      said_of("listeners: [{ address: \"127.0.0.1:8080\" }]\nroutes:\n  - upstream: http://127.0.0.1:1\n    "
              "forward_auth: http://localhost:8080/auth\n") ==
      "f:4:19 warning: routes[0].forward_auth.url: leads back to the gateway: it is the listener in line 1, "
      "and a "
      "request that takes this route twice is answered with 508; write the address of the authentication "
      "server\n");
}

TEST_CASE("forward_auth: it is one of several ways in") {
  CHECK(said_of_auth("{ " + url + " }", "    access: any\n    allow: 10.0.0.0/8\n") == "");
  CHECK(said_of_auth("{ " + url + " }", "    access: any\n").find("the route has one of them") !=
        std::string::npos);
}

TEST_CASE("forward_auth: keys of other gateways are translated") {
  CHECK(said_of(rest + "    auth_request: /auth\n").find("it is written forward_auth: { url:") !=
        std::string::npos);
  CHECK(said_of(rest + "    forwardAuth: { address: http://a }\n").find("forward_auth") != std::string::npos);
  CHECK(said_of_auth("{ " + url + ", authResponseHeaders: [X] }").find("answer_headers: [Remote-User]") !=
        std::string::npos);
}
