// Matches hosts as routes name them: an exact name, "*.wildcard", or any host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace postern::routing {

struct HostPattern {
  // In the order of precedence.
  enum class Kind : uint8_t { exact, wildcard, any };
  Kind kind = Kind::any;
  std::string name;  // lower case; wildcard: the part after the star, ".example.com"; any: empty

  friend bool operator==(const HostPattern&, const HostPattern&) = default;
};

// "" and "*" match any host; "*.example.com" matches one or more labels below example.com. Any other text is
// one host: a name or an address, IPv6 without brackets. The error is a sentence.
tl::expected<HostPattern, std::string> read_host_pattern(std::string_view text);

// Finds patterns by host. It is built once; then any thread may use it, and a lookup allocates nothing.
class HostMatcher {
 public:
  // Returns the index of this pattern: a new one, or that of an equal pattern. The first index is 0.
  size_t add(const HostPattern& pattern);
  size_t size() const { return size_; }
  std::vector<std::string> texts() const;  // the patterns as routes write them

  // Enumerates the patterns that match `host` (any case, without port or brackets), the most specific first:
  // the exact name, wildcards from the longest to the shortest, any. Call next() until it returns nothing.
  class Walk {
   public:
    Walk(const HostMatcher& matcher, std::string_view host);
    std::optional<size_t> next();

   private:
    static constexpr size_t longest_host = 255;  // only `any` matches longer ones
    enum class Step : uint8_t { exact, wildcards, any, done };

    const HostMatcher& matcher_;
    char lowered_[longest_host];
    std::string_view host_;  // in lowered_, without a trailing dot
    Step step_ = Step::exact;
    size_t dot_ = 0;  // where the last tried suffix begins
  };

 private:
  using Names = std::vector<std::pair<std::string, size_t>>;  // sorted by name

  static std::optional<size_t> find(const Names& names, std::string_view name);
  size_t add_to(Names& names, const std::string& name);

  Names exact_;
  Names wildcards_;
  std::optional<size_t> any_;
  size_t size_ = 0;
};

}  // namespace postern::routing
