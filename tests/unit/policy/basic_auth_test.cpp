#include "policy/basic_auth.h"

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "policy/request_context.h"
#include "support/judged_request.h"
#include "support/password_room.h"

using namespace postern;
using namespace postern::policy;
using namespace postern::support;
using base::Cause;

namespace {

struct Login {
  explicit Login(BasicAuthOptions options = {.users = usual_users(), .realm = "Staging"})
      : policy(std::move(options)) {}

  // Judges until the verdict is there.
  Verdict judge(JudgedRequest& request) {
    request.context.passwords = &room.desk;
    request.context.now = now;
    Verdict verdict = policy.judge(request.context);
    if (!verdict.waits()) return verdict;
    auto awaited = verdict.take_awaited();
    CHECK_FALSE(awaited->arrival().filled());
    if (room.checks.work_now()) ++checked;
    REQUIRE(awaited->arrival().filled());
    request.context.awaited = std::move(awaited);
    verdict = policy.judge(request.context);
    request.context.awaited.reset();
    return verdict;
  }
  // The cause of the refusal; nullopt: it passes.
  std::optional<Cause> try_with(const std::string& user, const std::string& password) {
    const std::string field = basic_field(user, password);
    JudgedRequest request;
    request.with("Authorization", field);
    Verdict verdict = judge(request);
    if (verdict.passes()) return std::nullopt;
    detail = verdict.response().detail;
    headers = verdict.response().headers;
    return verdict.response().cause;
  }

  PasswordRoom room;
  BasicAuthPolicy policy;
  base::Instant now{std::chrono::hours(1)};
  int checked = 0;
  std::string detail;
  std::vector<std::pair<std::string, std::string>> headers;
};

using Headers = std::vector<std::pair<std::string, std::string>>;
const Headers challenge = {{"WWW-Authenticate", "Basic realm=\"Staging\", charset=\"UTF-8\""}};

}  // namespace

TEST_CASE("basic auth: right passes, wrong does not, and each costs one check") {
  Login login;
  CHECK_FALSE(login.try_with("alice", "open sesame"));
  CHECK_FALSE(login.try_with("alice", "open sesame"));
  CHECK(login.checked == 1);
  CHECK(login.try_with("alice", "open") == Cause::credentials_refused);
  CHECK(login.headers == challenge);
  CHECK(login.try_with("alice", "open") == Cause::credentials_refused);
  CHECK(login.checked == 2);
  CHECK_FALSE(login.try_with("bob", "open sesame"));
  CHECK(login.checked == 3);
}

TEST_CASE("basic auth: a user who does not exist costs a check and is told the same") {
  Login login;
  CHECK(login.try_with("alice", "open") == Cause::credentials_refused);
  const std::string detail = login.detail;
  CHECK(login.try_with("mallory", "open sesame") == Cause::credentials_refused);
  CHECK(login.checked == 2);
  CHECK(login.detail == detail);
  CHECK(detail == "the user or the password is not right (users \"staging\")");
  CHECK(login.headers == challenge);
  CHECK(login.try_with("", "open sesame") == Cause::credentials_refused);
}

TEST_CASE("basic auth: no credentials, others, and those that cannot be read") {
  Login login;
  JudgedRequest none;
  Verdict verdict = login.judge(none);
  REQUIRE(verdict.answers());
  CHECK(verdict.response().cause == Cause::credentials_missing);
  CHECK(verdict.response().status == 401);
  CHECK(verdict.response().headers == challenge);

  JudgedRequest bearer;
  bearer.with("Authorization", "Bearer abc");
  CHECK(login.judge(bearer).response().cause == Cause::credentials_missing);

  JudgedRequest bad;
  bad.with("Authorization", "Basic secret-that-is-no-base64");
  verdict = login.judge(bad);
  CHECK(verdict.response().cause == Cause::credentials_malformed);
  CHECK(verdict.response().detail.find("secret") == std::string::npos);

  const std::string right = basic_field("alice", "open sesame");
  JudgedRequest twice;
  twice.with("Authorization", right).with("authorization", right);
  CHECK(login.judge(twice).response().cause == Cause::credentials_malformed);
  CHECK(login.checked == 0);
}

TEST_CASE("basic auth: the endpoint gets the user where it is asked for, and no password unless it is") {
  const std::string right = basic_field("alice", "open sesame");
  JudgedRequest usual;
  usual.with("Authorization", right);
  CHECK(Login().judge(usual).passes());
  CHECK_FALSE(usual.head.headers.find("Authorization"));
  CHECK(usual.context.forwarded_fields.empty());

  JudgedRequest kept;
  kept.with("Authorization", right);
  Login keeping(
      {.users = usual_users(), .realm = "r", .user_field = "X-Remote-User", .keep_authorization = true});
  CHECK(keeping.judge(kept).passes());
  CHECK(kept.head.headers.get(http::FieldId::authorization) == right);
  CHECK(kept.forwards("X-Remote-User", "alice"));
}

TEST_CASE("basic auth: the name of a user is one field value, whatever it is") {
  auto users = std::make_shared<PasswordList>("u");
  users->add("J\xc3\xbcrgen %", crypto::PasswordHash::parse(cheap_hash).value());
  Login login({.users = users, .realm = "r", .user_field = "X-User"});
  const std::string field = basic_field("J\xc3\xbcrgen %", "open sesame");
  JudgedRequest request;
  request.with("Authorization", field);
  CHECK(login.judge(request).passes());
  CHECK(request.forwards("X-User", "J%C3%BCrgen %25"));
}

TEST_CASE("basic auth: a realm is quoted as HTTP has it") {
  Login login({.users = usual_users(), .realm = "the \"inner\" \\ room"});
  CHECK(login.try_with("alice", "x") == Cause::credentials_refused);
  CHECK(login.headers[0].second == "Basic realm=\"the \\\"inner\\\" \\\\ room\", charset=\"UTF-8\"");
}

TEST_CASE("basic auth: a preflight passes where the endpoint answers it") {
  Login login;
  JudgedRequest request("OPTIONS");
  request.with("Origin", "https://a.example").with("Access-Control-Request-Method", "PUT");
  const std::string guess = basic_field("alice", "a guess");
  request.with("Authorization", guess);
  CHECK(login.judge(request).passes());
  CHECK(request.head.headers.find("Authorization") == nullptr);  // the endpoint is not asked about it
  request.context.origin_checked = true;
  CHECK(login.judge(request).answers());
}

TEST_CASE("basic auth: who has tried too many passwords is told when to come back") {
  Login login;
  for (uint32_t i = 0; i < state::PasswordChecks::guesses_at_once; ++i)
    CHECK(login.try_with("alice", "wrong" + std::to_string(i)) == Cause::credentials_refused);
  CHECK(login.try_with("alice", "another") == Cause::too_many_passwords);
  CHECK(login.headers == Headers{{"Retry-After", "6"}});
  CHECK(login.detail == "client 0.0.0.0 has tried too many wrong passwords");
  login.now += std::chrono::seconds(6);
  CHECK(login.try_with("alice", "another") == Cause::credentials_refused);
}

TEST_CASE("basic auth: when too many passwords wait, the next one is told to come back") {
  Login login;
  std::vector<std::unique_ptr<JudgedRequest>> requests;
  std::vector<std::string> fields;
  std::vector<std::unique_ptr<Awaited>> waiting;
  for (size_t i = 0; i <= state::PasswordChecks::waiting_max; ++i) {
    fields.push_back(basic_field("alice", "p" + std::to_string(i)));
    requests.push_back(std::make_unique<JudgedRequest>());
    JudgedRequest& request = *requests.back();
    request.head.headers.add("Authorization", request.head.arena.keep(fields.back()));
    request.context.client = base::IpAddress::v4({10, 0, 0, static_cast<uint8_t>(i)});
    request.context.passwords = &login.room.desk;
    Verdict verdict = login.policy.judge(request.context);
    if (i < state::PasswordChecks::waiting_max) {
      REQUIRE(verdict.waits());
      waiting.push_back(verdict.take_awaited());
      continue;
    }
    REQUIRE(verdict.answers());
    CHECK(verdict.response().cause == Cause::password_checks_full);
    CHECK(verdict.response().status == 503);
    CHECK(verdict.response().headers == Headers{{"Retry-After", "5"}});
  }
  waiting.clear();  // all of them leave, and nothing is checked for nobody
  CHECK_FALSE(login.room.checks.work_now());
}

TEST_CASE("password list: a name that does not exist has the hash of a user, always the same one") {
  auto users = usual_users();
  CHECK(users->find("alice").is_known_user);
  CHECK_FALSE(users->find("mallory").is_known_user);
  CHECK(users->find("mallory").hash == users->find("mallory").hash);
  bool differ = false;
  for (int i = 0; i < 100; ++i)
    differ = differ || users->find("u" + std::to_string(i)).hash != users->find("mallory").hash;
  CHECK(differ);
  PasswordList list("l");
  CHECK(list.add("a", crypto::PasswordHash::parse(cheap_hash).value()));
  CHECK_FALSE(list.add("a", crypto::PasswordHash::parse(cheap_hash).value()));
  CHECK(list.size() == 1);
}
