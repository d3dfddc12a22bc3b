#include "http/headers.h"

#include <algorithm>

#include "base/ascii.h"

namespace postern::http {

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

const HeaderField* Headers::find(FieldId id) const {
  for (const HeaderField& field : fields_)
    if (field.id == id) return &field;
  return nullptr;
}

const HeaderField* Headers::find(std::string_view name) const {
  for (const HeaderField& field : fields_)
    if (base::equal_ignoring_case(field.name, name)) return &field;
  return nullptr;
}

std::string_view Headers::get(FieldId id) const {
  const HeaderField* field = find(id);
  return field ? field->value : std::string_view();
}

size_t Headers::count(FieldId id) const {
  return static_cast<size_t>(std::count_if(fields_.begin(), fields_.end(),
                                           [id](const HeaderField& field) { return field.id == id; }));
}

bool Headers::list_contains(FieldId id, std::string_view element) const {
  for (const HeaderField& field : fields_)
    if (field.id == id && base::list_contains(field.value, element)) return true;
  return false;
}

void Headers::remove(FieldId id) {
  remove_if([id](const HeaderField& field) { return field.id == id; });
}

void Headers::remove(std::string_view name) {
  remove_if([name](const HeaderField& field) { return base::equal_ignoring_case(field.name, name); });
}

}  // namespace postern::http
