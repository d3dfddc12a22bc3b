#include "config/kinds.h"

#include <algorithm>
#include <array>

#include "base/text_builder.h"

namespace postern::config {
namespace {

constexpr uint64_t kibi = 1024;
constexpr std::string_view number_pattern = "0|[1-9][0-9]*";
constexpr std::string_view size_pattern = "(0|[1-9][0-9]*)(B|k|K|KiB|M|MiB|G|GiB)?";
constexpr std::string_view duration_pattern = "(0|[1-9][0-9]*)(ms|s|m|h)";
// The value of an environment variable may be anything.
constexpr std::string_view variable = R"({"$ref":"#/$defs/variable"})";

std::string with_word(std::string_view word, std::string_view pattern) {
  return word.empty() ? std::string(pattern) : std::string(pattern) + '|' + std::string(word);
}

}  // namespace

std::string json_text(std::string_view text) {
  base::TextBuilder out;
  return std::string(out.append_json_string(text).view());
}

std::string json_list(const std::vector<std::string>& items) {
  std::string list = "[";
  for (const std::string& item : items) list.append(list.size() > 1 ? "," : "").append(item);
  return list + ']';
}

std::string any_of(const std::vector<std::string>& fragments) {
  return "{\"anyOf\":" + json_list(fragments) + '}';
}

std::string string_schema(std::string_view pattern, std::string_view also) {
  const std::string whole = "^(" + with_word(also, pattern) + ")$";
  return any_of({R"({"type":"string","pattern":)" + json_text(whole) + '}', std::string(variable)});
}

std::string number_schema(uint64_t least, uint64_t most, std::string_view pattern, std::string_view also) {
  const std::string whole = "^(" + with_word(also, pattern) + ")$";
  std::string range = R"({"type":"integer","minimum":)" + std::to_string(least);
  if (most < Size::unlimited) range += R"(,"maximum":)" + std::to_string(most);
  return any_of(
      {range + '}', R"({"type":"string","pattern":)" + json_text(whole) + '}', std::string(variable)});
}

std::string words_schema(const std::vector<std::string_view>& words) {
  std::vector<std::string> items;
  for (const std::string_view word : words) {
    items.push_back(json_text(word));
    const bool is_number = word.find_first_not_of("0123456789.") == word.npos;
    if (is_number || word == "true" || word == "false") items.emplace_back(word);
  }
  return any_of({"{\"enum\":" + json_list(items) + '}', std::string(variable)});
}

std::string list_schema(const std::string& item, std::size_t least, std::size_t most) {
  std::string schema = R"({"type":"array","items":)" + item;
  if (least != 0) schema += R"(,"minItems":)" + std::to_string(least);
  if (most != 0) schema += R"(,"maxItems":)" + std::to_string(most);
  return schema + '}';
}

std::string entries_schema(const std::string& entry, std::string_view key_pattern, std::size_t most,
                           std::size_t least) {
  std::string schema = R"({"type":"object","additionalProperties":)" + entry;
  if (!key_pattern.empty())
    schema += R"(,"propertyNames":{"pattern":)" + json_text("^(" + std::string(key_pattern) + ")$") + '}';
  if (most != 0) schema += R"(,"maxProperties":)" + std::to_string(most);
  if (least != 0) schema += R"(,"minProperties":)" + std::to_string(least);
  return schema + '}';
}

std::string scalar_schema() { return R"({"type":["string","number","boolean"],"minLength":1})"; }

std::string alternatives(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text.append(i == 0 ? "" : i + 1 == words.size() ? " or " : ", ").append(words[i]);
  return text;
}

std::string size_in_words(uint64_t bytes) {
  constexpr std::array<std::string_view, 4> units = {"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; unit + 1 < units.size() && bytes != 0 && bytes % kibi == 0; ++unit) bytes /= kibi;
  return std::to_string(bytes) + std::string(units[unit]);
}

std::string yaml_item(std::string_view text) {
  const bool is_special = text.empty() || text.find_first_of(":#*[]{},\"") != text.npos;
  return is_special ? '"' + std::string(text) + '"' : std::string(text);
}

// ---- Kinds

std::optional<uint64_t> Number::read(const Value& value) const {
  if (!word.text.empty() && value.is_scalar() && value.node().text == word.text) return 0;
  return value.number(least, most, word.text == none.text ? word.or_else : "");
}

std::string Number::range() const { return std::to_string(least) + " to " + std::to_string(most); }

std::string Number::shown(uint64_t number) const {
  return number == 0 && !word.text.empty() ? std::string(word.text) : std::to_string(number);
}

std::string Number::json_schema() const { return number_schema(least, most, number_pattern, word.text); }

std::optional<uint64_t> Size::read(const Value& value) const {
  if (!word.text.empty() && value.is_scalar() && value.node().text == word.text) return 0;
  return value.size(least, most, word.or_else);
}

std::string Size::range() const {
  if (most == unlimited) return "at least " + size_in_words(least);
  return size_in_words(least) + " to " + size_in_words(most);
}

std::string Size::shown(uint64_t bytes) const {
  return bytes == 0 && !word.text.empty() ? std::string(word.text) : size_in_words(bytes);
}

std::string Size::json_schema() const { return number_schema(least, most, size_pattern, word.text); }

std::optional<base::Duration> DurationKind::read(const Value& value) const {
  if (!word.text.empty() && value.is_scalar() && value.node().text == word.text) return base::no_limit;
  const auto found = value.duration(least, most, word.or_else);
  if (!found) return std::nullopt;
  if (seconds == Seconds::rounded_up) return std::chrono::ceil<std::chrono::seconds>(*found);
  if (seconds == Seconds::whole && *found % std::chrono::seconds(1) != std::chrono::milliseconds(0)) {
    value.refuse({"is not a whole number of seconds", ""});
    return std::nullopt;
  }
  return *found;
}

std::string DurationKind::shown(base::Duration duration) const {
  if (duration == base::no_limit) return "none";
  return to_text(std::chrono::duration_cast<std::chrono::milliseconds>(duration));
}

std::string DurationKind::json_schema() const { return string_schema(duration_pattern, word.text); }

std::optional<uint64_t> ByteRate::read(const Value& value) const {
  if (value.says_none()) return 0;
  return value.parsed(parse_byte_rate);
}

std::optional<std::string> Text::read(const Value& value) const {
  const auto found = value.text();
  return found ? std::optional<std::string>(*found) : std::nullopt;
}

std::optional<base::JsonPath> JsonField::read(const Value& value) const {
  const auto text = value.text();
  if (!text) return std::nullopt;
  auto path = base::JsonPath::read(*text);
  if (!path) value.complain(value.quote() + " is not a path to a field, such as /type or /data/kind");
  return path;
}

}  // namespace postern::config
