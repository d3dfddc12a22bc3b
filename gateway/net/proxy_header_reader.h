// Takes a PROXY protocol header off the front of a connection; what comes behind it is for the next receiver.
#pragma once

#include <optional>
#include <string>

#include "base/slot.h"
#include "net/proxy_protocol.h"
#include "net/transport.h"

namespace postern::net {

class ProxyHeaderReader final : private Transport::Receiver {
 public:
  using Header = std::optional<ProxyRoute>;  // nothing: the socket's own addresses hold

  // Begins to read. Until another receiver is started, the transport must not outlive this by a turn.
  explicit ProxyHeaderReader(Transport& transport) : transport_(transport) { transport_.start(*this); }
  ProxyHeaderReader(const ProxyHeaderReader&) = delete;
  ProxyHeaderReader& operator=(const ProxyHeaderReader&) = delete;

  // Filled once. Failed with proxy_header_invalid, or with client_closed when not a byte has come: load
  // balancers look in like that to see whether somebody listens.
  base::Slot<Header>& header() { return header_; }

  // Of one that was read: see ProxyHeaderParser.
  bool over_tls() const { return parser_.over_tls(); }
  // Why it failed, or what has come so far; fit for a log.
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
