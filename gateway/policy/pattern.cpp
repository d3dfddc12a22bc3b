#include "policy/pattern.h"

#include <re2/re2.h>

namespace postern::policy {
namespace {

constexpr int64_t most_memory = 1 << 20;  // bytes of one compiled expression

re2::RE2::Options how() {
  re2::RE2::Options options(re2::RE2::Latin1);  // bytes, as they are in a request
  options.set_log_errors(false);
  options.set_max_mem(most_memory);
  return options;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Whether the character is a literal outside of brackets.
bool is_literal(char c) {
  return is_letter_or_digit(c) || std::string_view("/-_~%@:,=&;!'\"<># ").find(c) != std::string_view::npos ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Whether the expression matches no text that begins with "/": the range of its possible matches contains no
// such text.
bool leaves_out_paths(const std::string& text) {
  const re2::RE2 anchored("^(?:" + text + ")$", how());
  std::string least;
  std::string most;
  if (!anchored.ok() || !anchored.PossibleMatchRange(&least, &most, 8)) return false;
  return most < "/" || least >= "0";
}

}  // namespace

Pattern::Pattern(std::string_view text)
    : text_(text), expression_(std::make_unique<const re2::RE2>(text_, how())) {}

Pattern::~Pattern() = default;

tl::expected<std::shared_ptr<const Pattern>, std::string> Pattern::compile(std::string_view text) {
  const std::shared_ptr<Pattern> made(new Pattern(text));
  if (!made->expression_->ok())
    return tl::unexpected("is not an RE2 expression: " + made->expression_->error());
  made->fits_no_path_ = leaves_out_paths(made->text_);
  return made;
}

bool Pattern::fits(std::string_view text) const {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *expression_);
}

std::string Pattern::folder() const {
  std::string_view rest = text_;
  // With alternatives, also within a group, the text may begin in another way; which group they are in is not
  // examined.
  if (rest.find('|') != rest.npos) return "/";
  if (rest.starts_with('^')) rest.remove_prefix(1);
  std::string literal;
  size_t last = 0;  // size without the last character
  while (!rest.empty()) {
    const bool is_escaped = rest.size() > 1 && rest[0] == '\\' && rest[1] > 0x20 && rest[1] < 0x7f &&
                            !is_letter_or_digit(rest[1]);
    if (!is_escaped && !is_literal(rest[0])) break;
    last = literal.size();
    literal += rest[is_escaped ? 1 : 0];
    rest.remove_prefix(is_escaped ? 2 : 1);
  }
  // A repetition of the last character may omit it, also after flags, "(?i)*", and after an empty quotation.
  const bool is_flags = rest.starts_with("(?") && !rest.starts_with("(?:") && !rest.starts_with("(?P");
  const bool is_quotation = rest.starts_with("\\Q") || rest.starts_with("\\E");
  const bool repeats = !rest.empty() && std::string_view("*?{+").find(rest[0]) != std::string_view::npos;
  if (is_flags || is_quotation || repeats) literal.resize(last);
  if (!literal.starts_with('/')) return "/";
  literal.resize(literal.rfind('/') + 1);
  return literal;
}

}  // namespace postern::policy
