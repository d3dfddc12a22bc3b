#include "policy/answer_token.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace postern;
using policy::AnswerTokenPlace;
using policy::read_answer_token;
using Kind = AnswerTokenPlace::Kind;

namespace {

struct Answer {
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
};

// The token, or "! " and why there is none.
std::string token_in(const Answer& answer, Kind kind, const std::string& name) {
  http::Headers headers;
  for (const auto& [field, value] : answer.fields) headers.add(field, value);
  auto token = read_answer_token({kind, name}, headers, answer.body);
  return token ? *token : "! " + token.error();
}

}  // namespace

TEST_CASE("answer token: a member of the JSON, with dots one of a nested object") {
  const auto token = [](const std::string& body, const std::string& name) {
    return token_in({{}, body}, Kind::json, name);
  };
  CHECK(token(R"({"access":"a.b.c","refresh":"d"})", "access") == "a.b.c");
  CHECK(token(R"({"data":{"access":"x"}})", "data.access") == "x");
  CHECK(token(R"({"data.access":"own","data":{"access":"nested"}})", "data.access") == "own");
  CHECK(token(R"({"refresh":"d"})", "access") == "! has no member access");
  CHECK(token(R"({"access":7})", "access") == "! has a member access that is not a string");
  CHECK(token(R"({"access":null})", "access") == "! has a member access that is not a string");
  CHECK(token(R"({"access":""})", "access") == "! has an empty member access");
  CHECK(token(R"(["access"])", "access") == "! has no member access");
}

TEST_CASE("answer token: a body that readers could understand differently has no token") {
  const auto token = [](const std::string& body) { return token_in({{}, body}, Kind::json, "access"); };
  CHECK(token("") == "! has a body that is not valid JSON");
  CHECK(token("<html>secret</html>") == "! has a body that is not valid JSON");
  CHECK(token(R"({"access":"a","access":"b"})") == "! has a body that has the same name twice in one object");
  std::string deep = R"({"access":"a","b":)";
  deep.append(40, '[').append(40, ']').append("}");
  CHECK(token(deep) == "! has a body that is nested too deeply");
}

TEST_CASE("answer token: a cookie that the answer sets") {
  const auto token = [](const std::vector<std::string>& cookies) {
    Answer answer;
    answer.fields.emplace_back("Content-Type", "text/plain");
    for (const std::string& cookie : cookies) answer.fields.emplace_back("set-cookie", cookie);
    return token_in(answer, Kind::cookie, "access");
  };
  CHECK(token({"refresh=r; HttpOnly", "access=a.b.c; Path=/; HttpOnly"}) == "a.b.c");
  CHECK(token({"access=\"a.b.c\"; Path=/"}) == "a.b.c");
  CHECK(token({" access = a.b.c "}) == "a.b.c");
  CHECK(token({"access=a; Path=/", "access=a; Path=/ws"}) == "a");
  CHECK(token({"access=; Path=/old; Max-Age=0", "access=a"}) == "a");
  CHECK(token({"access=a", "access=b; Path=/ws"}) ==
        "! sets the cookie access more than once, with different values");
  CHECK(token({"access=; Max-Age=0"}) == "! sets no cookie access");
  CHECK(token({"Access=a", "access", "xaccess=a"}) == "! sets no cookie access");
  CHECK(token({}) == "! sets no cookie access");
}

TEST_CASE("answer token: a field of the answer") {
  const auto token = [](const std::vector<std::string>& values) {
    Answer answer;
    for (const std::string& value : values) answer.fields.emplace_back("X-Access-Token", value);
    return token_in(answer, Kind::header, "x-access-token");
  };
  CHECK(token({"a.b.c"}) == "a.b.c");
  CHECK(token({"Bearer a.b.c"}) == "a.b.c");
  CHECK(token({"bearer   a.b.c"}) == "a.b.c");
  CHECK(token({""}) == "! has an empty field x-access-token");
  CHECK(token({"Bearer "}) == "! has an empty field x-access-token");
  CHECK(token({"a", "a"}) == "! has more than one field x-access-token");
  CHECK(token({}) == "! has no field x-access-token");
}
