#include "net/connect_reader.h"

#include <doctest/doctest.h>

#include <string>

#include "support/memory_transport.h"
#include "support/turn_fixture.h"

using namespace postern;
using namespace postern::net;
using namespace support;

namespace {

class Heard final : public Transport::Receiver {
 public:
  std::string text;

 private:
  void on_bytes(base::Bytes bytes) override { text += base::text_of(bytes); }
  void on_drained() override {}
  void on_end() override {}
  void on_closed(base::Error) override {}
};

struct Proxy {
  Proxy() : reader(*pair.first) {}
  // Answers in pieces of this size.
  void answer(std::string_view text, size_t piece) {
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
      peer.send(text.substr(0, piece));
      turns.settle();
    }
  }
  bool connected() { return reader.connected().filled() && reader.failure().empty(); }

  TurnFixture turns;
  MemoryPair pair = connect_in_memory(turns);
  ScriptedPeer peer{std::move(pair.second)};
  ConnectReader reader;
};

}  // namespace

TEST_CASE("connect reader: the bytes behind the answer are for the next receiver, wherever it is cut") {
  constexpr std::string_view answer = "HTTP/1.1 200 Connection established\r\nVia: a\r\n\r\nhello";
  for (size_t piece = 1; piece <= answer.size(); ++piece) {
    CAPTURE(piece);
    Proxy proxy;
    proxy.answer(answer, piece);
    REQUIRE(proxy.connected());
    Heard heard;
    proxy.pair.first->start(heard);
    proxy.pair.first->resume();
    proxy.turns.settle();
    CHECK(heard.text == "hello");
    proxy.pair.first.reset();
  }
}

TEST_CASE("connect reader: an answer that is no success is told in a few words") {
  struct Row {
    std::string answer;
    const char* failure;
  };
  for (const Row& row :
       {Row{"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "answered CONNECT with 407"},
        Row{"HTTP/1.0 503 x\r\n\r\n", "answered CONNECT with 503"},
        Row{"HTTP/1.1 2x0 y\r\n\r\n", "did not answer in HTTP"},
        Row{"SSH-2.0-x\r\n\r\n", "did not answer in HTTP"}, Row{"HTTP/1.1 200\r\n\r\n", ""},
        Row{"HTTP/1.1 20\r\n\r\n", "did not answer in HTTP"}, Row{"\r\n\r\n", "did not answer in HTTP"},
        Row{std::string(17 * 1024, 'a'), "sent a head of more than 16 KiB"}}) {
    CAPTURE(row.answer);
    Proxy proxy;
    proxy.answer(row.answer, 4096);
    REQUIRE(proxy.reader.connected().filled());
    CHECK(proxy.reader.failure() == row.failure);
    proxy.pair.first.reset();
  }
}

TEST_CASE("connect reader: a proxy that leaves is told") {
  Proxy proxy;
  proxy.answer("HTTP/1.1 200 Conn", 100);
  CHECK_FALSE(proxy.reader.connected().filled());
  proxy.peer.finish();
  proxy.turns.settle();
  CHECK(proxy.reader.failure() == "closed the connection");
  proxy.pair.first.reset();
}
