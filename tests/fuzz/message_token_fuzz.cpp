// A message of a WebSocket that may have a token, behind a line that says what is expected: t or b for its
// kind, then graphql, stomp or json, then the place of the token and the type, where they are not the usual
// ones. What is found is a token, a failure is a sentence, and a message without its token has none.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "base/check.h"
#include "policy/message_token.h"

using postern::base::check;
using namespace postern::policy;

namespace {

std::string_view take_until(char mark, std::string_view& rest) {
  const size_t end = std::min(rest.find(mark), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

MessageForm read_form(std::string_view line) {
  MessageForm form;
  const std::string_view kind = take_until(' ', line);
  if (kind == "stomp") form.kind = MessageForm::Kind::stomp;
  if (kind == "json") form.kind = MessageForm::Kind::json;
  const std::string_view place = take_until(' ', line);
  form.token = postern::base::JsonPath::read(place);
  if (form.kind == MessageForm::Kind::json && !form.token)
    form.token = postern::base::JsonPath::read("/token");
  if (!place.empty() && postern::base::is_token(place)) form.header = std::string(place);
  if (!line.empty()) form.type = std::string(line);
  return form;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using postern::websocket::Opcode;
  std::string_view message(reinterpret_cast<const char*>(data), size);
  std::string_view line = take_until('\n', message);
  const Opcode kind = take_until(' ', line) == "b" ? Opcode::binary : Opcode::text;
  const MessageForm form = read_form(line);

  std::string decoded;
  const auto token = token_in_message(form, kind, message, decoded);
  const std::string rest = without_token(form, kind, message);
  if (!token) {
    check(!token.error().empty() && token.error().size() < 400, "a failure is a sentence");
    return 0;
  }
  check(token->empty() || postern::base::trim(*token).size() == token->size(),
        "a token has no blanks around");
  check(rest.size() <= message.size(), "what is taken out makes a message no longer");
  std::string decoded_again;
  const auto again = token_in_message(form, kind, rest, decoded_again);
  check(again && again->empty(), "a message without its token has none, and can be read");
  return 0;
}
