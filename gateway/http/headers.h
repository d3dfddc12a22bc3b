// An ordered list of header fields, held as views into the bytes that a parser kept, into literals, or into a
// head's arena. The list itself never owns text.
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/pool.h"
#include "http/field_id.h"

namespace postern::http {

struct HeaderField {
  FieldId id = FieldId::other;
  std::string_view name;   // as it was received
  std::string_view value;  // trimmed
};

class Headers {
 public:
  using List = std::vector<HeaderField, base::PoolAllocator<HeaderField>>;

  void add(FieldId id, std::string_view name, std::string_view value) {
    fields_.push_back({id, name, value});
  }
  void add(std::string_view name, std::string_view value) { add(field_id(name), name, value); }
  void set(std::string_view name, std::string_view value);  // replaces every field of this name

  const HeaderField* find(FieldId id) const;             // the first field with this id
  const HeaderField* find(std::string_view name) const;  // the comparison ignores case
  std::string_view get(FieldId id) const;                // empty when there is no such field
  size_t count(FieldId id) const;
  // Whether any field of this id has the element in its comma-separated list; the comparison ignores case.
  bool list_contains(FieldId id, std::string_view element) const;

  void remove(FieldId id);
  void remove(std::string_view name);
  template <class Predicate>
  void remove_if(Predicate&& predicate) {
    std::erase_if(fields_, predicate);
  }

  // `change` returns the new value of each field; the names are kept.
  template <class Change>
  void change_values(Change&& change) {
    for (HeaderField& field : fields_) field.value = change(std::as_const(field));
  }

  void reserve(size_t count) { fields_.reserve(count); }
  void clear() { fields_.clear(); }
  // Returns the list's memory to the pool.
  void release() { List().swap(fields_); }
  size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  List::const_iterator begin() const { return fields_.begin(); }
  List::const_iterator end() const { return fields_.end(); }

 private:
  List fields_;
};

}  // namespace postern::http
