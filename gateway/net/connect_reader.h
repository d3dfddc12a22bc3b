// Reads the answer of an HTTP proxy to CONNECT (RFC 9110 9.3.6) from the start of a connection; the bytes
// after it come from the server that the proxy has connected to.
#pragma once

#include <string>

#include "base/slot.h"
#include "net/transport.h"

namespace postern::net {

class ConnectReader final : private Transport::Receiver {
 public:
  // Begins to read. The transport would call a destroyed reader: start another receiver before, or free the
  // transport in the turn in which this reader is destroyed.
  explicit ConnectReader(Transport& transport) : transport_(transport) { transport_.start(*this); }
  ConnectReader(const ConnectReader&) = delete;
  ConnectReader& operator=(const ConnectReader&) = delete;

  // Filled once: when the proxy has connected, or with upstream_unreachable when it refuses or closes.
  base::Slot<bool>& connected() { return connected_; }
  // After a failure: what the proxy answered, in a few words.
  const std::string& failure() const { return failure_; }

 private:
  void on_bytes(base::Bytes bytes) override;
  void on_drained() override {}
  void on_end() override;
  void on_closed(base::Error) override { on_end(); }
  void fail(std::string words);

  Transport& transport_;
  std::string head_;
  std::string failure_;
  base::Slot<bool> connected_;
};

}  // namespace postern::net
