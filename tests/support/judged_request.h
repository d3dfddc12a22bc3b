// A request in the form that policies judge, built by a test.
#pragma once

#include <algorithm>
#include <string_view>

#include "http/head.h"
#include "http/target.h"
#include "policy/key_waits.h"
#include "policy/policy.h"
#include "policy/request_context.h"
#include "policy/token_cache.h"
#include "state/bindings.h"

namespace postern::support {

// Text given to it must outlive it; literals do.
class JudgedRequest {
 public:
  explicit JudgedRequest(std::string_view method = "GET", std::string_view target_text = "/") {
    head.method = http::method_of(method);
    head.method_text = method;
    head.target = target_text;
    head.authority = "app.example.com";
    context.authority = head.authority;
    readable = http::read_target(target_text, target).has_value();
  }
  JudgedRequest& with(std::string_view name, std::string_view value) {
    head.headers.add(name, value);
    return *this;
  }
  JudgedRequest& websocket() {
    head.upgrade = http::Upgrade::websocket;
    return *this;
  }
  bool forwards(std::string_view name, std::string_view value) const {
    return std::any_of(context.forwarded_fields.begin(), context.forwarded_fields.end(),
                       [&](const auto& field) { return field.first == name && field.second == value; });
  }

  http::RequestHead head;
  http::Target target;
  bool readable = false;
  policy::TokenCache cache;
  std::vector<std::string> keys_asked_for;
  policy::KeyWaits key_waits{[this](const std::string& name) { keys_asked_for.push_back(name); }};
  state::Bindings bound;  // for the policies that refer to state
  policy::RequestContext context{head, target, {}, 1'000'000'000, cache, key_waits, bound};
};

// The head that the gateway makes of its own response, before the head is amended.
inline http::ResponseHead head_of(const http::LocalResponse& answer) {
  http::ResponseHead head;
  head.status = answer.status;
  for (const auto& [name, value] : answer.headers)
    head.headers.add(head.arena.keep(name), head.arena.keep(value));
  return head;
}

}  // namespace postern::support
