#include "routing/host_matcher.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/ip_address.h"
#include "http/target.h"

namespace postern::routing {
namespace {

bool name_less(const std::pair<std::string, size_t>& entry, std::string_view name) {
  return entry.first < name;
}

}  // namespace

tl::expected<HostPattern, std::string> read_host_pattern(std::string_view text) {
  using Failure = tl::unexpected<std::string>;
  if (text.empty() || text == "*") return HostPattern{};
  HostPattern pattern;
  pattern.name = base::to_lower(text);
  if (pattern.name.ends_with('.')) pattern.name.pop_back();
  if (pattern.name.find(':') != std::string::npos) {
    if (!base::IpAddress::parse(pattern.name))
      return Failure('"' + std::string(text) + "\" is not a host: write it without a port");
    pattern.kind = HostPattern::Kind::exact;
    return pattern;
  }
  const bool wildcard = pattern.name.starts_with("*.");
  if (wildcard) pattern.name.erase(0, 1);
  const std::string_view host = std::string_view(pattern.name).substr(wildcard ? 1 : 0);
  if (!http::read_authority(host))
    return Failure('"' + std::string(text) +
                   "\" is not a host: write a name, \"*.\" and a name, or an address");
  pattern.kind = wildcard ? HostPattern::Kind::wildcard : HostPattern::Kind::exact;
  return pattern;
}

std::optional<size_t> HostMatcher::find(const Names& names, std::string_view name) {
  const auto found = std::lower_bound(names.begin(), names.end(), name, name_less);
  if (found == names.end() || found->first != name) return std::nullopt;
  return found->second;
}

size_t HostMatcher::add_to(Names& names, const std::string& name) {
  if (const std::optional<size_t> known = find(names, name)) return *known;
  names.emplace(std::lower_bound(names.begin(), names.end(), std::string_view(name), name_less), name, size_);
  return size_++;
}

size_t HostMatcher::add(const HostPattern& pattern) {
  if (pattern.kind == HostPattern::Kind::exact) return add_to(exact_, pattern.name);
  if (pattern.kind == HostPattern::Kind::wildcard) return add_to(wildcards_, pattern.name);
  if (!any_) any_ = size_++;
  return *any_;
}

std::vector<std::string> HostMatcher::texts() const {
  std::vector<std::string> texts;
  for (const auto& [name, number] : exact_) texts.push_back(name);
  for (const auto& [name, number] : wildcards_) texts.push_back('*' + name);
  if (any_) texts.emplace_back("*");
  return texts;
}

HostMatcher::Walk::Walk(const HostMatcher& matcher, std::string_view host) : matcher_(matcher) {
  if (host.ends_with('.')) host.remove_suffix(1);  // the empty label of the root, RFC 1034 3.1
  if (host.empty() || host.size() > longest_host) {
    step_ = Step::any;
    return;
  }
  std::transform(host.begin(), host.end(), lowered_, base::lower);
  host_ = {lowered_, host.size()};
}

std::optional<size_t> HostMatcher::Walk::next() {
  if (step_ == Step::exact) {
    step_ = matcher_.wildcards_.empty() ? Step::any : Step::wildcards;
    if (const std::optional<size_t> found = find(matcher_.exact_, host_)) return found;
  }
  while (step_ == Step::wildcards) {
    dot_ = host_.find('.', dot_ + 1);  // never at the front: the star needs at least one label
    if (dot_ == host_.npos)
      step_ = Step::any;
    else if (const std::optional<size_t> found = find(matcher_.wildcards_, host_.substr(dot_)))
      return found;
  }
  if (step_ == Step::done) return std::nullopt;
  step_ = Step::done;
  return matcher_.any_;
}

}  // namespace postern::routing
