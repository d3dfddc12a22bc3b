// Random WebSockets under every kind of rule: what arrives is exactly what the rules let pass, in order, in
// frames that never interleave wrongly, and the record of the socket agrees with what both ends know. A run
// depends on its seed only; a failure prints the seed, and POSTERN_SEED=<seed> repeats that run alone.
#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>

#include "support/socket_fixture.h"
#include "unit/websocket/frames.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;
using namespace postern::websocket::test;
using Said = std::vector<std::string>;

namespace {

constexpr std::string_view deflate_offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
constexpr std::string_view heartbeat = R"(text {"type":"heartbeat"})";

// permessage-deflate as an end uses it: with one context for all messages, or with one for each message.
class Zip {
 public:
  explicit Zip(bool keeps_context) : keeps_context_(keeps_context) {
    deflateInit2(&out_, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    inflateInit2(&in_, -15);
  }
  Zip(const Zip&) = delete;
  Zip& operator=(const Zip&) = delete;
  ~Zip() {
    deflateEnd(&out_);
    inflateEnd(&in_);
  }

  std::string compress(std::string text) {
    if (!keeps_context_) deflateReset(&out_);
    std::string made = run(out_, text, [](z_stream& stream) { return deflate(&stream, Z_SYNC_FLUSH); });
    return made.substr(0, made.size() - tail.size());
  }
  // A message that cannot be expanded is "broken".
  std::string expand(std::string text) {
    if (!keeps_context_) inflateReset(&in_);
    text += tail;
    return run(in_, text, [](z_stream& stream) { return inflate(&stream, Z_SYNC_FLUSH); });
  }

 private:
  template <class Step>
  static std::string run(z_stream& stream, std::string& text, Step step) {
    std::array<char, 16 * 1024> room{};
    std::string made;
    stream.next_in = reinterpret_cast<Bytef*>(text.data());
    stream.avail_in = static_cast<uInt>(text.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(room.data());
      stream.avail_out = static_cast<uInt>(room.size());
      const int said = step(stream);
      if (said != Z_OK && said != Z_BUF_ERROR) return "broken";
      made.append(room.data(), room.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    return made;
  }

  static constexpr std::string_view tail{"\x00\x00\xff\xff", 4};
  bool keeps_context_;
  z_stream out_{};
  z_stream in_{};
};

// The effect of a route's rules on the messages of a side.
struct Lets {
  std::vector<std::string> types{};  // empty: all
  bool first_passes = false;
  bool drops = false;  // depending on time and buffers
};

struct Rules {
  const char* websocket;
  bool compression_passes;
  Lets client{};
  Lets upstream{};
};

constexpr const char* limits = "rate_limits: { some: { rate: 20/s, burst: 3 } }";

const std::vector<Rules>& all_rules() {
  static const std::vector<Rules> rules = {
      {"{}", true},
      {"{ mode: walk }", true},
      {"{ mode: inspect }", false},
      {"{ mode: inspect, compression: false }", false},
      {"{ heartbeat: { interval: 100ms }, ping_interval: 150ms }", true},
      {"{ mode: inspect, heartbeat: { interval: 100ms }, ping_interval: 150ms }", false},
      {"{ from_client: { types: [a, b] }, from_upstream: { types: [a, c], first_passes: true } }",
       false,
       {.types = {"a", "b"}},
       {.types = {"a", "c"}, .first_passes = true}},
      {"{ mode: walk, from_client: { rate: 20/s, burst: 3, on_rate: drop }, from_upstream: { rate: 20/s, "
       "burst: 3, on_rate: drop } }",
       false,
       {.drops = true},
       {.drops = true}},
      {"{ mode: inspect, from_client: { rate: 20/s, burst: 3, on_rate: drop }, from_upstream: { byte_rate: "
       "20KiB/s, byte_burst: 1KiB, on_rate: drop } }",
       false,
       {.drops = true},
       {.drops = true}},
      {"{ message_limit: some, from_client: { on_rate: drop } }", false, {.drops = true}},
      {"{ message_limit: some, from_client: { on_rate: slow } }", true},
      {"{ from_client: { rate: 60/s, burst: 2, on_rate: slow }, from_upstream: { byte_rate: 400KiB/s, "
       "byte_burst: 4KiB, on_rate: slow } }",
       false},
      {"{ slow_reader: keep_latest, buffer: 2KiB }", false, {}, {.drops = true}},
      {"{ slow_reader: drop_oldest, buffer: 2KiB }", false, {}, {.drops = true}},
  };
  return rules;
}

struct Message {
  std::string said;  // "text {…}"
  std::string type;  // of a text message; empty if it has none
};

// One end: what it has sent and what it will send.
struct Speaker {
  bool masked;
  bool compresses;
  Zip own;  // compresses what it sends
  Zip of_other;
  std::vector<Message> messages{};
  Said controls{};
  std::string waiting{};  // bytes
  uint64_t sent = 0;
};

// What an end received, assembled into messages.
struct Heard {
  Said messages;
  Said controls;
  std::string close;
  Said wrong;
};

Heard understand(const Said& frames, Speaker& end) {
  Heard heard;
  std::string kind;  // of the incomplete message
  bool compressed = false;
  std::string body;
  for (const std::string& one : frames) {
    const size_t space = std::min(one.find(' '), one.size());
    std::string what = one.substr(0, space);
    const std::string rest = one.substr(std::min(space + 1, one.size()));
    if (!heard.close.empty()) heard.wrong.push_back("after Close: " + what);
    if (one == "half a frame") {
      heard.wrong.push_back(one);
    } else if (what == "close") {
      heard.close = rest;
    } else if (what == "ping" || what == "pong") {
      if (rest != "postern") heard.controls.push_back(one);
    } else {
      const bool last = !what.ends_with("+");
      if (!last) what.pop_back();
      const bool continues = what == "continuation";
      if (what == "wrong" || continues == kind.empty()) heard.wrong.push_back(what);
      if (!continues) {
        compressed = what.ends_with("z");
        if (compressed) what.pop_back();
        kind = what;
        body.clear();
      }
      body += rest;
      if (!last) continue;
      const std::string message = kind + " " + (compressed ? end.of_other.expand(body) : body);
      if (message != heartbeat) heard.messages.push_back(message);
      kind.clear();
    }
  }
  return heard;
}

bool is_beginning(const Said& part, const Said& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}

bool is_subsequence(const Said& part, const Said& whole) {
  auto at = whole.begin();
  for (const std::string& one : part) {
    at = std::find(at, whole.end(), one);
    if (at == whole.end()) return false;
    ++at;
  }
  return true;
}

Said let_through(const Speaker& speaker, const Lets& lets) {
  Said passing;
  for (const Message& message : speaker.messages) {
    const bool listed = std::find(lets.types.begin(), lets.types.end(), message.type) != lets.types.end();
    const bool first = lets.first_passes && passing.empty() && !message.type.empty();
    if (lets.types.empty() || listed || first) passing.push_back(message.said);
  }
  return passing;
}

enum class End : uint8_t {
  client_close,
  endpoint_close,
  client_leaves,
  endpoint_leaves,
  client_resets,
  endpoint_resets,
  reload,
  shutdown,
  faults,  // of the network, at random places
};

constexpr std::string_view by_of(End end) {
  switch (end) {
    case End::client_close:
    case End::client_leaves:
    case End::client_resets: return "client";
    case End::endpoint_close:
    case End::endpoint_leaves:
    case End::endpoint_resets: return "upstream";
    case End::reload:
    case End::shutdown: return "gateway";
    case End::faults: break;
  }
  return {};
}

struct Sums {
  uint64_t whole = 0;
  uint64_t delivered = 0;
  uint64_t dropped = 0;
};

class Run {
 public:
  Run(const Rules& rules, uint64_t seed)
      : rules_(rules),
        random_(seed),
        offers_(one_in(2)),
        end_(static_cast<End>(below(static_cast<uint64_t>(End::faults) + 1))),
        socket_(rules.websocket, offers_ ? deflate_offer : std::string_view(),
                offers_ && rules.compression_passes ? std::string(deflate_offer) : std::string(), limits),
        compressed_(socket_.handshake.has("Sec-WebSocket-Extensions")),
        client_{true, compressed_, Zip(rules.compression_passes), Zip(rules.compression_passes)},
        endpoint_{false, compressed_ && rules.compression_passes, Zip(true), Zip(true)} {}

  Sums go() {
    REQUIRE(socket_.handshake.status() == 101);
    disturb();
    const uint64_t steps = below(40);
    for (uint64_t i = 0; i < steps; ++i) {
      Speaker& speaker = one_in(2) ? client_ : endpoint_;
      say_something(speaker);
      for (Speaker* one : {&client_, &endpoint_}) send_some(*one);
      if (one_in(3)) socket_.proxy.advance(std::chrono::milliseconds(below(60)));
    }
    // An end that breaks off does so at any place.
    if (!cut_short()) {
      send_all(client_);
      send_all(endpoint_);
    }
    end();
    judge();
    return sums_;
  }

 private:
  uint64_t below(uint64_t limit) { return random_() % limit; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  bool cut_short() const {
    return end_ != End::client_close && end_ != End::endpoint_close && end_ != End::reload &&
           end_ != End::shutdown;
  }
  bool is_orderly() const { return end_ == End::client_close || end_ == End::endpoint_close; }

  void disturb() {
    for (Passage* passage : {&socket_.client.wire().to_first, &socket_.client.wire().to_second,
                             &socket_.endpoint().wire().to_first, &socket_.endpoint().wire().to_second}) {
      if (one_in(2)) passage->pieces = {1 + below(3), 1 + below(5000)};
      if (one_in(3)) passage->delay = std::chrono::milliseconds(below(60));
      if (one_in(3)) passage->capacity = 8000 + below(50'000);
      if (end_ != End::faults) continue;
      if (one_in(3)) passage->reset_at = passage->delivered + below(20'000);
      if (one_in(3)) passage->end_at = passage->delivered + below(20'000);
    }
  }

  void say_control(Speaker& speaker) {
    const bool asks = one_in(2);
    const std::string payload = std::to_string(speaker.controls.size());
    speaker.controls.push_back((asks ? "ping " : "pong ") + payload);
    speaker.waiting += frame(asks ? ping : pong, payload, {.masked = speaker.masked});
  }

  void say_something(Speaker& speaker) {
    if (one_in(8)) {
      for (uint64_t count = one_in(4) ? 100 : 1; count > 0; --count) say_control(speaker);
      return;
    }
    const bool is_text = !one_in(5);
    const std::string type(1, static_cast<char>('a' + below(4)));
    const std::string filling(one_in(12) ? below(60'000) : below(600), static_cast<char>('a' + below(26)));
    const std::string body = R"({"n":)" + std::to_string(speaker.messages.size()) + R"(,"filling":")" +
                             filling + R"(","type":")" + type + R"("})";
    speaker.messages.push_back({(is_text ? "text " : "binary ") + body, is_text ? type : std::string()});
    const bool zipped = speaker.compresses && !one_in(4);
    std::string rest = zipped ? speaker.own.compress(body) : body;
    const uint64_t fragments = one_in(2) ? 1 : 1 + below(6);
    for (uint64_t i = 0; i < fragments; ++i) {
      const bool last = i + 1 == fragments;
      const size_t size = last ? rest.size() : below(rest.size() + 1);
      if (i > 0 && one_in(3)) say_control(speaker);
      speaker.waiting += frame(i > 0     ? continuation
                               : is_text ? text
                                         : binary,
                               rest.substr(0, size),
                               {.last = last,
                                .masked = speaker.masked,
                                .reserved = static_cast<uint8_t>(zipped && i == 0 ? 4 : 0)});
      rest.erase(0, size);
    }
  }

  void send(Speaker& speaker, const std::string& bytes) {
    speaker.sent += bytes.size();
    if (&speaker == &client_)
      socket_.client.queue(bytes);
    else
      socket_.endpoint().send(bytes);
  }
  void send_some(Speaker& speaker) {
    const size_t size = one_in(3) ? below(speaker.waiting.size() + 1) : speaker.waiting.size();
    send(speaker, speaker.waiting.substr(0, size));
    speaker.waiting.erase(0, size);
  }
  void send_all(Speaker& speaker) { send(speaker, std::exchange(speaker.waiting, {})); }

  void end() {
    ProxyFixture& proxy = socket_.proxy;
    const auto close_by = [&](Speaker& first, Speaker& second) {
      send(first, frame(goodbye, close_payload(4321, "done"), {.masked = first.masked}));
      proxy.advance(4s);
      // It has received the end by now.
      send(second, frame(goodbye, close_payload(4321), {.masked = second.masked}));
      proxy.advance(3s);
    };
    switch (end_) {
      case End::client_close: close_by(client_, endpoint_); break;
      case End::endpoint_close: close_by(endpoint_, client_); break;
      case End::client_leaves: socket_.client.peer().finish(); break;
      case End::endpoint_leaves: socket_.endpoint().finish(); break;
      case End::client_resets: socket_.client.peer().reset(); break;
      case End::endpoint_resets: socket_.endpoint().reset(); break;
      case End::reload:
        proxy.adopt(SocketFixture::yaml("{ mode: inspect, ping_interval: 7s }", limits));
        break;
      case End::shutdown: proxy.tunnels.leave({}); break;
      case End::faults: break;
    }
    proxy.advance(4s);
    if (end_ != End::client_resets) socket_.client.peer().leave();
    if (end_ != End::endpoint_resets) socket_.endpoint().leave();
    proxy.advance(60s);
  }

  void judge_side(const Heard& heard, const Speaker& speaker, const Lets& lets) {
    const Said passing = let_through(speaker, lets);
    CHECK((lets.drops ? is_subsequence(heard.messages, passing) : is_beginning(heard.messages, passing)));
    CHECK(is_subsequence(heard.controls, speaker.controls));
    if (is_orderly() && !lets.drops) CHECK(heard.messages.size() == passing.size());
    // Only a side that broke off can leave half a frame.
    for (const std::string& wrong : heard.wrong)
      CHECK_MESSAGE((wrong == "half a frame" && cut_short()), wrong);
  }

  void judge() {
    ProxyFixture& proxy = socket_.proxy;
    REQUIRE(socket_.over());
    CHECK(proxy.log_lines("tunnel_open").size() == 1);
    REQUIRE(proxy.log_lines("tunnel_close").size() == 1);
    CHECK(proxy.upstream.open_count() == 0);
    CHECK(proxy.group().endpoint(0)->load() == 0);
    CHECK(proxy.metrics.process[telemetry::Count::tunnels_open] == 0);

    // A peer that has left receives nothing more, but what it received stays.
    const Heard client = understand(socket_.client_heard(), client_);
    const Heard endpoint = understand(socket_.endpoint_heard(), endpoint_);
    judge_side(client, endpoint_, rules_.upstream);
    judge_side(endpoint, client_, rules_.client);

    const base::Json record = socket_.record();
    const auto number = [&](const char* key) { return uint64_t(record[key]); };
    if (const std::string_view by = by_of(end_); !by.empty()) CHECK(std::string(record["by"]) == by);
    CHECK(number("messages_dropped") == proxy.metrics.process[telemetry::Count::messages_dropped]);
    sums_.delivered = client.messages.size() + endpoint.messages.size();
    sums_.dropped = number("messages_dropped");
    // No end can have received more than what was forwarded.
    CHECK(number("messages_to_client") >= client.messages.size());
    CHECK(number("messages_to_upstream") >= endpoint.messages.size());
    if (!is_orderly()) return;
    ++sums_.whole;
    CHECK(record["cause"].is_null());
    CHECK(number("close_code") == 4321);
    CHECK(number("messages_to_client") == client.messages.size());
    CHECK(number("messages_to_upstream") == endpoint.messages.size());
    // Messages that are read are forwarded in other bytes, and answers to the gateway's own pings are not
    // forwarded.
    const bool as_it_came = rules_.compression_passes && number("messages_dropped") == 0 &&
                            std::string_view(rules_.websocket).find("ping") == std::string_view::npos;
    if (as_it_came) CHECK(number("bytes_to_client") == endpoint_.sent);
    if (as_it_came) CHECK(number("bytes_to_upstream") == client_.sent);
    CHECK(number("messages_dropped") ==
          client_.messages.size() + endpoint_.messages.size() - sums_.delivered);
    const std::string said = "4321 done";
    const std::string answered = "4321";
    CHECK(client.close == (end_ == End::endpoint_close ? said : answered));
    CHECK(endpoint.close == (end_ == End::client_close ? said : answered));
  }

  const Rules& rules_;
  std::mt19937_64 random_;
  bool offers_;
  End end_;
  SocketFixture socket_;
  bool compressed_;  // between the client and the other end of its compression
  Speaker client_;
  Speaker endpoint_;
  Sums sums_;
};

}  // namespace

TEST_CASE("random sockets: what arrives is what the rules let through, and the record says so") {
  std::vector<uint64_t> seeds;
  if (const char* given = std::getenv("POSTERN_SEED"))
    seeds.push_back(std::strtoull(given, nullptr, 10));
  else
    for (uint64_t seed = 1; seed <= 60; ++seed) seeds.push_back(seed * 7919);
  Sums all;
  for (const Rules& rules : all_rules()) {
    for (const uint64_t seed : seeds) {
      CAPTURE(std::string(rules.websocket));
      CAPTURE(seed);
      const Sums sums = Run(rules, seed).go();
      all.whole += sums.whole;
      all.delivered += sums.delivered;
      all.dropped += sums.dropped;
    }
  }
  if (seeds.size() == 1) return;
  // The runs are useful only if each kind of result occurs.
  CHECK(all.whole > 100);
  CHECK(all.delivered > 5000);
  CHECK(all.dropped > 500);
  MESSAGE("whole " << all.whole << ", delivered " << all.delivered << ", dropped " << all.dropped);
}
