#include "config/decode_websocket.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "config/decode_streams.h"
#include "config/schema.h"
#include "config/text.h"
#include "websocket/frame.h"
#include "websocket/utf8_check.h"

namespace postern::config {
namespace {

using routing::FrameMode;
using routing::MessageRules;
using routing::OnSlowReader;
using routing::OnViolation;
using routing::RefusalForm;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr uint64_t gibi = 1024ull * 1024 * 1024;
constexpr size_t types_max = 1'000;
constexpr size_t heartbeat_max = 4'096;

void decode_close_codes(const Value& value, websocket::CloseCodes& codes) {
  const Fields fields(value, keys_inside("websocket.close_codes"));
  for (const websocket::EndingRow& row : websocket::ending_rows()) {
    const auto found = fields.take(row.name);
    if (!found) continue;
    const auto code = found->number(1000, 4999);
    if (!code) continue;
    if (websocket::is_sendable_close_code(static_cast<uint16_t>(*code)))
      codes.set(row.ending, static_cast<uint16_t>(*code));
    else
      found->complain(found->quote() +
                      " is not allowed in a Close frame; use 1000 to 1003, 1007 to 1014 or 3000 "
                      "to 4999");
  }
}

void decode_heartbeat(const Value& value, std::optional<routing::Heartbeat>& heartbeat) {
  if (value.says_none()) {
    heartbeat.reset();
    return;
  }
  if (value.is_scalar()) return value.complain("must be { interval: 30s, message: TEXT } or none");
  const Fields fields(value, keys_inside("websocket.heartbeat"));
  routing::Heartbeat read{std::chrono::seconds(25), R"({"type":"heartbeat"})"};
  if (const auto interval = fields.take("interval"))
    set(read.interval, interval->duration(milliseconds(10), hours(24)));
  if (const auto message = fields.take("message")) {
    set(read.message, message->text());
    if (read.message.size() > heartbeat_max)
      message->complain("is longer than " + std::to_string(heartbeat_max) + " bytes");
    if (!websocket::is_utf8(read.message)) message->complain("is not UTF-8, as a text message has to be");
  }
  heartbeat = std::move(read);
}

std::optional<base::JsonPath> json_path(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  auto path = base::JsonPath::read(*text);
  if (!path) value.complain(value.quote() + " is not a path to a field, such as /type or /data/kind");
  return path;
}

// "20/s" or none.
void decode_rate(const Fields& fields, std::string_view key, std::string_view burst_key,
                 routing::MessageRate& rate) {
  if (const auto found = fields.take(key)) {
    if (found->says_none()) {
      rate = {};
    } else if (const auto read = found->parsed(parse_message_rate)) {
      rate.per_second = static_cast<double>(read->count) / static_cast<double>(read->per.count());
      rate.burst = std::max<double>(1, rate.per_second);
    }
  }
  if (const auto found = fields.take(burst_key)) {
    const auto burst = found->number(1, 1'000'000);
    if (!burst) return;
    rate.burst = static_cast<double>(*burst);
    if (rate.per_second == 0 && !fields.is_misspelt(key))
      found->complain("needs " + std::string(key) + ": without a rate there is no burst");
  }
}

void decode_byte_rate(const Fields& fields, routing::MessageRate& rate) {
  if (const auto found = fields.take("byte_rate")) {
    if (found->says_none()) {
      rate = {};
    } else if (const auto read = found->parsed(parse_byte_rate)) {
      rate.per_second = static_cast<double>(*read);
      rate.burst = rate.per_second;
    }
  }
  if (const auto found = fields.take("byte_burst")) {
    const auto burst = found->size(1, gibi);
    if (!burst) return;
    rate.burst = static_cast<double>(*burst);
    if (rate.per_second == 0 && !fields.is_misspelt("byte_rate"))
      found->complain("needs byte_rate: without a rate there is no burst");
  }
}

void decode_types(const Value& value, MessageRules& rules) {
  rules.types.clear();
  if (value.says_none()) return;
  const auto items = value.items(types_max);
  if (value.is_list() && items.empty())
    value.complain("is empty; write none to let every type pass, or messages: none to let none");
  for (const Value& item : items) {
    if (const std::string_view kind = json_kind(item.node()); !kind.empty())
      item.complain("is a " + std::string(kind) + ", and only strings in the field of a message fit: write " +
                    quoted(item.node().text) + ", in quotes, for messages that say that");
    else if (const auto type = item.text())
      rules.types.emplace_back(*type);
  }
}

void decode_messages(const Value& value, MessageRules& rules, std::optional<uint64_t>& message_size) {
  const Fields fields(value, keys_inside("websocket.from_client"));  // those of from_upstream are the same
  if (const auto found = fields.take("messages")) {
    if (const auto index = found->one_of({"any", "text", "binary", "none"})) {
      rules.any = *index != 3;
      rules.text = *index != 2;
      rules.binary = *index != 1;
    }
  }
  if (const auto found = fields.take("message_size")) {
    if (found->says_none())
      message_size = 0;
    else if (const auto size = found->size(1, gibi, "none"))
      message_size = *size;
  }
  if (const auto found = fields.take("message_timeout")) {
    if (found->says_none())
      rules.message_timeout = base::no_limit;
    else
      set(rules.message_timeout, found->duration(milliseconds(10), hours(24), "none"));
  }
  if (const auto found = fields.take("fragments")) {
    if (found->says_none())
      rules.fragments = 0;
    else
      set(rules.fragments, found->number(1, 1'000'000, "none"));
  }
  decode_rate(fields, "rate", "burst", rules.messages);
  decode_byte_rate(fields, rules.bytes);
  if (const auto found = fields.take("on_rate"))
    if (const auto index = found->one_of({"close", "drop", "slow"}))
      rules.on_rate = static_cast<OnViolation>(*index);
  if (const auto found = fields.take("types")) decode_types(*found, rules);
  if (const auto found = fields.take("type_field")) rules.type_field = json_path(*found);
  if (!rules.types.empty() && !rules.type_field) rules.type_field = base::JsonPath::read("/type");
  if (const auto found = fields.take("first_passes")) set(rules.first_passes, found->boolean());
  if (const auto found = fields.take("on_type"))
    if (const auto index = found->one_of({"close", "drop"})) rules.on_type = static_cast<OnViolation>(*index);
}

void decode_limit_names(const Fields& fields, std::string_view key,
                        std::vector<std::pair<std::string, SourceLocation>>& names) {
  const auto found = fields.take(key);
  if (!found) return;
  names.clear();
  if (found->says_none()) return;
  for (const Value& item : found->items_or_one()) {
    const auto name = item.text();
    if (!name) continue;
    const auto other =
        std::find_if(names.begin(), names.end(), [&](const auto& one) { return one.first == *name; });
    if (other == names.end())
      names.emplace_back(*name, item.location());
    else
      item.warn("stands in this list already, and counts once");
  }
}

void decode_admission(const Value& value, std::optional<routing::Admission>& admission) {
  if (value.says_none()) {
    admission.reset();
    return;
  }
  if (value.is_scalar()) return value.complain("must be { rate: 100/s } or none");
  const Fields fields(value, keys_inside("websocket.admission"));
  routing::Admission read{0, 1, std::chrono::seconds(10)};
  if (const auto found = fields.need("rate")) {
    if (const auto rate = found->parsed(parse_socket_rate)) {
      read.per_second = static_cast<double>(rate->count) / static_cast<double>(rate->per.count());
      read.burst = std::max<double>(1, read.per_second);
    }
  }
  if (const auto found = fields.take("burst")) set(read.burst, found->number(1, 1'000'000));
  if (const auto found = fields.take("wait")) set(read.wait, found->duration(milliseconds(0), hours(1)));
  if (read.per_second > 0) admission = read;
}

void note_places(const Node& node, const std::string& prefix,
                 std::map<std::string, SourceLocation, std::less<>>& said) {
  for (size_t i = 0; i < node.items.size(); ++i) {
    const std::string key = prefix + node.keys[i].text;
    said[key] = node.items[i].location;
    if (node.items[i].kind == Node::Kind::map) note_places(node.items[i], key + '.', said);
  }
}

}  // namespace

void decode_websocket(const Value& value, WebSocketDocument& document) {
  // Of a route, too: the keys have one place in the schema.
  const Fields fields(value, keys_inside("websocket"));
  if (fields.is_map()) note_places(value.node(), "", document.said);
  routing::SocketRules& rules = document.rules;
  if (const auto mode = fields.take("mode"))
    if (const auto index = mode->one_of({"tunnel", "walk", "inspect"}))
      rules.mode = static_cast<FrameMode>(*index);
  if (const auto refuse = fields.take("refuse"))
    if (const auto index = refuse->one_of({"auto", "status", "close"}))
      rules.refuse = static_cast<RefusalForm>(*index);
  if (const auto codes = fields.take("close_codes")) decode_close_codes(*codes, rules.codes);
  if (const auto timeout = fields.take("handshake_timeout")) {
    if (timeout->says_none())
      rules.handshake_timeout = base::no_limit;
    else
      set(rules.handshake_timeout, timeout->duration(milliseconds(10), hours(1), "none"));
  }
  if (const auto interval = fields.take("ping_interval")) {
    if (interval->says_none())
      rules.ping_interval = base::no_limit;
    else
      set(rules.ping_interval, interval->duration(milliseconds(10), hours(24), "none"));
  }
  if (const auto timeout = fields.take("pong_timeout"))
    set(rules.pong_timeout, timeout->duration(milliseconds(10), hours(24)));
  if (const auto expiry = fields.take("on_token_expiry"))
    if (const auto index = expiry->one_of({"close", "keep"})) rules.ends_with_token = *index == 0;
  if (const auto heartbeat = fields.take("heartbeat")) decode_heartbeat(*heartbeat, rules.heartbeat);
  if (const auto messages = fields.take("from_client"))
    decode_messages(*messages, rules.from_client, document.client_message_size);
  if (const auto messages = fields.take("from_upstream"))
    decode_messages(*messages, rules.from_upstream, document.upstream_message_size);
  decode_limit_names(fields, "message_limit", document.message_limits);
  decode_limit_names(fields, "byte_limit", document.byte_limits);
  if (const auto slow = fields.take("slow_reader"))
    if (const auto index = slow->one_of({"pause", "drop_oldest", "keep_latest", "close"}))
      rules.on_slow_reader = static_cast<OnSlowReader>(*index);
  if (const auto field = fields.take("latest_field")) rules.latest_field = json_path(*field);
  if (rules.on_slow_reader == OnSlowReader::keep_latest && !rules.latest_field)
    rules.latest_field = base::JsonPath::read("/type");
  if (const auto buffer = fields.take("buffer")) set(rules.buffer, buffer->size(1024, gibi));
  if (const auto compression = fields.take("compression")) set(rules.compression, compression->boolean());
  if (const auto admission = fields.take("admission")) decode_admission(*admission, document.admission);
  if (const auto sockets = fields.take("sockets"))
    decode_open_limits(*sockets, "websocket.sockets", document.limits);
}

}  // namespace postern::config
