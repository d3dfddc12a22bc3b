#include "base/json_scanner.h"

#include <array>
#include <cstdint>
#include <utility>

#include "base/ascii.h"

namespace postern::base {
namespace {

constexpr size_t depth_max = 64;
constexpr size_t names_max = 8;

using Step = tl::expected<void, std::string_view>;
using Text = tl::expected<std::string_view, std::string_view>;
tl::unexpected<std::string_view> fail(std::string_view why) { return tl::unexpected(why); }

std::optional<uint32_t> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    const auto digit = static_cast<uint32_t>(c >= '0' && c <= '9'   ? c - '0'
                                             : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                             : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                                    : 16);
    if (digit > 15) return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

void append_utf8(std::string& out, uint32_t point) {
  const auto put = [&out](uint32_t octet) { out += static_cast<char>(octet); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6);
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

// Removes the next character from `text` and returns it in lower case, for ASCII letters only. Besides ASCII,
// Unicode has two letters that fold to an ASCII letter: the long s and the Kelvin sign.
char take_folded(std::string_view& text) {
  for (const auto& [letter, folded] :
       {std::pair<std::string_view, char>{"\xc5\xbf", 's'}, {"\xe2\x84\xaa", 'k'}}) {
    if (!text.starts_with(letter)) continue;
    text.remove_prefix(letter.size());
    return folded;
  }
  const char first = lower(text.front());
  text.remove_prefix(1);
  return first;
}

// Equal names count as equal here, too.
bool equal_when_folded(std::string_view one, std::string_view other) {
  while (!one.empty() && !other.empty())
    if (take_folded(one) != take_folded(other)) return false;
  return one.empty() && other.empty();
}

// `raw` is the content of a well-formed string.
tl::expected<std::string, std::string_view> decode(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (size_t at = 0; at < raw.size(); ++at) {
    if (raw[at] != '\\') {
      out += raw[at];
      continue;
    }
    switch (const char kind = raw[++at]) {
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': {
        uint32_t point = *hex4(raw.substr(at + 1));
        at += 4;
        if (point >= 0xdc00 && point < 0xe000) return fail("surrogate");
        if (point >= 0xd800 && point < 0xdc00) {
          const bool pair = raw.substr(at + 1, 2) == "\\u";
          const uint32_t low = pair ? *hex4(raw.substr(at + 3)) : 0;
          if (low < 0xdc00 || low >= 0xe000) return fail("surrogate");
          point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
          at += 6;
        }
        append_utf8(out, point);
        break;
      }
      default: out += kind;  // a quote, backslash or slash
    }
  }
  return out;
}

class Scanner {
 public:
  Scanner(std::string_view text, const std::vector<std::string>& names) : text_(text), names_(names) {}

  tl::expected<JsonFound, std::string_view> scan();

 private:
  Step open(bool object);
  Step name();
  Step value();
  Step scalar();
  Text string();
  Text number();
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  // Whether the object at this depth is one that the path leads through.
  bool on_path() const { return depth_ == matched_ + 1 && depth_ <= names_.size(); }

  std::string_view text_;
  const std::vector<std::string>& names_;
  size_t at_ = 0;
  size_t depth_ = 0;                         // number of open arrays and objects
  std::array<bool, depth_max> is_object_{};  // for each open array or object
  size_t matched_ = 0;                  // number of leading names of the path whose members the scanner is in
  std::array<bool, names_max> seen_{};  // the name was found in the object of that depth
  bool wanted_ = false;                 // the next value is the one that the path names
  JsonFound found_;
};

Text Scanner::string() {
  if (!take('"')) return fail("syntax");
  const size_t begin = at_;
  while (at_ < text_.size()) {
    const auto octet = static_cast<uint8_t>(text_[at_]);
    if (octet == '"') return text_.substr(begin, at_++ - begin);
    if (octet < 0x20) return fail("syntax");
    if (octet == '\\') {
      const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      if (kind == 'u') {
        if (!hex4(text_.substr(at_ + 2))) return fail("syntax");
        at_ += 4;
      } else if (kind == '\0' || std::string_view("\"\\/bfnrt").find(kind) == std::string_view::npos) {
        return fail("syntax");
      }
      ++at_;
    }
    ++at_;
  }
  return fail("syntax");
}

Text Scanner::number() {
  const size_t begin = at_;
  const auto digits = [this] {
    const size_t first = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > first;
  };
  take('-');
  if (!take('0') && !digits()) return fail("syntax");
  if (take('.') && !digits()) return fail("syntax");
  if (take('e') || take('E')) {
    if (!take('+')) take('-');
    if (!digits()) return fail("syntax");
  }
  return text_.substr(begin, at_ - begin);
}

Step Scanner::scalar() {
  const bool wanted = std::exchange(wanted_, false);
  const bool is_string = peek() == '"';
  Text read;
  if (is_string) {
    read = string();
  } else if (peek() == '-' || (peek() >= '0' && peek() <= '9')) {
    read = number();
  } else {
    read = fail("syntax");
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      read = word;
    }
  }
  if (!read) return fail(read.error());
  if (!wanted) return {};
  found_.exists = true;
  found_.is_string = is_string;
  found_.raw = *read;
  if (!is_string || found_.raw.find('\\') == std::string_view::npos) return {};
  auto decoded = decode(found_.raw);
  if (!decoded) return fail(decoded.error());
  found_.decoded = std::move(*decoded);
  return {};
}

Step Scanner::open(bool object) {
  if (depth_ == depth_max) return fail("nesting");
  ++at_;
  if (std::exchange(wanted_, false)) found_.exists = true;  // the value is an object or an array
  is_object_[depth_++] = object;
  if (object && on_path()) seen_[depth_ - 1] = false;
  return {};
}

// Reads a member's name and the colon.
Step Scanner::name() {
  skip_space();
  const Text raw = string();
  if (!raw) return fail(raw.error());
  if (on_path()) {
    const std::string& name = names_[depth_ - 1];
    std::string_view read = *raw;
    std::string decoded;
    if (read != name && read.find('\\') != std::string_view::npos) {
      auto result = decode(read);
      if (!result) return fail(result.error());
      read = decoded = std::move(*result);
    }
    if (read != name && equal_when_folded(read, name)) return fail("name_case");
    if (read == name) {
      if (std::exchange(seen_[depth_ - 1], true)) return fail("duplicate_name");
      if (depth_ == names_.size())
        wanted_ = true;
      else
        ++matched_;
    }
  }
  skip_space();
  if (!take(':')) return fail("syntax");
  return {};
}

tl::expected<JsonFound, std::string_view> Scanner::scan() {
  for (;;) {
    // Read a value.
    skip_space();
    const bool object = peek() == '{';
    if (object || peek() == '[') {
      if (Step opened = open(object); !opened) return fail(opened.error());
      skip_space();
      if (!take(object ? '}' : ']')) {
        if (!object) continue;
        if (Step read = name(); !read) return fail(read.error());
        continue;
      }
      --depth_;
    } else if (Step read = scalar(); !read) {
      return fail(read.error());
    }
    // Read what may follow a value.
    for (;;) {
      if (matched_ >= depth_) matched_ = depth_ == 0 ? 0 : depth_ - 1;  // the member's value is over
      skip_space();
      if (depth_ == 0) {
        if (at_ != text_.size()) return fail("syntax");
        return std::move(found_);
      }
      const bool in_object = is_object_[depth_ - 1];
      if (take(',')) {
        if (in_object)
          if (Step read = name(); !read) return fail(read.error());
        break;
      }
      if (!take(in_object ? '}' : ']')) return fail("syntax");
      --depth_;
    }
  }
}

}  // namespace

std::optional<JsonPath> JsonPath::read(std::string_view text) {
  JsonPath path;
  while (!text.empty()) {
    if (text.front() != '/') return std::nullopt;
    text.remove_prefix(1);
    const std::string_view name = text.substr(0, text.find('/'));
    if (name.empty() || path.names_.size() == names_max) return std::nullopt;
    path.names_.emplace_back(name);
    text.remove_prefix(name.size());
  }
  if (path.names_.empty()) return std::nullopt;
  return path;
}

std::string JsonPath::text() const {
  std::string text;
  for (const std::string& name : names_) text += "/" + name;
  return text;
}

tl::expected<JsonFound, std::string_view> find_in_json(std::string_view text, const JsonPath& path) {
  return Scanner(text, path.names()).scan();
}

}  // namespace postern::base
