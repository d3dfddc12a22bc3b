#include "config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <istream>
#include <limits>
#include <map>
#include <new>
#include <regex>
#include <streambuf>
#include <utility>

#include "config/text.h"
#include "config/yaml_trouble.h"

namespace postern::config {
namespace {

constexpr std::string_view no_anchors =
    "anchors and aliases are not taken here; a text that begins with & or * needs quotes";

constexpr std::string_view plain_tag = "?";  // yaml-cpp's tag for a plain scalar without a tag

SourceLocation location_of(const YAML::Mark& mark) {
  if (mark.is_null()) return SourceLocation{1, 1};
  return SourceLocation{mark.line + 1, mark.column + 1};
}

// Ends the parse; the problem has been reported.
struct Stop {};

// Builds the tree from yaml-cpp's events. Its own node classes are not used: they merge duplicates silently
// and share aliased nodes.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, Diagnostics& diagnostics)
      : diagnostics_(diagnostics), text_size_(text.size()) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines_.push_back(text.substr(at, end - at));
      at = end + 1;
    }
  }

  std::optional<Node> take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 1) return;
    diagnostics_.error(location_of(mark), "",
                       "a second YAML document begins here (or something that does not belong to the first); "
                       "a configuration is one document");
    throw Stop{};
  }

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    Node node;
    node.location = location_of(mark);
    if (!open_.empty() && !expects_key()) node.location = location_before(mark);
    add(std::move(node));
  }

  // The anchor that an alias refers to has been refused already. yaml-cpp ends the parse for an alias without
  // an anchor.
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    const bool is_merged = !open_.empty() && open_.back().drops_value;  // the value of <<, which was refused
    if (!is_merged) diagnostics_.error(location_of(mark), path(), std::string(no_anchors));
    Node node;
    node.kind = Node::Kind::scalar;
    node.location = location_of(mark);
    node.text = "*";
    node.broken = true;
    add(std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    Node node;
    node.kind = Node::Kind::scalar;
    node.location = location_of(mark);
    node.text = value;
    node.plain = tag == plain_tag;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    open(mark, tag, anchor, Node::Kind::sequence);
    open_.back().is_block = style == YAML::EmitterStyle::Block;
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  // A collection that has not ended yet. `key` is the key whose value comes next; the value of a refused key
  // is dropped.
  struct Open {
    Node node;
    std::string path;
    std::optional<Key> key;
    bool drops_value = false;
    bool is_key = false;    // it is used as a key, where only a text is allowed
    bool is_block = false;  // its items have dashes
    std::map<std::string, SourceLocation, std::less<>> seen;
  };

  std::string path() const {
    if (open_.empty()) return "";
    const Open& top = open_.back();
    if (top.node.kind == Node::Kind::map)
      return top.key ? key_path(top.path, without_value(top.key->text)) : top.path;
    return top.path + '[' + std::to_string(top.node.items.size()) + ']';
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) diagnostics_.error(location_of(mark), path(), std::string(no_anchors));
  }

  // yaml-cpp gives the tag "!" to a quoted scalar without a tag.
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == plain_tag || tag == "!") return;
    diagnostics_.error(location_of(mark), path(),
                       "YAML tags are not taken here; a text that begins with ! needs quotes");
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().node.kind == Node::Kind::map && !open_.back().key;
  }

  void count(SourceLocation location) {
    if (++nodes_ <= max_nodes) return;
    diagnostics_.error(location, "", "the file has more than " + std::to_string(max_nodes) + " values");
    throw Stop{};
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    const SourceLocation location = location_of(mark);
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (open_.size() == max_depth) {
      diagnostics_.error(location, path(), "nested deeper than " + std::to_string(max_depth) + " levels");
      throw Stop{};
    }
    count(location);
    Open next;
    next.path = path();
    next.is_key = expects_key();
    next.node.kind = kind;
    next.node.location = location;
    open_.push_back(std::move(next));
  }

  void close() {
    Open closed = std::move(open_.back());
    open_.pop_back();
    if (!closed.is_key) return attach(std::move(closed.node));
    // Reported only at the end: yaml-cpp takes an unfinished [ for a key until it finds that its end is
    // missing.
    diagnostics_.error(closed.node.location, closed.path, "a key must be a text, not a list or a map");
    open_.back().key = Key{"", closed.node.location};
    open_.back().drops_value = true;
  }

  // yaml-cpp gives a missing value the location of the next token, which may be some lines below. The
  // location returned is that of the key before it, or of the dash.
  SourceLocation location_before(const YAML::Mark& next) const {
    SourceLocation mark = location_of(next);
    // At the end of the text, yaml-cpp counts columns from the start again.
    if (next.pos >= static_cast<int>(text_size_)) mark.column = std::numeric_limits<int>::max();
    const Open& top = open_.back();
    if (top.node.kind == Node::Kind::map) return top.key->location;
    if (!top.is_block) return location_of(next);
    const std::size_t column = static_cast<std::size_t>(top.node.location.column);
    for (int line = std::min(mark.line, static_cast<int>(lines_.size())); line >= top.node.location.line;
         --line) {
      const SourceLocation dash{line, top.node.location.column};
      const std::string_view text = lines_[static_cast<std::size_t>(line - 1)];
      const bool is_dash = text.size() >= column && text[column - 1] == '-' &&
                           text.substr(0, column).find_first_not_of(" -?:") == std::string_view::npos;
      if (is_dash && dash < mark) return dash;
    }
    return top.node.location;
  }

  void add(Node node) {
    count(node.location);
    if (expects_key()) return add_key(std::move(node));
    for (std::size_t at = 0; (at = find_control(node.text, at)) != std::string::npos; ++at) {
      if (node.text[at] == '\n' || node.text[at] == '\t') {
        node.has_lines = true;
        continue;
      }
      node.broken = true;
      diagnostics_.error(node.location, path(),
                         "the value holds a control character other than a line end or a tab");
      break;
    }
    attach(std::move(node));
  }

  void attach(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = open_.back();
    if (top.node.kind == Node::Kind::sequence) {
      top.node.items.push_back(std::move(node));
      return;
    }
    if (!top.drops_value) {
      top.node.keys.push_back(std::move(*top.key));
      top.node.items.push_back(std::move(node));
    }
    top.key.reset();
    top.drops_value = false;
  }

  void add_key(Node node) {
    Open& top = open_.back();
    top.drops_value = true;
    if (node.broken) {
      // reported already
    } else if (node.kind == Node::Kind::null) {
      diagnostics_.error(node.location, top.path, "a key is missing before the colon, or is null");
    } else if (node.text == "<<") {
      diagnostics_.error(node.location, key_path(top.path, "<<"),
                         "merge keys (<<) are not taken here; write the keys out in each place");
    } else if (node.text.empty() || find_control(node.text) != std::string::npos) {
      diagnostics_.error(node.location, top.path, "a key is empty or holds a control character");
    } else if (const auto [first, is_new] = top.seen.emplace(node.text, node.location); !is_new) {
      const std::string name = without_value(node.text);
      diagnostics_.error(node.location, key_path(top.path, name),
                         "duplicate key " + quoted(name) + "; it stands in line " +
                             std::to_string(first->second.line) + " already");
    } else {
      top.drops_value = false;
    }
    top.key = Key{std::move(node.text), node.location};
  }

  Diagnostics& diagnostics_;
  std::size_t text_size_;
  std::vector<std::string_view> lines_;
  std::optional<Node> root_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// The text as a stream, without a copy.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // a stream buffer only reads its get area
    setg(begin, begin, begin + text.size());
  }
};

SourceLocation location_at(std::string_view text, std::size_t offset) {
  SourceLocation location{1, 1};
  for (const char byte : text.substr(0, offset)) {
    ++location.column;
    if (byte == '\n') location = SourceLocation{location.line + 1, 1};
  }
  return location;
}

// yaml-cpp accepts UTF-16, UTF-32 and binary data without an error; Postern refuses them.
bool is_plain_text(std::string_view text, Diagnostics& diagnostics) {
  std::size_t bad = 0;
  if (!is_utf8(text, &bad)) {
    diagnostics.error(location_at(text, bad), "", "the file is not UTF-8 text");
    return false;
  }
  for (bad = find_control(text); bad != std::string_view::npos; bad = find_control(text, bad + 1)) {
    const bool is_line_end =
        text[bad] == '\n' || (text[bad] == '\r' && bad + 1 < text.size() && text[bad + 1] == '\n');
    if (is_line_end || text[bad] == '\t') continue;
    if (text[bad] == '\r') {
      diagnostics.error(location_at(text, bad), "",
                        "the line ends in a carriage return alone; save the file with LF or CRLF line ends");
      return false;
    }
    diagnostics.error(location_at(text, bad), "", "the file holds a control character (is it UTF-8 text?)");
    return false;
  }
  return true;
}

// Whether the text of a block scalar ("body: |") begins after this line.
bool opens_block(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  while (!line.empty() &&
         (line.back() == '-' || line.back() == '+' || (line.back() >= '1' && line.back() <= '9')))
    line.remove_suffix(1);
  return line.ends_with(" |") || line.ends_with(" >");
}

// Refuses indentation with blanks from web pages and documents: they look like spaces, but YAML takes them
// for letters. In the text of a block scalar they are allowed.
bool has_plain_indentation(std::string_view text, Diagnostics& diagnostics) {
  constexpr std::string_view blanks[] = {"\u00a0", "\u2002", "\u2003", "\u2007",
                                         "\u2009", "\u200b", "\u202f", "\u3000"};
  std::optional<std::size_t> block;  // the indentation of the line that opened it
  for (std::size_t line = 0; line < text.size(); line = std::min(text.find('\n', line), text.size()) + 1) {
    const std::size_t first = std::min(text.find_first_not_of(' ', line), text.size());
    const std::string_view rest = text.substr(first, text.find('\n', first) - first);
    if (rest.empty() || (block && first - line > *block)) continue;
    block = opens_block(rest) ? std::optional(first - line) : std::nullopt;
    const bool is_foreign = std::any_of(std::begin(blanks), std::end(blanks),
                                        [&](std::string_view blank) { return rest.starts_with(blank); });
    if (!is_foreign) continue;
    diagnostics.error(location_at(text, first), "",
                      "indented with a no-break space or the like, as text from a web page has it; YAML "
                      "wants plain spaces");
    return false;
  }
  return true;
}

bool has_tab_in_front(std::string_view text, int line) {
  for (; line > 0 && !text.empty(); --line)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  return text.substr(0, std::min(text.find_first_not_of(" \t"), text.size())).find('\t') !=
         std::string_view::npos;
}

YamlTrouble trouble_of(const YAML::Exception& exception, std::string_view text) {
  const SourceLocation location = location_of(exception.mark);
  if (exception.msg.find("alias") != std::string::npos || exception.msg.find("anchor") != std::string::npos)
    return {location, std::string(no_anchors)};
  if (has_tab_in_front(text, exception.mark.line))
    return {location, "not YAML: indented with a tab; YAML wants spaces"};
  // The message without the text that it repeats from the file, which could be a part of a secret.
  return explain_yaml(text, location, exception.msg.substr(0, exception.msg.find(": ")));
}

// YAML 1.2 section 10.3.2: also 0x1F, 0o17, 1e3, .5 and .inf.
bool is_number(std::string_view text) {
  static const std::regex pattern(
      "[-+]?([0-9]+|(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?|\\.(inf|Inf|INF))|0o[0-7]+|"
      "0x[0-9a-fA-F]+|\\.(nan|NaN|NAN)");
  return std::regex_match(text.begin(), text.end(), pattern);
}

}  // namespace

std::string_view json_kind(const Node& node) {
  if (node.kind != Node::Kind::scalar || !node.plain || node.substituted) return "";
  const auto words = {"true", "True", "TRUE", "false", "False", "FALSE"};
  if (std::find(words.begin(), words.end(), node.text) != words.end()) return "boolean";
  constexpr std::size_t longest = 64;
  return node.text.size() <= longest && is_number(node.text) ? "number" : "";
}

std::optional<Node> read_yaml(std::string_view text, Diagnostics& diagnostics) {
  if (text.size() > max_file_size) {
    diagnostics.error(SourceLocation{1, 1}, "", "the file is larger than 1 MiB");
    return std::nullopt;
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!is_plain_text(text, diagnostics) || !has_plain_indentation(text, diagnostics)) return std::nullopt;

  if (const std::string_view program = foreign_program(text); !program.empty()) {
    diagnostics.error(SourceLocation{1, 1}, "",
                      "this looks like a configuration of " + std::string(program) +
                          "; Postern reads YAML (postern reference prints every key)");
    return std::nullopt;
  }
  if (auto quote = find_runaway_quote(text)) {
    diagnostics.error(quote->location, "", std::move(quote->sentence));
    return std::nullopt;
  }

  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  TreeBuilder builder(text, diagnostics);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::Exception& exception) {
    YamlTrouble trouble = trouble_of(exception, text);
    diagnostics.error(trouble.location, "", std::move(trouble.sentence));
    return std::nullopt;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception&) {
    diagnostics.error(SourceLocation{1, 1}, "", "not YAML: the parser gave up on it");
    return std::nullopt;
  }
  return builder.take();
}

}  // namespace postern::config
