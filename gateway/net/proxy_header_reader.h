// Reads a PROXY protocol header from the start of a connection; the bytes after it are for the next receiver.
#pragma once

#include <optional>
#include <string>

#include "base/slot.h"
#include "net/proxy_protocol.h"
#include "net/transport.h"

namespace postern::net {

class ProxyHeaderReader final : private Transport::Receiver {
 public:
  using Header = std::optional<ProxyRoute>;  // nothing: the socket's own addresses apply

  // Begins to read. The transport would call a destroyed reader: start another receiver before, or free the
  // transport in the turn in which this reader is destroyed.
  explicit ProxyHeaderReader(Transport& transport) : transport_(transport) { transport_.start(*this); }
  ProxyHeaderReader(const ProxyHeaderReader&) = delete;
  ProxyHeaderReader& operator=(const ProxyHeaderReader&) = delete;

  // Filled once. It fails with proxy_header_invalid, or with client_closed when no byte has arrived: load
  // balancers connect and close like that to check whether the port is open.
  base::Slot<Header>& header() { return header_; }

  // Only for a header that was read; see ProxyHeaderParser.
  bool over_tls() const { return parser_.over_tls(); }
  // Why reading failed, or what has arrived so far; fit for a log.
  std::string detail() const;

 private:
  void on_bytes(base::Bytes bytes) override;
  void on_drained() override {}
  void on_end() override;
  void on_closed(base::Error) override { on_end(); }

  Transport& transport_;
  ProxyHeaderParser parser_;
  base::Slot<Header> header_;
};

}  // namespace postern::net
