// A named list of origins (RFC 6454), compiled once: what CORS, WebSocket handshakes and the gateway's own
// answers all go by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace re2 {
class RE2;
}

namespace postern::policy {

struct OriginRule {
  enum class Kind : uint8_t {
    exact,     // "https://app.example.com", with ":port" when it is not the scheme's own
    wildcard,  // "https://*.example.com": one or more labels in place of the star
    pattern,   // an RE2 expression for the whole origin
    null,      // the origin "null" of sandboxed pages and local files
  };
  Kind kind = Kind::exact;
  std::string text;
};

struct OriginListOptions {
  std::string name;
  std::vector<OriginRule> allow;
};

struct OriginListError {
  size_t rule = 0;       // which of `allow`
  std::string sentence;  // what is wrong with it
};

// Immutable; any thread may ask it.
class OriginList {
 public:
  static tl::expected<std::shared_ptr<const OriginList>, OriginListError> compile(OriginListOptions options);
  ~OriginList();

  const std::string& name() const { return name_; }
  // `origin` as the Origin field has it. Browsers serialise origins in one way, in lower case and without a
  // default port, so this compares bytes.
  bool allows(std::string_view origin) const;

 private:
  struct Wildcard {
    std::string before;  // "https://"
    std::string after;   // ".example.com", with ":port" if any
  };

  OriginList() = default;
  tl::expected<void, std::string> add(const OriginRule& rule);

  std::string name_;
  std::vector<std::string> exact_;  // sorted
  std::vector<Wildcard> wildcards_;
  std::vector<std::unique_ptr<const re2::RE2>> patterns_;
  bool null_ = false;
};

// An origin's parts; `port` is empty where none is said.
struct OriginParts {
  std::string_view scheme;
  std::string_view host;  // IPv6 with its brackets
  std::string_view port;
};

// False: not of the form scheme://host[:port].
bool split_origin(std::string_view origin, OriginParts& parts);

// "443", "80", or empty for a scheme without a port of its own. Lower case.
std::string_view default_port(std::string_view scheme);

}  // namespace postern::policy
