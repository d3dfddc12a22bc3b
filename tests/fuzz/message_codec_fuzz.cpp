// However the bytes of a client are cut, the codec hears the same messages, says the same, and ends the same;
// what it says is a row of whole server frames with nothing after a Close.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "support/frame_recorder.h"
#include "websocket/message_codec.h"

namespace {

using namespace postern;
using namespace postern::websocket;

// The last frame is a Close: control frames of a server are its last bytes.
bool ends_with_close(std::string_view said) {
  for (size_t at = said.size(); at-- > 0;)
    if (static_cast<uint8_t>(said[at]) == 0x88 && at + 1 < said.size() &&
        static_cast<uint8_t>(said[at + 1]) == said.size() - at - 2)
      return true;
  return false;
}

class End final : private MessageCodec::Receiver {
 public:
  End() : codec_(*this, {.message_size = 4096, .pongs = 1u << 20}) {}

  void feed(std::string_view bytes) { codec_.feed(base::bytes_of(bytes)); }
  // Everything that can be seen from outside.
  std::string account() {
    std::string said;
    while (codec_.has_output()) said += codec_.take_output().text();
    support::FrameRecorder frames;
    FrameWalker walker;
    walker.walk(base::bytes_of(said), frames);
    base::check(walker.at_boundary() && frames.passed == said, "frames are written whole");
    const auto is_close = [](const auto& control) { return control.first == 8; };
    const auto closes = std::count_if(frames.controls.begin(), frames.controls.end(), is_close);
    base::check(closes == 0 || (closes == 1 && is_close(frames.controls.back()) && ends_with_close(said)),
                "nothing follows a Close");
    base::check((closes > 0) == (codec_.state() == MessageCodec::State::over), "an end is said");
    const std::string end =
        std::to_string(static_cast<int>(codec_.state())) + " " + std::to_string(codec_.close_code());
    return heard_ + "\n" + end + "\n" + said;
  }

 private:
  void on_message(MessageKind kind, std::string_view message) override {
    base::check(message.size() <= 4096, "the limit holds");
    heard_ += (kind == MessageKind::text ? "t" : "b") + std::to_string(message.size()) + ":";
    heard_ += message;
    codec_.send(kind, message);
  }

  MessageCodec codec_;
  std::string heard_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  End whole;
  whole.feed(input);
  const std::string expected = whole.account();
  for (const size_t piece : {size_t{1}, size_t{5}}) {
    End cut;
    for (size_t at = 0; at < input.size(); at += piece) cut.feed(input.substr(at, piece));
    base::check(cut.account() == expected, "the cut makes no difference");
  }
  return 0;
}
