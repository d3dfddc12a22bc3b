// Sticky sessions: a signed cookie that names the endpoint a client was given, so that its next requests go
// there too. What it holds is a keyed hash of the endpoint and a time, never an address, and means something
// only for this upstream and this secret. Immutable: any number of threads may use one.
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
  std::chrono::seconds ttl{3600};  // of a session that nobody uses
  std::string path = "/";
  Secure secure = Secure::when_tls;
  SameSite same_site = SameSite::lax;
};

class StickyCookie {
 public:
  // `endpoints` are the texts of the group's endpoints, in its order.
  StickyCookie(StickyOptions options, std::string_view secret, std::string_view group,
               const std::vector<std::string>& endpoints);

  struct Session {
    size_t endpoint = 0;     // index in the group
    bool is_ageing = false;  // more than half of its time is over: the cookie should be set anew
  };
  // What the request's cookie says; nothing when there is none, or it is forged, foreign, out of date, or
  // names an endpoint that is gone. Of several cookies of the name that look right, the first four are
  // checked.
  std::optional<Session> read(const http::Headers& headers, int64_t now_unix) const;

  // Takes the cookie out of a request: it is the gateway's own.
  void strip(http::RequestHead& request) const;

  // The Set-Cookie value that keeps a client at the endpoint.
  std::string set_cookie(size_t endpoint, int64_t now_unix, bool client_has_tls) const;

 private:
  // What a cookie says before its mac was checked.
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
