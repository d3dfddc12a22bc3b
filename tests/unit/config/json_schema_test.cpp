#include "config/json_schema.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "base/json.h"
#include "config/schema.h"

using namespace postern;
using namespace postern::config;

namespace {

base::Json read_schema() {
  const auto schema = base::parse_json(json_schema());
  REQUIRE(schema.has_value());
  return *schema;
}

}  // namespace

TEST_CASE("json schema: conf/postern.schema.json is what the program prints") {
  std::ifstream file(POSTERN_SOURCE_DIR "/conf/postern.schema.json");
  REQUIRE(file.good());
  std::stringstream text;
  text << file.rdbuf();
  CHECK_MESSAGE(text.str() == json_schema(), "run `postern schema > conf/postern.schema.json`");
}

TEST_CASE("json schema: it has every key of the top level, with its description, and knows no other") {
  const base::Json schema = read_schema();
  CHECK(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema");
  CHECK(schema["additionalProperties"] == false);
  CHECK(schema["required"] == base::Json::array({"listeners", "routes"}));
  for (const SchemaKey& key : config::schema()) {
    if (!is_inside(key, "")) continue;
    CAPTURE(key.path);
    CHECK(schema["properties"][key.path]["description"] == key.description);
  }
}

TEST_CASE("json schema: every definition is there and is used") {
  const std::string text = json_schema();
  const base::Json schema = read_schema();
  for (const auto& [name, definition] : schema["$defs"].items()) {
    const auto& the_name = name;
    CAPTURE(the_name);
    CHECK(text.find("\"#/$defs/" + name + '"') != std::string::npos);
  }
}

TEST_CASE("json schema: a value has its range, its words and its default") {
  const base::Json schema = read_schema();
  const base::Json& workers = schema["properties"]["workers"];
  CHECK(workers["default"] == "auto");
  CHECK(workers["anyOf"][0]["minimum"] == 1);
  CHECK(workers["anyOf"][0]["maximum"] == 1024);
  const base::Json& websocket = schema["$defs"]["websocket"]["properties"];
  CHECK(websocket["refuse"]["anyOf"][0]["enum"] == base::Json::array({"auto", "status", "close"}));
  CHECK(websocket["ping_interval"]["default"] == "25s");
  CHECK(websocket["from_client"]["$ref"] == websocket["from_upstream"]["$ref"]);
}
