// A second parser for HTTP/1.1 messages: the grammar of RFC 9112 and the parts of RFC 9110 that it refers to,
// rule by rule, without llhttp and without any code of the gateway. Tests compare it with what the gateway
// accepts and writes, so it accepts nothing that the grammar forbids, not even what the RFC lets a recipient
// accept. It is not made to be fast.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::support::rfc9112 {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Message {
  std::string method, target;  // of a request only
  int status = 0;              // of a response only
  std::string reason;
  int minor_version = 1;
  Fields fields, trailers;
  std::string body;
  size_t size = 0;  // total bytes of the message
};

enum class Verdict : uint8_t { whole, cut, wrong };

struct Reading {
  Verdict verdict = Verdict::wrong;
  Message message;
};

namespace detail {

inline bool is_digit(char c) { return '0' <= c && c <= '9'; }
inline bool is_alpha(char c) { return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z'); }
inline bool is_vchar(char c) { return 0x21 <= c && c <= 0x7e; }
inline bool is_obs_text(char c) { return static_cast<unsigned char>(c) >= 0x80; }
inline bool is_tchar(char c) {
  return is_digit(c) || is_alpha(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

inline std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

// The remaining text and a cursor.
class Text {
 public:
  explicit Text(std::string_view text) : text_(text) {}

  size_t at() const { return at_; }
  bool over() const { return at_ == text_.size(); }
  char peek() const { return over() ? '\0' : text_[at_]; }
  bool take(char c) {
    if (over() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  template <class Rule>
  std::string_view run(Rule&& rule) {
    const size_t start = at_;
    while (!over() && rule(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }
  std::optional<std::string_view> octets(uint64_t count) {
    if (count > text_.size() - at_) return std::nullopt;
    at_ += count;
    return text_.substr(at_ - count, count);
  }
  std::string_view rest() const { return text_.substr(at_); }
  // Takes the line up to the next CRLF, which must contain the first CR and the first LF of the remaining
  // text.
  std::optional<std::string_view> line(bool& wrong) {
    const size_t end = rest().find_first_of("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    if (rest()[end] == '\n') {
      wrong = true;
      return std::nullopt;
    }
    if (end + 1 == rest().size()) return std::nullopt;
    if (rest()[end + 1] != '\n') {
      wrong = true;
      return std::nullopt;
    }
    const std::string_view line = rest().substr(0, end);
    at_ += end + 2;
    return line;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

// field-line = field-name ":" OWS field-value OWS
inline bool read_field(std::string_view line, Fields& into) {
  Text text(line);
  const std::string_view name = text.run(is_tchar);
  if (name.empty() || !text.take(':')) return false;
  std::string_view value = text.rest();
  for (char c : value)
    if (!is_vchar(c) && !is_obs_text(c) && c != ' ' && c != '\t') return false;
  const size_t first = value.find_first_not_of(" \t");
  value = first == value.npos ? std::string_view()
                              : value.substr(first, value.find_last_not_of(" \t") - first + 1);
  into.emplace_back(name, value);
  return true;
}

// *( field-line CRLF ) CRLF
inline Verdict read_fields(Text& text, Fields& into) {
  for (;;) {
    bool wrong = false;
    const auto line = text.line(wrong);
    if (!line) return wrong ? Verdict::wrong : Verdict::cut;
    if (line->empty()) return Verdict::whole;
    if (!read_field(*line, into)) return Verdict::wrong;
  }
}

// chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ), here without the bad white space
inline bool is_extension(std::string_view given) {
  Text text(given);
  while (text.take(';')) {
    if (text.run(is_tchar).empty()) return false;
    if (!text.take('=')) continue;
    if (!text.take('"')) {
      if (text.run(is_tchar).empty()) return false;
      continue;
    }
    while (!text.take('"')) {
      const bool escaped = text.take('\\');
      if (text.over()) return false;
      const char c = text.peek();
      if (!(is_vchar(c) || is_obs_text(c) || c == ' ' || c == '\t') || (!escaped && c == '"')) return false;
      text.take(c);
    }
  }
  return text.over();
}

inline std::optional<uint64_t> read_number(std::string_view digits, unsigned radix) {
  uint64_t value = 0;
  if (digits.empty()) return std::nullopt;
  for (char c : digits) {
    const char small = lower({&c, 1})[0];
    const unsigned digit = is_digit(c)                    ? unsigned(c - '0')
                           : 'a' <= small && small <= 'f' ? unsigned(small - 'a' + 10)
                                                          : 99;
    if (digit >= radix || value > (UINT64_MAX - digit) / radix) return std::nullopt;
    value = value * radix + digit;
  }
  return value;
}

// chunked-body = *chunk last-chunk trailer-section CRLF
inline Verdict read_chunked(Text& text, Message& message) {
  for (;;) {
    bool wrong = false;
    const auto line = text.line(wrong);
    if (!line) return wrong ? Verdict::wrong : Verdict::cut;
    const size_t digits = std::min(line->find_first_not_of("0123456789abcdefABCDEF"), line->size());
    const auto size = read_number(line->substr(0, digits), 16);
    if (!size || !is_extension(line->substr(digits))) return Verdict::wrong;
    if (*size == 0) return read_fields(text, message.trailers);
    const auto data = text.octets(*size);
    if (!data) return Verdict::cut;
    message.body += *data;
    if (text.rest().size() < 2)
      return std::string_view("\r\n").starts_with(text.rest()) ? Verdict::cut : Verdict::wrong;
    if (!text.take("\r\n")) return Verdict::wrong;
  }
}

struct Framing {
  bool wrong = false;
  bool chunked = false;
  std::optional<uint64_t> length;
};

// The framing by RFC 9112 section 6, with every ambiguity treated as an error.
inline Framing framing_of(const Message& message) {
  Framing framing;
  size_t codings = 0;
  size_t lengths = 0;
  for (const auto& [name, value] : message.fields) {
    if (lower(name) == "transfer-encoding") {
      ++codings;
      framing.chunked = lower(value) == "chunked";
    }
    if (lower(name) == "content-length") {
      ++lengths;
      framing.length = read_number(value, 10);
    }
  }
  framing.wrong = codings + lengths > 1 ||
                  (codings == 1 && (!framing.chunked || message.minor_version == 0)) ||
                  (lengths == 1 && !framing.length);
  return framing;
}

inline Reading done(Verdict verdict, Message message, const Text& text) {
  message.size = text.at();
  return {verdict, std::move(message)};
}

inline size_t count(const Message& message, std::string_view name) {
  size_t found = 0;
  for (const auto& field : message.fields) found += lower(field.first) == name ? 1 : 0;
  return found;
}

}  // namespace detail

// Reads one request at the front of `bytes`.
inline Reading read_request(std::string_view bytes) {
  using namespace detail;
  Text text(bytes);
  Message message;
  bool wrong = false;
  const auto line = text.line(wrong);
  if (!line) return {wrong ? Verdict::wrong : Verdict::cut, {}};
  // request-line = method SP request-target SP HTTP-version
  Text start(*line);
  message.method = start.run(is_tchar);
  if (message.method.empty() || !start.take(' ')) return {};
  message.target = start.run([](char c) { return is_vchar(c); });
  if (message.target.empty() || !start.take(" HTTP/1.")) return {};
  if (start.rest() != "0" && start.rest() != "1") return {};
  message.minor_version = start.rest() == "1" ? 1 : 0;
  if (const Verdict fields = read_fields(text, message.fields); fields != Verdict::whole) return {fields, {}};
  const size_t hosts = count(message, "host");
  if (hosts > 1 || (hosts == 0 && message.minor_version == 1)) return {};
  const Framing framing = framing_of(message);
  if (framing.wrong) return {};
  if (framing.chunked) {
    const Verdict body = read_chunked(text, message);
    return done(body, std::move(message), text);
  }
  const auto body = text.octets(framing.length.value_or(0));
  if (!body) return done(Verdict::cut, std::move(message), text);
  message.body = *body;
  return done(Verdict::whole, std::move(message), text);
}

// Reads one response at the front of `bytes`, also an interim one. `to_head`: it answers a HEAD. `ended`: the
// connection ends after `bytes`, which completes a body without a length.
inline Reading read_response(std::string_view bytes, bool to_head, bool ended) {
  using namespace detail;
  Text text(bytes);
  Message message;
  bool wrong = false;
  const auto line = text.line(wrong);
  if (!line) return {wrong ? Verdict::wrong : Verdict::cut, {}};
  // status-line = HTTP-version SP status-code SP [ reason-phrase ]
  Text start(*line);
  if (!start.take("HTTP/1.")) return {};
  const char minor = start.peek();
  if (!(start.take('0') || start.take('1')) || !start.take(' ')) return {};
  message.minor_version = minor - '0';
  const auto status = start.octets(3);
  if (!status || !is_digit((*status)[0]) || !is_digit((*status)[1]) || !is_digit((*status)[2])) return {};
  message.status = static_cast<int>(*read_number(*status, 10));
  if (message.status < 100 || !start.take(' ')) return {};
  message.reason = start.rest();
  for (char c : message.reason)
    if (!is_vchar(c) && !is_obs_text(c) && c != ' ' && c != '\t') return {};
  if (const Verdict fields = read_fields(text, message.fields); fields != Verdict::whole) return {fields, {}};
  const Framing framing = framing_of(message);
  if (framing.wrong) return {};
  if (to_head || message.status < 200 || message.status == 204 || message.status == 304)
    return done(Verdict::whole, std::move(message), text);
  if (framing.chunked) {
    const Verdict body = read_chunked(text, message);
    return done(body, std::move(message), text);
  }
  const auto body = text.octets(framing.length.value_or(text.rest().size()));
  if (!body || (!framing.length && !ended)) return done(Verdict::cut, std::move(message), text);
  message.body = *body;
  return done(Verdict::whole, std::move(message), text);
}

}  // namespace postern::support::rfc9112
