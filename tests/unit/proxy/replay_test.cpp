#include "proxy/replay.h"

#include <doctest/doctest.h>

#include <string>

using namespace postern;

namespace {

// Reports received bytes in the way a pump does.
void tell(proxy::Replay& replay, std::string_view bytes) {
  base::PumpWatcher& watcher = replay;
  base::ChunkQueue as_it_comes;  // the channel of a body: chunks have spare room and are taken at once
  as_it_comes.push_copy(base::bytes_of(bytes));
  const base::Chunk chunk = as_it_comes.pop();
  watcher.on_chunk(chunk);
}

std::string sent_again(const proxy::Replay& replay) {
  base::Channel to;
  replay.send_again(to);
  std::string text;
  while (to.has_bytes()) text += to.take().text();
  return text;
}

}  // namespace

TEST_CASE("replay: a body is kept as it came, in whatever pieces") {
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{1000}, size_t{5000}, size_t{30'000}}) {
    CAPTURE(piece);
    size_t kept = 0;
    proxy::Replay replay(kept, 64 * 1024);
    std::string body;
    while (body.size() < 60'000) {
      const std::string next(piece, static_cast<char>('a' + body.size() % 26));
      tell(replay, next);
      body += next;
    }
    CHECK(replay.whole());
    CHECK(kept == body.size());
    CHECK(sent_again(replay) == body);
    tell(replay, "more");  // while the first sending is in progress
    CHECK(sent_again(replay) == body + "more");
    replay.let_go();
    CHECK(kept == 0);
  }
}

TEST_CASE("replay: small pieces are kept together, not each in memory of its own") {
  constexpr size_t size = 1024 * 1024;
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{60}, size_t{300}}) {
    CAPTURE(piece);
    size_t kept = 0;
    proxy::Replay replay(kept, size);
    const std::string bytes(piece, 'x');
    for (size_t at = 0; at + piece <= size; at += piece) tell(replay, bytes);
    CHECK(replay.whole());
    base::Channel to;
    replay.send_again(to);
    size_t blocks = 0;
    for (; to.has_bytes(); ++blocks) static_cast<void>(to.take());
    CHECK(blocks < 150);
  }
}
