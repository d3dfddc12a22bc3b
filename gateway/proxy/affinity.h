// Which endpoint of its upstream a request belongs to: the one that its session cookie names, or the one that
// issued a value that it brings.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "http/head.h"
#include "upstream/group.h"
#include "upstream/sticky_cookie.h"

namespace postern::proxy {

class Affinity {
 public:
  // Reads the request, and removes the session cookie from it: endpoints do not get it. `group` outlives
  // this, and so does the memory of the request.
  Affinity(upstream::Group& group, http::RequestHead& request, int64_t now_unix);

  // The index of the endpoint that the request belongs to; nullopt: any endpoint will do.
  std::optional<size_t> endpoint() const { return session_ ? std::optional(session_->endpoint) : learned_; }
  // The endpoint that was picked stands in for that of the session, which is only at its limit: the session
  // is kept.
  void note_pick(bool stands_in) { stands_in_ = stands_in; }

  // For a group with sticky sessions: adds the session cookie to a final response of `endpoint`, if the
  // client does not have the right one already.
  void keep_session(size_t endpoint, int64_t now_unix, bool tls, http::ResponseHead& head) const;
  // For a group that learns values: learns from a final response of `endpoint`.
  void learn(size_t endpoint, http::Method method, const http::ResponseHead& head);

 private:
  upstream::Group& group_;
  std::optional<upstream::StickyCookie::Session> session_;
  bool stands_in_ = false;
  std::string_view learned_value_{};  // of the request, for a group that learns values
  std::optional<size_t> learned_;     // the endpoint that issued it
};

}  // namespace postern::proxy
