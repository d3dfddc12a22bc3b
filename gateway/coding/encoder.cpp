#include "coding/encoder.h"

#include "base/check.h"
#include "coding/brotli_encoder.h"
#include "coding/gzip_encoder.h"
#include "coding/zstd_encoder.h"

namespace postern::coding {
namespace {

thread_local size_t live = 0;

}  // namespace

Encoder::Encoder() { ++live; }
Encoder::~Encoder() { --live; }

size_t live_encoders() { return live; }

std::string library_versions() { return gzip_library() + ", " + brotli_library() + ", " + zstd_library(); }

std::unique_ptr<Encoder> make_encoder(Coding coding, const Levels& levels, std::optional<uint64_t> size) {
  switch (coding) {
    case Coding::gzip: return make_gzip_encoder(levels.gzip, size);
    case Coding::brotli: return make_brotli_encoder(levels.brotli, size);
    case Coding::zstd: return make_zstd_encoder(levels.zstd, size);
    case Coding::identity: break;
  }
  base::check(false, "identity needs no encoder");
  return nullptr;
}

}  // namespace postern::coding
