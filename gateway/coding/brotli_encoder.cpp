#include "coding/brotli_encoder.h"

#include <brotli/encode.h>

#include <algorithm>

#include "base/check.h"
#include "coding/scratch.h"

namespace postern::coding {
namespace {

// The largest window, as a power of two. Browsers accept 24; a smaller window keeps the state of a stream
// small (see encoder.h), and each further power costs a third more memory for a few percent fewer bytes.
constexpr uint32_t window_max = 17;
constexpr uint32_t window_least = BROTLI_MIN_WINDOW_BITS;

uint32_t window_for(std::optional<uint64_t> size) {
  uint32_t window = window_max;
  while (size && window > window_least && *size <= uint64_t{1} << (window - 1)) --window;
  return window;
}

class BrotliEncoder final : public Encoder {
 public:
  BrotliEncoder(int level, std::optional<uint64_t> size)
      : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    base::check(state_ != nullptr, "no memory for a brotli encoder");
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<uint32_t>(level));
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, window_for(size));
    if (size)
      BrotliEncoderSetParameter(state_, BROTLI_PARAM_SIZE_HINT,
                                static_cast<uint32_t>(std::min<uint64_t>(*size, 1u << 30)));
  }
  ~BrotliEncoder() override { BrotliEncoderDestroyInstance(state_); }

  bool encode(base::Bytes input, Then then, base::ChunkQueue& output) override {
    const BrotliEncoderOperation how = then == Then::finish  ? BROTLI_OPERATION_FINISH
                                       : then == Then::flush ? BROTLI_OPERATION_FLUSH
                                                             : BROTLI_OPERATION_PROCESS;
    const auto* next_in = reinterpret_cast<const uint8_t*>(input.data());
    size_t left = input.size();
    for (;;) {
      uint8_t* next_out = scratch_begin();
      size_t room = scratch_size;
      if (!BrotliEncoderCompressStream(state_, how, &left, &next_in, &room, &next_out, nullptr)) return false;
      take_scratch(scratch_size - room, output);
      if (left == 0 && !BrotliEncoderHasMoreOutput(state_))
        return how != BROTLI_OPERATION_FINISH || BrotliEncoderIsFinished(state_);
    }
  }

 private:
  BrotliEncoderState* state_;
};

}  // namespace

std::unique_ptr<Encoder> make_brotli_encoder(int level, std::optional<uint64_t> size) {
  return std::make_unique<BrotliEncoder>(level, size);
}

std::string brotli_library() {
  const uint32_t version = BrotliEncoderVersion();  // 12 bits for each of minor and patch
  const auto number = [version](int shift) { return std::to_string((version >> shift) & 0xfff); };
  return "brotli " + number(24) + "." + number(12) + "." + number(0);
}

}  // namespace postern::coding
