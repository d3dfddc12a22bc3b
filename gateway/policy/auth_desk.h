// Another server is asked about a request: an authentication server decides about it (forward_auth), or the
// refresh endpoint of an application gives a fresh token for an expired one (jwt.refresh). This is what a
// route says about such a server, and where its policy gets the server's answer from.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "base/clock.h"
#include "base/error_fwd.h"
#include "base/local_rc.h"
#include "http/head.h"
#include "policy/answer_token.h"
#include "policy/awaited.h"

namespace postern::policy {

// A part of a request by which kept answers are told apart.
struct AuthKeyPart {
  enum class Kind : uint8_t { method, host, path, uri, client_address, header, cookie };
  Kind kind = Kind::uri;
  std::string name{};  // of the field or the cookie
};

// Which answers are kept, and for how long.
struct AuthCacheRules {
  base::Duration kept = std::chrono::seconds(10);  // an answer that lets the request pass
  base::Duration refusals_kept{};                  // 401 and 403; 0: they are not kept
  std::vector<AuthKeyPart> key;                    // empty: everything that the server is sent
};

// A field of the server's answer that the endpoint gets, under the same or another name.
struct AuthAnswerField {
  std::string from;
  std::string to;
};

// The server that one route asks. Immutable.
struct AuthServer {
  std::string name;          // of its upstream
  size_t group = 0;          // that upstream's index in the snapshot
  std::string target = "/";  // path and query
  http::Method method = http::Method::get;
  std::string method_text = "GET";
  base::Duration timeout = std::chrono::seconds(5);
  size_t answer_size = size_t{64} * 1024;   // the largest body that is passed on to the client
  std::vector<std::string> request_fields;  // of the client, which the server gets; empty: all
  std::vector<AuthAnswerField> answer_fields;
  bool sets_cookies = false;  // the client gets Set-Cookie of an answer that lets its request pass
  std::optional<AuthCacheRules> cache;
  // Where an answer of 2xx has the token that is asked for; nullopt: the server decides about requests. The
  // answer is for everybody whose request has the same cache key, whatever it sets and says about caches: a
  // refresh token is often good for one call. So the call also goes on when nobody waits for it any more.
  std::optional<AnswerTokenPlace> token;
  bool is_own_upstream = false;  // the one that the route leads to, whose endpoints get Host as usual
  uint64_t identity = 0;         // answers are kept for requests of the same identity only
};

struct AuthAnswer {
  uint16_t status = 0;
  // Of an answer that lets the request pass: Set-Cookie and those of AuthServer::answer_fields. Of another
  // one: all that are meant for the client.
  std::vector<std::pair<std::string, std::string>> fields;
  // Of an answer that does not let the request pass; of another one, the token that was asked for, if any.
  std::string body;
  std::string no_token{};  // why an answer of 2xx does not have it, as read_answer_token() words it

  bool passes() const { return status / 100 == 2; }
};

// Why there is no answer. `detail` is for the log.
struct AuthFailure {
  base::Cause cause{};
  std::string detail;
};

// May be empty. It is shared by the requests of a worker.
using AuthResult = base::LocalRc<const tl::expected<AuthAnswer, AuthFailure>>;

enum class AuthOutcome : uint8_t { passed, refused, failed };

// What a request waits for.
class AskedAuth : public Awaited {
 public:
  explicit AskedAuth(base::Duration limit);
  std::string_view what() const override { return "the answer of the authentication server"; }
  // Once it has arrived. Empty: the answer was given to another request and may not serve this one, so the
  // policy asks again.
  const AuthResult& result() const { return result_; }

 protected:
  AuthResult result_;
};

// Belongs to one request.
class AuthDesk {
 public:
  // One of the two.
  struct Reply {
    AuthResult known{};
    std::unique_ptr<AskedAuth> asked{};
  };
  // `alone`: the request does not share the answer to another one.
  virtual Reply ask(const AuthServer& server, bool alone) = 0;
  virtual void count(const AuthServer& server, AuthOutcome outcome) = 0;

 protected:
  ~AuthDesk() = default;
};

}  // namespace postern::policy
