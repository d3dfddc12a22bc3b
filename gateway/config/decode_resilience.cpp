#include "config/decode_resilience.h"

#include "config/addresses.h"
#include "config/text.h"

namespace postern::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::string_view none = "none";

bool says_none(const Value& value) { return value.is_scalar() && value.node().text == none; }

// One word of a list of failures: a kind, or a status.
struct FailureWord {
  std::optional<FailureKind> kind;
  uint16_t status = 0;
};

Parsed<FailureWord> parse_failure(std::string_view text) {
  if (text == "connect") return FailureWord{FailureKind::connect};
  if (text == "reset") return FailureWord{FailureKind::reset};
  if (text == "timeout") return FailureWord{FailureKind::timeout};
  if (text == "invalid_response") return FailureWord{FailureKind::invalid_response};
  constexpr std::string_view prefix = "status_";
  if (text.starts_with(prefix)) {
    const Parsed<uint64_t> status = parse_number(text.substr(prefix.size()));
    if (status && *status >= 400 && *status <= 599)
      return FailureWord{std::nullopt, static_cast<uint16_t>(*status)};
    return complain("is not a status from 400 to 599 (write status_503)");
  }
  return complain("is none of connect, reset, timeout, invalid_response and status_NNN");
}

FailureList decode_failures(const Value& value) {
  FailureList failures;
  for (const Value& item : value.items_or_one()) {
    const auto word = item.parsed(parse_failure);
    if (!word) continue;
    if (word->kind)
      failures.kinds.push_back(*word->kind);
    else
      failures.statuses.push_back(word->status);
  }
  return failures;
}

void decode_retries(const Value& value, RetriesDocument& retries) {
  constexpr uint64_t attempts_max = 10;
  if (value.is_scalar()) return set(retries.attempts, value.number(0, attempts_max));
  const Fields fields(value);
  if (const auto count = fields.take("attempts")) set(retries.attempts, count->number(0, attempts_max));
  if (const auto on = fields.take("on")) retries.on = decode_failures(*on);
  if (const auto also = fields.take("non_idempotent")) set(retries.non_idempotent, also->boolean());
  if (const auto size = fields.take("body_size")) {
    if (says_none(*size))
      retries.body_size = 0;
    else
      set(retries.body_size, size->size(1, 1024 * 1024, none));
  }
  if (const auto budget = fields.take("budget"))
    set(retries.budget_percent, budget->parsed(parse_percentage));
  if (const auto count = fields.take("budget_minimum")) set(retries.budget_minimum, count->number(0, 10'000));
}

void decode_eject(const Value& value, EjectDocument& eject) {
  if (says_none(value)) {
    eject.enabled = false;
    return;
  }
  const Fields fields(value);
  const auto read = [&](std::string_view key, Milliseconds& member) {
    if (const auto found = fields.take(key)) set(member, found->duration(milliseconds(100), hours(24)));
  };
  if (const auto count = fields.take("failures")) set(eject.failures, count->number(1, 1000));
  read("within", eject.within);
  read("time", eject.time);
  const auto most = fields.take("max");
  if (most) set(eject.max, most->duration(milliseconds(100), hours(24)));
  if (const auto on = fields.take("on")) eject.on = decode_failures(*on);
  if (eject.max < eject.time)
    (most ? *most : value).complain("is less than the first time (" + to_text(eject.time) + ")");
}

void decode_hold(const Value& value, std::optional<HoldDocument>& hold) {
  if (says_none(value)) return;
  const auto read_time = [&](const Value& time, std::string_view or_else) {
    set(hold->time, time.duration(milliseconds(1), minutes(5), or_else));
  };
  hold.emplace();
  if (value.is_scalar()) return read_time(value, none);
  const Fields fields(value);
  if (const auto time = fields.take("time")) read_time(*time, "hold: none");
  if (const auto time = fields.take("page_time"))
    set(hold->page_time, time->duration(milliseconds(0), minutes(5)));
  if (const auto count = fields.take("requests")) set(hold->requests, count->number(1, 1'000'000));
}

// "200" or "200-299".
using StatusRange = std::pair<uint16_t, uint16_t>;

Parsed<StatusRange> parse_statuses(std::string_view text) {
  const std::size_t dash = text.find('-');
  const Parsed<uint64_t> first = parse_number(text.substr(0, dash));
  const Parsed<uint64_t> last = dash == text.npos ? first : parse_number(text.substr(dash + 1));
  if (!first || !last || *first < 200 || *last > 599 || *first > *last)
    return complain("is neither a status from 200 to 599 nor a range of them (write 200-399)");
  return StatusRange{static_cast<uint16_t>(*first), static_cast<uint16_t>(*last)};
}

Parsed<std::string> parse_check_path(std::string_view text) {
  if (!text.starts_with('/')) return complain("does not begin with /");
  for (const char c : text)
    if (c <= ' ' || c == 0x7f || c == '#') return complain("is not a path as a request has it");
  return std::string(text);
}

void decode_request(const Fields& fields, HealthDocument& health) {
  if (const auto path = fields.take("path")) set(health.path, path->parsed(parse_check_path));
  if (const auto method = fields.take("method")) {
    const auto index = method->one_of({"GET", "HEAD"});
    if (index && *index == 1) health.method = "HEAD";
  }
  if (const auto host = fields.take("host")) {
    const auto text = host->text();
    if (text && !is_host(*text))
      host->refuse({"is not a host name", ""});
    else if (text)
      health.host = *text;
  }
  if (const auto status = fields.take("status")) {
    health.statuses.clear();
    for (const Value& item : status->items_or_one())
      if (const auto range = item.parsed(parse_statuses)) health.statuses.push_back(*range);
    if (status->is_list() && status->items().empty()) status->complain("is empty; nothing would pass");
  }
}

void decode_health(const Value& value, std::optional<HealthDocument>& health) {
  health.emplace();
  const Fields fields(value);
  if (const auto tcp = fields.take("tcp")) set(health->tcp, tcp->boolean());
  if (health->tcp) {
    for (const std::string_view key : {"path", "method", "host", "status"})
      if (const auto found = fields.take(key)) found->complain("stands beside tcp, which sends no request");
  } else {
    decode_request(fields, *health);
    const bool has_path = fields.take("path").has_value() || fields.is_misspelt("path");
    if (fields.is_map() && !has_path) value.complain("needs a path, or tcp: true");
  }
  const auto read = [&](std::string_view key, Milliseconds& member) {
    if (const auto found = fields.take(key)) set(member, found->duration(milliseconds(100), hours(1)));
  };
  read("interval", health->interval);
  read("timeout", health->timeout);
  if (const auto count = fields.take("healthy")) set(health->healthy, count->number(1, 100));
  if (const auto count = fields.take("unhealthy")) set(health->unhealthy, count->number(1, 100));
  if (const auto start = fields.take("start")) {
    const auto index = start->one_of({"up", "down"});
    health->starts_down = index && *index == 1;
  }
}

}  // namespace

void decode_resilience(const Fields& fields, UpstreamDocument& upstream) {
  if (const auto retries = fields.take("retries")) decode_retries(*retries, upstream.retries);
  if (const auto eject = fields.take("eject")) decode_eject(*eject, upstream.eject);
  if (const auto hold = fields.take("hold")) decode_hold(*hold, upstream.hold);
  if (const auto health = fields.take("health")) decode_health(*health, upstream.health);
}

}  // namespace postern::config
