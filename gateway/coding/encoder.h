// The compression of one body: a state machine for bytes without I/O and without waiting. For one thread
// only.
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
    more,    // may hold back bytes that compress better with what follows
    flush,   // all input so far can be decoded from the output so far
    finish,  // ends the body; the last call
  };

  Encoder();
  virtual ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // Consumes all of `input` and appends the output that is ready. False: the library failed, and the body
  // must be cut off.
  virtual bool encode(base::Bytes input, Then then, base::ChunkQueue& output) = 0;
};

// The compression level of each library, 1 (fast) to 9 (small).
struct Levels {
  int gzip = 5;
  int brotli = 4;
  int zstd = 3;
  friend bool operator==(const Levels&, const Levels&) = default;
};

// `size` is the size of the body, where it is known: a small body then gets a smaller state. Not for
// identity.
std::unique_ptr<Encoder> make_encoder(Coding coding, const Levels& levels, std::optional<uint64_t> size);

// The number of encoders that exist on this thread. The code that makes one must respect the limit, which
// bounds their memory: at the default levels an encoder holds (measured over 1 MB of JSON) 0.26 MiB for gzip,
// 1.1 MiB for zstd and 2.1 MiB for brotli when the size is not known; 37, 92 and 9 KiB for a body of 3000
// bytes.
size_t live_encoders();
inline constexpr size_t live_encoders_max = 256;

// The compression libraries and their versions at run time: "zlib 1.2.13, brotli 1.0.9, zstd 1.5.4".
std::string library_versions();

}  // namespace postern::coding
