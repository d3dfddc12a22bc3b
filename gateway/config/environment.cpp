#include "config/environment.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "config/text.h"

namespace postern::config {
namespace {

constexpr std::size_t max_value_size = 64 * 1024;  // bytes, after substitution

bool is_name(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  for (const char letter : text) {
    const bool fits = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') || letter == '_';
    if (!fits) return false;
  }
  return true;
}

class Substitution {
 public:
  Substitution(const Environment& environment, Diagnostics& diagnostics, bool may_be_missing)
      : environment_(environment), diagnostics_(diagnostics), may_be_missing_(may_be_missing) {}

  void walk(Node& node, const std::string& path) {
    if (node.kind == Node::Kind::scalar && node.text.find("${") != std::string::npos) replace(node, path);
    for (std::size_t index = 0; index < node.items.size(); ++index) {
      walk(node.items[index], path_of(node, index, path));
    }
  }

 private:
  static std::string path_of(const Node& node, std::size_t index, const std::string& path) {
    if (node.kind == Node::Kind::sequence) return path + '[' + std::to_string(index) + ']';
    return key_path(path, node.keys[index].text);
  }

  void replace(Node& node, const std::string& path) {
    const std::string_view text = node.text;
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t dollar = text.find("${", at);
      if (dollar == std::string_view::npos) break;
      const bool is_escaped = dollar > at && text[dollar - 1] == '$';
      out += text.substr(at, dollar - at - (is_escaped ? 1 : 0));
      if (is_escaped) {
        out += "${";
        at = dollar + 2;
        continue;
      }
      const std::size_t end = text.find('}', dollar);
      if (end == std::string_view::npos) {
        diagnostics_.error(node.location, path,
                           "\"${\" has no \"}\" after it (write \"$${\" for the characters)");
        return give_up(node);
      }
      if (!append_value(out, text.substr(dollar + 2, end - dollar - 2), node.location, path))
        return give_up(node);
      at = end + 1;
    }
    out += text.substr(std::min(at, text.size()));
    if (out.size() > max_value_size) {
      diagnostics_.error(node.location, path,
                         "the value is longer than 64 KiB once its variables are put in");
      return give_up(node);
    }
    keep(node, std::move(out));
  }

  // Appends the value of the variable; `inside` is the text between the braces. Returns false when there is
  // none, which has been reported unless variables may be missing.
  bool append_value(std::string& out, std::string_view inside, SourceLocation location,
                    const std::string& path) {
    const std::size_t dash = inside.find(":-");
    const std::string_view name = inside.substr(0, dash);
    if (!is_name(name) ||
        (dash != std::string_view::npos && inside.find("${", dash) != std::string_view::npos)) {
      diagnostics_.error(location, path,
                         "a variable is written ${NAME} or ${NAME:-default}, and a default holds no further "
                         "variable (write \"$${\" for the characters \"${\")");
      return false;
    }
    std::optional<std::string> value = environment_(name);
    if (dash != std::string_view::npos && (!value || value->empty())) {
      out += inside.substr(dash + 2);
      return true;
    }
    if (!value && may_be_missing_) return false;
    if (!value) {
      diagnostics_.error(location, path,
                         "the environment variable " + shown(name) + " is not set (a default is written ${" +
                             shown(name) + ":-value})");
      return false;
    }
    if (find_control(*value) != std::string::npos || !is_utf8(*value)) {
      diagnostics_.error(location, path,
                         "the environment variable " + shown(name) +
                             " holds a control character (a line end?) or is not UTF-8");
      return false;
    }
    out += *value;
    return true;
  }

  static void give_up(Node& node) {
    keep(node, "");
    node.broken = true;
  }

  static void keep(Node& node, std::string value) {
    node.written = std::exchange(node.text, std::move(value));
    node.substituted = true;
  }

  const Environment& environment_;
  Diagnostics& diagnostics_;
  bool may_be_missing_;
};

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

void substitute(Node& root, const Environment& environment, Diagnostics& diagnostics, bool may_be_missing) {
  Substitution(environment, diagnostics, may_be_missing).walk(root, "");
}

}  // namespace postern::config
