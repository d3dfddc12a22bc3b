#include "websocket/json_dialect.h"

#include <doctest/doctest.h>

using namespace postern;
using websocket::Dialect;
using websocket::JsonDialect;
using websocket::MessageView;

namespace {

std::string text_of(const Dialect::Found& found) {
  return !found ? std::string(found.error()) : *found ? std::string((*found)->text()) : "none";
}

}  // namespace

TEST_CASE("JSON dialect: the type and the key are the strings at their paths") {
  const JsonDialect dialect(base::JsonPath::read("/type"), base::JsonPath::read("/data/id"));
  const MessageView view = dialect.read(R"({"type":"queue_update","data":{"id":"a\u0062c"}})");
  CHECK(text_of(view.type()) == "queue_update");
  CHECK(text_of(view.key()) == "abc");
  CHECK(text_of(view.room()) == "none");
}

TEST_CASE("JSON dialect: what is absent, or is not a string, is not there") {
  const JsonDialect dialect(base::JsonPath::read("/type"), std::nullopt);
  CHECK(text_of(dialect.read(R"({"type":7})").type()) == "none");
  CHECK(text_of(dialect.read(R"({"kind":"a"})").type()) == "none");
  CHECK(text_of(dialect.read(R"({"type":"a"})").key()) == "none");
  CHECK(text_of(dialect.read(R"("type")").type()) == "none");
}

TEST_CASE("JSON dialect: a message that cannot be read is told from one without the part") {
  const JsonDialect dialect(base::JsonPath::read("/type"), base::JsonPath::read("/key"));
  CHECK(text_of(dialect.read("{").type()) == "syntax");
  CHECK(text_of(dialect.read(R"({"type":"a","type":"b"})").type()) == "duplicate_name");
  CHECK(text_of(dialect.read(R"({"type":"a","type":"b"})").key()) == "none");  // each part for itself
}

TEST_CASE("message view: without a dialect a message has no parts") {
  CHECK(text_of(MessageView().type()) == "none");
  CHECK(text_of(MessageView().key()) == "none");
}
