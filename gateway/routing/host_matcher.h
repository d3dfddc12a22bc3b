// Hosts as routes name them: exact, "*.wildcard", or any.
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
  // In the order in which they are preferred.
  enum class Kind : uint8_t { exact, wildcard, any };
  Kind kind = Kind::any;
  std::string name;  // lower case; wildcard: what stands below the star, ".example.com"; any: empty

  friend bool operator==(const HostPattern&, const HostPattern&) = default;
};

// "", "*": any host. "*.example.com": one or more labels below example.com. Else one host: a name or an
// address, IPv6 without brackets. The error is a sentence.
tl::expected<HostPattern, std::string> read_host_pattern(std::string_view text);

// Finds patterns by host. Build it once, then any thread may ask; asking allocates nothing.
class HostMatcher {
 public:
  // The number of this pattern: a new one, or the one that an equal pattern got before. Counted from 0.
  size_t add(const HostPattern& pattern);
  size_t size() const { return size_; }
  std::vector<std::string> texts() const;  // of its patterns, as routes write them

  // The patterns that take `host` (any case, without port or brackets), the most specific first: itself,
  // wildcards from the longest to the shortest, any. Walks with next() until nothing is left.
  class Walk {
   public:
    Walk(const HostMatcher& matcher, std::string_view host);
    std::optional<size_t> next();

   private:
    static constexpr size_t longest_host = 255;  // longer ones are taken by `any` alone
    enum class Step : uint8_t { exact, wildcards, any, done };

    const HostMatcher& matcher_;
    char lowered_[longest_host];
    std::string_view host_;  // in lowered_, without a dot at its end
    Step step_ = Step::exact;
    size_t dot_ = 0;  // where the suffix last looked for begins
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
