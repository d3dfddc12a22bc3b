#include <doctest/doctest.h>

#include <string>

#include "policy/message_token.h"

using namespace postern;
using policy::MessageForm;
using websocket::Opcode;

namespace {

using Kind = MessageForm::Kind;

MessageForm form_of(Kind kind, std::string_view path = {}, std::string type = "connection_init") {
  MessageForm form;
  form.kind = kind;
  form.token = base::JsonPath::read(path);
  form.type = std::move(type);
  return form;
}

const MessageForm graphql = form_of(Kind::graphql);
const MessageForm stomp = form_of(Kind::stomp);
const MessageForm declared = form_of(Kind::json, "/data/token", "auth");

std::string read(const MessageForm& form, std::string_view message, Opcode kind = Opcode::text) {
  std::string decoded;
  const auto token = policy::token_in_message(form, kind, message, decoded);
  return token ? std::string(*token) : "! " + token.error();
}

std::string init(const std::string& payload) {
  return R"({"id":"1","type":"connection_init","payload":)" + payload + "}";
}

std::string connect(const std::string& headers) {
  return "CONNECT\naccept-version:1.2\n" + headers + "\n" + std::string(1, '\0');
}

}  // namespace

TEST_CASE("message token: the usual members of connection_init, with or without Bearer") {
  CHECK(read(graphql, init(R"({"Authorization":"Bearer a.b.c"})")) == "a.b.c");
  CHECK(read(graphql, init(R"({"authorization":"bearer  a.b.c"})")) == "a.b.c");
  CHECK(read(graphql, init(R"({"authToken":"a.b.c"})")) == "a.b.c");
  CHECK(read(graphql, init(R"({"accessToken":"a.b.c","other":{}})")) == "a.b.c");
  CHECK(read(graphql, init(R"({"access_token":"a.b.c"})")) == "a.b.c");
  CHECK(read(graphql, init(R"({"headers":{"Authorization":"Bearer a.b.c"}})")) == "a.b.c");
  CHECK(read(graphql, init(R"({"token":"\u0061.b.c"})")) == "a.b.c");
  CHECK(read(graphql, init(R"({"token":"a.b.c","headers":{"Authorization":"Bearer a.b.c"}})")) == "a.b.c");
  CHECK(read(form_of(Kind::graphql, "/payload/session/jwt"), init(R"({"session":{"jwt":"a.b.c"}})")) ==
        "a.b.c");
}

TEST_CASE("message token: a message without a token, or of another type, has none") {
  CHECK(read(graphql, init("{}")).empty());
  CHECK(read(graphql, init("null")).empty());
  CHECK(read(graphql, init(R"({"token":null})")).empty());
  CHECK(read(graphql, init(R"({"token":"Bearer "})")).empty());
  CHECK(read(graphql, R"({"type":"connection_init"})").empty());
  CHECK(read(graphql, R"({"type":"subscribe","payload":{"token":"a.b.c"}})").empty());
  CHECK(read(graphql, "[]").empty());
  CHECK(read(declared, R"({"type":"hello","data":{"token":"a.b.c"}})").empty());
  CHECK(read(stomp, "\n").empty());
  CHECK(read(stomp, "SEND\nAuthorization:a.b.c\n\n").empty());
  CHECK(read(stomp, connect("host:x\n")).empty());
}

TEST_CASE("message token: what two readers could read differently is refused") {
  const auto refused = [](const std::string& text, std::string_view why) {
    CAPTURE(text);
    CHECK(text.substr(0, 2) == "! ");
    CHECK(text.find(why) != text.npos);
    CHECK(text.find("a.b.c") == text.npos);
  };
  refused(read(graphql, init(R"({"token":"a.b.c","authToken":"d.e.f"})")), "two different tokens");
  refused(read(graphql, init(R"({"token":"a.b.c","Token":"a.b.c"})")), "twice");
  refused(read(graphql, init(R"({"token":"a.b.c","token":"a.b.c"})")), "cannot be read");
  refused(read(graphql, init(R"({"token":7})")), "is not a text");
  refused(read(graphql, "{\"type\":\"connection_init\""), "cannot be read");
  refused(read(graphql, "a.b.c \xff"), "not UTF-8");
  refused(read(declared, R"({"type":"auth","data":{"token":"a.b.c"}})", Opcode::binary), "binary");
  refused(read(stomp, connect("Authorization:a.b.c\nauthorization:d.e.f\n")), "more than one header");
  refused(read(stomp, connect("Authorization:a.b.c\n") + connect("Authorization:d.e.f\n")),
          "more than one frame");
  refused(read(stomp, "CONNECT\nAuthorization:a.b.c\n\n"), "no end");
  refused(read(stomp, "CONNECT\nAuthorization:a.b.c"), "no end");
  refused(read(stomp, "CONNECT\nAuthorization\n\n"), "no value");
}

TEST_CASE("message token: the headers of STOMP's CONNECT, in text and in binary") {
  CHECK(read(stomp, connect("Authorization:Bearer a.b.c\nhost:x\n")) == "a.b.c");
  CHECK(read(stomp, connect("authorization: a.b.c\n"), Opcode::binary) == "a.b.c");
  CHECK(read(stomp, "\r\nSTOMP\r\nAuthorization:a.b.c\r\n\r\n" + std::string("\0\r\n", 3)) == "a.b.c");
  MessageForm passcode = stomp;
  passcode.header = "passcode";
  CHECK(read(passcode, connect("login:\npasscode:a.b.c\n")) == "a.b.c");
}

TEST_CASE("message token: a message is forwarded without its token, and else as it came") {
  const auto without = [](const MessageForm& form, std::string_view message) {
    return policy::without_token(form, Opcode::text, message);
  };
  CHECK(without(graphql, init(R"({ "Authorization" : "Bearer a.b.c", "n": 12345678901234567890 })")) ==
        init(R"({ "Authorization" : "", "n": 12345678901234567890 })"));
  CHECK(without(graphql, init(R"({"token":"a.b.c","headers":{"authorization":"Bearer a.b.c"}})")) ==
        init(R"({"token":"","headers":{"authorization":""}})"));
  CHECK(without(declared, R"({"data":{"token":"a.b.c"},"type":"auth"})") ==
        R"({"data":{"token":""},"type":"auth"})");
  CHECK(without(stomp, connect("Authorization:Bearer a.b.c\nhost:x\n")) == connect("host:x\n"));
  CHECK(without(graphql, init("{}")) == init("{}"));
}
