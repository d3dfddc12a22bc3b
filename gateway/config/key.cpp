#include "config/key.h"

#include "base/check.h"

namespace postern::config {

std::vector<std::string_view> Section::names() const {
  std::vector<std::string_view> names;
  names.reserve(rows_.size());
  for (const KeyRow& row : rows_) names.push_back(row.name);
  return names;
}

void Section::add(KeyRow row) {
  for (const KeyRow& other : rows_) base::check(other.name != row.name, "a key is declared once");
  rows_.push_back(std::move(row));
}

const KeyRow& Section::row(std::string_view key) const {
  for (const KeyRow& row : rows_)
    if (row.name == key) return row;
  base::check(false, "a key is declared before it is asked for");
  return rows_.front();
}

void Section::relate(Relation::Kind kind, const std::vector<std::string_view>& keys,
                     std::string_view sentence) {
  std::vector<Relation::Key> related;
  related.reserve(keys.size());
  for (const std::string_view key : keys) related.push_back({key, row(key).kind->is_switch()});
  relations_.emplace_back(kind, std::move(related), sentence);
}

void Section::read_row(const KeyRow& row, Fields& fields, void* object) const {
  const bool is_required =
      row.required || (!row.required_without.empty() && !fields.take(row.required_without));
  const auto found = is_required ? fields.need(row.name) : fields.take(row.name);
  if (!found) return;
  if (row.location) *row.location(object) = found->location();
  Diagnostics& diagnostics = found->diagnostics();
  const std::size_t before = diagnostics.errors();
  std::string why;
  for (const Relation& relation : relations_)
    if (why.empty()) why = relation.out_of_place(row.name, fields);
  if (why.empty())
    row.kind->read(*found, row.member(object));
  else
    found->complain(std::move(why));
  if (diagnostics.errors() != before) fields.note_refused(row.name);
}

void Section::read_as(std::string_view key, const Value& value, void* object) const {
  if (begin_) begin_(value, object);
  const KeyRow& as = row(key);
  if (as.location) *as.location(object) = value.location();
  as.kind->read(value, as.member(object));
}

void Section::read(const Value& value, void* object) const {
  if (begin_) begin_(value, object);
  Fields fields(value, names());
  for (const bool first : {true, false})
    for (const KeyRow& row : rows_)
      if (row.read_first == first) read_row(row, fields, object);
  for (const Relation& relation : relations_) relation.check(fields);
  for (const auto& check : checks_) check(fields, object);
}

void Section::add_to(Fingerprint& fingerprint, const void* object) const {
  for (const KeyRow& row : rows_) {
    if (row.holds == Holds::new_only) continue;
    fingerprint.add(row.name);
    row.kind->add_to(fingerprint, row.member(const_cast<void*>(object)));
  }
}

namespace {

// Returns a value as JSON: as a number or a boolean if it looks like one, otherwise as a string.
std::string json_value(std::string_view text) {
  const bool is_number = parse_number(text).has_value();
  return is_number || text == "true" || text == "false" ? std::string(text) : json_text(text);
}

std::string property_schema(const KeyRow& row) {
  std::string schema = "{\"description\":" + json_text(row.description);
  const bool is_value = (row.kind->shape() == Shape::value || row.folded) && !row.default_text.empty() &&
                        row.default_text != "none" && !row.default_text.starts_with('[');
  if (is_value && !row.in_words && !row.required) schema += ",\"default\":" + json_value(row.default_text);
  const std::string fragment = row.kind->json_schema();
  return schema + ',' + fragment.substr(1);
}

}  // namespace

std::string Section::json_schema() const {
  std::string properties;
  std::vector<std::string> required;
  std::vector<std::string> relations;
  for (const KeyRow& row : rows_) {
    properties += properties.empty() ? "" : ",";
    const std::string name = json_text(row.name);
    properties += name + ':' + property_schema(row);
    if (row.required) required.push_back(name);
    if (!row.required_without.empty())
      relations.push_back(any_of({"{\"required\":" + json_list({name}) + '}',
                                  "{\"required\":" + json_list({json_text(row.required_without)}) + '}'}));
  }
  for (const Relation& relation : relations_) relations.push_back(relation.json_schema());
  std::string schema =
      R"({"type":"object","properties":{)" + properties + R"(},"additionalProperties":false)";
  if (!required.empty()) schema += ",\"required\":" + json_list(required);
  if (!relations.empty()) schema += ",\"allOf\":" + json_list(relations);
  return schema + '}';
}

std::string section_schema(const Section& section, std::vector<std::string> others) {
  std::string reference = "{\"$ref\":" + json_text("#/$defs/" + std::string(section.name())) + '}';
  if (others.empty()) return reference;
  others.insert(others.begin(), std::move(reference));
  return any_of(others);
}

}  // namespace postern::config
