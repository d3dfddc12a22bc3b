// Moves the body of one message from its channel to a transport, adds the framing, and obeys the transport's
// backpressure. Both sides of an exchange use it.
#pragma once

#include "base/channel.h"
#include "http/head.h"
#include "net/transport.h"

namespace postern::http1 {

class BodyWriter {
 public:
  enum class Progress : uint8_t {
    waiting,   // for bytes in the channel, or for the transport to drain
    complete,  // the end of the body was written
    broken,    // the channel was aborted, or the body does not have the announced length
  };

  // `hidden`: the body is not written (HEAD); the channel is only emptied.
  void begin(http::BodyKind body, uint64_t content_length, bool hidden);
  bool ends_with_connection() const { return body_ == http::BodyKind::until_close; }
  Progress advance(base::Channel& channel, net::Transport& transport, const http::Headers& trailers);

 private:
  http::BodyKind body_ = http::BodyKind::none;
  bool hidden_ = false;
  uint64_t remaining_ = 0;
};

}  // namespace postern::http1
