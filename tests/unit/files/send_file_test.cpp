#include "files/send_file.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "support/decoded.h"
#include "support/http_text.h"
#include "support/turn_fixture.h"
#include "support/watched_task.h"
#include "unit/files/support.h"

namespace {

using namespace postern::base;
using namespace std::chrono_literals;
using postern::coding::Coding;
using postern::files::open_below;
using postern::files::OpenFile;
using postern::files::send_file;
using postern::files_test::Tree;
using postern::support::counted_bytes;
using Sending = postern::support::WatchedTask<Result<Pumped>>;

std::string take_all(Channel& channel) {
  std::string text;
  while (channel.has_bytes()) text += channel.take().text();
  return text;
}

struct Rig {
  explicit Rig(std::string_view text) {
    tree.write("file", text);
    file = std::move(*open_below(tree.root(), "file"));
  }
  void begin(uint64_t offset, uint64_t length) {
    sending.begin(send_file(scope, file, offset, length, encoder.get(), to, limits, moved));
  }
  // Reads what arrives until the task ends; returns the most bytes that were queued at a time.
  size_t drain() {
    size_t most = 0;
    turns.settle();
    while (!sending.ended()) {
      REQUIRE(to.has_bytes());
      most = std::max(most, to.bytes());
      sent += take_all(to);
      turns.settle();
    }
    sent += take_all(to);
    return most;
  }

  Tree tree;
  OpenFile file;
  std::unique_ptr<postern::coding::Encoder> encoder;
  postern::support::TurnFixture turns;
  Scope scope{turns.turn};
  Channel to;
  PumpLimits limits{.stage = Stage::response_body, .source = {}, .sink = {10s, Cause::client_timed_out}};
  uint64_t moved = 0;
  std::string sent;
  Sending sending;
};

}  // namespace

TEST_CASE("send file: the whole of it, as the channel has room") {
  const std::string text = counted_bytes(3'000'000);
  Rig rig(text);
  rig.begin(0, text.size());
  CHECK(rig.drain() <= 2 * Channel::default_high_water);
  CHECK(rig.sending.outcome().has_value());
  CHECK(rig.sent == text);
  CHECK(rig.moved == text.size());
  CHECK_FALSE(rig.to.closed());
}

TEST_CASE("send file: a part of it") {
  const std::string text = counted_bytes(300'000);
  for (const auto& [offset, length] :
       {std::pair<size_t, size_t>{0, 1}, {299'999, 1}, {100'000, 150'000}, {5, 0}}) {
    Rig rig(text);
    rig.begin(offset, length);
    rig.drain();
    CHECK(rig.sent == text.substr(offset, length));
  }
}

TEST_CASE("send file: a file that has become shorter fails, with what was there sent") {
  const std::string text = counted_bytes(500'000);
  Rig rig(text);
  rig.begin(0, text.size());
  rig.turns.settle();
  std::filesystem::resize_file(rig.tree.path("file"), 200'000);
  rig.drain();
  REQUIRE_FALSE(rig.sending.outcome().has_value());
  CHECK(rig.sending.outcome().error() == Error{Cause::file_unreadable, Stage::response_body});
  CHECK(rig.sent == text.substr(0, rig.sent.size()));
  CHECK(rig.sent.size() < text.size());
}

TEST_CASE("send file: a file that has become longer is sent as long as it was") {
  const std::string text = counted_bytes(100'000);
  Rig rig(text);
  std::ofstream(rig.tree.path("file"), std::ios::app) << "more";
  rig.begin(0, text.size());
  rig.drain();
  CHECK(rig.sent == text);
}

TEST_CASE("send file: through an encoder it is whole, and cut it is not") {
  for (const Coding coding : {Coding::gzip, Coding::brotli, Coding::zstd}) {
    const std::string text = counted_bytes(700'000);
    Rig rig(text);
    rig.encoder = postern::coding::make_encoder(coding, {}, text.size());
    rig.begin(0, text.size());
    rig.drain();
    CHECK(rig.sending.outcome().has_value());
    CHECK(rig.moved == rig.sent.size());
    const auto decoded = postern::support::decode(coding, rig.sent);
    REQUIRE(decoded.has_value());
    CHECK(decoded->complete);
    CHECK(decoded->body == text);

    Rig cut(text);
    cut.encoder = postern::coding::make_encoder(coding, {}, text.size());
    std::filesystem::resize_file(cut.tree.path("file"), 300'000);
    cut.begin(0, text.size());
    cut.drain();
    CHECK_FALSE(cut.sending.outcome().has_value());
    const auto part = postern::support::decode(coding, cut.sent);
    REQUIRE(part.has_value());
    CHECK_FALSE(part->complete);
  }
}

TEST_CASE("send file: a client that takes everything at once does not keep the turn") {
  // A large text that compresses to very little, so that the channel never fills.
  const std::string text(4'000'000, 'x');
  Rig rig(text);
  rig.encoder = postern::coding::make_encoder(Coding::zstd, {}, text.size());
  rig.begin(0, text.size());
  int runs = 1;
  while (!rig.sending.ended()) {
    REQUIRE(rig.turns.turn.has_deferred());
    rig.turns.turn.run();
    ++runs;
  }
  CHECK(runs >= 30);
  CHECK(postern::support::decode(Coding::zstd, take_all(rig.to))->body == text);
}

TEST_CASE("send file: a client that takes nothing is blamed, and a cancelled scope ends it") {
  const std::string text = counted_bytes(500'000);
  Rig idle(text);
  idle.begin(0, text.size());
  idle.turns.advance(11s);
  REQUIRE(idle.sending.ended());
  CHECK(idle.sending.outcome().error() == Error{Cause::client_timed_out, Stage::response_body});

  Rig cancelled(text);
  cancelled.begin(0, text.size());
  cancelled.turns.settle();
  cancelled.scope.cancel(Cause::client_closed);
  cancelled.turns.settle();
  REQUIRE(cancelled.sending.ended());
  CHECK(cancelled.sending.outcome().error().cause == Cause::client_closed);
}
