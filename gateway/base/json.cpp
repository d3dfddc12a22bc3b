#include "base/json.h"

#include <utility>
#include <vector>

namespace postern::base {
namespace {

// Receives the parser's events and builds the value. Returning false ends the parse. Unlike the library's own
// builder, this one limits the depth and rejects a second member of the same name.
class Builder : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(int depth_limit) : depth_limit_(depth_limit) {}

  bool null() override { return add(nullptr) != nullptr; }
  bool boolean(bool value) override { return add(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return add(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return add(value) != nullptr; }
  bool number_float(number_float_t value, const string_t&) override { return add(value) != nullptr; }
  bool string(string_t& value) override { return add(std::move(value)) != nullptr; }
  bool binary(binary_t&) override { return false; }  // JSON text has no binary values

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    auto [place, inserted] = open_.back()->get_ref<Json::object_t&>().try_emplace(std::move(name));
    if (!inserted) {
      kind_ = JsonProblem::Kind::duplicate_name;
      return false;
    }
    member_ = &place->second;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    offset_ = position;
    return false;
  }

  Json take() { return std::move(root_); }
  JsonProblem problem() const { return {kind_, offset_}; }

 private:
  // Pointers into arrays and objects stay valid: a container does not grow while another one inside it is
  // open.
  Json* add(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (Json& parent = *open_.back(); parent.is_array()) {
      auto& elements = parent.get_ref<Json::array_t&>();
      elements.push_back(std::move(value));
      return &elements.back();
    }
    *member_ = std::move(value);
    return member_;
  }

  bool open(Json container) {
    if (static_cast<int>(open_.size()) >= depth_limit_) {
      kind_ = JsonProblem::Kind::too_deep;
      return false;
    }
    open_.push_back(add(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  int depth_limit_;
  Json root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;  // receives the value of the member whose name was read last
  JsonProblem::Kind kind_ = JsonProblem::Kind::syntax;
  size_t offset_ = 0;
};

}  // namespace

std::string_view describe(JsonProblem::Kind kind) {
  switch (kind) {
    case JsonProblem::Kind::syntax: return "is not valid JSON";
    case JsonProblem::Kind::too_large: return "is too large";
    case JsonProblem::Kind::too_deep: return "is nested too deeply";
    case JsonProblem::Kind::duplicate_name: return "has the same name twice in one object";
  }
  return "is not valid JSON";
}

tl::expected<Json, JsonProblem> parse_json(std::string_view text, JsonLimits limits) {
  if (text.size() > limits.size)
    return tl::unexpected<JsonProblem>(JsonProblem{JsonProblem::Kind::too_large, limits.size});
  // The library treats a NUL as the end of the text and would ignore what follows it.
  if (size_t nul = text.find('\0'); nul != std::string_view::npos)
    return tl::unexpected<JsonProblem>(JsonProblem{JsonProblem::Kind::syntax, nul});
  // It skips a byte order mark, which others refuse (RFC 8259 section 8.1 leaves both open).
  if (text.starts_with("\xef\xbb\xbf"))
    return tl::unexpected<JsonProblem>(JsonProblem{JsonProblem::Kind::syntax, 0});
  Builder builder(limits.depth);
  if (!Json::sax_parse(text, &builder)) return tl::unexpected<JsonProblem>(builder.problem());
  return builder.take();
}

const Json* find_member(const Json& value, std::string_view name) {
  if (!value.is_object()) return nullptr;
  const auto& members = value.get_ref<const Json::object_t&>();
  auto place = members.find(name);
  return place == members.end() ? nullptr : &place->second;
}

const std::string* find_string(const Json& value, std::string_view name) {
  const Json* member = find_member(value, name);
  return member != nullptr && member->is_string() ? &member->get_ref<const std::string&>() : nullptr;
}

std::string write_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace postern::base
