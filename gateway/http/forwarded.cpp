#include "http/forwarded.h"

#include "base/ascii.h"

namespace postern::http {
namespace {

using Failure = tl::unexpected<std::string_view>;

constexpr size_t longest_list = 64 * 1024;

void skip_space(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

std::string_view take_token(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && base::is_token_char(text[end])) ++end;
  const std::string_view token = text.substr(0, end);
  text.remove_prefix(end);
  return token;
}

// Reads a token, or a quoted string with its escapes resolved; returns nothing for anything else.
std::optional<std::string> take_value(std::string_view& text) {
  if (text.empty() || text.front() != '"') {
    const std::string_view token = take_token(text);
    return token.empty() ? std::nullopt : std::optional<std::string>(token);
  }
  std::string value;
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return value;
    }
    if (text[at] == '\\' && ++at == text.size()) break;
    value += text[at];
  }
  return std::nullopt;
}

// Reads the node-port of RFC 7239 6.2 with its colon: digits, or an obfuscated port that begins with "_".
// Returns nothing for anything else.
std::optional<uint16_t> read_node_port(std::string_view text) {
  if (text.empty()) return uint16_t{0};
  text.remove_prefix(1);
  if (text.starts_with('_')) return base::is_token(text) ? std::optional(uint16_t{0}) : std::nullopt;
  const std::optional<uint64_t> number = base::parse_decimal(text);
  if (!number || *number > 65535) return std::nullopt;
  return static_cast<uint16_t>(*number);
}

// Stores parameters in an element; store() returns false when the element already has a parameter of that
// name.
class Pairs {
 public:
  explicit Pairs(ForwardedElement& element) : element_(element) {}
  bool store(std::string_view name, std::string value) {
    if (base::equal_ignoring_case(name, "for")) {
      if (std::exchange(element_.names_client, true)) return false;
      if (const auto node = read_forwarded_node(value)) {
        element_.client = node->address;
        element_.port = node->port;
      }
    } else if (base::equal_ignoring_case(name, "host")) {
      if (std::exchange(host_, true)) return false;
      element_.host = std::move(value);
    } else if (base::equal_ignoring_case(name, "proto")) {
      if (std::exchange(proto_, true)) return false;
      element_.proto = std::move(value);
    }
    return true;
  }

 private:
  ForwardedElement& element_;
  bool host_ = false;
  bool proto_ = false;
};

}  // namespace

std::optional<ForwardedNode> read_forwarded_node(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  std::string_view port;
  const bool bracketed = text.starts_with('[');
  if (bracketed) {
    const size_t close = text.find(']');
    if (close == text.npos) return std::nullopt;
    port = text.substr(close + 1);
    if (!port.empty() && port.front() != ':') return std::nullopt;
    text = text.substr(1, close - 1);
    if (text.find(':') == text.npos) return std::nullopt;
  } else if (const size_t colon = text.find(':'); colon != text.npos && text.rfind(':') == colon) {
    port = text.substr(colon);
    text = text.substr(0, colon);
  }
  const std::optional<base::IpAddress> address = base::IpAddress::parse(text);
  const std::optional<uint16_t> number = read_node_port(port);
  if (!address || !number) return std::nullopt;
  return ForwardedNode{*address, *number};
}

ForwardedResult next_forwarded(std::string_view& list) {
  if (list.size() > longest_list) return Failure("the Forwarded field is too long");
  for (skip_space(list); list.starts_with(','); skip_space(list)) list.remove_prefix(1);  // empty elements
  if (list.empty()) return std::nullopt;
  ForwardedElement element;
  Pairs pairs(element);
  for (;;) {
    const std::string_view name = take_token(list);
    if (name.empty() || !list.starts_with('=')) return Failure("an element of Forwarded has no name=value");
    list.remove_prefix(1);
    std::optional<std::string> value = take_value(list);
    if (!value) return Failure("an element of Forwarded has a value that is neither token nor quoted");
    if (!pairs.store(name, std::move(*value))) return Failure("an element of Forwarded has a name twice");
    skip_space(list);
    if (list.starts_with(';')) {
      list.remove_prefix(1);
      skip_space(list);
      continue;
    }
    if (list.empty()) return element;
    if (!list.starts_with(',')) return Failure("an element of Forwarded goes on where it should end");
    list.remove_prefix(1);
    return element;
  }
}

std::string write_forwarded(const ForwardedHop& hop) {
  std::string text = hop.client.is_v6() ? "for=\"[" + hop.client.text() + "]\"" : "for=" + hop.client.text();
  if (!hop.host.empty()) {
    const bool plain = base::is_token(hop.host);  // a token has no colon and no bracket
    text.append(";host=").append(plain ? "" : "\"").append(hop.host).append(plain ? "" : "\"");
  }
  if (!hop.proto.empty()) text.append(";proto=").append(hop.proto);
  return text;
}

}  // namespace postern::http
