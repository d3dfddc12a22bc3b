// One request and its response, as the client sent it and as an endpoint gets it. The two interfaces mirror
// each other, and every protocol implements them: the exchange, the policies and the tunnel know nothing
// else. One thread: the worker's.
//
// Order of calls on a ServerStream: any number of inform(), then exactly one of respond() and
// accept_tunnel(). Bodies are channels; a body's last push is followed by end(), or by abort() when it is
// cut short, which the peer must be able to see (a reset, never a clean end). When the response body has
// ended, hand_over() tells when all of the answer is out of this process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/channel.h"
#include "base/slot.h"
#include "base/transit.h"
#include "http/head.h"
#include "net/transport.h"

namespace postern::http {

// Who and where a request came from; outlives its stream.
struct ClientFacts {
  net::Peer peer;         // the socket's other end
  net::Peer local;        // what the client connected to; its address may be unknown (unspecified)
  std::string peer_text;  // its address, without the port
  bool tls = false;
  uint16_t listener_port = 0;
  std::optional<uint16_t> redirect_port;  // set when this listener only sends clients to https
  std::shared_ptr<const std::vector<std::string>> redirect_except;  // but for what lies below these paths
};

class ServerStream : public base::TransitSource {
 public:
  virtual ~ServerStream() = default;  // unfinished: resets this stream, never its neighbours

  // The head may be changed by the exchange until the stream is finished; it belongs to the stream.
  virtual RequestHead& request() = 0;
  virtual const ClientFacts& client() const = 0;
  virtual base::Channel& request_body() = 0;
  virtual base::Channel& response_body() = 0;
  // Counts all that was written to the client, also what still waits in response_body().
  base::Transit transit() const override = 0;

  virtual void inform(const ResponseHead& interim) = 0;  // 100, 103: any number of times
  // The head is written before this returns. Its framing is chosen by `body`: `length` and `none` are kept;
  // anything else becomes what the client's protocol can carry.
  virtual void respond(const ResponseHead& head) = 0;
  // Trailer fields to send after the response body's end; before response_body().end(). They are copied;
  // fields that may not stand in trailers are dropped (RFC 9110 6.5.1), and all where there is no place.
  virtual void set_trailers(const Headers& trailers) = 0;
  // Where one connection carries the streams one after another: no more after this one. Before respond().
  virtual void close_after_response() = 0;
  // After respond() and the end of the response body: what waits is written. Filled once: when nothing of the
  // answer waits here any more, or failed when the client leaves before. What the client sends from now on
  // for this request is not wanted.
  virtual base::Slot<bool>& hand_over() = 0;
  // What was not handed over is given up: the client sees that the answer is not whole.
  virtual void cut_response(base::Error why) = 0;
  // Instead of respond(): writes the head, ends this protocol on the connection, and gives its bytes away.
  // Bytes that came after the request are delivered first when the transport is started.
  virtual std::unique_ptr<net::Transport> accept_tunnel(const ResponseHead& head) = 0;
};

class UpstreamStream : public base::TransitSource {
 public:
  virtual ~UpstreamStream() = default;  // unfinished: resets; finished: the connection can be used again

  virtual void send(const RequestHead& head) = 0;
  virtual base::Channel& request_body() = 0;
  // Counts all that was written to the endpoint, also what still waits in request_body().
  base::Transit transit() const override = 0;
  // Filled once for every interim response and once for the final one.
  virtual base::Slot<ResponseHead>& response() = 0;
  virtual base::Channel& response_body() = 0;
  virtual const Headers& trailers() const = 0;  // after the response body's end
  // After a 101: gives the connection's bytes away, early ones first.
  virtual std::unique_ptr<net::Transport> take_tunnel() = 0;
  // Whether a byte of the response has come: after that no other endpoint may be tried.
  virtual bool response_begun() const = 0;
};

}  // namespace postern::http
