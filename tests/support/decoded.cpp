#include "support/decoded.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <array>

namespace postern::support {
namespace {

constexpr size_t piece = 64 * 1024;

std::optional<Decoded> gunzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int window_and_gzip_only = 15 + 16;
  if (inflateInit2(&stream, window_and_gzip_only) != Z_OK) return std::nullopt;
  Decoded decoded;
  std::array<char, piece> room{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  int said = Z_OK;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    said = inflate(&stream, Z_SYNC_FLUSH);
    decoded.body.append(room.data(), room.size() - stream.avail_out);
  } while (said == Z_OK && stream.avail_out < room.size());
  decoded.complete = said == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (said != Z_OK && said != Z_STREAM_END && said != Z_BUF_ERROR) return std::nullopt;
  return decoded;
}

std::optional<Decoded> unbrotli(std::string_view bytes) {
  BrotliDecoderState* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  Decoded decoded;
  std::array<char, piece> room{};
  const auto* next_in = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t left = bytes.size();
  BrotliDecoderResult said = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
  while (said == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
    auto* next_out = reinterpret_cast<uint8_t*>(room.data());
    size_t free = room.size();
    said = BrotliDecoderDecompressStream(state, &left, &next_in, &free, &next_out, nullptr);
    decoded.body.append(room.data(), room.size() - free);
  }
  BrotliDecoderDestroyInstance(state);
  if (said == BROTLI_DECODER_RESULT_ERROR) return std::nullopt;
  decoded.complete = said == BROTLI_DECODER_RESULT_SUCCESS && left == 0;
  return decoded;
}

std::optional<Decoded> unzstd(std::string_view bytes) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  Decoded decoded;
  std::array<char, piece> room{};
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t left = 1;
  for (;;) {
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    const size_t before = in.pos;
    left = ZSTD_decompressStream(context, &out, &in);
    if (ZSTD_isError(left)) break;
    decoded.body.append(room.data(), out.pos);
    if (left == 0 || (out.pos == 0 && in.pos == before)) break;
  }
  ZSTD_freeDCtx(context);
  if (ZSTD_isError(left)) return std::nullopt;
  decoded.complete = left == 0 && in.pos == in.size && !bytes.empty();
  return decoded;
}

}  // namespace

std::optional<Decoded> decode(coding::Coding coding, std::string_view bytes) {
  switch (coding) {
    case coding::Coding::gzip: return gunzip(bytes);
    case coding::Coding::brotli: return unbrotli(bytes);
    case coding::Coding::zstd: return unzstd(bytes);
    case coding::Coding::identity: break;
  }
  return Decoded{std::string(bytes), true};
}

}  // namespace postern::support
