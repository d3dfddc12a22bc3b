// The whole proxy under random faults: cuts, delays, resets and stalls at any byte, in both directions. A run
// depends on its seed only; a failure prints the seed, and POSTERN_SEED=<seed> repeats that run alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "support/proxy_fixture.h"

using namespace postern;
using namespace std::chrono_literals;
using namespace support;

namespace {

// The limit of bytes that the gateway may hold for one connection: a channel, a backlog, and what one read
// adds to them.
constexpr uint64_t held_max = 320 * 1024;
constexpr int exchanges_per_client = 3;

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  uint64_t below(uint64_t limit) { return engine_() % limit; }  // the same on every platform
  bool one_in(uint64_t n) { return below(n) == 0; }
  size_t size() {  // small ones are common, large ones occur
    switch (below(7)) {
      case 0: return 0;
      case 1: return below(10);
      case 2:
      case 3: return below(3000);
      case 4:
      case 5: return below(100'000);
      default: return below(2'000'000);
    }
  }

 private:
  std::mt19937_64 engine_;
};

void disturb(Dice& dice, Passage& passage) {
  if (dice.one_in(2)) {
    const size_t count = 1 + dice.below(3);
    for (size_t i = 0; i < count; ++i) passage.pieces.push_back(1 + dice.below(dice.one_in(2) ? 5 : 4000));
    passage.pieces.push_back(1 + dice.below(60'000));  // otherwise a run would take too long
  }
  if (dice.one_in(3)) passage.delay = std::chrono::milliseconds(dice.below(200));
  if (dice.one_in(3)) passage.capacity = 10'000 + dice.below(100'000);
  if (dice.one_in(12)) passage.reset_at = dice.below(dice.one_in(2) ? 600 : 60'000);
  if (dice.one_in(12)) passage.end_at = dice.below(dice.one_in(2) ? 600 : 60'000);
}

// The request's path contains what it asks for, so that the expected answer is known: /<number>/<size>.
std::string body_of(uint64_t number, size_t size) { return counted_bytes(size, number << 32); }

std::string answer_to(Dice& dice, const HttpMessage& request) {
  const std::string target = request.target();
  const size_t slash = target.find('/', 1);
  const uint64_t number = std::stoull(target.substr(1));
  const std::string body = body_of(number, std::stoull(target.substr(slash + 1)));
  const std::string fields = "X-Number: " + std::to_string(number) +
                             "\r\nX-Upload: " + std::to_string(std::hash<std::string>()(request.body)) +
                             "\r\n";
  if (request.method() == "HEAD")
    return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  const std::string interim = dice.one_in(4) ? "HTTP/1.1 103 Early Hints\r\n\r\n" : "";
  if (dice.one_in(2)) return interim + response_text(body, fields);
  return interim + "HTTP/1.1 200 OK\r\n" + fields + "Transfer-Encoding: chunked\r\n\r\n" +
         chunked_text(body, 1 + dice.below(70'000));
}

Behaviour disturbed_endpoint(Dice& dice) {
  return [&dice](FakeConnection& connection) {
    while (auto request = connection.take_request()) {
      const std::string answer = answer_to(dice, *request);
      request->body.clear();
      connection.requests.clear();
      switch (dice.below(12)) {
        case 0: return connection.finish();  // without an answer
        case 1: return connection.reset();
        case 2: connection.send(answer.substr(0, dice.below(answer.size()))); return connection.finish();
        case 3: connection.send(answer.substr(0, dice.below(answer.size()))); return;  // and then silence
        case 4: connection.send(answer); return connection.finish();
        default: connection.send(answer);
      }
    }
  };
}

struct Asked {
  std::string method;
  uint64_t number = 0;
  size_t answer_size = 0;
  std::string upload;
};

struct Run {
  uint64_t complete = 0;
  uint64_t failed = 0;  // an error status
  uint64_t cut = 0;     // an incomplete answer
};

// Checks what a client received against what it requested: complete and correct, or failed in a way that it
// can see.
void judge(TestClient& client, const std::vector<Asked>& asked, Run& run) {
  for (const Asked& one : asked) {
    std::optional<HttpMessage> response = client.try_response(one.method == "HEAD");
    while (response && response->status() == 103) response = client.try_response(one.method == "HEAD");
    if (!response) {
      ++run.cut;
      CHECK((client.over() || client.wire().first_closed));  // the client is never left hanging
      return;
    }
    if (response->status() != 200) {
      ++run.failed;
      CHECK(response->status() >= 400);
      CHECK(response->has("X-Request-Id"));
      continue;
    }
    ++run.complete;
    CHECK(response->field("X-Number") == std::to_string(one.number));
    CHECK(response->field("X-Upload") == std::to_string(std::hash<std::string>()(one.upload)));
    if (one.method != "HEAD") {
      const bool right = response->body == body_of(one.number, one.answer_size);
      CHECK(right);
    }
  }
}

Run run_with(uint64_t seed) {
  Dice dice(seed);
  // By default a response without a length may be silent forever; this limit leaves no client hanging.
  std::string yaml = ProxyFixture::two_endpoints;
  yaml.insert(yaml.find("endpoints:"), "timeouts: { stream_idle: 60s }, ");
  ProxyFixture proxy(yaml);
  for (uint16_t port : {3001, 3002}) {
    FakeEndpoint& endpoint = proxy.upstream.at(port);
    endpoint.behaviour = disturbed_endpoint(dice);
    endpoint.conduct = [&dice](Wire& wire) {
      disturb(dice, wire.to_first);
      disturb(dice, wire.to_second);
    };
    if (dice.one_in(8)) endpoint.reach = dice.one_in(2) ? Reach::refused : Reach::silent;
  }

  std::vector<std::vector<Asked>> asked;
  std::vector<std::shared_ptr<Wire>> wires;
  const size_t clients = 1 + dice.below(3);
  for (size_t i = 0; i < clients; ++i) {
    TestClient& client = proxy.connect({.conduct = [&](Wire& wire) {
      disturb(dice, wire.to_first);
      disturb(dice, wire.to_second);
    }});
    std::vector<Asked>& mine = asked.emplace_back();
    for (int k = 0; k < exchanges_per_client; ++k) {
      constexpr std::string_view methods[] = {"GET", "HEAD", "POST", "PUT"};
      Asked one{std::string(methods[dice.below(4)]),
                seed % 1000 * 100 + i * 10 + static_cast<uint64_t>(k),
                dice.size(),
                {}};
      std::string request = one.method + " /" + std::to_string(one.number) + "/" +
                            std::to_string(one.answer_size) + " HTTP/1.1\r\nHost: a\r\n";
      if (one.method == "POST" || one.method == "PUT") {
        one.upload = counted_bytes(dice.size(), one.number);
        if (dice.one_in(2))
          request += "Content-Length: " + std::to_string(one.upload.size()) + "\r\n\r\n" + one.upload;
        else
          request += "Transfer-Encoding: chunked\r\n\r\n" + chunked_text(one.upload, 1 + dice.below(50'000));
      } else {
        request += "\r\n";
      }
      client.queue(request);
      mine.push_back(std::move(one));
    }
  }

  // Counts responses only: the rest of a refused upload is read and dropped, which cannot be told from being
  // held.
  const auto nothing_piles_up = [&] {
    uint64_t in = 0;
    uint64_t out = 0;
    for (const auto& client : proxy.clients) out += client->wire().to_first.sent;
    for (uint16_t port : {3001, 3002})
      for (const auto& connection : proxy.upstream.at(port).connections)
        in += connection->wire().to_first.delivered;
    const size_t connections = proxy.upstream.at(3001).connections.size() +
                               proxy.upstream.at(3002).connections.size() + proxy.clients.size();
    if (in > out) CHECK(in - out <= held_max * connections);
  };
  for (int i = 0; i < 40; ++i) {
    proxy.settle(nothing_piles_up);
    proxy.advance(i < 30 ? Duration(200ms) : Duration(30s));
    if (dice.one_in(60)) {
      TestClient& left = *proxy.clients[dice.below(clients)];
      if (!left.wire().first_closed) dice.one_in(2) ? left.peer().reset() : left.peer().leave();
    }
  }

  Run run;
  for (size_t i = 0; i < clients; ++i) judge(*proxy.clients[i], asked[i], run);

  // Nothing leaks: when the clients have left and time has passed, nothing remains.
  for (const auto& client : proxy.clients)
    if (!client->wire().first_closed) client->peer().leave();
  proxy.advance(200s);
  for (const auto& client : proxy.clients) CHECK(client->gone());
  CHECK(proxy.upstream.open_count() == 0);
  for (size_t i = 0; i < proxy.group().size(); ++i) CHECK(proxy.group().endpoint(i)->load() == 0);
  CHECK(proxy.tunnels.size() == 0);
  return run;
}

}  // namespace

TEST_CASE("random faults: every request is answered whole and right, or fails visibly, and nothing is left") {
  Run sum;
  std::vector<uint64_t> seeds;
  if (const char* given = std::getenv("POSTERN_SEED"))
    seeds.push_back(std::strtoull(given, nullptr, 10));
  else
    for (uint64_t seed = 1; seed <= 100; ++seed) seeds.push_back(seed * 7919);
  for (const uint64_t seed : seeds) {
    CAPTURE(seed);
    const Run run = run_with(seed);
    sum.complete += run.complete;
    sum.failed += run.failed;
    sum.cut += run.cut;
  }
  if (seeds.size() == 1) return;
  // The runs are useful only if each kind of result occurs.
  CHECK(sum.complete > 100);
  CHECK(sum.failed > 20);
  CHECK(sum.cut > 20);
  MESSAGE("complete " << sum.complete << ", failed " << sum.failed << ", cut " << sum.cut);
}
