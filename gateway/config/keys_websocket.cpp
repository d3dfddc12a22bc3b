#include "config/keys_websocket.h"

#include <algorithm>
#include <chrono>

#include "base/text_builder.h"
#include "config/text.h"
#include "websocket/frame.h"
#include "websocket/utf8_check.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;
using policy::SocketLimits;
using routing::Admission;
using routing::FrameMode;
using routing::Heartbeat;
using routing::MessageRate;
using routing::MessageRules;
using routing::OnSlowReader;
using routing::OnViolation;
using routing::RefusalForm;
using routing::StreamRules;
using websocket::CloseCodes;
using websocket::Ending;

constexpr uint64_t gibi = 1024ull * 1024 * 1024;
constexpr size_t own_message_max = 4'096;

std::string per_second(double rate) {
  if (rate == 0) return "none";
  base::TextBuilder out;
  return std::string(out.append_shortest(rate).append("/s").view());
}

double of_a_second(const Rate& rate) {
  return static_cast<double>(rate.count) / static_cast<double>(rate.per.count());
}

// ---- Kinds

// The kinds of messages that may be sent.
struct MessageKinds {
  void read_into(const Value& value, MessageRules& rules) const {
    const auto word = config::words<std::string_view>(
                          {{"any", "any"}, {"text", "text"}, {"binary", "binary"}, {"none", "none"}})
                          .read(value);
    if (!word) return;
    rules.any = *word != "none";
    rules.text = *word != "binary";
    rules.binary = *word != "text";
  }
  std::string words() const { return "any, text, binary or none"; }
  std::string shown(const MessageRules& rules) const {
    if (!rules.any) return "none";
    return rules.text && rules.binary ? "any" : rules.text ? "text" : "binary";
  }
  std::string json_schema() const { return words_schema({"any", "text", "binary", "none"}); }
};

// "20/s" or `none`. The rate of one second also sets the burst (at least 1), unless the file has the key
// for the burst.
struct MessageRateKind {
  using Type = MessageRate;
  std::optional<MessageRate> read(const Value& value) const {
    if (value.says_none()) return MessageRate{};
    const auto rate = value.parsed(parse_message_rate);
    if (!rate) return std::nullopt;
    return MessageRate{of_a_second(*rate), std::max<double>(1, of_a_second(*rate))};
  }
  std::string words() const { return "messages per time"; }
  std::string range() const { return "1 to 1000000"; }
  std::string_view unit() const { return "/s, /m or /h"; }
  std::string_view instead() const { return "none"; }
  std::string shown(const MessageRate& rate) const { return per_second(rate.per_second); }
  std::string json_schema() const { return string_schema(rate_pattern, "none"); }
};

struct ByteRateKind {
  using Type = MessageRate;
  std::optional<MessageRate> read(const Value& value) const {
    if (value.says_none()) return MessageRate{};
    const auto bytes = value.parsed(parse_byte_rate);
    if (!bytes) return std::nullopt;
    return MessageRate{static_cast<double>(*bytes), static_cast<double>(*bytes)};
  }
  std::string words() const { return "bytes per second"; }
  std::string range() const { return "1B/s to 1GiB/s"; }
  std::string_view unit() const { return "B/s, KiB/s, MiB/s or GiB/s"; }
  std::string_view instead() const { return "none"; }
  std::string shown(const MessageRate& rate) const { return per_second(rate.per_second); }
  std::string json_schema() const { return string_schema(byte_rate_pattern, "none"); }
};

struct MessageTypes {
  using Type = std::vector<std::string>;
  static constexpr size_t most = 1'000;
  std::optional<Type> read(const Value& value) const {
    Type types;
    if (value.says_none()) return types;
    const auto items = value.items(most);
    if (value.is_list() && items.empty())
      value.complain("is empty; write none to let every type pass, or messages: none to let none");
    for (const Value& item : items) {
      if (const std::string_view kind = json_kind(item.node()); !kind.empty())
        item.complain("is a " + std::string(kind) +
                      ", and only strings in the field of a message fit: write " + quoted(item.node().text) +
                      ", in quotes, for messages that say that");
      else if (const auto type = item.text())
        types.emplace_back(*type);
    }
    return types;
  }
  std::string words() const { return "list of strings"; }
  std::string_view instead() const { return "none"; }
  std::string shown(const Type& types) const {
    std::string text;
    for (const std::string& type : types) text.append(text.empty() ? "" : ", ").append(quoted(type));
    return types.empty() ? "none" : '[' + text + ']';
  }
  std::string json_schema() const {
    return any_of({string_schema("none"), list_schema(R"({"type":"string","minLength":1})", 1, most)});
  }
};

// The names of entries in rate_limits.
struct LimitNames {
  using Type = std::vector<std::pair<std::string, SourceLocation>>;
  std::optional<Type> read(const Value& value) const {
    Type names;
    if (value.says_none()) return names;
    for (const Value& item : value.items_or_one()) {
      const auto name = item.text();
      if (!name) continue;
      const bool is_new =
          std::none_of(names.begin(), names.end(), [&](const auto& one) { return one.first == *name; });
      if (is_new)
        names.emplace_back(*name, item.location());
      else
        item.warn("stands in this list already, and counts once");
    }
    return names;
  }
  std::string words() const { return "name, or list of names"; }
  std::string_view instead() const { return "none"; }
  std::string shown(const Type& names) const {
    std::string text;
    for (const auto& [name, location] : names) text.append(text.empty() ? "" : ", ").append(name);
    return names.empty() ? "none" : '[' + text + ']';
  }
  std::string json_schema() const { return any_of({scalar_schema(), list_schema(scalar_schema())}); }
};

// A text message that the gateway sends.
struct OwnMessage {
  using Type = std::string;
  std::optional<std::string> read(const Value& value) const {
    const auto text = value.text();
    if (!text) return std::nullopt;
    if (text->size() > own_message_max)
      value.complain("is longer than " + std::to_string(own_message_max) + " bytes");
    if (!websocket::is_utf8(*text)) value.complain("is not UTF-8, as a text message has to be");
    return std::string(*text);
  }
  std::string words() const { return "text"; }
  std::string shown(const std::string& text) const { return text; }
  std::string json_schema() const { return scalar_schema(); }
};

// A line of an event that the gateway sends.
Parsed<std::string> parse_event_line(std::string_view text) {
  if (text.size() > own_message_max)
    return complain("is longer than " + std::to_string(own_message_max) + " bytes");
  if (text.find_first_of("\r\n") != text.npos) return complain("has a line break");
  return std::string(text);
}

// The rate of new sockets. It also sets the burst (at least 1), unless the file has the key `burst`.
struct AdmissionRate {
  void read_into(const Value& value, Admission& admission) const {
    const auto rate = value.parsed(parse_socket_rate);
    if (!rate) return;
    admission.per_second = of_a_second(*rate);
    admission.burst = std::max<double>(1, admission.per_second);
  }
  std::string words() const { return "WebSockets per time"; }
  std::string range() const { return "1 to 1000000"; }
  std::string_view unit() const { return "/s, /m or /h"; }
  std::string shown(const Admission& admission) const { return per_second(admission.per_second); }
  std::string json_schema() const { return string_schema(rate_pattern); }
};

struct CloseCode {
  Ending ending;
  void read_into(const Value& value, CloseCodes& codes) const {
    const auto code = value.number(1000, 4999);
    if (!code) return;
    if (websocket::is_sendable_close_code(static_cast<uint16_t>(*code)))
      codes.set(ending, static_cast<uint16_t>(*code));
    else
      value.complain(value.quote() +
                     " is not allowed in a Close frame; use 1000 to 1003, 1007 to 1014 or 3000 to 4999");
  }
  std::string words() const { return "number"; }
  std::string range() const { return "1000 to 1003, 1007 to 1014 or 3000 to 4999"; }
  std::string shown(const CloseCodes& codes) const { return std::to_string(codes[ending]); }
  std::string json_schema() const {
    return any_of({R"({"type":"integer","minimum":1000,"maximum":1003})",
                   R"({"type":"integer","minimum":1007,"maximum":1014})",
                   R"({"type":"integer","minimum":3000,"maximum":4999})",
                   string_schema("100[0-3]|100[7-9]|101[0-4]|[34][0-9]{3}")});
  }
};

// ---- Tables

const SocketKeys<CloseCodes>& close_code_keys() {
  const auto whole = [](CloseCodes& codes) -> CloseCodes& { return codes; };
  static const auto keys =
      SocketKeys<CloseCodes>("close_codes")
          .key("unauthorized", whole, CloseCode{Ending::unauthorized},
               "The close code of a refused upgrade whose token is missing or not valid (status 401).",
               Holds::new_only)
          .key("refused_expired", whole, CloseCode{Ending::refused_expired},
               "The close code of a refused upgrade whose token has expired. Choose a code after which "
               "clients "
               "reconnect if they would fetch a new token, but take the code of unauthorized for final.",
               Holds::new_only)
          .by_default("the code of unauthorized")
          .example("1012")
          .commented_out()
          .key(
              "forbidden", whole, CloseCode{Ending::forbidden},
              "The close code of a refused upgrade that is forbidden (status 403), for example by the claims "
              "of its token.",
              Holds::new_only)
          .key("not_found", whole, CloseCode{Ending::not_found},
               "The close code of a refused upgrade for which there is no route, or no WebSocket (status "
               "404).",
               Holds::new_only)
          .key("too_many", whole, CloseCode{Ending::too_many},
               "The close code of a refused upgrade that exceeds a rate limit or a maximum number of "
               "WebSockets (status 429).",
               Holds::new_only)
          .key("unavailable", whole, CloseCode{Ending::unavailable},
               "The close code of a refused upgrade for which no endpoint is available now (status 500 or "
               "above).",
               Holds::new_only)
          .key("token_expired", whole, CloseCode{Ending::token_expired},
               "The close code for an open WebSocket whose token has expired.", Holds::open)
          .key(
              "token_revoked", whole, CloseCode{Ending::token_revoked},
              "The close code for an open WebSocket whose token was revoked. Its client must log in anew, so "
              "choose a code after which it does that, and does not just reconnect.",
              Holds::open)
          .key("max_age", whole, CloseCode{Ending::max_age},
               "The close code for an open WebSocket that has been open for max_age.", Holds::open)
          .key("reload", whole, CloseCode{Ending::reload},
               "The close code for an open WebSocket when a reload changed or removed its route, or took its "
               "endpoint away.",
               Holds::open)
          .key("shutdown", whole, CloseCode{Ending::shutdown},
               "The close code for an open WebSocket when the gateway shuts down.", Holds::open)
          .key("backend_lost", whole, CloseCode{Ending::backend_lost},
               "The close code for a client whose endpoint went away without a Close frame, or broke the "
               "rules.",
               Holds::open)
          .key("silent", whole, CloseCode{Ending::silent},
               "The close code for one side of a WebSocket when the other no longer answers pings.",
               Holds::open)
          .key(
              "idle", whole, CloseCode{Ending::idle},
              "The close code for a WebSocket on which nothing moved for too long, or whose message took too "
              "long to arrive.",
              Holds::open)
          .key("rate", whole, CloseCode{Ending::rate},
               "The close code for a side that sends more messages or bytes than a rate limit allows.",
               Holds::open)
          .key("violation", whole, CloseCode{Ending::violation},
               "The close code for a side that sends a message which the rules do not allow.", Holds::open)
          .key("too_large", whole, CloseCode{Ending::too_large},
               "The close code for a side that sends a message which is too large.", Holds::open)
          .key("wrong_kind", whole, CloseCode{Ending::wrong_kind},
               "The close code for a side that sends text where only binary is allowed, or the reverse.",
               Holds::open)
          .key("slow_reader", whole, CloseCode{Ending::slow_reader},
               "The close code for a client that takes its messages too slowly.", Holds::open);
  return keys;
}

const SocketKeys<Heartbeat>& heartbeat_keys() {
  static const auto keys =
      SocketKeys<Heartbeat>("heartbeat", {25s, R"({"type":"heartbeat"})"})
          .key("interval", &Heartbeat::interval, duration(10ms, 24h),
               "How long an endpoint may send no message to the client before the client gets a heartbeat "
               "message.",
               Holds::open)
          .commented_out()
          .key("message", &Heartbeat::message, OwnMessage(),
               "The text of the heartbeat message, at most 4096 bytes.", Holds::open)
          .example("'{\"type\":\"heartbeat\"}'")
          .commented_out();
  return keys;
}

// A burst is an error where there is no rate.
void check_burst(const Fields& fields, std::string_view burst, std::string_view rate, double per_second) {
  if (per_second != 0 || !fields.is_good(burst) || fields.is_misspelt(rate)) return;
  fields.take(burst)->complain("needs " + std::string(rate) + ": without a rate there is no burst");
}

const SocketKeys<MessageRules>& message_keys() {
  static const auto keys =
      SocketKeys<MessageRules>("messages")
          .key("messages", itself<MessageRules>, MessageKinds(),
               "The kind of messages that may be sent: any, text, binary, or none at all. A message of the "
               "wrong kind closes the WebSocket with close_codes.wrong_kind (1003), and any message where "
               "none "
               "is allowed with close_codes.violation (1008).",
               Holds::open)
          .key(
              "message_size", &MessageRules::message_size, size(1, gibi, none),
              "The largest message in bytes, after decompression where messages are read (mode inspect) and "
              "as it is sent elsewhere. A larger one closes the WebSocket with close_codes.too_large (1009). "
              "With none, there is no limit, or 64MiB where messages are read.",
              Holds::open)
          .by_default("1MiB from clients and 16MiB from endpoints, where frames are read")
          .example("1MiB")
          .key("message_timeout", &MessageRules::message_timeout, duration(10ms, 24h, none),
               "How long a message may take from its first frame to its end, where messages are read (mode "
               "inspect) and so kept until they are whole. A slower one closes the WebSocket with "
               "close_codes.idle (1001).",
               Holds::open)
          .key("fragments", &MessageRules::fragments, number(1, 1'000'000, none),
               "The maximum number of frames that one message comes in. A message with more closes the "
               "WebSocket with close_codes.violation (1008).",
               Holds::open)
          .key("rate", &MessageRules::messages, MessageRateKind(),
               "The rate of messages on each WebSocket (rate limit), such as 20/s. Pings and pongs do not "
               "count as messages; on_rate decides what happens to a message beyond the rate.",
               Holds::open)
          .key(
              "burst", [](MessageRules& rules) -> double& { return rules.messages.burst; },
              number(1, 1'000'000),
              "The number of messages that may come at once on a WebSocket with a rate.", Holds::open)
          .by_default("what rate allows in a second")
          .example("10")
          .commented_out()
          .key("byte_rate", &MessageRules::bytes, ByteRateKind(),
               "The rate of bytes on each WebSocket (rate limit), such as 64KiB/s. Frames count with their "
               "headers, pings and pongs as well, and where messages are read a compressed one counts as it "
               "is expanded; the gateway's own pings and the answers to them do not count. on_rate decides "
               "what happens beyond the rate.",
               Holds::open)
          .key(
              "byte_burst", [](MessageRules& rules) -> double& { return rules.bytes.burst; }, size(1, gibi),
              "The number of bytes that may come at once on a WebSocket with a byte_rate.", Holds::open)
          .by_default("what byte_rate allows in a second")
          .example("64KiB")
          .commented_out()
          .key(
              "on_rate", &MessageRules::on_rate,
              words<OnViolation>(
                  {{"close", OnViolation::close}, {"drop", OnViolation::drop}, {"slow", OnViolation::slow}}),
              "What happens to a message beyond a rate limit: close ends the WebSocket with close_codes.rate "
              "(1013), drop discards the message (and ends the WebSocket where a part of it has passed "
              "already), slow stops reading until the rate allows it (backpressure).",
              Holds::open)
          .key("types", &MessageRules::types, MessageTypes(),
               "The types of messages that pass: only JSON text messages whose type_field holds one of the "
               "listed strings. A message that cannot be read as JSON does not pass; on_type decides what "
               "happens to it. With none, every type passes.",
               Holds::open)
          .key("type_field", &MessageRules::type_field, json_field(),
               "The JSON field that holds the type of a message: /type, or a path such as /data/kind for a "
               "nested field.",
               Holds::open)
          .by_default("/type")
          .key("first_passes", &MessageRules::first_passes, boolean(),
               "Whether the first message of a WebSocket passes whatever its type, as long as it is JSON "
               "text.",
               Holds::open)
          .key("on_type", &MessageRules::on_type,
               words<OnViolation>({{"close", OnViolation::close}, {"drop", OnViolation::drop}}),
               "What happens to a message whose type is not allowed: drop discards it, close ends the "
               "WebSocket with close_codes.violation (1008).",
               Holds::open)
          .check([](const Fields& fields, MessageRules& rules) {
            check_burst(fields, "burst", "rate", rules.messages.per_second);
            check_burst(fields, "byte_burst", "byte_rate", rules.bytes.per_second);
            if (!rules.types.empty() && !rules.type_field) rules.type_field = base::JsonPath::read("/type");
          });
  return keys;
}

const Keys<Admission>& admission_keys() {
  static const auto keys =
      Keys<Admission>("admission", {0, 1, 10s, 0})
          .key(
              "rate", [](Admission& admission) -> Admission& { return admission; }, AdmissionRate(),
              "The maximum rate at which new WebSockets are let in on a route, such as 100/s.")
          .required()
          .example("100/s")
          .commented_out()
          .key("burst", &Admission::burst, number(1, 1'000'000),
               "The number of new WebSockets that are let in at once before admission.rate limits them.")
          .by_default("what rate allows in a second")
          .example("100")
          .commented_out()
          .key("wait", &Admission::wait, duration(0ms, 1h),
               "The longest time that a new WebSocket waits for its turn. One that would have to wait longer "
               "is "
               "refused at once (503, or close code 1013).")
          .commented_out();
  return keys;
}

// The limits on how many are open at once. `what` is "WebSockets" or "event streams".
Keys<SocketLimits> open_keys(std::string_view section, const std::string& what, const std::string& beyond) {
  const auto limit = number(1, 10'000'000, none);
  const std::string one_more = " One more is " + beyond + "; with none, there is no limit.";
  return Keys<SocketLimits>(section)
      .key("total", &SocketLimits::all, limit,
           "The maximum number of " + what + " that are open at once on a route, from all clients together." +
               one_more)
      .key("per_client", &SocketLimits::per_client, limit,
           "The maximum number of " + what +
               " that one client has open at once on a route; a client is an address, or the /64 of an IPv6 "
               "address." +
               one_more)
      .key(
          "per_subject", &SocketLimits::per_subject, limit,
          "The maximum number of " + what +
              " that are open at once on a route with tokens of one subject (the sub claim); the route needs "
              "jwt." +
              one_more);
}

const Keys<SocketLimits>& open_socket_keys() {
  static const auto keys = open_keys("open_sockets", "WebSockets", "refused (429, or close code 4429)");
  return keys;
}

const Keys<SocketLimits>& open_stream_keys() {
  static const auto keys = open_keys("open_streams", "event streams", "answered with 429");
  return keys;
}

const SocketKeys<routing::ExpiryNotice>& expiry_notice_keys() {
  static const auto keys =
      SocketKeys<routing::ExpiryNotice>("expiry_notice", {30s, R"({"type":"token_expiring"})"})
          .key("before", &routing::ExpiryNotice::before, duration(100ms, 24h),
               "How long before its token expires the client of a WebSocket is told.", Holds::open)
          .key("message", &routing::ExpiryNotice::message, OwnMessage(),
               "The text of the message that tells it, at most 4096 bytes.", Holds::open)
          .example("'{\"type\":\"token_expiring\"}'");
  return keys;
}

const SocketKeys<routing::RenewalMessage>& renewal_message_keys() {
  using routing::RenewalMessage;
  static const auto keys =
      SocketKeys<RenewalMessage>("renewal_message")
          .key(
              "type", [](RenewalMessage& message) -> std::string& { return message.form.type; }, text("text"),
              "What stands in type_field of the message.", Holds::open)
          .required()
          .example("auth")
          .key(
              "type_field",
              [](RenewalMessage& message) -> std::optional<base::JsonPath>& { return message.form.type_at; },
              json_field(), "The JSON field that holds the type of a message, such as /type or /data/kind.",
              Holds::open)
          .by_default("/type")
          .key(
              "token",
              [](RenewalMessage& message) -> std::optional<base::JsonPath>& { return message.form.token; },
              json_field(), "The JSON field that holds the new token, such as /token or /data/token.",
              Holds::open)
          .required()
          .example("/token")
          .key("pass", &RenewalMessage::passes, boolean(),
               "Whether the endpoint gets the message as well. With false it is for the gateway alone.",
               Holds::open)
          .check([](const Fields& fields, RenewalMessage& message) {
            const policy::MessageForm& form = message.form;
            const std::string type_at = form.type_at ? form.type_at->text() : "/type";
            if (const auto token = fields.take("token"); token && form.token && form.token->text() == type_at)
              token->complain("has the token where the type stands");
          });
  return keys;
}

const SocketKeys<routing::ExpiryEvent>& expiry_event_keys() {
  static const auto keys =
      SocketKeys<routing::ExpiryEvent>("expiry_event", {30s, "token_expiring", "{}"})
          .key("before", &routing::ExpiryEvent::before, duration(100ms, 24h),
               "How long before its token expires the client of an event stream is told.", Holds::open)
          .key("event", &routing::ExpiryEvent::event, text("name", parse_event_line),
               "The name of the event that tells it.", Holds::open)
          .key("data", &routing::ExpiryEvent::data, text("text", parse_event_line),
               "The data of the event, one line.", Holds::open);
  return keys;
}

void note_places(const Node& node, const std::string& prefix, WebSocketDocument& document) {
  for (size_t i = 0; i < node.items.size(); ++i) {
    const std::string key = prefix + node.keys[i].text;
    document.said[key] = node.items[i].location;
    if (node.items[i].kind == Node::Kind::map) note_places(node.items[i], key + '.', document);
  }
}

const Words<bool>& on_token_expiry() {
  static const auto kind = words<bool>({{"close", true}, {"keep", false}});
  return kind;
}

}  // namespace

const SocketKeys<WebSocketDocument>& socket_keys() {
  static const auto keys =
      SocketKeys<WebSocketDocument>("websocket")
          .key("mode", &WebSocketDocument::mode,
               words<FrameMode>({{"tunnel", FrameMode::tunnel},
                                 {"walk", FrameMode::walk},
                                 {"inspect", FrameMode::inspect}}),
               "How much of WebSocket traffic is read: tunnel passes bytes on and knows pings and Close "
               "frames "
               "only, walk reads and checks the headers of frames, inspect reads and checks whole messages "
               "and "
               "sends them on as new frames.",
               Holds::open)
          .by_default("the least that the other keys need")
          .example("tunnel")
          .commented_out()
          .key("refuse", &WebSocketDocument::refuse,
               words<RefusalForm>({{"auto", RefusalForm::automatic},
                                   {"status", RefusalForm::status},
                                   {"close", RefusalForm::close}}),
               "How a WebSocket upgrade is refused. With auto, a page whose token or claims are refused gets "
               "a "
               "WebSocket that closes at once with a close code and a reason, since browsers hide the status "
               "of a refused upgrade from pages; every other refusal is an HTTP status, so that clients back "
               "off as they do without a gateway. With status, every refusal is an HTTP status. With close, "
               "every refusal but that of an origin is a close code. Clients of Engine.IO, Vite, SignalR and "
               "Phoenix always get the status, since they take an open WebSocket for success.",
               Holds::new_only)
          .key("handshake_timeout", &WebSocketDocument::handshake_timeout, duration(10ms, 1h, none),
               "How long an endpoint that was reached may take to answer a WebSocket upgrade before it is "
               "answered with 504. With none, only timeouts.response of the upstream limits it.",
               Holds::new_only)
          .key(
              "ping_interval", &WebSocketDocument::ping_interval, duration(10ms, 24h, none),
              "How long a side of a WebSocket (client or endpoint) may be silent before it gets a ping. With "
              "none, no pings are sent, and a dead side is found by limits.tunnel_idle_timeout.",
              Holds::open)
          .key("pong_timeout", &WebSocketDocument::pong_timeout, duration(10ms, 24h),
               "How long a side of a WebSocket may take to answer a ping before it counts as lost. The other "
               "side then gets the close code close_codes.silent.",
               Holds::open)
          .key("on_token_expiry", &WebSocketDocument::ends_with_token, on_token_expiry(),
               "What happens to an open WebSocket when its token expires: close ends it with the close code "
               "close_codes.token_expired, keep leaves it open.",
               Holds::open)
          .key("token_grace", &WebSocketDocument::token_grace, duration(0ms, 24h),
               "How long a WebSocket stays open after its token has expired (jwt.leeway is added too).",
               Holds::open)
          .key(
              "expiry_notice", &WebSocketDocument::expiry_notice,
              map(expiry_notice_keys).or_none("must be { before: 30s, message: TEXT } or none"),
              "A text message to the client some time before its token expires, so that its page can get a "
              "new "
              "one and renew the WebSocket (renew and refresh_calls of routes). It is not sent where a newer "
              "token has come already, and once for each token. With none, the page is not told.",
              Holds::by_key)
          .commented_out()
          .key(
              "renewal_message", &WebSocketDocument::renewal_message,
              map(renewal_message_keys).or_none("must be { type: auth, token: /token } or none"),
              "A JSON text message by which a client gives a newer token of its session to its own "
              "WebSocket, "
              "which then ends with that token. One message in a second is looked at. With none, there is no "
              "such message.",
              Holds::by_key)
          .commented_out()
          .key("max_age", &WebSocketDocument::max_age, duration(1s, 720h, none),
               "How long a WebSocket may be open, whatever its token says. Then it is closed with "
               "close_codes.max_age, and its client is expected to come back. With none, there is no limit.",
               Holds::open)
          .key("heartbeat", &WebSocketDocument::heartbeat,
               map(heartbeat_keys).or_none("must be { interval: 30s, message: TEXT } or none"),
               "A heartbeat that pages can see, since they see no pings: the client gets a text message when "
               "its endpoint has sent nothing for some time. With none, no heartbeat is sent.",
               Holds::by_key)
          .commented_out()
          .key("from_client", &WebSocketDocument::from_client, map(message_keys),
               "Rules for the messages that clients send over a WebSocket.", Holds::by_key)
          .key("from_upstream", &WebSocketDocument::from_upstream, map(message_keys),
               "Rules for the messages that endpoints send over a WebSocket: a map with the keys of "
               "from_client.",
               Holds::by_key)
          .folded()
          .by_default("no limits, but 16MiB for a message where frames are read")
          .example("{ message_size: 16MiB }")
          .key("message_limit", &WebSocketDocument::message_limit_names, LimitNames(),
               "The rate_limits that the messages of clients count against, shared by all WebSockets of one "
               "client or user, whichever the rate limit counts by. from_client.on_rate decides what happens "
               "to a message beyond a limit.",
               Holds::open)
          .key("byte_limit", &WebSocketDocument::byte_limit_names, LimitNames(),
               "The rate_limits that the bytes of clients count against, shared by all WebSockets of one "
               "client or user; such a limit counts KiB. Bytes count as for from_client.byte_rate, and "
               "from_client.on_rate decides what happens beyond a limit.",
               Holds::open)
          .key("slow_reader", &WebSocketDocument::on_slow_reader,
               words<OnSlowReader>({{"pause", OnSlowReader::pause},
                                    {"drop_oldest", OnSlowReader::drop_oldest},
                                    {"keep_latest", OnSlowReader::keep_latest},
                                    {"close", OnSlowReader::close}}),
               "What happens when a client takes its messages too slowly (backpressure): pause makes the "
               "endpoint wait, drop_oldest discards the oldest messages that wait, keep_latest also replaces "
               "a "
               "message that waits by a newer one of its kind, close ends the WebSocket with "
               "close_codes.slow_reader (1013).",
               Holds::open)
          .key("latest_field", &WebSocketDocument::latest_field, json_field(),
               "The JSON field by which slow_reader: keep_latest tells kinds of messages apart: of messages "
               "with one value, only the latest waits.",
               Holds::open)
          .by_default("/type")
          .key("buffer", &WebSocketDocument::buffer, size(1024, gibi),
               "The memory that messages waiting for a slow client may take on each WebSocket; with "
               "slow_reader: pause it is at least 64KiB. A small message takes about 200 bytes.",
               Holds::open)
          .key("compression", &WebSocketDocument::compression, boolean(),
               "Whether messages are compressed (permessage-deflate) for clients that offer it, where the "
               "gateway reads messages (mode inspect). In other modes the client and the endpoint agree on "
               "compression themselves, but there is none where a message_size, byte_rate or byte_limit is "
               "set, or where on_rate is drop.",
               Holds::open)
          .key("admission", &WebSocketDocument::admission,
               map(admission_keys).or_none("must be { rate: 100/s } or none"),
               "Limits how fast new WebSockets are let in on a route, in the whole process: after a restart "
               "all clients come back at once. Those that come faster wait for their turn; one whose turn "
               "would come too late is refused (503, or close code 1013). A client that waits already may "
               "take further places in the first half of the line only; the other half is for clients that "
               "have none. With none, there is no limit.",
               Holds::new_only)
          .commented_out()
          .key(
              "sockets", &WebSocketDocument::limits, map(open_socket_keys),
              "How many WebSockets may be open at once on a route, in the whole process. One more is refused "
              "(429, or close code 4429).",
              Holds::new_only)
          .by_default("none")
          .key("close_codes", &WebSocketDocument::codes, map(close_code_keys),
               "The close codes that the gateway sends in Close frames, by reason. Clients differ in the "
               "codes "
               "after which they reconnect.",
               Holds::by_key)
          .check([](const Fields& fields, WebSocketDocument& document) {
            if (fields.is_map()) note_places(fields.value().node(), "", document);
            if (document.on_slow_reader == OnSlowReader::keep_latest && !document.latest_field)
              document.latest_field = base::JsonPath::read("/type");
          });
  return keys;
}

const SocketKeys<StreamRules>& stream_keys() {
  static const auto keys =
      SocketKeys<StreamRules>("event_streams")
          .key("comment_interval", &StreamRules::comment_interval, duration(1s, 24h, none),
               "How long an event stream may send nothing to its client before the gateway sends a comment "
               "line, between two events (a heartbeat). It finds dead clients, and proxies in between do not "
               "take the stream for idle; pages do not see comments. With none, no comments are sent.",
               Holds::open)
          .key("on_token_expiry", &StreamRules::ends_with_token, on_token_expiry(),
               "What happens to an event stream when its token expires: close ends it between two events, "
               "keep leaves it open.",
               Holds::open)
          .key("token_grace", &StreamRules::token_grace, duration(0ms, 24h),
               "How long an event stream stays open after its token has expired (jwt.leeway is added too).",
               Holds::open)
          .key("expiry_notice", &StreamRules::expiry_notice,
               map(expiry_event_keys).or_none("must be { before: 30s, event: NAME, data: TEXT } or none"),
               "An event to the client some time before its token expires, as with expiry_notice of "
               "WebSockets. With none, the page is not told.",
               Holds::by_key)
          .commented_out()
          .key("max_age", &StreamRules::max_age, duration(1s, 720h, none),
               "How long an event stream may be open, whatever its token says. Then it is ended between two "
               "events, and its client is expected to come back. With none, there is no limit.",
               Holds::open)
          .key("open", &StreamRules::limits, map(open_stream_keys),
               "How many event streams may be open at once on a route, in the whole process. One more is "
               "answered with 429.",
               Holds::new_only)
          .by_default("none");
  return keys;
}

}  // namespace postern::config
