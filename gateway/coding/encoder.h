// One body on its way through a compressor. A state machine for bytes: no I/O, no waiting. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/chunk.h"
#include "coding/coding.h"

namespace postern::coding {

class Encoder {
 public:
  enum class Then : uint8_t {
    more,    // keeps back what will compress better with what follows
    flush,   // everything so far can be decoded from the output so far
    finish,  // ends the body; the last call
  };

  Encoder();
  virtual ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // Takes `input` whole and appends what is ready. False: the library failed, and the body must be cut.
  virtual bool encode(base::Bytes input, Then then, base::ChunkQueue& output) = 0;
};

// How hard each library tries, 1 (fast) to 9 (small).
struct Levels {
  int gzip = 5;
  int brotli = 4;
  int zstd = 3;
};

// `size` of the body, where it is known: makes the state smaller for a small one. Not for identity.
std::unique_ptr<Encoder> make_encoder(Coding coding, const Levels& levels, std::optional<uint64_t> size);

// Encoders of this thread that are alive. Whoever makes one keeps to the limit, which bounds their memory: at
// the default levels one holds (measured over 1 MB of JSON) 0.26 MiB for gzip, 1.1 MiB for zstd and 2.1 MiB
// for brotli when the size is not known; 37, 92 and 9 KiB for a body of 3000 bytes.
size_t live_encoders();
inline constexpr size_t live_encoders_max = 256;

// The libraries this room stands on, as they run: "zlib 1.2.13, brotli 1.0.9, zstd 1.5.4".
std::string library_versions();

}  // namespace postern::coding
