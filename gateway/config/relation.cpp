#include "config/relation.h"

#include <algorithm>

#include "config/kinds.h"

namespace postern::config {
namespace {

using Key = Relation::Key;

bool is_there(const Key& key, const Fields& fields) {
  const auto value = fields.take(key.name);
  return value && !(key.is_switch && value->is_scalar() && value->node().text != "true");
}

// Schemas of a map that has the key. A schema cannot know whether an environment variable turns a switch on,
// and must not refuse what `check` accepts. So `surely` does not match such a value, for relations that
// refuse a key; `possibly` does, for relations that need one.
std::string has(const Key& key, std::string_view on) {
  const std::string required = "{\"required\":" + json_list({json_text(key.name)});
  if (!key.is_switch) return required + '}';
  return required + ",\"properties\":{" + json_text(key.name) + ':' + std::string(on) + "}}";
}
std::string surely(const Key& key) {
  return has(key, R"({"anyOf":[{"enum":[true,"true"]},{"type":"object"}]})");
}
std::string possibly(const Key& key) { return has(key, R"({"not":{"enum":[false,"false"]}})"); }

std::string not_schema(const std::string& schema) { return "{\"not\":" + schema + '}'; }

}  // namespace

std::string Relation::out_of_place(std::string_view key, const Fields& fields) const {
  if (kind_ != Kind::at_most_one) return {};
  const auto first =
      std::find_if(keys_.begin(), keys_.end(), [&](const Key& one) { return is_there(one, fields); });
  const auto self = std::find_if(keys_.begin(), keys_.end(), [&](const Key& one) { return one.name == key; });
  if (self == keys_.end() || self == first || !is_there(*self, fields)) return {};
  std::string sentence(sentence_);
  if (const std::size_t gap = sentence.find("{}"); gap != sentence.npos)
    sentence.replace(gap, 2, first->name);
  return sentence;
}

void Relation::check(const Fields& fields) const {
  if (kind_ == Kind::at_most_one || !fields.is_map()) return;
  const auto may_be_there = [&](const Key& key) {
    return is_there(key, fields) || fields.is_misspelt(key.name);
  };
  if (kind_ == Kind::at_least_one) {
    const bool is_empty = keys_.empty() ? fields.value().node().keys.empty()
                                        : std::none_of(keys_.begin(), keys_.end(), may_be_there);
    if (is_empty) fields.value().complain(std::string(sentence_));
    return;
  }
  if (kind_ == Kind::exactly_one) {
    const auto known = std::count_if(keys_.begin(), keys_.end(), may_be_there);
    if (known != 1 && fields.value().node().keys.size() != 1) fields.value().complain(std::string(sentence_));
    return;
  }
  if (!is_there(keys_[0], fields) || may_be_there(keys_[1])) return;
  if (sentence_.empty())
    fields.need(keys_[1].name);
  else
    fields.take(keys_[0].name)->complain(std::string(sentence_));
}

std::string Relation::json_schema() const {
  std::vector<std::string> schemas;
  switch (kind_) {
    case Kind::at_most_one:
      for (std::size_t i = 0; i < keys_.size(); ++i)
        for (std::size_t j = i + 1; j < keys_.size(); ++j)
          schemas.push_back("{\"allOf\":" + json_list({surely(keys_[i]), surely(keys_[j])}) + '}');
      return not_schema(any_of(schemas));
    case Kind::at_least_one:
      if (keys_.empty()) return R"({"minProperties":1})";
      for (const Key& key : keys_) schemas.push_back(possibly(key));
      return any_of(schemas);
    case Kind::exactly_one: return R"({"minProperties":1,"maxProperties":1})";
    case Kind::needs: return any_of({possibly(keys_[1]), not_schema(surely(keys_[0]))});
  }
  return "{}";
}

}  // namespace postern::config
