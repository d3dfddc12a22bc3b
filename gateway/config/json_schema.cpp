#include "config/json_schema.h"

#include <map>
#include <string_view>
#include <vector>

#include "config/key.h"
#include "config/keys_document.h"

namespace postern::config {
namespace {

constexpr std::size_t text_width = 110;
constexpr std::string_view reference_start = "\"#/$defs/";

void collect(const Section& section, std::map<std::string, const Section*, std::less<>>& found) {
  if (!found.emplace(section.name(), &section).second) return;
  for (const KeyRow& row : section.rows())
    if (const Section* inner = row.kind->section()) collect(*inner, found);
}

// The names of the definitions that `schema` refers to.
std::vector<std::string> references_of(std::string_view schema) {
  std::vector<std::string> names;
  for (std::size_t at = schema.find(reference_start); at != schema.npos;
       at = schema.find(reference_start, at + 1)) {
    const std::size_t begin = at + reference_start.size();
    names.emplace_back(schema.substr(begin, schema.find('"', begin) - begin));
  }
  return names;
}

// Returns the members of an object or the items of a list. `text` is JSON without white space.
std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  bool in_string = false;
  std::size_t begin = 1;
  for (std::size_t at = 1; at + 1 < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      in_string = c != '"';
      continue;
    }
    in_string = c == '"';
    depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
    if (c != ',' || depth != 0) continue;
    parts.push_back(text.substr(begin, at - begin));
    begin = at + 1;
  }
  parts.push_back(text.substr(begin, text.size() - 1 - begin));
  return parts;
}

// Appends JSON in lines: a value that fits is on one line.
void append_pretty(std::string& out, std::string_view name, std::string_view value, std::size_t indent) {
  out.append(indent, ' ');
  if (!name.empty()) out.append(name).append(": ");
  const bool is_collection = value.size() > 2 && (value.front() == '{' || value.front() == '[');
  if (!is_collection || indent + name.size() + value.size() + 2 <= text_width) {
    out.append(value);
    return;
  }
  out += value.front();
  bool is_first = true;
  for (const std::string_view part : parts_of(value)) {
    out += is_first ? "\n" : ",\n";
    is_first = false;
    const std::size_t end = value.front() == '{' ? part.find('"', 1) + 1 : 0;
    append_pretty(out, part.substr(0, end), part.substr(end == 0 ? 0 : end + 1), indent + 2);
  }
  out.append("\n").append(indent, ' ');
  out += value.back();
}

}  // namespace

std::string json_schema() {
  std::map<std::string, const Section*, std::less<>> sections;
  collect(document_keys(), sections);
  std::map<std::string, std::string, std::less<>> definitions = {
      {"variable", R"({"description":"A value with a part that is taken from the environment.",)"
                   R"("type":"string","pattern":"\\$\\{"})"}};
  const std::string document = document_keys().json_schema();
  std::vector<std::string> open = references_of(document);
  while (!open.empty()) {
    const std::string name = std::move(open.back());
    open.pop_back();
    if (definitions.contains(name)) continue;
    const std::string& made = definitions[name] = sections.at(name)->json_schema();
    for (std::string& inner : references_of(made)) open.push_back(std::move(inner));
  }
  std::string all;
  for (const auto& [name, schema] : definitions)
    all.append(all.empty() ? "" : ",").append(json_text(name)).append(":").append(schema);
  const std::string whole =
      R"({"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Configuration of Postern",)" +
      document.substr(1, document.size() - 2) + ",\"$defs\":{" + all + "}}";
  std::string out;
  append_pretty(out, "", whole, 0);
  return out + '\n';
}

}  // namespace postern::config
