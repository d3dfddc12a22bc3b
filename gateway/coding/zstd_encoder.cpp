#include "coding/zstd_encoder.h"

#include <zstd.h>

#include "base/check.h"
#include "coding/scratch.h"

namespace postern::coding {
namespace {

// Powers of two: the window, of which clients must accept 23 (RFC 9659), and the tables. These values keep
// the state of a stream small (see encoder.h).
constexpr int window = 17;
constexpr int tables = 15;

class ZstdEncoder final : public Encoder {
 public:
  ZstdEncoder(int level, std::optional<uint64_t> size) : context_(ZSTD_createCCtx()) {
    base::check(context_ != nullptr, "no memory for a zstd encoder");
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, window);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_hashLog, tables);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_chainLog, tables);
    if (size) ZSTD_CCtx_setPledgedSrcSize(context_, *size);
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }

  bool encode(base::Bytes input, Then then, base::ChunkQueue& output) override {
    const ZSTD_EndDirective how = then == Then::finish  ? ZSTD_e_end
                                  : then == Then::flush ? ZSTD_e_flush
                                                        : ZSTD_e_continue;
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{scratch().data(), scratch_size, 0};
      const size_t left = ZSTD_compressStream2(context_, &out, &in, how);
      if (ZSTD_isError(left)) return false;
      take_scratch(out.pos, output);
      if (how == ZSTD_e_continue ? in.pos == in.size && out.pos < out.size : left == 0) return true;
    }
  }

 private:
  ZSTD_CCtx* context_;
};

}  // namespace

std::unique_ptr<Encoder> make_zstd_encoder(int level, std::optional<uint64_t> size) {
  return std::make_unique<ZstdEncoder>(level, size);
}

std::string zstd_library() { return "zstd " + std::string(ZSTD_versionString()); }

}  // namespace postern::coding
