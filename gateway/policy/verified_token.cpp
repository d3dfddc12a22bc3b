#include "policy/verified_token.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "policy/token_claims.h"

namespace postern::policy {
namespace {

using base::Json;

const Json* find_claim(const Json& value, std::string_view name) {
  if (const Json* member = base::find_member(value, name)) return member;
  for (size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    const Json* parent = base::find_member(value, name.substr(0, dot));
    if (parent == nullptr) continue;
    if (const Json* member = find_claim(*parent, name.substr(dot + 1))) return member;
  }
  return nullptr;
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

std::optional<std::string> list_text(const Json& list) {
  std::string joined;
  bool first = true;
  for (const Json& element : list) {
    if (!element.is_string()) return std::nullopt;
    const auto& text = element.get_ref<const std::string&>();
    if (has_control(text) || text.find(',') != std::string::npos) return std::nullopt;
    if (!std::exchange(first, false)) joined += ',';
    joined += text;
  }
  return joined;
}

bool has_word(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    size_t end = std::min(text.find(' '), text.size());
    if (text.substr(0, end) == word) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

}  // namespace

VerifiedToken::VerifiedToken(std::unique_ptr<const Claims> claims, Times times)
    : claims_(std::move(claims)), times_(times) {
  base::check(claims_->json.is_object(), "the claims of a token are an object");
  subject_ = claim("sub").value_or(std::string());
}

VerifiedToken::~VerifiedToken() = default;

std::optional<std::string> VerifiedToken::claim(std::string_view name) const {
  const Json* value = find_claim(claims_->json, name);
  if (value == nullptr) return std::nullopt;
  return value->is_array() ? list_text(*value) : scalar_text(*value);
}

bool VerifiedToken::has(std::string_view name) const {
  const Json* value = find_claim(claims_->json, name);
  return value != nullptr && !value->is_null();
}

bool VerifiedToken::claim_is(std::string_view name, std::string_view wanted) const {
  const Json* value = find_claim(claims_->json, name);
  if (value == nullptr) return false;
  if (value->is_array())
    return std::any_of(value->begin(), value->end(),
                       [&](const Json& element) { return scalar_text(element) == wanted; });
  std::optional<std::string> text = scalar_text(*value);
  if (!text) return false;
  return *text == wanted || (name == "scope" && value->is_string() && has_word(*text, wanted));
}

}  // namespace postern::policy
