#include "telemetry/access_log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/error.h"
#include "base/json.h"

using namespace postern::telemetry;
using namespace std::chrono_literals;
using postern::base::Cause;
using postern::base::Json;
using postern::base::Side;
using postern::base::Stage;
using postern::base::TextBuilder;

namespace {

constexpr WallTime noted_time =
    std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + 2h + 48min + 11s + 123ms;
WallTime noted_clock() { return noted_time; }

ExchangeRecord usual_exchange() {
  return {.request_id = "0123456789abcdef0123456789abcdef",
          .client = "203.0.113.9",
          .method = "GET",
          .host = "app.example.com",
          .target = "/api/jobs?token=***",
          .version = "1.1",
          .route = "api",
          .upstream = "orchestrator",
          .endpoint = "http://10.0.0.11:3001",
          .user_agent = "Mozilla/5.0 (X11; Linux x86_64)",
          .attempts = 1,
          .status = 200,
          .tls = true,
          .request_bytes = 0,
          .response_bytes = 10240,
          .duration = 1234567ns,
          .stages = {.policy = 12us, .connect = std::nullopt, .response_head = 1100us, .body = 90us},
          .failure = std::nullopt};
}

ExchangeRecord failed_exchange() {
  ExchangeRecord record = usual_exchange();
  record.attempts = 2;
  record.status = 502;
  record.stages = {
      .policy = std::nullopt, .connect = 3ms, .response_head = std::nullopt, .body = std::nullopt};
  record.failure = {.error = {Cause::upstream_refused, Stage::connect},
                    .detail = "127.0.0.1:3001 refused, [::1]:3001 refused"};
  return record;
}

TunnelRecord usual_tunnel() {
  return {.request_id = "0123456789abcdef0123456789abcdef",
          .client = "203.0.113.9",
          .host = "app.example.com",
          .target = "/ws",
          .route = "sockets",
          .upstream = "orchestrator",
          .endpoint = "http://10.0.0.11:3001",
          .subprotocol = "chat",
          .handshake_duration = 2500us};
}

std::string exchange_line(LogFormat format, const ExchangeRecord& record) {
  TextBuilder out;
  append_exchange(out, format, noted_time, record);
  return std::string(out.view());
}

Json read(std::string_view line) {
  REQUIRE(line.ends_with("}\n"));
  auto value = postern::base::parse_json(line);
  REQUIRE(value);
  return *value;
}

}  // namespace

TEST_CASE(
    "access log: the parts of a token stand in every line of a request, and only those that are there") {
  ExchangeRecord record = usual_exchange();
  CHECK_FALSE(read(exchange_line(LogFormat::json, record)).contains("token"));
  CHECK(exchange_line(LogFormat::text, record).find("token_") == std::string::npos);
  record.token = {.provider = "login", .subject = "a\"b", .subject_hash = "", .id = "", .rule = "staff"};
  const Json token = {{"provider", "login"}, {"sub", "a\"b"}, {"rule", "staff"}};
  CHECK(read(exchange_line(LogFormat::json, record))["token"] == token);
  CHECK(exchange_line(LogFormat::text, record)
            .find(" token_provider=login token_sub=\"a\\\"b\" token_rule=staff") != std::string::npos);
  record.stream = StreamRecord();
  TextBuilder out;
  append_stream_open(out, LogFormat::json, noted_time, record);
  CHECK(read(std::string(out.view()))["token"] == token);
  TunnelRecord tunnel = usual_tunnel();
  tunnel.token = {.provider = "", .subject = "", .subject_hash = "0123", .id = "j", .rule = ""};
  out.clear();
  append_tunnel_open(out, LogFormat::json, noted_time, tunnel);
  CHECK(read(std::string(out.view()))["token"] == Json({{"sub_hash", "0123"}, {"jti", "j"}}));
  out.clear();
  append_tunnel_close(out, LogFormat::text, noted_time, tunnel, TunnelEnd());
  CHECK(out.view().find(" token_sub_hash=0123 token_jti=j ") != std::string::npos);
}

TEST_CASE("access log: the parts of a client certificate stand in every line, beside those of a token") {
  ExchangeRecord record = usual_exchange();
  CHECK_FALSE(read(exchange_line(LogFormat::json, record)).contains("client_certificate"));
  record.token.provider = "login";
  record.certificate = {
      .subject = "CN=alice,O=Example", .alternative_names = "", .serial = "0A", .fingerprint = "e3b0"};
  const Json certificate = {{"subject", "CN=alice,O=Example"}, {"serial", "0A"}, {"fingerprint", "e3b0"}};
  CHECK(read(exchange_line(LogFormat::json, record))["client_certificate"] == certificate);
  CHECK(read(exchange_line(LogFormat::json, record))["token"]["provider"] == "login");
  CHECK(exchange_line(LogFormat::text, record)
            .find(" token_provider=login client_certificate_subject=CN=alice,O=Example "
                  "client_certificate_serial=0A client_certificate_fingerprint=e3b0") != std::string::npos);
  record.stream = StreamRecord();
  TextBuilder out;
  append_stream_open(out, LogFormat::json, noted_time, record);
  CHECK(read(std::string(out.view()))["client_certificate"] == certificate);
  TunnelRecord tunnel = usual_tunnel();
  tunnel.certificate.alternative_names = "DNS:a.example";
  out.clear();
  append_tunnel_open(out, LogFormat::json, noted_time, tunnel);
  CHECK(read(std::string(out.view()))["client_certificate"] == Json({{"san", "DNS:a.example"}}));
  out.clear();
  append_tunnel_close(out, LogFormat::text, noted_time, tunnel, TunnelEnd());
  CHECK(out.view().find(" client_certificate_san=DNS:a.example") != std::string::npos);
}

TEST_CASE("access log: an exchange is one JSON line with everything that was noted") {
  CHECK(exchange_line(LogFormat::json, usual_exchange()) ==
        R"({"time":"2026-11-21T02:48:11.123Z","level":"info","event":"exchange",)"
        R"("request_id":"0123456789abcdef0123456789abcdef","client":"203.0.113.9","method":"GET",)"
        R"("host":"app.example.com","target":"/api/jobs?token=***","version":"1.1","route":"api",)"
        R"("upstream":"orchestrator","endpoint":"http://10.0.0.11:3001","attempts":1,"status":200,)"
        R"("request_bytes":0,"response_bytes":10240,"duration_ms":1.235,)"
        R"("stages":{"policy_ms":0.012,"response_head_ms":1.100,"body_ms":0.090},"tls":true,)"
        R"x("user_agent":"Mozilla/5.0 (X11; Linux x86_64)","cause":null})x"
        "\n");
}

TEST_CASE("access log: a failed exchange says cause, stage, whose fault, particulars and remedy") {
  const Json line = read(exchange_line(LogFormat::json, failed_exchange()));
  CHECK(line.at("level") == "error");
  CHECK(line.at("status") == 502);
  CHECK(line.at("attempts") == 2);
  CHECK(line.at("stages") == Json{{"connect_ms", 3.0}});
  CHECK(line.at("cause") == "upstream_refused");
  CHECK(line.at("stage") == "connect");
  CHECK(line.at("fault") == "upstream");
  CHECK(line.at("detail") == "127.0.0.1:3001 refused, [::1]:3001 refused");
  CHECK(line.at("remedy") == postern::base::traits(Cause::upstream_refused).remedy);
}

TEST_CASE("access log: bytes that were refused are shown where there are some") {
  ExchangeRecord record = failed_exchange();
  CHECK(exchange_line(LogFormat::json, record).find("offending") == std::string::npos);
  record.failure->offending = "X-One:***\\x01";
  CHECK(read(exchange_line(LogFormat::json, record)).at("offending") == "X-One:***\\x01");
  CHECK(exchange_line(LogFormat::text, record).find(R"( offending="X-One:***\\x01" remedy=)") !=
        std::string::npos);
}

TEST_CASE("access log: what did not happen is null, and stages that did not happen are absent") {
  ExchangeRecord record{.client = "::1", .method = "GET", .status = 404};
  record.failure = {.error = {Cause::no_route, Stage::routing}, .detail = {}};
  const Json line = read(exchange_line(LogFormat::json, record));
  for (const char* name : {"route", "upstream", "endpoint", "user_agent", "detail"})
    CHECK(line.at(name) == nullptr);
  CHECK(line.at("stages") == Json::object());
  CHECK(line.at("attempts") == 0);
  CHECK(line.at("tls") == false);
  CHECK(line.at("level") == "info");
}

TEST_CASE("access log: a socket that was refused by a Close frame has the status that it stands for") {
  ExchangeRecord record = usual_exchange();
  record.status = 101;
  record.refused_socket = {1013, 500, "the endpoint answered the upgrade with 500"};
  const Json line = read(exchange_line(LogFormat::json, record));
  CHECK(line.at("status") == 101);
  CHECK(line.at("close_code") == 1013);
  CHECK(line.at("refused_status") == 500);
  CHECK(line.at("cause") == nullptr);
  CHECK(line.at("detail") == "the endpoint answered the upgrade with 500");
  CHECK(exchange_line(LogFormat::text, record)
            .ends_with(" detail=\"the endpoint answered the upgrade with 500\" close_code=1013 "
                       "refused_status=500\n"));
  record.failure = {.error = {Cause::maintenance, Stage::policy}, .detail = "why"};
  CHECK(read(exchange_line(LogFormat::json, record)).at("detail") == "why");
  CHECK(exchange_line(LogFormat::text, record).ends_with(" close_code=1013 refused_status=500\n"));
}

TEST_CASE("access log: an exchange in text is one compact line") {
  CHECK(exchange_line(LogFormat::text, usual_exchange()) ==
        "2026-11-21T02:48:11.123Z info  exchange     200 GET     app.example.com /api/jobs?token=*** 1.235ms "
        "client=203.0.113.9 route=api upstream=orchestrator endpoint=http://10.0.0.11:3001 attempts=1 in=0 "
        "out=10240 policy=0.012ms response_head=1.100ms body=0.090ms version=1.1 tls=true "
        "id=0123456789abcdef0123456789abcdef agent=\"Mozilla/5.0 (X11; Linux x86_64)\"\n");
  const std::string failed = exchange_line(LogFormat::text, failed_exchange());
  CHECK(failed.find(" error exchange     502 GET ") != failed.npos);
  CHECK(failed.find(" cause=upstream_refused stage=connect fault=upstream "
                    "detail=\"127.0.0.1:3001 refused, [::1]:3001 refused\" remedy=\"") != failed.npos);
}

TEST_CASE("access log: text that a peer chose cannot make a second line or a false field") {
  ExchangeRecord record = usual_exchange();
  record.method = "GET\x1b[2J";
  record.target = "/a\nb status=200\r";
  record.user_agent = "\xff\"} \u202e";
  record.host = "a b";
  for (const LogFormat format : {LogFormat::json, LogFormat::text}) {
    const std::string line = exchange_line(format, record);
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(line.find_first_of("\r\x1b\xff") == line.npos);
    CHECK(line.find("\u202e") == line.npos);
  }
  CHECK(read(exchange_line(LogFormat::json, record)).at("target") == record.target);
  CHECK(exchange_line(LogFormat::text, record).find(R"( "a b" "/a\nb status=200\r" )") != std::string::npos);
}

TEST_CASE("access log: every cause and stage renders as a line that JSON readers take") {
  for (int cause = 0; cause < postern::base::cause_count; ++cause) {
    for (int stage = 0; stage < postern::base::stage_count; ++stage) {
      ExchangeRecord record = usual_exchange();
      record.failure = {.error = {static_cast<Cause>(cause), static_cast<Stage>(stage)}, .detail = "why"};
      const Json line = read(exchange_line(LogFormat::json, record));
      CHECK(line.at("cause") == postern::base::traits(static_cast<Cause>(cause)).label);
      CHECK(line.at("stage") == postern::base::label(static_cast<Stage>(stage)));
    }
  }
}

TEST_CASE("access log: a tunnel's two lines share what identifies it") {
  const TunnelRecord tunnel = usual_tunnel();
  TextBuilder out;
  append_tunnel_open(out, LogFormat::json, noted_time, tunnel);
  CHECK(out.view() ==
        R"({"time":"2026-11-21T02:48:11.123Z","level":"info","event":"tunnel_open",)"
        R"("request_id":"0123456789abcdef0123456789abcdef","client":"203.0.113.9","host":"app.example.com",)"
        R"("target":"/ws","route":"sockets","upstream":"orchestrator","endpoint":"http://10.0.0.11:3001",)"
        R"("subprotocol":"chat","duration_ms":2.500})"
        "\n");
  const Json open = read(out.view());

  out.clear();
  append_tunnel_close(out, LogFormat::json, noted_time, tunnel,
                      {.by = Side::upstream,
                       .cause = "upstream_closed",
                       .meaning = "The endpoint closed its connection.",
                       .bytes_to_client = 5000000000,
                       .bytes_to_upstream = 12,
                       .duration = 90s});
  const Json close = read(out.view());
  CHECK(close.at("event") == "tunnel_close");
  for (const char* name :
       {"request_id", "client", "host", "target", "route", "upstream", "endpoint", "subprotocol"})
    CHECK(close.at(name) == open.at(name));
  CHECK(close.at("by") == "upstream");
  CHECK(close.at("cause") == "upstream_closed");
  CHECK(close.at("meaning") == "The endpoint closed its connection.");
  CHECK(close.at("bytes_to_client") == 5000000000);
  CHECK(close.at("bytes_to_upstream") == 12);
  CHECK(close.at("duration_ms") == 90000.0);
}

TEST_CASE("access log: a tunnel's lines in text stand in the columns of the exchanges") {
  TextBuilder out;
  TunnelRecord tunnel = usual_tunnel();
  tunnel.subprotocol = {};
  append_tunnel_open(out, LogFormat::text, noted_time, tunnel);
  append_tunnel_close(out, LogFormat::text, noted_time, tunnel,
                      {.by = Side::client, .bytes_to_client = 7, .bytes_to_upstream = 9, .duration = 1500ms});
  CHECK(out.view() ==
        "2026-11-21T02:48:11.123Z info  tunnel_open  101 WS      app.example.com /ws 2.500ms "
        "client=203.0.113.9 "
        "route=sockets upstream=orchestrator endpoint=http://10.0.0.11:3001 subprotocol=- "
        "id=0123456789abcdef0123456789abcdef\n"
        "2026-11-21T02:48:11.123Z info  tunnel_close 101 WS      app.example.com /ws 1500.000ms "
        "client=203.0.113.9 "
        "route=sockets upstream=orchestrator endpoint=http://10.0.0.11:3001 subprotocol=- by=client cause=- "
        "meaning=- close_code=1006 close_reason=- to_client=7 to_upstream=9 messages_to_client=0 "
        "messages_to_upstream=0 client_quiet=0.000ms upstream_quiet=0.000ms "
        "id=0123456789abcdef0123456789abcdef\n");
}

TEST_CASE("access log: a reused builder does not allocate for the next line") {
  TextBuilder out;
  append_exchange(out, LogFormat::json, noted_time, failed_exchange());
  const size_t capacity = out.capacity();
  const char* memory = out.view().data();
  out.clear();
  append_exchange(out, LogFormat::json, noted_time, failed_exchange());
  CHECK(out.capacity() == capacity);
  CHECK(out.view().data() == memory);
}

TEST_CASE("access log: lines wait for a flush, failures too, and come in order") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  std::array<char, 8192> buffer{};
  {
    LogSink sink(ends[1]);
    AccessLog log(sink, LogFormat::json, noted_clock);
    log.exchange(failed_exchange());
    log.tunnel_open(usual_tunnel());
    log.tunnel_close(usual_tunnel(), {});
    CHECK(::read(ends[0], buffer.data(), buffer.size()) == -1);
    CHECK(sink.flush());
  }
  const ssize_t count = ::read(ends[0], buffer.data(), buffer.size());
  REQUIRE(count > 0);
  std::string_view lines(buffer.data(), static_cast<size_t>(count));
  for (const char* event : {"exchange", "tunnel_open", "tunnel_close"}) {
    const size_t end = lines.find('\n') + 1;
    CHECK(read(lines.substr(0, end)).at("event") == event);
    lines.remove_prefix(end);
  }
  CHECK(lines.empty());
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("access log: what was held says for how long, and nothing else speaks of it") {
  ExchangeRecord record;
  CHECK(exchange_line(LogFormat::json, record).find("held") == std::string::npos);
  CHECK(exchange_line(LogFormat::text, record).find("held") == std::string::npos);
  record.stages.held = 2s;
  record.stages.connect = 1ms;
  CHECK(read(exchange_line(LogFormat::json, record)).at("stages") ==
        Json{{"held_ms", 2000.0}, {"connect_ms", 1.0}});
  CHECK(exchange_line(LogFormat::text, record).find(" held=2000.000ms connect=1.000ms") != std::string::npos);

  TunnelRecord tunnel;
  const auto line = [&](LogFormat format) {
    TextBuilder out;
    append_tunnel_open(out, format, noted_time, tunnel);
    return std::string(out.view());
  };
  CHECK_FALSE(read(line(LogFormat::json)).contains("held_ms"));
  tunnel.held_duration = 3s;
  CHECK(read(line(LogFormat::json)).at("held_ms") == 3000.0);
  CHECK(line(LogFormat::text).find(" held=3000.000ms") != std::string::npos);
}

TEST_CASE("access log: a text that a peer made long is cut, and a line stays a line") {
  for (const std::string& text : {std::string(31 * 1024, '\x01'), std::string(31 * 1024, 'a')}) {
    ExchangeRecord record = usual_exchange();
    record.user_agent = text;
    record.target = text;
    for (const LogFormat format : {LogFormat::json, LogFormat::text}) {
      TextBuilder out;
      append_exchange(out, format, noted_time, record);
      CHECK(out.view().size() < 2 * 6 * logged_text_max + 1500);
      CHECK(out.view().find("... (31744 bytes)") != std::string_view::npos);
    }
  }
  // A text must not be cut inside a character.
  std::string umlauts = "x";
  while (umlauts.size() < 3000) umlauts += "\xc3\xa4";
  ExchangeRecord record = usual_exchange();
  record.user_agent = umlauts;
  TextBuilder out;
  append_exchange(out, LogFormat::json, noted_time, record);
  CHECK(out.view().find("\xef\xbf\xbd") == std::string_view::npos);
  const auto line = postern::base::parse_json(out.view());
  REQUIRE(line.has_value());
  CHECK((*line)["user_agent"].get<std::string>().ends_with("\xc3\xa4... (3001 bytes)"));
  record.user_agent = std::string_view(umlauts).substr(0, logged_text_max);
  out.clear();
  append_exchange(out, LogFormat::json, noted_time, record);
  CHECK(out.view().find("bytes)") == std::string_view::npos);
  // What is no UTF-8 at all is cut at the limit, and not to nothing.
  const std::string bytes(3000, '\x80');
  record.user_agent = bytes;
  out.clear();
  append_exchange(out, LogFormat::text, noted_time, record);
  CHECK(out.view().size() > logged_text_max);
}

TEST_CASE("access log: attempts that failed are told in their order") {
  const std::array<FailedAttempt, 2> failed{
      {{"http://10.0.0.11:3001", "upstream_refused", "10.0.0.11:3001 refused"},
       {"http://10.0.0.12:3001", "status 503", ""}}};
  ExchangeRecord record = usual_exchange();
  record.attempts = 3;
  record.failed_attempts = failed;
  TextBuilder out;
  append_exchange(out, LogFormat::json, noted_time, record);
  CHECK(
      out.view().find(
          R"("attempts":3,"failed_attempts":[{"endpoint":"http://10.0.0.11:3001","cause":"upstream_refused",)"
          R"("detail":"10.0.0.11:3001 refused"},{"endpoint":"http://10.0.0.12:3001","cause":"status 503",)"
          R"("detail":null}],"status")") != std::string_view::npos);
  out.clear();
  append_exchange(out, LogFormat::text, noted_time, record);
  CHECK(out.view().find(" attempts=3 failed_endpoint=http://10.0.0.11:3001 failed_cause=upstream_refused "
                        "failed_detail=\"10.0.0.11:3001 refused\" failed_endpoint=http://10.0.0.12:3001 ") !=
        std::string_view::npos);
}

TEST_CASE("access log: a response that differs from HTTP is one line with what to do") {
  const DeviationRecord record{.deviation = Deviation::both_lengths,
                               .request_id = "0123456789abcdef0123456789abcdef",
                               .upstream = "app",
                               .endpoint = "http://10.0.0.11:3001",
                               .offending = "Content-Length: 5"};
  TextBuilder out;
  append_deviation(out, LogFormat::json, noted_time, record);
  const auto line = postern::base::parse_json(out.view());
  REQUIRE(line.has_value());
  CHECK((*line)["event"] == "response_deviation");
  CHECK((*line)["finding"] == "both_lengths");
  CHECK((*line)["meaning"].get<std::string>().find("Transfer-Encoding") != std::string::npos);
  CHECK((*line)["offending"] == "Content-Length: 5");
  out.clear();
  append_deviation(out, LogFormat::text, noted_time, record);
  CHECK(out.view().find(" finding=both_lengths upstream=app ") != std::string_view::npos);
  CHECK(out.view().ends_with('\n'));
}

TEST_CASE("access log: what a rule would have refused is one line with what to do") {
  const WouldRefuseRecord record{.rule = ReportedRule::origins,
                                 .cause = postern::base::Cause::origin_refused,
                                 .detail = "origin \"https://evil.example\" is not on",
                                 .request_id = "0123456789abcdef0123456789abcdef",
                                 .client = "203.0.113.7",
                                 .method = "POST",
                                 .host = "app.example.com",
                                 .target = "/transfer?token=***",
                                 .route = "api"};
  TextBuilder out;
  append_would_refuse(out, LogFormat::json, noted_time, record, 3);
  const auto line = postern::base::parse_json(out.view());
  REQUIRE(line.has_value());
  CHECK((*line)["event"] == "would_refuse");
  CHECK((*line)["level"] == "warn");
  CHECK((*line)["rule"] == "origins");
  CHECK((*line)["cause"] == "origin_refused");
  CHECK((*line)["detail"] == record.detail);
  CHECK((*line)["route"] == "api");
  CHECK((*line)["target"] == "/transfer?token=***");
  CHECK((*line)["events"] == 3);
  CHECK((*line)["remedy"].get<std::string>().find("add its origin") != std::string::npos);
  out.clear();
  append_would_refuse(out, LogFormat::text, noted_time, record, 1);
  CHECK(out.view().find(" rule=origins route=api ") != std::string_view::npos);
  CHECK(out.view().ends_with(" events=1 id=0123456789abcdef0123456789abcdef\n"));
}

TEST_CASE("access log: a renewal, and one that has renewed nothing") {
  const RenewalRecord done{.by = "renew", .connections = 2, .route = "r", .request_id = "id"};
  const RenewalRecord failed{
      .by = "refresh_calls", .detail = "the answer has no member access", .route = "r"};
  const auto line = [](LogFormat format, const RenewalRecord& record) {
    TextBuilder out;
    append_renewal(out, format, WallTime{}, record);
    return std::string(out.view());
  };
  const Json renewed = Json::parse(line(LogFormat::json, done));
  CHECK(renewed["event"] == "token_renewed");
  CHECK(renewed["level"] == "info");
  CHECK(renewed["connections"] == 2);
  CHECK(renewed["finding"].is_null());
  const Json nothing = Json::parse(line(LogFormat::json, failed));
  CHECK(nothing["event"] == "renewal_without_effect");
  CHECK(nothing["finding"] == "renewal_failed");
  CHECK(nothing["detail"] == "the answer has no member access");
  CHECK(line(LogFormat::text, done).find(" by=renew connections=2 route=r detail=- ") != std::string::npos);
  CHECK(line(LogFormat::text, failed).find("finding=renewal_failed") != std::string::npos);
}
