#include "websocket/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/ascii.h"
#include "base/check.h"

namespace postern::websocket {
namespace {

constexpr int memory_level = 8;
constexpr int level = 1;                                 // chat and telemetry need speed most
constexpr std::string_view tail("\x00\x00\xff\xff", 4);  // RFC 7692 7.2.1
constexpr size_t step = 16 * 1024;
constexpr size_t output_keep = 64 * 1024;

const Bytef* input_of(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

// The rule is in zlib.h at inflate(): a block has ended, and no other block has begun.
bool at_block_boundary(const z_stream& stream) { return (stream.data_type & 128) != 0; }

// Reads 8 to 15, possibly in quotes (RFC 7692 7.1.2); returns nothing for any other value.
std::optional<int> read_window_bits(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  if (value == "8" || value == "9") return value[0] - '0';
  if (value.size() != 2 || value[0] != '1' || value[1] < '0' || value[1] > '5') return std::nullopt;
  return 10 + (value[1] - '0');
}

// `parameters` is the text after the name of the extension. Returns nothing when they cannot be accepted.
std::optional<DeflateParameters> meet(std::string_view parameters) {
  DeflateParameters agreed{"permessage-deflate; server_no_context_takeover; client_no_context_takeover"};
  std::vector<std::string_view> seen;
  while (!parameters.empty()) {
    const size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view parameter = base::trim(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    const size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string_view name = base::trim(parameter.substr(0, equals));
    const bool valued = equals < parameter.size();
    const std::string_view value = valued ? base::trim(parameter.substr(equals + 1)) : std::string_view();
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) return std::nullopt;
    seen.push_back(name);
    if (name == "client_max_window_bits") {
      if (valued && !read_window_bits(value)) return std::nullopt;
    } else if (name == "server_max_window_bits") {
      const std::optional<int> bits = read_window_bits(value);
      if (!bits || *bits < window_bits_min) return std::nullopt;
      agreed.window_bits = *bits;
      agreed.answer += "; server_max_window_bits=" + std::to_string(*bits);
    } else if (valued || (name != "client_no_context_takeover" && name != "server_no_context_takeover")) {
      return std::nullopt;
    }
  }
  return agreed;
}

}  // namespace

std::optional<DeflateParameters> agree_on_deflate(std::string_view offers) {
  while (const auto element = base::next_element(offers)) {
    const size_t end = std::min(element->find(';'), element->size());
    if (!base::equal_ignoring_case(base::trim(element->substr(0, end)), "permessage-deflate")) continue;
    if (auto parameters = meet(element->substr(std::min(end + 1, element->size())))) return parameters;
  }
  return std::nullopt;
}

struct Deflate::Streams {
  z_stream in{};
  z_stream out{};
};

Deflate::Deflate(int window_bits) : streams_(std::make_unique<Streams>()) {
  const int reading = inflateInit2(&streams_->in, -window_bits_max);  // negative means raw deflate data
  const int writing =
      deflateInit2(&streams_->out, level, Z_DEFLATED, -window_bits, memory_level, Z_DEFAULT_STRATEGY);
  base::check(reading == Z_OK && writing == Z_OK, "zlib has no memory");
}

Deflate::~Deflate() {
  inflateEnd(&streams_->in);
  deflateEnd(&streams_->out);
}

std::optional<Deflate::Problem> Deflate::expand(std::string_view payload, uint64_t max,
                                                std::string& message) {
  z_stream& stream = streams_->in;
  base::check(inflateReset(&stream) == Z_OK, "zlib was not set up");
  std::array<char, step> out;
  std::string read;
  bool whole = payload.empty();  // some senders compress an empty message to no bytes
  for (const std::string_view part : {payload, tail}) {
    stream.next_in = const_cast<Bytef*>(input_of(part));
    stream.avail_in = static_cast<uInt>(part.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = step;
      const int result = inflate(&stream, Z_SYNC_FLUSH);
      // A final block ends the stream. Only the octet of 7.2.3.4 may follow it. A block that ends within the
      // tail was truncated.
      if (result == Z_STREAM_END) {
        const bool octet = part.data() != tail.data() && stream.avail_in == 1 && *stream.next_in == 0;
        if (stream.avail_in > 0 && !octet) return Problem::malformed;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return Problem::malformed;
      }
      const size_t size = step - stream.avail_out;
      if (max != 0 && read.size() + size > max) return Problem::too_large;
      read.append(out.data(), size);
      if (result == Z_STREAM_END) {
        message = std::move(read);
        return std::nullopt;
      }
    } while (stream.avail_in > 0 || stream.avail_out == 0);
    // The payload may also contain its tail already: not all senders remove it.
    if (part.data() == tail.data() || part.ends_with(tail)) whole |= at_block_boundary(stream);
  }
  if (!whole) return Problem::malformed;
  message = std::move(read);
  return std::nullopt;
}

std::string_view Deflate::compress(std::string_view message) {
  z_stream& stream = streams_->out;
  base::check(deflateReset(&stream) == Z_OK, "zlib was not set up");
  if (output_.capacity() > output_keep && message.size() < output_keep) output_ = {};
  output_.resize(deflateBound(&stream, message.size()) + tail.size());
  stream.next_in = const_cast<Bytef*>(input_of(message));
  stream.avail_in = static_cast<uInt>(message.size());
  stream.next_out = reinterpret_cast<Bytef*>(output_.data());
  stream.avail_out = static_cast<uInt>(output_.size());
  const int result = deflate(&stream, Z_SYNC_FLUSH);
  base::check(result == Z_OK && stream.avail_in == 0, "zlib did not take a message");
  const size_t size = output_.size() - stream.avail_out;
  const std::string_view made = std::string_view(output_).substr(0, size);
  if (!made.ends_with(tail) || made.size() - tail.size() >= message.size()) return {};
  return made.substr(0, made.size() - tail.size());
}

}  // namespace postern::websocket
