#include "admin/revoke.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "config/values.h"

namespace postern::admin {
namespace {

using base::Json;
using state::Revocation;
using state::Revocations;
using Kind = Revocation::Kind;
using Wrong = tl::unexpected<std::string>;

constexpr std::chrono::hours longest(87'600);     // ten years
constexpr int64_t last_second = 253'402'300'799;  // of the year 9999

struct Named {
  const char* key;
  Kind kind;
};
constexpr auto names =
    std::to_array<Named>({{"jti", Kind::token}, {"sub", Kind::subject}, {"sid", Kind::session}});

const char* key_of(Kind kind) {
  if (kind == Kind::subject_before) return "sub";
  for (const Named& name : names)
    if (name.kind == kind) return name.key;
  return nullptr;
}

// "2026-12-01T08:00:00Z" (RFC 3339 in UTC), in Unix seconds.
std::optional<int64_t> read_time(const std::string& text) {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int end = 0;
  const int read = std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2uZ%n", &year, &month, &day, &hour,
                               &minute, &second, &end);
  constexpr size_t size = std::string_view("2026-12-01T08:00:00Z").size();
  if (read != 6 || text.size() != size || static_cast<size_t>(end) != size) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  return std::chrono::seconds(days).count() + hour * 3600 + minute * 60 + second;
}

std::string time_text(int64_t unix_seconds) {
  const std::chrono::sys_seconds moment{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text;
}

tl::expected<std::string, std::string> read_name(const Json& value, const std::string& key) {
  if (!value.is_string()) return Wrong(key + " is not a text");
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty()) return Wrong(key + " is empty");
  if (text.size() > Revocations::text_max)
    return Wrong(key + " is longer than " + std::to_string(Revocations::text_max) + " bytes");
  return text;
}

tl::expected<int64_t, std::string> read_issued_before(const Json& value, int64_t now) {
  if (value.is_number_integer()) {
    const auto seconds = value.get<int64_t>();
    if (seconds >= 0 && seconds <= last_second) return seconds;
  } else if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text == "now") return now;
    if (const auto time = read_time(text)) return *time;
  }
  return Wrong("issued_before is no time (write 2026-12-01T08:00:00Z, Unix seconds, or now)");
}

tl::expected<int64_t, std::string> read_for(const Json& value) {
  const auto duration = value.is_string() ? config::parse_duration(value.get_ref<const std::string&>())
                                          : config::parse_duration("");
  if (!duration) return Wrong("for is not a duration (write 30m or 12h)");
  if (*duration <= std::chrono::milliseconds(0) || *duration > longest)
    return Wrong("for is not between 1s and 87600h");
  return std::chrono::ceil<std::chrono::seconds>(*duration).count();
}

}  // namespace

tl::expected<Revocation, std::string> read_revocation(const Json& json, const RevokeSettings& settings,
                                                      int64_t now) {
  if (!json.is_object()) return Wrong("a revocation is an object, such as {\"sub\":\"ann\"}");
  Revocation revocation;
  const char* named = nullptr;
  std::optional<int64_t> before;
  int64_t lasts = std::chrono::ceil<std::chrono::seconds>(settings.lasts).count();
  for (const auto& [key, value] : json.items()) {
    const Named* name = nullptr;
    for (const Named& one : names)
      if (key == one.key) name = &one;
    if (name != nullptr || key == "issuer") {
      auto text = read_name(value, key);
      if (!text) return Wrong(std::move(text.error()));
      if (name != nullptr && named != nullptr)
        return Wrong(std::string("it has both ") + named + " and " + name->key + "; write two revocations");
      if (name != nullptr) {
        named = name->key;
        revocation.kind = name->kind;
      }
      (name != nullptr ? revocation.value : revocation.issuer) = std::move(*text);
    } else if (key == "issued_before") {
      const auto time = read_issued_before(value, now);
      if (!time) return Wrong(time.error());
      before = *time;
    } else if (key == "for") {
      const auto seconds = read_for(value);
      if (!seconds) return Wrong(seconds.error());
      lasts = *seconds;
    } else {
      return Wrong("there is no such key; it may have jti, sub, sid, issuer, issued_before and for");
    }
  }
  if (named == nullptr && !before) return Wrong("it names no tokens: give jti, sub, sid or issued_before");
  if (before && named != nullptr && revocation.kind != Kind::subject)
    return Wrong(std::string(named) + " and issued_before do not go together; issued_before goes with sub");
  if (before) revocation.kind = named != nullptr ? Kind::subject_before : Kind::all_before;
  revocation.issued_before = before.value_or(0);
  revocation.until = now + lasts;
  return revocation;
}

bool RevokeReader::fail(Outcome outcome, std::string sentence) {
  outcome_ = outcome;
  problem_ = (form_ == Form::lines ? "line " + std::to_string(line_) + ": " : std::string()) + sentence;
  return false;
}

bool RevokeReader::take(const Json& json) {
  const auto revocation = read_revocation(json, settings_, now_);
  if (!revocation) return fail(Outcome::wrong, revocation.error());
  switch (settings_.table->add(*revocation, now_)) {
    case Revocations::Added::added: ++added_; return true;
    case Revocations::Added::known: ++known_; return true;
    case Revocations::Added::full: break;
  }
  return fail(Outcome::full, "as many revocations are in effect as there may be (" +
                                 std::to_string(Revocations::entries_max) + "); this one was not taken");
}

bool RevokeReader::take_text(std::string_view text) {
  ++line_;
  if (base::trim(text).empty() && form_ == Form::lines) return true;
  const auto json = base::parse_json(text, {.size = whole_max, .depth = 4});
  if (!json) return fail(Outcome::wrong, "the JSON " + std::string(describe(json.error().kind)));
  if (form_ == Form::lines || !json->is_array()) return take(*json);
  for (const Json& one : *json)
    if (!take(one)) return false;
  return true;
}

bool RevokeReader::feed(std::string_view bytes) {
  if (form_ == Form::whole) {
    if (rest_.size() + bytes.size() > whole_max)
      return fail(Outcome::wrong,
                  "the body is longer than 64 KiB; send a line for each revocation, as application/x-ndjson");
    rest_ += bytes;
    return true;
  }
  for (size_t end = bytes.find('\n'); end != bytes.npos; end = bytes.find('\n')) {
    rest_ += bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (rest_.size() > line_max || !take_text(rest_)) break;
    rest_.clear();
  }
  if (outcome_ != Outcome::good) return false;
  rest_ += bytes;
  if (rest_.size() <= line_max) return true;
  ++line_;
  return fail(Outcome::wrong, "it is longer than 4 KiB");
}

bool RevokeReader::finish() {
  if (outcome_ != Outcome::good) return false;
  if (form_ == Form::lines && rest_.empty()) return true;
  return take_text(std::exchange(rest_, {}));
}

std::string revocations_json(const Revocations& table, int64_t now) {
  Json answer;
  answer["entries"] = table.size();
  answer["entries_max"] = Revocations::entries_max;
  answer["memory_bytes"] = table.memory();
  answer["of_kind"] = {{"jti", table.size(Kind::token)},
                       {"sub", table.size(Kind::subject)},
                       {"sid", table.size(Kind::session)},
                       {"sub_issued_before", table.size(Kind::subject_before)},
                       {"issued_before", table.size(Kind::all_before)},
                       {"logout_token", table.size(Kind::logout_token)}};
  Json newest = Json::array();
  for (const Revocation& one : table.newest(now)) {
    Json shown = Json::object();
    if (const char* key = key_of(one.kind)) shown[key] = one.value;
    if (!one.issuer.empty()) shown["issuer"] = one.issuer;
    if (one.kind == Kind::subject_before || one.kind == Kind::all_before)
      shown["issued_before"] = time_text(one.issued_before);
    shown["until"] = time_text(one.until);
    newest.push_back(std::move(shown));
  }
  answer["newest"] = std::move(newest);
  return base::write_json(answer) + "\n";
}

}  // namespace postern::admin
