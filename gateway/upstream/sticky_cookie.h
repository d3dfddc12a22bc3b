// Sticky sessions: a signed cookie that names the endpoint of a client, so that its next requests go to the
// same endpoint. It contains a keyed hash of the endpoint and a time, never an address, and is valid only for
// this upstream and this secret. Immutable; any number of threads may use it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hmac.h"
#include "http/head.h"

namespace postern::upstream {

struct StickyOptions {
  enum class Secure : uint8_t { when_tls, always, never };
  enum class SameSite : uint8_t { lax, strict, none };
  std::string cookie = "postern_route";
  std::chrono::seconds ttl{3600};  // lifetime of an unused session
  std::string path = "/";
  Secure secure = Secure::when_tls;
  SameSite same_site = SameSite::lax;
};

class StickyCookie {
 public:
  // `endpoints` are the configured texts of the group's endpoints, in its order.
  StickyCookie(StickyOptions options, std::string_view secret, std::string_view group,
               const std::vector<std::string>& endpoints);

  struct Session {
    size_t endpoint = 0;     // index in the group
    bool is_ageing = false;  // more than half of its lifetime is over: the cookie should be renewed
  };
  // Reads the session of the request's cookie; returns nothing when there is no cookie, or it is forged,
  // foreign or expired, or names an endpoint that no longer exists. Of several plausible cookies of the name,
  // the first four are verified.
  std::optional<Session> read(const http::Headers& headers, int64_t now_unix) const;

  // Removes the cookie from a request, because only the gateway uses it.
  void strip(http::RequestHead& request) const;

  // Returns the Set-Cookie value that binds a client to the endpoint.
  std::string set_cookie(size_t endpoint, int64_t now_unix, bool client_has_tls) const;

 private:
  // The content of a cookie before its MAC is verified.
  struct Claim {
    std::string_view id;
    std::string_view expires;
    std::string mac;
    Session session;
  };
  std::optional<Claim> read_value(std::string_view value, int64_t now_unix) const;
  std::string signed_part(std::string_view id, std::string_view expires) const;

  StickyOptions options_;
  crypto::HmacKey key_;
  std::string group_;
  std::vector<std::string> ids_;  // of the endpoints
};

}  // namespace postern::upstream
