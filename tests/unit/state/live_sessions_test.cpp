#include "state/live_sessions.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace postern::state;

namespace {

struct Token final : SessionToken {
  explicit Token(int64_t the_end, std::string the_role = {}) : end(the_end), role(std::move(the_role)) {}
  TokenMarks marks() const override { return {.subject = mark_of("ann")}; }
  int64_t expires_at() const override { return end; }
  int64_t accepted_until() const override { return end; }
  uint64_t key() const override { return 1; }
  MarkDigest digest_of(const std::vector<std::string>& claims) const override {
    return mark_of(claims.at(0) + "=" + role);
  }
  int64_t end;
  std::string role;
};

std::shared_ptr<const Token> token(int64_t end, std::string role = {}) {
  return std::make_shared<const Token>(end, std::move(role));
}

TokenMarks marks(std::string_view subject, std::string_view sid = {}, std::string_view issuer = "https://a") {
  return {.issuer = mark_of(issuer), .subject = mark_of(subject), .session = mark_of(sid)};
}

}  // namespace

TEST_CASE("live sessions: the session is provider, issuer, subject and sid") {
  const MarkDigest ann = session_of("login", marks("ann"));
  CHECK(ann == session_of("login", marks("ann")));
  CHECK(ann != session_of("machines", marks("ann")));
  CHECK(ann != session_of("login", marks("bob")));
  CHECK(ann != session_of("login", marks("ann", "s1")));
  CHECK(ann != session_of("login", marks("ann", "", "https://b")));
  CHECK(session_of("login", marks("", "ann")) == MarkDigest{});  // nobody
  LiveSessions sessions;
  CHECK(sessions.join({}, "id", {}) == nullptr);
  CHECK(sessions.renew({}, token(1)) == 0);
  CHECK(sessions.size() == 0);
}

TEST_CASE("live sessions: the newest token reaches what its session has open, once") {
  LiveSessions sessions;
  const MarkDigest ann = session_of("login", marks("ann"));
  const auto first = sessions.join(ann, "one", {});
  auto second = sessions.join(ann, "two", {});
  const auto stranger = sessions.join(session_of("login", marks("bob")), "three", {});
  CHECK(sessions.size() == 3);
  CHECK(first->take() == nullptr);
  CHECK(sessions.renew(ann, token(100)) == 2);
  CHECK(sessions.renew(ann, token(50)) == 2);
  CHECK(first->take()->accepted_until() == 100);
  CHECK(first->take() == nullptr);
  CHECK(stranger->take() == nullptr);
  CHECK(sessions.renew(ann, token(200), "two") == 1);
  CHECK(sessions.renew(ann, token(300), "three") == 0);  // of another session
  CHECK(first->take() == nullptr);
  CHECK(second->take()->accepted_until() == 200);
  second.reset();
  CHECK(sessions.renew(ann, token(400)) == 1);
  CHECK(sessions.size() == 2);
}

TEST_CASE("live sessions: a token that says something else to the rules renews nothing") {
  LiveSessions sessions;
  const MarkDigest ann = session_of("login", marks("ann"));
  const auto names = std::make_shared<const std::vector<std::string>>(std::vector<std::string>{"role"});
  const auto admin = sessions.join(ann, "one", {names, mark_of("role=admin")});
  const auto reader = sessions.join(ann, "two", {names, mark_of("role=reader")});
  const auto anything = sessions.join(ann, "three", {});
  CHECK(sessions.renew(ann, token(100, "admin")) == 2);
  CHECK(admin->take() != nullptr);
  CHECK(reader->take() == nullptr);
  CHECK(anything->take() != nullptr);
  CHECK(admin->takes(ann, Token(1, "admin")));
  CHECK_FALSE(admin->takes(ann, Token(1, "reader")));
  CHECK_FALSE(anything->takes(session_of("login", marks("bob")), Token(1)));
}

TEST_CASE("live sessions: threads join, renew and leave at the same time") {
  LiveSessions sessions;
  const MarkDigest ann = session_of("login", marks("ann"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&sessions, &ann, i] {
      for (int round = 0; round < 500; ++round) {
        const auto place = sessions.join(ann, std::to_string(i), {});
        sessions.renew(ann, token(round + 1));
        CHECK(place->take() != nullptr);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(sessions.size() == 0);
}
