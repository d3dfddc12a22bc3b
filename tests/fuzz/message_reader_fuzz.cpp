// Messages come out the same for every cut, and neither a length nor a compressed payload makes more of a
// message than the limit.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "websocket/frame_walker.h"
#include "websocket/message_reader.h"

namespace {

using namespace postern;
using namespace postern::websocket;

constexpr uint64_t size_max = 4096;

struct Reading final : FrameWalker::Visitor {
  explicit Reading(Deflate& deflate) : reader(size_max, &deflate) {}
  FrameWalker::Pass on_frame(const FrameHeader& header) override {
    if (order.check(header) || message_bytes + header.length > size_max) return FrameWalker::Pass::stop;
    message_bytes = header.final ? 0 : message_bytes + header.length;
    reader.begin(header);
    return FrameWalker::Pass::take;
  }
  FrameWalker::Pass on_control(const FrameHeader& header, std::string_view) override {
    return order.check(header) ? FrameWalker::Pass::stop : FrameWalker::Pass::drop;
  }
  void on_payload(const FrameHeader& header, base::Bytes piece, uint64_t offset, bool end) override {
    if (fault) return;
    fault = reader.add(header, piece, offset, end);
    if (fault || !reader.complete()) return;
    base::check(reader.message().size() <= size_max, "no message is larger than the limit");
    messages.emplace_back(reader.message());
    reader.next();
  }
  void on_passed(base::Bytes) override { base::check(false, "nothing passes"); }

  FrameOrder order{Role::client, true};
  MessageReader reader;
  uint64_t message_bytes = 0;
  std::vector<std::string> messages;
  std::optional<Fault> fault;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Deflate deflate;
  const base::Bytes input(reinterpret_cast<const std::byte*>(data), size);
  Reading whole(deflate);
  FrameWalker walker;
  walker.walk(input, whole);
  Reading slow(deflate);
  FrameWalker slow_walker;
  for (size_t at = 0; at < size; ++at) slow_walker.walk(input.subspan(at, 1), slow);
  base::check(whole.messages == slow.messages, "the cut makes no difference");
  base::check(whole.fault == slow.fault, "nor to what is wrong");
  return 0;
}
