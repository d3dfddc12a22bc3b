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
  if (mine.reads_content()) return true;
  return sender == Side::upstream && rules.on_slow_reader != routing::OnSlowReader::pause;
}

}  // namespace

double MessageGuard::Bucket::add(const routing::MessageRate& rate, double amount, base::Instant now) {
  const double passed = std::chrono::duration<double>(now - at).count();
  level = std::max(0.0, level - passed * rate.per_second) + amount;
  at = now;
  return level - rate.burst;
}

MessageGuard::MessageGuard(Receiver& receiver, const routing::SocketRules& rules, Side sender,
                           bool compressed_frames, websocket::Deflate* deflate, base::Turn& turn,
                           const std::vector<SharedLimit>& limits)
    : receiver_(receiver),
      rules_(rules),
      turn_(turn),
      limits_(limits),
      sender_(sender),
      reads_(is_read(rules, mine(), sender)),
      order_(role_of(sender), compressed_frames),
      reader_(mine().message_size, deflate) {
  messages_.at = bytes_.at = turn.now;
}

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

// The key as it is written in the route's websocket section.
std::string MessageGuard::own_rule(std::string_view key) const {
  return (sender_ == Side::client ? "from_client." : "from_upstream.") + std::string(key);
}

MessageGuard::Pass MessageGuard::check(const FrameHeader& header, const std::string_view* control) {
  if (control) return check_control(header, *control);
  if (wait_until_ > turn_.now) return Pass::wait;
  if (std::exchange(booked_, std::nullopt)) return admit_frame(header);
  if (const std::optional<Fault> fault = order_.check(header)) return refuse(*fault);
  const routing::MessageRules& mine = this->mine();
  const bool begins = !header.is(Opcode::continuation);
  if (begins && !begin_message(header)) return Pass::stop;
  ++frames_;
  message_bytes_ += header.length;
  if (mine.message_size != 0 && message_bytes_ > mine.message_size) {
    violate(Ending::too_large, own_rule("message_size"));
    return Pass::stop;
  }
  if (mine.fragments != 0 && frames_ > mine.fragments) {
    violate(Ending::violation, own_rule("fragments"));
    return Pass::stop;
  }
  if (!dropping_) {
    // In the middle of a message it is too late to drop it, as a part may have been forwarded already, unless
    // the message is kept until it is whole.
    const Charge charged = charge(begins ? 1 : 0, header.size + header.length, begins || reads_);
    if (charged == Charge::refused) return Pass::stop;
    if (charged == Charge::early) return Pass::wait;
    dropping_ = charged == Charge::drop;
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
  if (!mine.any) return violate(Ending::violation, own_rule("messages"));
  const bool allowed = header.is(Opcode::text) ? mine.text : mine.binary;
  return allowed || violate(Ending::wrong_kind, own_rule("messages"));
}

// Counts what passes against all rates. A rate that drops something does not count it.
MessageGuard::Charge MessageGuard::charge(uint32_t messages, uint64_t bytes, bool droppable) {
  const routing::MessageRules& mine = this->mine();
  if (messages != 0 && mine.messages.per_second != 0) {
    const Charge charged = charge_rate(mine.messages, messages_, messages, droppable, "rate");
    if (charged != Charge::passes) return charged;
  }
  if (mine.bytes.per_second != 0) {
    const Charge charged =
        charge_rate(mine.bytes, bytes_, static_cast<double>(bytes), droppable, "byte_rate");
    if (charged != Charge::passes) return charged;
  }
  return limits_.empty() ? Charge::passes : charge_limits(messages, bytes, droppable);
}

MessageGuard::Charge MessageGuard::charge_rate(const routing::MessageRate& rate, Bucket& bucket,
                                               double amount, bool droppable, std::string_view key) {
  const double over = bucket.add(rate, amount, turn_.now);
  if (over <= 0) return Charge::passes;
  const std::chrono::duration<double> wait(std::min(over / rate.per_second, 3600.0));
  const Charge charged = exceed(std::chrono::duration_cast<base::Duration>(wait), droppable);
  if (charged == Charge::drop) bucket.level -= amount;
  if (charged == Charge::refused) violate(Ending::rate, own_rule(key));
  return charged;
}

// Limits that are shared with other sockets are charged in whole KiB; the rest of the last KiB is used for
// the next frames.
MessageGuard::Charge MessageGuard::charge_limits(uint32_t messages, uint64_t bytes, bool droppable) {
  constexpr uint64_t unit = 1024;
  const uint64_t unpaid = bytes - std::min<uint64_t>(bytes, paid_bytes_);
  const uint64_t units = std::min<uint64_t>((unpaid + unit - 1) / unit, 1'000'000);
  const Amounts amounts{.messages = messages, .kibibytes = static_cast<uint32_t>(units)};
  const uint32_t paid_before = paid_bytes_;
  paid_bytes_ = static_cast<uint32_t>(std::max(paid_bytes_ + units * unit, bytes) - bytes);
  if (mine().on_rate == OnViolation::slow) return book(amounts);
  for (const SharedLimit& limit : limits_) {
    const uint32_t amount = amounts.of(limit);
    if (amount == 0) continue;
    const state::RateLimiter::BucketState bucket = limit.limiter->take(limit.key, turn_.now, amount);
    if (bucket.passes) continue;
    const Charge charged = exceed(bucket.wait, droppable);
    if (charged == Charge::drop) paid_bytes_ = paid_before;
    if (charged == Charge::refused)
      violate(Ending::rate,
              (limit.of_bytes ? "byte_limit: " : "message_limit: ") + limit.limiter->settings().name);
    return charged;
  }
  return Charge::passes;
}

// Each socket has at most one place in the queue of a limit, and its frame passes when its turn comes:
// however many sockets there are, together they get what the limit allows.
MessageGuard::Charge MessageGuard::book(const Amounts& amounts) {
  base::Duration wait{};
  for (const SharedLimit& limit : limits_)
    if (const uint32_t amount = amounts.of(limit); amount != 0)
      wait = std::max(wait, limit.limiter->book(limit.key, turn_.now, amount));
  if (wait == base::Duration::zero()) return Charge::passes;
  booked_ = amounts;
  wait_until_ = std::max(wait_until_, turn_.now + wait);
  return Charge::early;
}

// Frees the place of a socket that ends while it waits.
void MessageGuard::give_back() {
  if (!booked_) return;
  for (const SharedLimit& limit : limits_)
    if (const uint32_t amount = booked_->of(limit); amount != 0) limit.limiter->give_back(limit.key, amount);
}

// Called when a rate is exceeded; it will no longer be exceeded after `wait`.
MessageGuard::Charge MessageGuard::exceed(base::Duration wait, bool droppable) {
  switch (mine().on_rate) {
    case OnViolation::slow: wait_until_ = std::max(wait_until_, turn_.now + wait); return Charge::passes;
    case OnViolation::drop: return droppable ? Charge::drop : Charge::refused;
    case OnViolation::close: break;
  }
  return Charge::refused;
}

MessageGuard::Pass MessageGuard::check_control(const FrameHeader& header, std::string_view payload) {
  if (const std::optional<Fault> fault = order_.check(header)) return refuse(*fault);
  if (header.is(Opcode::close)) {
    if (const std::optional<Fault> fault = websocket::FrameOrder::check_close(payload)) return refuse(*fault);
    return Pass::on;
  }
  const Charge charged = charge_passing(header.size + header.length);
  return charged == Charge::refused ? Pass::stop : charged == Charge::drop ? Pass::drop : Pass::on;
}

// Charges what can no longer be held back; the next frame waits instead.
MessageGuard::Charge MessageGuard::charge_passing(uint64_t bytes) {
  const Charge charged = charge(0, bytes, true);
  booked_.reset();
  return charged == Charge::early ? Charge::passes : charged;
}

void MessageGuard::on_payload(const FrameHeader& header, base::Bytes piece, uint64_t offset, bool end) {
  if (const std::optional<Fault> fault = reader_.add(header, piece, offset, end)) {
    if (fault->code == websocket::close_code::too_big)
      violate(Ending::too_large, own_rule(fault->rule));
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
  if (charge_expanded() && type_passes(view)) {
    receiver_.on_message(reader_.kind(), message, view);
    first_ = false;
  }
  reader_.next();
}

std::optional<base::Instant> MessageGuard::due() const {
  if (!begun_ || mine().message_timeout == base::no_limit) return std::nullopt;
  return *begun_ + mine().message_timeout;
}

void MessageGuard::refuse_late() { violate(Ending::idle, own_rule("message_timeout")); }

// Charges the difference when a message is larger after decompression than on the wire. Returns false if it
// must not be forwarded.
bool MessageGuard::charge_expanded() {
  const size_t size = reader_.message().size();
  if (size <= message_bytes_) return true;
  const Charge charged = charge_passing(size - message_bytes_);
  if (charged == Charge::drop) ++dropped_;
  return charged == Charge::passes;
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
    return violate(Ending::violation,
                   own_rule("types") + (unreadable.empty() ? "" : ": ") + std::string(unreadable));
  ++dropped_;
  return false;
}

}  // namespace postern::tunnel
