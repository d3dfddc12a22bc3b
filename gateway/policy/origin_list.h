// A named list of origins (RFC 6454), compiled once, which CORS, WebSocket handshakes and the gateway's own
// responses all use.
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
    exact,     // "https://app.example.com", with ":port" when it is not the default port
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
  size_t rule = 0;       // index in `allow`
  std::string sentence;  // describes what is wrong with the rule
};

// Immutable; any thread may use it.
class OriginList {
 public:
  static tl::expected<std::shared_ptr<const OriginList>, OriginListError> compile(OriginListOptions options);
  ~OriginList();

  const std::string& name() const { return name_; }
  // `origin` is the value of the Origin field. It is compared in its canonical spelling (origin_text.h),
  // which browsers send; only another spelling costs an allocation. Text that is no origin is on no list.
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

}  // namespace postern::policy
