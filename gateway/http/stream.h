// One request and its response, as seen on the client's side and on the endpoint's side. The two interfaces
// mirror each other, and every protocol implements them: the exchange, the policies and the tunnel use
// nothing else. Both are used on the worker's thread only.
//
// Order of calls on a ServerStream: any number of inform(), then exactly one of respond() and
// accept_tunnel(). Bodies are channels. After its last push a body gets end(), or abort() when it is cut
// short; the peer must be able to see that (a reset, never a clean end). When the response body has ended,
// the slot of hand_over() reports when the whole response has left this process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/channel.h"
#include "base/slot.h"
#include "base/transit.h"
#include "http/fault.h"
#include "http/head.h"
#include "net/client_certificate.h"
#include "net/transport.h"

namespace postern::net {
class ClientVerifier;
}

namespace postern::http {

// The client certificate of a connection. Without TLS, and where clients are not asked for certificates, it
// keeps its defaults.
struct CertificateFacts {
  // The listener's, as of the last reload; null: it asks for no certificates.
  std::shared_ptr<const net::ClientVerifier> verifier;
  bool asked = false;                                         // in the handshake
  std::shared_ptr<const net::ClientCertificate> certificate;  // null: the client has shown none
  bool is_outdated = false;  // a reload has taken away its authority, or it was revoked
};

// Facts about the connection that a request came by; they outlive the stream.
struct ClientFacts {
  net::Peer peer;         // the remote end of the socket
  net::Peer local;        // the local end; its address may be unknown (unspecified)
  std::string peer_text;  // the peer's address without the port
  bool tls = false;
  uint16_t listener_port = 0;
  CertificateFacts certificate;
  std::optional<uint16_t> redirect_port;  // set when this listener only redirects clients to https
  std::shared_ptr<const std::vector<std::string>> redirect_except;  // paths that are served all the same
};

class ServerStream : public base::TransitSource {
 public:
  virtual ~ServerStream() = default;  // destroying an unfinished stream resets it, never its neighbours

  // The stream owns the head; the exchange may change it until the stream is finished.
  virtual RequestHead& request() = 0;
  virtual const ClientFacts& client() const = 0;
  // Why a part of the client's request could not be read, its head or its body; null: nothing is wrong.
  virtual const Fault* fault() const = 0;
  virtual base::Channel& request_body() = 0;
  virtual base::Channel& response_body() = 0;
  // Counts everything that was written to the client, including what still waits in response_body().
  base::Transit transit() const override = 0;

  virtual void inform(const ResponseHead& interim) = 0;  // 100 or 103, any number of times
  // Writes the head before it returns. `body` chooses the framing: `length` and `none` are kept; any other
  // kind becomes one that the client's protocol supports.
  virtual void respond(const ResponseHead& head) = 0;
  // Sets the trailer fields to send after the response body; to be called before response_body().end(). They
  // are copied. Fields that are not allowed in trailers are dropped (RFC 9110 6.5.1); all of them are dropped
  // where the framing has no trailers.
  virtual void set_trailers(const Headers& trailers) = 0;
  // On a protocol whose connection carries streams one after another, the connection closes after this
  // stream. To be called before respond().
  virtual void close_after_response() = 0;
  // To be called after respond() and the end of the response body: pending bytes are written. The slot is
  // filled once: when no part of the response waits in this process any more, or with an error when the
  // client leaves before that. From this call on, request body bytes are discarded.
  virtual base::Slot<bool>& hand_over() = 0;
  // Gives up the part of the response that was not handed over; the client sees that the response is
  // incomplete.
  virtual void cut_response(base::Error why) = 0;
  // Called instead of respond(), for a request with an upgrade: writes the head, with the status that accepts
  // an upgrade in this protocol, and returns the transport of what follows: the stream's, or that of the
  // whole connection. Bytes that followed the request are delivered first when the transport is started.
  virtual std::unique_ptr<net::Transport> accept_tunnel(const ResponseHead& head) = 0;
};

class UpstreamStream : public base::TransitSource {
 public:
  virtual ~UpstreamStream() = default;  // unfinished: resets this stream, never its neighbours

  // A request with an upgrade has no body: the end of its request_body() does not end the stream.
  virtual void send(const RequestHead& head) = 0;
  virtual base::Channel& request_body() = 0;
  // Counts everything that was written to the endpoint, including what still waits in request_body().
  base::Transit transit() const override = 0;
  // Filled once for every interim response and once for the final response.
  virtual base::Slot<ResponseHead>& response() = 0;
  virtual base::Channel& response_body() = 0;
  virtual const Headers& trailers() const = 0;  // valid after the end of the response body
  // After a head that opens a tunnel: returns the transport; bytes that were received early are delivered
  // first.
  virtual std::unique_ptr<net::Transport> take_tunnel() = 0;
  // Whether any byte of the response has been received: after that no other endpoint may be tried.
  virtual bool response_begun() const = 0;

  virtual const net::Peer& peer() const = 0;
  // Whether the connection existed before this stream: then the endpoint may have been closing it when the
  // stream was opened, and a failure without any response says nothing about the endpoint.
  virtual bool reused() const = 0;
  virtual const Fault& fault() const = 0;  // for upstream_bad_response and upstream_head_too_large
  // The deviations of the response from its protocol since the last call.
  virtual std::vector<SeenDeviation> take_deviations() = 0;
};

}  // namespace postern::http
