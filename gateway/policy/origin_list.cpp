#include "policy/origin_list.h"

#include <re2/re2.h>
#include <algorithm>

#include "base/ascii.h"
#include "policy/pattern_error.h"

namespace postern::policy {
namespace {

constexpr int64_t most_pattern_memory = 1 << 20;  // bytes of one compiled expression
constexpr size_t longest_origin = 2048;           // no listed origin is longer

bool is_letter(char c) { return base::lower(c) >= 'a' && base::lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_scheme(std::string_view text) {  // RFC 3986 3.1
  if (text.empty() || !is_letter(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

// Whether the text consists of non-empty labels of letters, digits, "-" and "_".
bool is_labels(std::string_view text) {
  char previous = '.';
  for (char c : text) {
    if (c == '.' ? previous == '.' : !(is_letter(c) || is_digit(c) || c == '-' || c == '_')) return false;
    previous = c;
  }
  return previous != '.';
}

bool is_port(std::string_view text) {
  const std::optional<uint64_t> number = base::parse_decimal(text);
  return number && *number <= 65535 && text.size() <= 5;
}

// Serialises an origin as a browser does: in lower case, without a default port. Returns an empty text when
// `text` is not an origin. With `wildcard`, a star that replaces labels is accepted as one label.
std::string serialise(std::string_view text, bool wildcard) {
  const std::string lowered = base::to_lower(text);
  OriginParts parts;
  if (!split_origin(lowered, parts)) return {};
  std::string_view name = parts.host;
  if (wildcard) {
    if (!name.starts_with("*.")) return {};
    name.remove_prefix(2);
  }
  const bool bracketed = !wildcard && name.size() > 2 && name.front() == '[' && name.back() == ']';
  if (!bracketed && !is_labels(name)) return {};
  std::string serialised(lowered, 0, parts.scheme.size() + 3 + parts.host.size());
  if (!parts.port.empty() && parts.port != default_port(parts.scheme))
    serialised.append(":").append(parts.port);
  return serialised;
}

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

}  // namespace

bool split_origin(std::string_view origin, OriginParts& parts) {
  const size_t colon = origin.find("://");
  if (colon == origin.npos || !is_scheme(origin.substr(0, colon))) return false;
  parts.scheme = origin.substr(0, colon);
  std::string_view rest = origin.substr(colon + 3);
  const size_t bracket = rest.find(']');
  const size_t port_colon = rest.find(':', bracket == rest.npos ? 0 : bracket);
  parts.host = rest.substr(0, port_colon);
  parts.port = port_colon == rest.npos ? std::string_view() : rest.substr(port_colon + 1);
  if (parts.host.empty() || parts.host.find_first_of("/@?#\\ ") != parts.host.npos) return false;
  return port_colon == rest.npos || is_port(parts.port);
}

std::string_view default_port(std::string_view scheme) {
  if (scheme == "https" || scheme == "wss") return "443";
  if (scheme == "http" || scheme == "ws") return "80";
  return {};
}

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
      std::string origin = serialise(rule.text, false);
      if (origin.empty())
        return Failure(quoted(rule.text) +
                       " is not an origin: write scheme://host or scheme://host:port, no path");
      exact_.push_back(std::move(origin));
      return {};
    }
    case OriginRule::Kind::wildcard: {
      const std::string origin = serialise(rule.text, true);
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
