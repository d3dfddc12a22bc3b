#include "policy/origin_list.h"

#include <re2/re2.h>
#include <algorithm>

#include "base/ascii.h"
#include "policy/origin_text.h"
#include "policy/pattern_error.h"

namespace postern::policy {
namespace {

constexpr int64_t most_pattern_memory = 1 << 20;  // bytes of one compiled expression
constexpr size_t longest_origin = 2048;           // no listed origin is longer

bool is_letter(char c) { return base::lower(c) >= 'a' && base::lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether the text consists of non-empty labels of letters, digits, "-" and "_".
bool is_labels(std::string_view text) {
  char previous = '.';
  for (char c : text) {
    if (c == '.' ? previous == '.' : !(is_letter(c) || is_digit(c) || c == '-' || c == '_')) return false;
    previous = c;
  }
  return previous != '.';
}

// Returns the canonical spelling of a rule, or an empty text when `text` is not an origin. With `wildcard`,
// the host begins with "*." in place of labels.
std::string spelled(std::string_view text, bool wildcard) {
  std::string scratch;
  const std::string_view origin = canonical_origin(text, scratch);
  OriginParts parts;
  if (origin.empty() || !split_origin(origin, parts)) return {};
  std::string_view name = parts.host;
  if (wildcard) {
    if (!name.starts_with("*.")) return {};
    name.remove_prefix(2);
  }
  const bool is_address = !wildcard && name.starts_with('[');
  return is_address || is_labels(name) ? std::string(origin) : std::string();
}

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

}  // namespace

tl::expected<std::shared_ptr<const OriginList>, OriginListError> OriginList::compile(
    OriginListOptions options) {
  struct Made : OriginList {};  // the constructor is private
  auto list = std::make_shared<Made>();
  list->name_ = std::move(options.name);
  for (size_t i = 0; i < options.allow.size(); ++i) {
    auto added = list->add(options.allow[i]);
    if (!added) return tl::unexpected<OriginListError>(OriginListError{i, std::move(added.error())});
  }
  std::sort(list->exact_.begin(), list->exact_.end());
  return std::shared_ptr<const OriginList>(std::move(list));
}

OriginList::~OriginList() = default;

tl::expected<void, std::string> OriginList::add(const OriginRule& rule) {
  using Failure = tl::unexpected<std::string>;
  switch (rule.kind) {
    case OriginRule::Kind::null: null_ = true; return {};
    case OriginRule::Kind::exact: {
      std::string origin = spelled(rule.text, false);
      if (origin.empty())
        return Failure(quoted(rule.text) +
                       " is not an origin: write scheme://host or scheme://host:port, no path");
      exact_.push_back(std::move(origin));
      return {};
    }
    case OriginRule::Kind::wildcard: {
      const std::string origin = spelled(rule.text, true);
      if (origin.empty())
        return Failure(quoted(rule.text) + " is not a wildcard origin: write scheme://*.domain");
      const size_t star = origin.find('*');
      wildcards_.push_back({origin.substr(0, star), origin.substr(star + 1)});
      return {};
    }
    case OriginRule::Kind::pattern: {
      re2::RE2::Options settings;
      settings.set_log_errors(false);
      settings.set_max_mem(most_pattern_memory);
      auto pattern = std::make_unique<const re2::RE2>(rule.text, settings);
      if (!pattern->ok())
        return Failure(quoted(rule.text) + " is not an RE2 expression: " + pattern_error(*pattern));
      patterns_.push_back(std::move(pattern));
      return {};
    }
  }
  return {};
}

bool OriginList::allows(std::string_view origin) const {
  if (origin.empty() || origin.size() > longest_origin) return false;
  if (origin == "null") return null_;  // no pattern can match it by accident
  std::string scratch;
  origin = canonical_origin(origin, scratch);
  if (origin.empty()) return false;
  const auto found = std::lower_bound(exact_.begin(), exact_.end(), origin);
  if (found != exact_.end() && *found == origin) return true;
  for (const Wildcard& wildcard : wildcards_) {
    if (origin.size() <= wildcard.before.size() + wildcard.after.size()) continue;
    if (!origin.starts_with(wildcard.before) || !origin.ends_with(wildcard.after)) continue;
    const size_t labels = origin.size() - wildcard.before.size() - wildcard.after.size();
    if (is_labels(origin.substr(wildcard.before.size(), labels))) return true;
  }
  const re2::StringPiece whole(origin.data(), origin.size());
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&whole](const auto& pattern) { return re2::RE2::FullMatch(whole, *pattern); });
}

}  // namespace postern::policy
