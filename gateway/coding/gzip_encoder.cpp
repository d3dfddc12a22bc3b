#include "coding/gzip_encoder.h"

#include <zlib.h>

#include <algorithm>

#include "base/check.h"
#include "coding/scratch.h"

namespace postern::coding {
namespace {

// The window and the hash table, as powers of two; zlib allocates (1 << (window + 2)) + (1 << (memory + 9))
// bytes.
struct Sizes {
  int window = 15;
  int memory = 8;
};

// A body that is known to be small needs smaller ones.
Sizes sizes_for(std::optional<uint64_t> size) {
  Sizes sizes;
  while (size && sizes.window > 10 && *size <= uint64_t{1} << (sizes.window - 1)) {
    --sizes.window;
    sizes.memory = std::max(sizes.memory - 1, 4);
  }
  return sizes;
}

class GzipEncoder final : public Encoder {
 public:
  GzipEncoder(int level, std::optional<uint64_t> size) {
    constexpr int gzip_wrapper = 16;
    const Sizes sizes = sizes_for(size);
    base::check(deflateInit2(&stream_, level, Z_DEFLATED, sizes.window + gzip_wrapper, sizes.memory,
                             Z_DEFAULT_STRATEGY) == Z_OK,
                "no memory for a gzip encoder");
  }
  ~GzipEncoder() override { deflateEnd(&stream_); }

  bool encode(base::Bytes input, Then then, base::ChunkQueue& output) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    const int how = then == Then::finish ? Z_FINISH : then == Then::flush ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    for (;;) {
      stream_.next_out = scratch_begin();
      stream_.avail_out = static_cast<uInt>(scratch_size);
      const int said = deflate(&stream_, how);
      // Z_BUF_ERROR means that nothing was left to do, which is not a failure.
      if (said != Z_OK && said != Z_STREAM_END && said != Z_BUF_ERROR) return false;
      take_scratch(scratch_size - stream_.avail_out, output);
      if (stream_.avail_out > 0) return stream_.avail_in == 0 && (how != Z_FINISH || said == Z_STREAM_END);
    }
  }

 private:
  z_stream stream_{};
};

}  // namespace

std::unique_ptr<Encoder> make_gzip_encoder(int level, std::optional<uint64_t> size) {
  return std::make_unique<GzipEncoder>(level, size);
}

std::string gzip_library() { return "zlib " + std::string(zlibVersion()); }

}  // namespace postern::coding
