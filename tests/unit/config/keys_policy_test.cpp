#include <doctest/doctest.h>

#include "unit/config/support.h"

using namespace postern;
using namespace postern::config;
using std::chrono::seconds;

namespace {

const std::string long_secret = "0123456789012345678901234567890123456789";

std::string said_of_origins(const std::string& origins) {
  return said_of_part("origins: { o: " + origins + " }");
}
std::string said_of_jwt(const std::string& jwt) { return said_of_part("jwt: { j: " + jwt + " }"); }

// With the keys that every token check needs.
std::string said_of_good_jwt(const std::string& more) {
  return said_of_jwt("{ keys: k.json, algorithms: [RS256], " + more + " }");
}

}  // namespace

TEST_CASE("origins: every key is taken") {
  const auto loaded = load(
      "origins:\n"
      "  dashboard:\n"
      "    allow: [\"https://app.example.com\", \"https://*.example.com\", \"null\", { pattern: "
      "\"https://pr-[0-9]+\\\\.x\" }]\n"
      "    methods: [GET, POST]\n"
      "    headers: [Authorization]\n"
      "    expose: [X-Request-Id]\n"
      "    max_age: 1h\n"
      "    require: true\n" +
      rest);
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.empty());
  REQUIRE(loaded->origins.size() == 1);
  const OriginsDocument& origins = loaded->origins[0];
  CHECK(origins.name == "dashboard");
  CHECK(origins.location == SourceLocation{2, 3});
  REQUIRE(origins.allow.size() == 4);
  CHECK(origins.allow[0].kind == OriginEntry::Kind::exact);
  CHECK(origins.allow[0].location == SourceLocation{3, 13});
  CHECK(origins.allow[1].kind == OriginEntry::Kind::wildcard);
  CHECK(origins.allow[1].text == "https://*.example.com");
  CHECK(origins.allow[2].kind == OriginEntry::Kind::null);
  CHECK(origins.allow[3].kind == OriginEntry::Kind::pattern);
  CHECK(origins.allow[3].text == "https://pr-[0-9]+\\.x");
  CHECK_FALSE(origins.credentials);
  CHECK(origins.methods == std::vector<std::string>{"GET", "POST"});
  CHECK(origins.headers == std::vector<std::string>{"Authorization"});
  CHECK(origins.expose == std::vector<std::string>{"X-Request-Id"});
  CHECK(origins.max_age == seconds(3600));
  CHECK(origins.require_on_websocket);
}

TEST_CASE("origins: everybody is never a member, and with credentials the reason is another") {
  CHECK(said_of_origins("{ allow: [\"*\"] }")
            .starts_with("f:1:25 origins.o.allow[0]: \"*\" would let every site in"));
  CHECK(said_of_origins("{ allow: [\"*\"], credentials: true }")
            .starts_with(
                "f:1:25 origins.o.allow[0]: \"*\" together with credentials: true would let every site act"));
  for (const char* pattern : {".*", "^.*$", ".+", "(.*)"}) {
    CAPTURE(pattern);
    CHECK(said_of_origins("{ allow: [{ pattern: \"" + std::string(pattern) + "\" }] }")
              .find("would let every site in") != std::string::npos);
  }
}

TEST_CASE("origins: a wrong spelling is told the right one") {
  CHECK(said_of_origins("{ allow: [dashboard-prod.example.io] }") ==
        "f:1:25 origins.o.allow[0]: \"dashboard-prod.example.io\" has no scheme; browsers send one; write "
        "\"https://dashboard-prod.example.io\"\n");
  CHECK(said_of_origins("{ allow: [\"https://a.com/\"] }") ==
        "f:1:25 origins.o.allow[0]: \"https://a.com/\" ends with \"/\"; an origin does not; write "
        "\"https://a.com\"\n");
  CHECK(said_of_origins("{ allow: [null] }")
            .starts_with("f:1:25 origins.o.allow[0]: null is not a text in YAML"));
  CHECK(said_of_origins("{ allow: [\"https://a\", \"https://a\"] }") ==
        "f:1:38 origins.o.allow[1]: \"https://a\" stands in line 1 already\n");
}

TEST_CASE("origins: a name that cannot be converted is told why") {
  CHECK(said_of_origins("{ allow: [\"https://\u2065.example\"] }")
            .find("cannot be converted to what browsers send (") != std::string::npos);
  CHECK(said_of_origins("{ allow: [\"https://münchen.example\", \"https://xn--mnchen-3ya.example\"] }")
            .find("stands in line 1 already") != std::string::npos);
}

TEST_CASE("origins: csrf and report_only") {
  const auto loaded_with = [](const std::string& keys) {
    return load("origins: { o: { allow: [\"https://a\"]" + keys + " } }\n" + rest);
  };
  const auto csrf_of = [&](const std::string& keys) {
    const auto loaded = loaded_with(keys);
    REQUIRE(loaded.has_value());
    return loaded->origins[0].csrf;
  };
  CHECK(csrf_of("") == policy::Csrf::off);
  CHECK(csrf_of(", csrf: false") == policy::Csrf::off);
  CHECK(csrf_of(", csrf: true") == policy::Csrf::on);
  CHECK(csrf_of(", csrf: strict") == policy::Csrf::strict);
  CHECK(said_of_origins("{ allow: [\"https://a\"], csrf: lax }").find("origins.o.csrf: \"lax\"") !=
        std::string::npos);
  const auto reporting = loaded_with(", report_only: true");
  REQUIRE(reporting.has_value());
  CHECK(reporting->origins[0].report_only == ReportOnly::all);
  CHECK(loaded_with(", csrf: true, report_only: csrf")->origins[0].report_only == ReportOnly::csrf);
  CHECK(said_of_origins("{ allow: [\"https://a\"], report_only: csrf }").find("has no effect: csrf is off") !=
        std::string::npos);
  CHECK(loaded_with("")->origins[0].report_only == ReportOnly::nothing);
}

TEST_CASE("origins: null with credentials is a warning") {
  CHECK(said_of_origins("{ allow: [\"null\"], credentials: true }")
            .starts_with("f:1:25 warning: origins.o.allow[0]: "));
}

TEST_CASE("origins: the rest of the list is checked") {
  CHECK(said_of_origins("{}") == "f:1:15 origins.o.allow: is missing\n");
  CHECK(said_of_origins("{ allow: [] }") ==
        "f:1:24 origins.o.allow: is empty; a list of origins names at least one\n");
  const std::string good = "{ allow: [\"https://a\"], ";
  CHECK(said_of_origins(good + "methods: [get] }")
            .ends_with("\"get\" is not a method: methods are in upper case; write \"GET\"\n"));
  CHECK(said_of_origins(good + "headers: [\"*\"] }").find("name the headers one by one") !=
        std::string::npos);
  CHECK(said_of_origins(good + "max_age: 1500ms }").find("is not a whole number of seconds") !=
        std::string::npos);
  CHECK(said_of_origins(good + "max_age: 25h }").find("is out of range: 0s to 24h") != std::string::npos);
  CHECK(said_of_origins("{ allow: [{ patern: x }] }") ==
        "f:1:27 origins.o.allow[0].patern: unknown key \"patern\"; did you mean \"pattern\"?\n");
}

TEST_CASE("jwt: every key is taken") {
  const auto loaded = load(
      "jwt:\n"
      "  clerk:\n"
      "    issuer: https://clerk.example.com\n"
      "    audience: [dashboard, admin]\n"
      "    keys: keys/jwks.json\n"
      "    algorithms: [RS256, EdDSA]\n"
      "    from: [header, { header: X-Token }, { cookie: __session }, { query: token }, subprotocol]\n"
      "    leeway: 30s\n"
      "    required_claims: { role: [admin, editor], email_verified: true, sub: present }\n"
      "    require_expiry: false\n" +
      rest);
  REQUIRE(loaded.has_value());
  CHECK(loaded->warnings.empty());
  REQUIRE(loaded->jwt.size() == 1);
  const JwtDocument& jwt = loaded->jwt[0];
  CHECK(jwt.name == "clerk");
  CHECK(jwt.issuer == "https://clerk.example.com");
  CHECK(jwt.audiences == std::vector<std::string>{"dashboard", "admin"});
  CHECK(jwt.keys_file == "keys/jwks.json");
  CHECK(jwt.keys_location == SourceLocation{5, 11});
  CHECK(jwt.secret.empty());
  CHECK(jwt.algorithms == std::vector{crypto::Algorithm::rs256, crypto::Algorithm::eddsa});
  REQUIRE(jwt.from.size() == 5);
  CHECK(jwt.from[0].kind == TokenSource::Kind::header);
  CHECK(jwt.from[0].name == "Authorization");
  CHECK(jwt.from[1].name == "X-Token");
  CHECK(jwt.from[2].kind == TokenSource::Kind::cookie);
  CHECK(jwt.from[2].name == "__session");
  CHECK(jwt.from[3].kind == TokenSource::Kind::query);
  CHECK(jwt.from[4].kind == TokenSource::Kind::subprotocol);
  CHECK(jwt.leeway == seconds(30));
  REQUIRE(jwt.required_claims.size() == 3);
  CHECK(jwt.required_claims[0].claim == "role");
  CHECK(jwt.required_claims[0].kind == policy::ClaimCondition::Kind::one_of);
  REQUIRE(jwt.required_claims[0].values.size() == 2);
  CHECK(*jwt.required_claims[0].values[1].fixed() == "editor");
  CHECK(*jwt.required_claims[1].values.at(0).fixed() == "true");
  CHECK(jwt.required_claims[2].kind == policy::ClaimCondition::Kind::present);
  CHECK_FALSE(jwt.require_expiry);
}

TEST_CASE("jwt: a place may have a scheme of its own, and one field may have several") {
  const auto loaded = load(
      "jwt: { j: { keys: k.json, algorithms: [RS256], from: [header, { header: Authorization, scheme: Token "
      "}, "
      "{ header: X-Auth, scheme: JWT }] } }\n" +
      rest);
  REQUIRE(loaded.has_value());
  const auto& from = loaded->jwt[0].from;
  REQUIRE(from.size() == 3);
  CHECK(from[0].scheme.empty());
  CHECK(from[1].name == "Authorization");
  CHECK(from[1].scheme == "Token");
  CHECK(from[2].scheme == "JWT");
  CHECK(said_of_good_jwt("from: [{ scheme: Token }]").find("names more or less than one place") !=
        std::string::npos);
  CHECK(said_of_good_jwt("from: [{ cookie: a, scheme: Token }]")
            .find("needs header: only a header field has a scheme") != std::string::npos);
  CHECK(said_of_good_jwt("from: [{ header: A, scheme: \"a b\" }]").find("is not one word") !=
        std::string::npos);
  CHECK(said_of_good_jwt("from: [{ header: A, scheme: T }, { header: A, scheme: T }]")
            .find("stands in line 1 already") != std::string::npos);
}

TEST_CASE("jwt: a secret comes from the environment, and the token from Authorization by default") {
  const auto loaded =
      load("jwt: { j: { secret: \"${JWT_SECRET}\", algorithms: [HS256], audience: one } }\n" + rest,
           environment_of({{"JWT_SECRET", long_secret}}));
  REQUIRE(loaded.has_value());
  CHECK(loaded->jwt[0].secret == long_secret);
  CHECK(loaded->jwt[0].audiences == std::vector<std::string>{"one"});
  REQUIRE(loaded->jwt[0].from.size() == 1);
  CHECK(loaded->jwt[0].from[0].kind == TokenSource::Kind::header);
  CHECK(loaded->jwt[0].from[0].name == "Authorization");
}

TEST_CASE("jwt: exactly one of keys and secret, of the kind that the algorithms need") {
  CHECK(said_of_jwt("{ algorithms: [RS256] }") ==
        "f:1:11 jwt.j: has neither keys nor secret; a token is checked with one of the two\n");
  CHECK(said_of_jwt("{ keys: k.pem, secret: " + long_secret + ", algorithms: [RS256] }") ==
        "f:1:34 jwt.j.secret: stands beside keys; a token is checked with one of the two\n");
  CHECK(said_of_jwt("{ keys: k.pem, algorithms: [HS256] }") ==
        "f:1:38 jwt.j.algorithms: HS256 needs a secret; with a public key for a secret anybody could sign\n");
  CHECK(said_of_jwt("{ keys: k.json, algorithms: [HS256] }").empty());
  CHECK(said_of_jwt("{ secret: " + long_secret + ", algorithms: [HS256, RS256] }").find("RS256 needs keys") !=
        std::string::npos);
  CHECK(said_of_jwt("{ keys: https://a/jwks.json, algorithms: [HS256], audience: a }") ==
        "f:1:52 jwt.j.algorithms: HS256 needs a secret; keys that anybody can fetch are not secret\n");
}

TEST_CASE("jwt: keys of a URL, or of the issuer's metadata, and how they are fetched") {
  const auto loaded = load(
      "jwt:\n  url: { keys: \"HTTPS://Login.example:8443/keys?a=b\", algorithms: [RS256], fetch: { timeout: "
      "2s, "
      "min_age: 5s, max_age: 5m, keep: 2h, cooldown: 10s, wait: 1s, ca: ca.pem } }\n"
      "  found: { issuer: \"https://login.example/\", keys: discover, algorithms: [RS256] }\n" +
      rest);
  REQUIRE(loaded.has_value());
  const JwtDocument& url = loaded->jwt[0];
  REQUIRE(url.keys_url.has_value());
  CHECK(url.keys_url->text() == "https://login.example:8443/keys?a=b");
  CHECK(url.fetches_keys());
  CHECK(url.keys_file.empty());
  CHECK(url.fetch.timeout == seconds(2));
  CHECK(url.fetch.min_age == seconds(5));
  CHECK(url.fetch.max_age == seconds(300));
  CHECK(url.fetch.keep == seconds(7200));
  CHECK(url.fetch.cooldown == seconds(10));
  CHECK(url.fetch.wait == seconds(1));
  CHECK(url.fetch_ca == "ca.pem");
  CHECK(loaded->jwt[1].discover);
  CHECK(loaded->jwt[1].fetches_keys());
}

TEST_CASE("jwt: what is wrong with keys that are fetched is said where it stands") {
  const auto said = [](const std::string& body) {
    return said_of_jwt("{ algorithms: [RS256], audience: app, " + body + " }");
  };
  CHECK(said("keys: http://localhost:8080/keys").empty());
  CHECK(said("keys: http://keycloak/keys, fetch: { insecure: true }").empty());
  CHECK(said("keys: http://keycloak/keys").find("jwt.j.keys: is not https, so that anybody") !=
        std::string::npos);
  CHECK(said("keys: \"https://a/#x\"").find("jwt.j.keys: is a URL that has a fragment") != std::string::npos);
  CHECK(said("keys: discover").find("jwt.j.keys: needs issuer") != std::string::npos);
  CHECK(said("keys: discover, issuer: login").find("needs an issuer that is an https URL") !=
        std::string::npos);
  CHECK(said("keys: ./discover").empty());  // a file
  CHECK(said("keys: k.json, fetch: { keep: 1h }").find("jwt.j.fetch: has no effect") != std::string::npos);
  CHECK(
      said("keys: https://a/, fetch: { min_age: 2h, max_age: 1h }").find("has a min_age above its max_age") !=
      std::string::npos);
  CHECK(said_of_jwt("{ algorithms: [HS256], secret: " + long_secret + ", fetch: { keep: 1h } }")
            .find("jwt.j.fetch: needs keys") != std::string::npos);
}

TEST_CASE("jwt: algorithms are named, and none is not one") {
  CHECK(said_of_jwt("{ keys: k.json }") == "f:1:11 jwt.j.algorithms: is missing\n");
  CHECK(said_of_jwt("{ keys: k.json, algorithms: [] }") ==
        "f:1:39 jwt.j.algorithms: is empty; name the signatures that are accepted\n");
  CHECK(said_of_jwt("{ keys: k.json, algorithms: [None] }") ==
        "f:1:40 jwt.j.algorithms[0]: \"none\" would accept tokens that nobody signed\n");
  CHECK(said_of_jwt("{ keys: k.json, algorithms: [rs256] }").ends_with("did you mean \"RS256\"?\n"));
}

TEST_CASE("jwt: no problem repeats a secret") {
  const std::vector<std::string> bodies = {
      "{ secret: hunter2, algorithms: [HS256] }",          "{ secret: [hunter2], algorithms: [HS256] }",
      "{ secret: { hunter2: x }, algorithms: [HS256] }",   "{ secret: \"hunter2\\n\", algorithms: [HS256] }",
      "{ secret: hunter2, keys: k, algorithms: [RS256] }", "{ secret: hunter2, secret: hunter2 }",
      "{ secret: \"${hunter2 \", algorithms: [HS256] }",   "{ secret: *hunter2, algorithms: [HS256] }",
      "{ secret: &hunter2 x, algorithms: [HS256] }",       "{ secret: !hunter2 x, algorithms: [HS256] }",
      "{ secert: hunter2, algorithms: [HS256] }",          "hunter2",
      "{ secret: \"\\hunter2\", algorithms: [HS256] }",    "{ secret: %hunter2, algorithms: [HS256] }",
      "{ secret: hunter2: x, algorithms: [HS256] }"};
  for (const std::string& body : bodies) {
    CAPTURE(body);
    const std::string said = said_of_jwt(body);
    CHECK(said.empty() == (body == bodies.front()));  // it is only short, which is said where keys are made
    CHECK(said.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("jwt: sources and claims that cannot be read are problems, never a weaker check") {
  CHECK(said_of_good_jwt("from: [cookie]").ends_with("jwt.j.from[0]: needs a name: { cookie: NAME }\n"));
  CHECK(said_of_good_jwt("from: []").ends_with("jwt.j.from: is empty; say where the token is\n"));
  CHECK(said_of_good_jwt("from: [hedaer]").ends_with("did you mean \"header\"?\n"));
  CHECK(said_of_good_jwt("from: [header, header]").ends_with("jwt.j.from[1]: stands in line 1 already\n"));
  CHECK(said_of_good_jwt("from: [{ cookie: \"a b\" }]").ends_with("\"a b\" is not the name of a cookie\n"));
  CHECK(said_of_good_jwt("from: [{ query: \"a&b\" }]")
            .ends_with("\"a&b\" is not the name of a query parameter\n"));
  CHECK(said_of_good_jwt("from: [{ cookie: a, query: b }]").find("names more or less than one place") !=
        std::string::npos);
  CHECK(said_of_good_jwt("required_claims: { role: }").find("role: has no value") != std::string::npos);
  CHECK(said_of_good_jwt("required_claims: { role: [] }").find("is empty; write present") !=
        std::string::npos);
  CHECK(said_of_good_jwt("leeway: 1h").find("is out of range: 0s to 10m") != std::string::npos);
  CHECK(said_of_good_jwt("audience: []").find("leave audience out") != std::string::npos);
}

TEST_CASE("jwt: the first message of a WebSocket is a place for a token, in three forms") {
  const auto source_of = [](const std::string& text) {
    const auto loaded =
        load("jwt: { j: { keys: k.json, algorithms: [RS256], audience: a, from: [" + text + "] } }\n" + rest);
    REQUIRE(loaded.has_value());
    return policy::JwtSource(loaded->jwt.front().from.back());
  };
  const policy::JwtSource graphql = source_of("header, { message: graphql }");
  REQUIRE(graphql.message.has_value());
  CHECK(graphql.kind == policy::JwtSource::Kind::message);
  CHECK(*graphql.message == policy::MessageForm());
  const policy::JwtSource stomp = source_of("{ message: stomp, token: passcode, wait: 3s, size: 1KiB }");
  CHECK(stomp.message->kind == policy::MessageForm::Kind::stomp);
  CHECK(stomp.message->header == "passcode");
  CHECK(stomp.message->wait == seconds(3));
  CHECK(stomp.message->size == 1024);
  const policy::JwtSource json =
      source_of("{ message: json, type: auth, token: /data/token, type_at: /kind }");
  CHECK(json.message->type == "auth");
  CHECK(json.message->token == base::JsonPath::read("/data/token"));
  CHECK(json.message->type_at == base::JsonPath::read("/kind"));
  CHECK_FALSE(source_of("{ query: t }").message.has_value());
}

TEST_CASE("jwt: mistakes about first messages") {
  const auto said = [](const std::string& from) { return said_of_good_jwt("from: [" + from + "]"); };
  const auto names = [&](const std::string& from, std::string_view sentence) {
    const std::string text = said(from);
    CAPTURE(text);
    CHECK(text.find(sentence) != text.npos);
  };
  names("message", "needs a form: { message: graphql }");
  names("{ message: grapql }", "graphql");
  names("{ message: graphql }, { message: stomp }", "is a second message");
  names("{ message: graphql, token: authToken }", "is not the path of a JSON field");
  names("{ message: graphql, token: / }", "is not the path of a JSON field");
  names("{ message: stomp, token: /a }", "is a path; STOMP has headers");
  names("{ message: json, token: /a }", "needs type and token");
  names("{ message: stomp, type: x }", "is for message: json");
  names("{ header: X, wait: 1s }", "needs message");
  names("{ header: X, message: stomp }", "names more or less than one place");
}
