#include "policy/verified_token.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "policy/token_claims.h"

namespace postern::policy {
namespace {

using base::Json;

// A string unchanged, anything else as JSON; empty for null.
std::string written(const Json* value) {
  if (value == nullptr || value->is_null()) return {};
  return value->is_string() ? value->get_ref<const std::string&>() : base::write_json(*value);
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::optional<std::string> scalar_text(const Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return has_control(text) ? std::nullopt : std::optional(text);
  }
  if (value.is_boolean() || value.is_number()) return base::write_json(value);
  return std::nullopt;
}

// Joins lists of strings; with `numbers` also lists of numbers and booleans. Mixed lists are not joined: "1"
// and 1 would have the same text.
std::optional<std::string> list_text(const Json& list, bool numbers) {
  std::string joined;
  bool first = true;
  const bool strings = list.empty() || list.front().is_string();
  for (const Json& element : list) {
    if (element.is_string() != strings || !(strings || numbers)) return std::nullopt;
    const std::optional<std::string> text = scalar_text(element);
    if (!text || text->find(',') != std::string::npos) return std::nullopt;
    if (!std::exchange(first, false)) joined += ',';
    joined += *text;
  }
  return joined;
}

template <class Test>
bool any_word(std::string_view text, const Test& test) {
  while (!text.empty()) {
    size_t end = std::min(text.find(' '), text.size());
    if (end > 0 && test(text.substr(0, end))) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

}  // namespace

const Json* find_nested_member(const Json& value, std::string_view name) {
  if (const Json* member = base::find_member(value, name)) return member;
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    const Json* parent = base::find_member(value, name.substr(0, dot));
    if (parent == nullptr) continue;
    if (const Json* member = find_nested_member(*parent, name.substr(dot + 1))) return member;
  }
  return nullptr;
}

VerifiedToken::VerifiedToken(std::unique_ptr<const Claims> claims, Times times, uint64_t key,
                             std::string_view subject)
    : claims_(std::move(claims)), times_(times), key_(key) {
  base::check(claims_->json.is_object(), "the claims of a token are an object");
  subject_ = claim(subject).value_or(std::string());
  subject_name_ = subject;
}

VerifiedToken::~VerifiedToken() = default;

std::optional<std::string> VerifiedToken::claim(std::string_view name) const {
  const Json* value = find_nested_member(claims_->json, name);
  if (value == nullptr) return std::nullopt;
  return value->is_array() ? list_text(*value, false) : scalar_text(*value);
}

std::optional<std::string> VerifiedToken::claim_to_forward(std::string_view name) const {
  const Json* value = find_nested_member(claims_->json, name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_string()) return value->get_ref<const std::string&>();
  std::optional<std::string> text = value->is_array() ? list_text(*value, true) : scalar_text(*value);
  return text ? std::move(text) : std::optional(value->dump(-1, ' ', true, Json::error_handler_t::replace));
}

std::string VerifiedToken::name_text(std::string_view name) const {
  return written(base::find_member(claims_->json, name));
}

state::TokenMarks VerifiedToken::marks() const {
  state::TokenMarks marks{state::mark_of(name_text("iss")), state::mark_of(name_text("jti")),
                          state::mark_of(written(find_nested_member(claims_->json, subject_name_))),
                          state::mark_of(name_text("sid"))};
  const Json* issued = base::find_member(claims_->json, "iat");
  constexpr double farthest = 1e15;  // a double holds every second until then
  if (issued != nullptr && issued->is_number())
    marks.issued_at =
        static_cast<int64_t>(std::clamp(std::floor(issued->get<double>()), -farthest, farthest));
  return marks;
}

// JSON is written in one way only, and a claim that is not there as nothing: so each end of a line is the end
// of a claim.
state::MarkDigest VerifiedToken::digest_of(const std::vector<std::string>& claims) const {
  std::string text;
  for (const std::string& name : claims) {
    if (const Json* value = find_nested_member(claims_->json, name)) text += base::write_json(*value);
    text += '\n';
  }
  return state::mark_of(text);
}

bool VerifiedToken::has(std::string_view name) const {
  const Json* value = find_nested_member(claims_->json, name);
  return value != nullptr && !value->is_null();
}

bool VerifiedToken::any_value(std::string_view name,
                              const std::function<bool(const ClaimValue&)>& test) const {
  const Json* claim = find_nested_member(claims_->json, name);
  if (claim == nullptr) return false;
  const bool has_words = name == "scope" || name == "scp";
  const auto passes = [&](const Json& one) {
    if (one.is_number()) return test({base::write_json(one), one.get<double>()});
    if (one.is_boolean()) return test({one.get<bool>() ? "true" : "false", std::nullopt});
    if (!one.is_string()) return false;
    const std::string_view text = one.get_ref<const std::string&>();
    if (has_control(text)) return false;
    if (test({text, std::nullopt})) return true;
    return has_words && any_word(text, [&](std::string_view word) { return test({word, std::nullopt}); });
  };
  return claim->is_array() ? std::any_of(claim->begin(), claim->end(), passes) : passes(*claim);
}

bool VerifiedToken::claim_is(std::string_view name, std::string_view wanted) const {
  return any_value(name, [wanted](const ClaimValue& value) { return value.text == wanted; });
}

}  // namespace postern::policy
