#include "admin/revoke.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace postern;
using namespace postern::admin;
using namespace std::chrono_literals;
using state::Revocation;
using Kind = Revocation::Kind;
using Outcome = RevokeReader::Outcome;

namespace {

constexpr int64_t now = 1'796'083'200;  // 2026-12-01T00:00:00Z

tl::expected<Revocation, std::string> read(std::string_view text) {
  return read_revocation(base::parse_json(text).value(), {.lasts = 24h}, now);
}

std::string problem(std::string_view text) {
  const auto revocation = read(text);
  return revocation ? "none" : revocation.error();
}

struct Desk {
  Desk() { settings.table = table.get(); }
  RevokeReader reader(RevokeReader::Form form) { return {settings, form, now}; }
  std::unique_ptr<state::Revocations> table = std::make_unique<state::Revocations>();
  RevokeSettings settings{.lasts = 24h};
};

}  // namespace

TEST_CASE("revoke: what a revocation says") {
  auto one = read(R"({"sub":"ann","issuer":"https://a"})").value();
  CHECK(one.kind == Kind::subject);
  CHECK(one.value == "ann");
  CHECK(one.issuer == "https://a");
  CHECK(one.until == now + 24 * 3600);
  one = read(R"({"jti":"t1","for":"90m"})").value();
  CHECK(one.kind == Kind::token);
  CHECK(one.until == now + 90 * 60);
  CHECK(read(R"({"sid":"s1"})").value().kind == Kind::session);
  one = read(R"({"sub":"ann","issued_before":"now"})").value();
  CHECK(one.kind == Kind::subject_before);
  CHECK(one.issued_before == now);
  one = read(R"({"issued_before":"2026-11-30T23:59:59Z"})").value();
  CHECK(one.kind == Kind::all_before);
  CHECK(one.issued_before == now - 1);
  CHECK(read(R"({"issued_before":1700000000})").value().issued_before == 1'700'000'000);
}

TEST_CASE("revoke: each mistake has its sentence, and nothing is guessed") {
  const auto has = [](std::string_view text, std::string_view part) {
    CAPTURE(text);
    CHECK(problem(text).find(part) != std::string::npos);
  };
  has("{}", "names no tokens");
  has(R"({"issuer":"https://a"})", "names no tokens");
  has("[]", "is an object");
  has(R"({"subject":"ann"})", "no such key");
  has(R"({"sub":7})", "sub is not a text");
  has(R"({"sub":""})", "sub is empty");
  has(R"({"sub":")" + std::string(513, 'x') + "\"}", "longer than 512 bytes");
  has(R"({"sub":"ann","sid":"s"})", "both");
  has(R"({"sid":"s","issued_before":"now"})", "do not go together");
  for (const char* time : {"\"yesterday\"", "\"2026-13-01T00:00:00Z\"", "\"2026-12-01T00:00:00+01:00\"", "-1",
                           "\"2026-12-01T24:00:00Z\"", "\"2026-12-01T00:00:00Z \"", "1e30", "\"\""})
    has(R"({"sub":"ann","issued_before":)" + std::string(time) + "}", "is no time");
  has(R"({"sub":"ann","for":"long"})", "not a duration");
  has(R"({"sub":"ann","for":3600})", "not a duration");
  has(R"({"sub":"ann","for":"0s"})", "not between");
  has(R"({"sub":"ann","for":"87601h"})", "not between");
}

TEST_CASE("revoke: lines come in any pieces, and what came before a mistake is in effect") {
  const std::string lines = "{\"sub\":\"a\"}\n\n{\"sub\":\"b\"}\r\n{\"sub\":\"a\"}\n{\"sid\":\"c\"}";
  for (size_t piece = 1; piece <= lines.size(); ++piece) {
    Desk desk;
    RevokeReader reader = desk.reader(RevokeReader::Form::lines);
    for (size_t at = 0; at < lines.size(); at += piece)
      REQUIRE(reader.feed(std::string_view(lines).substr(at, piece)));
    CHECK(reader.finish());
    CHECK(reader.added() == 3);
    CHECK(reader.known() == 1);
  }
  Desk desk;
  RevokeReader reader = desk.reader(RevokeReader::Form::lines);
  CHECK_FALSE(reader.feed("{\"sub\":\"a\"}\n{\"sub\":}\n{\"sub\":\"b\"}\n"));
  CHECK(reader.outcome() == Outcome::wrong);
  CHECK(reader.problem().starts_with("line 2: the JSON "));
  CHECK_FALSE(reader.finish());
  CHECK(desk.table->size() == 1);
  RevokeReader endless = desk.reader(RevokeReader::Form::lines);
  CHECK_FALSE(endless.feed(std::string(5000, ' ')));
  CHECK(endless.problem() == "line 1: it is longer than 4 KiB");
}

TEST_CASE("revoke: a whole body is an object or a list, and bounded") {
  Desk desk;
  RevokeReader one = desk.reader(RevokeReader::Form::whole);
  CHECK(one.feed("{\n \"sub\":"));
  CHECK(one.feed(" \"a\"\n}\n"));
  CHECK(one.finish());
  CHECK(one.added() == 1);
  RevokeReader list = desk.reader(RevokeReader::Form::whole);
  CHECK(list.feed(R"([{"sub":"b"},{"sub":"c"}])"));
  CHECK(list.finish());
  CHECK(desk.table->size() == 3);
  RevokeReader empty = desk.reader(RevokeReader::Form::whole);
  CHECK_FALSE(empty.finish());
  RevokeReader large = desk.reader(RevokeReader::Form::whole);
  CHECK_FALSE(large.feed(std::string(RevokeReader::whole_max + 1, ' ')));
}

TEST_CASE("revoke: a full table is told of, and the line that was not taken") {
  Desk desk;
  for (size_t i = 0; i < state::Revocations::entries_max; ++i)
    desk.table->add({Kind::token, std::to_string(i), "", 0, now + 100}, now);
  RevokeReader reader = desk.reader(RevokeReader::Form::lines);
  CHECK_FALSE(reader.feed("{\"jti\":\"5\"}\n{\"jti\":\"new\"}\n"));
  CHECK(reader.outcome() == Outcome::full);
  CHECK(reader.known() == 1);
  CHECK(reader.problem().starts_with("line 2: as many revocations"));
}

TEST_CASE("revoke: the list shows what is in effect") {
  Desk desk;
  desk.table->add({Kind::subject, "ann", "https://a", 0, now + 60}, now);
  desk.table->add({Kind::all_before, "", "", now, now + 60}, now);
  desk.table->add({Kind::logout_token, "j", "https://a", 0, now + 60}, now);
  const base::Json shown = base::parse_json(revocations_json(*desk.table, now)).value();
  CHECK(shown["entries"] == 3);
  CHECK(shown["of_kind"]["sub"] == 1);
  CHECK(shown["newest"] ==
        base::Json::array({{{"sub", "ann"}, {"issuer", "https://a"}, {"until", "2026-12-01T00:01:00Z"}},
                           {{"issued_before", "2026-12-01T00:00:00Z"}, {"until", "2026-12-01T00:01:00Z"}}}));
  const base::Json later = base::parse_json(revocations_json(*desk.table, now + 60)).value();
  CHECK(later["newest"].empty());
}
