#include "http1/body_writer.h"

#include "http1/writer.h"

namespace postern::http1 {

void BodyWriter::begin(http::BodyKind body, uint64_t content_length, bool hidden) {
  body_ = body;
  hidden_ = hidden;
  remaining_ = body == http::BodyKind::length ? content_length : 0;
}

BodyWriter::Progress BodyWriter::advance(base::Channel& channel, net::Transport& transport,
                                         const http::Headers& trailers) {
  while (channel.has_bytes()) {
    if (transport.backlog() >
        net::Transport::high_water)  // a cut body does not wait for a peer that does not read
      return channel.aborted() ? Progress::broken : Progress::waiting;
    base::Chunk chunk = channel.take();
    if (hidden_) continue;
    if (body_ == http::BodyKind::length) {
      if (chunk.size() > remaining_) return Progress::broken;
      remaining_ -= chunk.size();
    } else if (body_ == http::BodyKind::none) {
      return Progress::broken;
    }
    if (body_ == http::BodyKind::chunked) {
      transport.write(write_chunk_size(chunk.size()));
      transport.write(std::move(chunk));
      transport.write(base::Chunk::copy_of(chunk_end));  // the transport joins small pieces
    } else {
      transport.write(std::move(chunk));
    }
  }
  if (channel.aborted()) return Progress::broken;
  if (!channel.at_end()) return Progress::waiting;
  // This applies also without a body: a client that does not read its responses gets no further ones.
  if (transport.backlog() > net::Transport::high_water) return Progress::waiting;
  if (hidden_) return Progress::complete;
  if (body_ == http::BodyKind::length && remaining_ > 0) return Progress::broken;
  if (body_ == http::BodyKind::chunked) transport.write(write_last_chunk(trailers));
  return Progress::complete;
}

}  // namespace postern::http1
