#include "proxy/first_message.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/ascii.h"
#include "base/error.h"
#include "base/json.h"
#include "proxy/exchange_state.h"
#include "proxy/socket_clients.h"
#include "proxy/upgrade.h"
#include "tunnel/tunnel_set.h"

namespace postern::proxy {
namespace {

using base::Cause;
using policy::MessageForm;
using websocket::FrameHeader;
using websocket::Opcode;
namespace close_code = websocket::close_code;

constexpr size_t control_frames_max = 4 * 1024;    // bytes, beside the message
constexpr uint16_t initialisation_timeout = 4408;  // of graphql-transport-ws

constexpr std::array<std::string_view, 2> of_graphql = {"graphql-transport-ws", "graphql-ws"};
constexpr std::array<std::string_view, 3> of_stomp = {"v12.stomp", "v11.stomp", "v10.stomp"};

bool is_known(std::span<const std::string_view> protocols, std::string_view one) {
  return std::find(protocols.begin(), protocols.end(), one) != protocols.end();
}

bool fits(const MessageForm& form, std::string_view offer) {
  switch (form.kind) {
    case MessageForm::Kind::graphql: return is_known(of_graphql, offer);
    case MessageForm::Kind::stomp: return is_known(of_stomp, offer);
    case MessageForm::Kind::json: break;
  }
  return !may_hold_token(offer) && !base::equal_ignoring_case(offer, "bearer") &&
         !base::equal_ignoring_case(offer, "access_token");
}

// The subprotocol that the gateway selects; empty where the client offers none, nullopt where none fits.
std::optional<std::string_view> choose_subprotocol(const MessageForm& form, std::string_view offers) {
  if (base::trim(offers).empty()) return std::string_view();
  while (const auto offer = base::next_element(offers))
    if (fits(form, *offer)) return *offer;
  return std::nullopt;
}

// The first whole frame of `bytes`; nullopt: it is not there yet.
std::optional<FrameHeader> read_whole_header(std::string_view bytes) {
  if (bytes.size() < 2 || bytes.size() < websocket::header_size(static_cast<uint8_t>(bytes[1])))
    return std::nullopt;
  return websocket::read_header(base::bytes_of(bytes).data());
}

}  // namespace

// Either of the two may be destroyed first. A reload that changes the route, and a shutdown, do not wait for
// the message: the client is told at once, as that of an open socket is.
class FirstMessage::Waiting final : public policy::AwaitedMessage, public tunnel::DrainLine::Member {
 public:
  Waiting(FirstMessage& message, base::Duration limit)
      : AwaitedMessage(limit, Cause::token_missing),
        Member(tunnel::DrainLine::Kind::websocket),
        message_(&message),
        scope_(message.exchange_.scope),
        drain_line_(message.exchange_.services.tunnels.drain_line()),
        route_(message.exchange_.route->socket_fingerprint) {
    drain_line_.join(*this);
  }
  ~Waiting() override {
    drain_line_.part(*this);
    if (message_) message_->waiting_ = nullptr;
  }
  void forget() { message_ = nullptr; }

  // --- DrainLine::Member ---
  bool outdated(const tunnel::CurrentRoutes& current) override { return !current.allow(route_, 0); }
  bool is_ending() const override { return scope_.failure().has_value(); }
  void leave(bool stopping) override {
    scope_.cancel(stopping ? Cause::shutting_down : Cause::route_changed);
  }

 private:
  FirstMessage* message_;
  base::Scope& scope_;
  tunnel::DrainLine& drain_line_;
  uint64_t route_;
};

FirstMessage::FirstMessage(ExchangeState& exchange, const MessageForm& form, std::string_view subprotocol)
    : exchange_(exchange), form_(form), subprotocol_(subprotocol) {
  const routing::SocketRules& rules = socket_rules(exchange.route);
  if (rules.mode == routing::FrameMode::inspect && rules.compression)
    offer_ = websocket::agree_on_deflate(exchange.facts.offered_extensions);
  if (offer_) deflate_.emplace(offer_->window_bits);
  order_.emplace(websocket::Role::client, offer_.has_value());
  reader_.emplace(form.size, deflate_ ? &*deflate_ : nullptr);
}

FirstMessage::~FirstMessage() {
  if (waiting_) waiting_->forget();
}

std::unique_ptr<policy::AwaitedMessage> FirstMessage::open() {
  using http::FieldId;
  http::ResponseHead head;
  head.status = 101;
  if (!subprotocol_.empty())
    head.headers.add(FieldId::sec_websocket_protocol, "Sec-WebSocket-Protocol", subprotocol_);
  if (offer_) head.headers.add(FieldId::sec_websocket_extensions, "Sec-WebSocket-Extensions", offer_->answer);
  if (!exchange_.facts.request_id.empty())
    head.headers.add(FieldId::other, exchange_.snapshot().request_id_field, exchange_.facts.request_id);
  auto waiting = std::make_unique<Waiting>(*this, form_.wait);
  waiting_ = waiting.get();
  transport_ = exchange_.stream.accept_tunnel(head);
  if (transport_)
    transport_->start(*this);
  else
    leave();
  return waiting;
}

void FirstMessage::expire() {
  if (ended_) return;
  const auto limit = std::chrono::ceil<std::chrono::milliseconds>(form_.wait);
  problem_ = "no message came within " + std::to_string(limit.count()) + " ms";
  if (is_known(of_graphql, subprotocol_)) close_code_ = initialisation_timeout;
  end_reading();
}

void FirstMessage::on_bytes(base::Bytes bytes) {
  raw_.append(base::text_of(bytes));
  if (!ended_) read_frames();
}

void FirstMessage::read_frames() {
  while (!ended_) {
    const std::string_view rest = std::string_view(raw_).substr(read_to_);
    const std::optional<FrameHeader> header = read_whole_header(rest);
    // Counted with everything before it, so that neither fragments nor pings add up to more.
    const uint64_t length = header ? header->length : 0;
    if (length > form_.size || read_to_ + length > form_.size + control_frames_max)
      return fail(close_code::too_big,
                  "the first message is larger than " + std::to_string(form_.size) + " bytes");
    if (!header || rest.size() - header->size < length) return;
    if (const auto fault = order_->check(*header))
      return fail(fault->code, "the first message breaks the rule " + std::string(fault->rule));
    read_to_ += header->size + length;
    take_frame(*header, base::bytes_of(rest.substr(header->size, length)));
  }
}

// The endpoint answers the pings, which it gets before the message.
void FirstMessage::take_frame(const FrameHeader& header, base::Bytes payload) {
  if (header.is(Opcode::close)) {
    const base::Chunk answer = websocket::close_frame(close_code::normal, "");
    transport_->write(answer.bytes());
    transport_->finish();
    return leave();
  }
  if (header.is_control()) return;
  reader_->begin(header);
  if (const auto fault = reader_->add(header, payload, 0, true)) {
    if (fault->code == close_code::too_big)
      return fail(fault->code, "the first message is larger than " + std::to_string(form_.size) + " bytes");
    return fail(fault->code, "the first message breaks the rule " + std::string(fault->rule));
  }
  if (!reader_->complete()) return;
  message_ = {reader_->kind(), reader_->message()};
  end_reading();
  if (waiting_) waiting_->arrive();
}

void FirstMessage::fail(uint16_t code, std::string problem) {
  problem_ = std::move(problem);
  broken_ = true;
  close_code_ = code;
  end_reading();
  if (waiting_) waiting_->arrive();
}

void FirstMessage::end_reading() {
  ended_ = true;
  if (transport_) transport_->pause();
}

void FirstMessage::on_hang_up(bool) { leave(); }

void FirstMessage::leave() {
  ended_ = left_ = true;
  exchange_.scope.cancel(Cause::client_closed);
}

base::Chunk FirstMessage::last_message(std::string_view error) const {
  std::string text;
  if (form_.kind == MessageForm::Kind::stomp)
    text.append("ERROR\nmessage:").append(error).append("\ncontent-length:0\n\n").push_back('\0');
  else if (subprotocol_ == "graphql-ws")
    text = base::write_json({{"type", "connection_error"}, {"payload", {{"message", error}}}});
  return text.empty() ? base::Chunk() : websocket::make_frame(Opcode::text, text, websocket::Role::server);
}

std::unique_ptr<net::Transport> FirstMessage::take(bool with_bytes) {
  if (left_) return nullptr;
  transport_->pause();
  const std::string bytes = with_bytes ? bytes_for_endpoint() : std::string();
  if (!bytes.empty()) transport_->unread(base::Chunk::copy_of(bytes));
  return std::move(transport_);
}

// A message whose text is another one becomes one frame; the pings that came with it stand before it.
std::string FirstMessage::bytes_for_endpoint() const {
  if (!replaced_ || !message_) return raw_;
  std::string bytes;
  for (size_t at = 0; at < read_to_;) {
    const std::string_view rest = std::string_view(raw_).substr(at);
    const FrameHeader header = *read_whole_header(rest);
    const size_t size = header.size + static_cast<size_t>(header.length);
    if (header.is_control()) bytes.append(rest.substr(0, size));
    at += size;
  }
  const base::Chunk frame = websocket::make_frame(message_->kind, *replaced_, websocket::Role::client);
  bytes.append(base::text_of(frame.bytes()));
  return bytes.append(raw_, read_to_);
}

std::unique_ptr<policy::AwaitedMessage> FirstMessageDesk::await(const MessageForm& form) {
  if (std::exchange(was_asked_, true) || !exchange_.facts.is_socket) return nullptr;
  const auto subprotocol = choose_subprotocol(form, exchange_.facts.offered_protocols);
  if (!subprotocol) {
    problem_ = "the client offers no subprotocol in which that message is sent";
    return nullptr;
  }
  opened_ = std::make_unique<FirstMessage>(exchange_, form, *subprotocol);
  http::RequestHead& request = exchange_.stream.request();
  if (!subprotocol->empty()) request.headers.set("Sec-WebSocket-Protocol", request.arena.keep(*subprotocol));
  return opened_->open();
}

}  // namespace postern::proxy
