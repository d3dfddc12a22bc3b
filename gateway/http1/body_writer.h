// Moves one body from its channel to a transport, framed, as fast as the transport takes it. Shared by both
// sides of an exchange.
#pragma once

#include "base/channel.h"
#include "http/head.h"
#include "net/transport.h"

namespace postern::http1 {

class BodyWriter {
 public:
  enum class Progress : uint8_t {
    waiting,   // for the channel, or for the transport to drain
    complete,  // the end was written
    broken,    // the channel was aborted, or the body does not have the length that was announced
  };

  // `hidden`: nothing is written (HEAD), the channel is only emptied.
  void begin(http::BodyKind body, uint64_t content_length, bool hidden);
  bool ends_with_connection() const { return body_ == http::BodyKind::until_close; }
  Progress advance(base::Channel& channel, net::Transport& transport, const http::Headers& trailers);

 private:
  http::BodyKind body_ = http::BodyKind::none;
  bool hidden_ = false;
  uint64_t remaining_ = 0;
};

}  // namespace postern::http1
