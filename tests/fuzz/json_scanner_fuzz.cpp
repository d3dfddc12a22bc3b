// The scanner finds what a reader of whole documents finds, and takes no text that such a reader refuses,
// except where the two are meant to differ: names twice outside the path, and numbers that no double can
// hold, are the scanner's business only to pass over; names of the path in other letters are only its.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "base/json_scanner.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern::base;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const JsonPath path = *JsonPath::read("/type");
  static const JsonPath deep = *JsonPath::read("/data/type");
  const auto found = find_in_json(text, path);
  const auto found_deep = find_in_json(text, deep);
  if (text.starts_with("\xef\xbb\xbf")) {  // the other reader passes over a mark that JSON.parse() refuses
    check(!found, "a byte order mark is no JSON");
    return 0;
  }
  const auto document = parse_json(text, {.size = 1 << 20, .depth = 64});
  if (!document) return 0;
  for (const auto& result : {&found, &found_deep})
    check(result->has_value() || result->error() == "surrogate" || result->error() == "name_case",
          "a text that is read by others is read here");
  const auto same = [](const JsonFound& one, const Json* member) {
    check(one.exists == (member != nullptr), "it is there for both or for neither");
    if (!member) return;
    check(one.is_string == member->is_string(), "and of one kind");
    if (one.is_string) check(one.text() == member->get_ref<const std::string&>(), "and the same text");
  };
  if (found) same(*found, find_member(*document, "type"));
  const Json* data_member = find_member(*document, "data");
  if (found_deep) same(*found_deep, data_member ? find_member(*data_member, "type") : nullptr);
  return 0;
}
