#include "tunnel/message_guard.h"
#include "base/error.h"

#include <algorithm>

namespace postern::tunnel {
namespace {

using base::Cause;
using base::Side;
using routing::OnViolation;
using websocket::Ending;
using websocket::Fault;
using websocket::FrameHeader;
using websocket::Opcode;

websocket::Role role_of(Side sender) {
  return sender == Side::client ? websocket::Role::client : websocket::Role::server;
}

bool is_read(const routing::SocketRules& rules, const routing::MessageRules& mine, Side sender) {
  if (rules.mode == routing::FrameMode::inspect) return true;
  if (mine.reads_content() || (rules.renewal_message && sender == Side::client)) return true;
  return sender == Side::upstream && rules.on_slow_reader != routing::OnSlowReader::pause;
}

}  // namespace

MessageGuard::MessageGuard(Receiver& receiver, const routing::SocketRules& rules, Side sender,
                           bool compressed_frames, websocket::Deflate* deflate, base::Turn& turn,
                           const std::vector<SharedLimit>& limits)
    : receiver_(receiver),
      rules_(rules),
      turn_(turn),
      sender_(sender),
      reads_(is_read(rules, mine(), sender)),
      order_(role_of(sender), compressed_frames),
      reader_(mine().message_size, deflate),
      rates_(mine(), sender, turn, limits) {}

MessageGuard::Pass MessageGuard::refuse(const Fault& fault) {
  const bool client = sender_ == Side::client;
  receiver_.on_violation({.cause = client ? Cause::client_frame_invalid : Cause::upstream_frame_invalid,
                          .code = fault.code,
                          .rule = std::string(fault.rule),
                          .reason = std::string(fault.rule)});
  return Pass::stop;
}

// A rule was broken in a way that closes the socket. Returns false, for its callers' convenience.
bool MessageGuard::violate(Ending ending, const std::string& rule) {
  const bool client = sender_ == Side::client;
  receiver_.on_violation({.cause = client ? Cause::client_message_refused : Cause::upstream_message_refused,
                          .code = rules_.codes[ending],
                          .rule = rule,
                          .reason = rule});
  return false;
}

// The rule is a key of the sender's.
bool MessageGuard::violate_own(Ending ending, std::string_view key) {
  return violate(ending, key_of_side(sender_, key));
}

// Returns false when a rate that was exceeded closes the socket.
bool MessageGuard::pays(FrameRates::Charge charged) {
  return charged != FrameRates::Charge::refused || violate(Ending::rate, rates_.broken_rule());
}

MessageGuard::Pass MessageGuard::check(const FrameHeader& header, const std::string_view* control) {
  if (control) return check_control(header, *control);
  if (wait_until() > turn_.now) return Pass::wait;
  if (rates_.take_turn()) return admit_frame(header);
  if (const std::optional<Fault> fault = order_.check(header)) return refuse(*fault);
  const routing::MessageRules& mine = this->mine();
  const bool begins = !header.is(Opcode::continuation);
  if (begins && !begin_message(header)) return Pass::stop;
  ++frames_;
  message_bytes_ += header.length;
  if (mine.message_size != 0 && message_bytes_ > mine.message_size) {
    violate_own(Ending::too_large, "message_size");
    return Pass::stop;
  }
  if (mine.fragments != 0 && frames_ > mine.fragments) {
    violate_own(Ending::violation, "fragments");
    return Pass::stop;
  }
  if (!dropping_) {
    // In the middle of a message it is too late to drop it, as a part may have been forwarded already, unless
    // the message is kept until it is whole.
    const FrameRates::Charge charged =
        rates_.charge(begins ? 1 : 0, header.size + header.length, begins || reads_);
    if (!pays(charged)) return Pass::stop;
    if (charged == FrameRates::Charge::early) return Pass::wait;
    dropping_ = charged == FrameRates::Charge::drop;
    if (dropping_ && std::exchange(begun_, std::nullopt)) reader_.next();
  }
  if (dropping_) {
    if (header.final) ++dropped_;
    return Pass::drop;
  }
  return admit_frame(header);
}

MessageGuard::Pass MessageGuard::admit_frame(const FrameHeader& header) {
  if (!reads_) return Pass::on;
  if (!begun_) begun_ = turn_.now;
  reader_.begin(header);
  return Pass::take;
}

// Returns false when there is a violation.
bool MessageGuard::begin_message(const FrameHeader& header) {
  const routing::MessageRules& mine = this->mine();
  message_bytes_ = 0;
  frames_ = 0;
  dropping_ = false;
  if (!mine.any) return violate_own(Ending::violation, "messages");
  const bool allowed = header.is(Opcode::text) ? mine.text : mine.binary;
  return allowed || violate_own(Ending::wrong_kind, "messages");
}

MessageGuard::Pass MessageGuard::check_control(const FrameHeader& header, std::string_view payload) {
  if (const std::optional<Fault> fault = order_.check(header)) return refuse(*fault);
  if (header.is(Opcode::close)) {
    if (const std::optional<Fault> fault = websocket::FrameOrder::check_close(payload)) return refuse(*fault);
    return Pass::on;
  }
  const FrameRates::Charge charged = rates_.charge_passing(header.size + header.length);
  if (!pays(charged)) return Pass::stop;
  return charged == FrameRates::Charge::drop ? Pass::drop : Pass::on;
}

void MessageGuard::on_payload(const FrameHeader& header, base::Bytes piece, uint64_t offset, bool end) {
  if (const std::optional<Fault> fault = reader_.add(header, piece, offset, end)) {
    if (fault->code == websocket::close_code::too_big)
      violate_own(Ending::too_large, fault->rule);
    else
      refuse(*fault);
    return;
  }
  if (!reader_.complete()) return;
  begun_.reset();
  const std::string_view message = reader_.message();
  const bool is_text = reader_.kind() == Opcode::text;
  const websocket::MessageView view =
      is_text && mine().dialect ? mine().dialect->read(message) : websocket::MessageView();
  if (charge_expanded() && !take_renewal() && type_passes(view)) {
    receiver_.on_message(reader_.kind(), message, view);
    first_ = false;
  }
  reader_.next();
}

// Returns true for a message that renews the token and is not for the endpoint. One that cannot be read is no
// such message.
bool MessageGuard::take_renewal() {
  if (!rules_.renewal_message || sender_ != Side::client || (first_ && first_is_judged_)) return false;
  std::string decoded;
  const auto token =
      policy::token_in_message(rules_.renewal_message->form, reader_.kind(), reader_.message(), decoded);
  if (!token || token->empty()) return false;
  return receiver_.on_token(*token) && !rules_.renewal_message->passes;
}

std::optional<base::Instant> MessageGuard::due() const {
  if (!begun_ || mine().message_timeout == base::no_limit) return std::nullopt;
  return *begun_ + mine().message_timeout;
}

void MessageGuard::refuse_late() { violate_own(Ending::idle, "message_timeout"); }

// Charges the difference when a message is larger after decompression than on the wire. Returns false if it
// must not be forwarded.
bool MessageGuard::charge_expanded() {
  const size_t size = reader_.message().size();
  if (size <= message_bytes_) return true;
  const FrameRates::Charge charged = rates_.charge_passing(size - message_bytes_);
  if (charged == FrameRates::Charge::drop) ++dropped_;
  return pays(charged) && charged == FrameRates::Charge::passes;
}

// A message that cannot be read, or is not text, has no type, so it does not pass.
bool MessageGuard::type_passes(const websocket::MessageView& view) {
  const routing::MessageRules& mine = this->mine();
  if (mine.types.empty()) return true;
  std::string_view unreadable;
  if (reader_.kind() == Opcode::text) {
    const websocket::Dialect::Found found = view.type();
    const bool listed = found && *found &&
                        std::find(mine.types.begin(), mine.types.end(), (*found)->text()) != mine.types.end();
    if (listed || (found && first_ && mine.first_passes)) return true;
    if (!found) unreadable = found.error();
  }
  if (mine.on_type == OnViolation::close)
    return violate_own(Ending::violation,
                       std::string("types") + (unreadable.empty() ? "" : ": ") + std::string(unreadable));
  ++dropped_;
  return false;
}

}  // namespace postern::tunnel
