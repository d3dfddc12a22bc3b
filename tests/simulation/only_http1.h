// The cases that run with HTTP/1.1 only. Every other case of the simulation is run a second time with the
// multiplexed protocol on both sides of the gateway (tests/README.md). A case may stand here for one of two
// reasons: it is about a connection of HTTP/1.1 itself, or it needs TLS, which the relays that translate for
// the test do not speak.
#pragma once

namespace postern::support {

struct OnlyHttp1 {
  const char* name;  // of the case, whole
  const char* reason;
};

inline constexpr OnlyHttp1 only_http1[] = {
    {"respond: a body that is still to come is not waited for",
     "the connection closes after the answer, and its Connection field says so"},
    {"hostile: dot segments do not lead from one route's paths to another's",
     "the connection closes after the refusal"},
    {"files: an upload that nobody reads is refused, and the connection closed",
     "the connection closes after the refusal, and its Connection field says so"},
    {"oddities: a head that is too large says which limit, and the upstream's limits hold",
     "the limits of a head belong to the reader of its protocol, and the second protocol's has none"},
    {"oddities: an endpoint's Keep-Alive limit is minded, a second before it ends",
     "the field is about a connection of HTTP/1.1"},
    {"socket hold: a client waits once, and what it opens then is answered at once until the upstream is "
     "back",
     "an endpoint that takes no new connection is still asked on the one that carries a tunnel"},
    {"retries: a connection whose answer was not read to its end is not used again",
     "an answer that nobody reads costs its connection; a stream ends alone, and the next request takes its "
     "connection"},
    {"websocket: a handshake is carried to the endpoint and its 101 back, then bytes both ways",
     "the tunnel takes the whole connection, which is no connection of the server any more"},
    {"ends: a drain during a slow download over TLS lets it come whole, with its close_notify",
     "the client speaks TLS, and the relay does not"},
    {"ends: a client that says something behind its close_notify, and leaves, is found",
     "the client speaks TLS, and the relay does not"},
    {"ends: at the deadline of a drain, an answer that only waits to leave is cut by a reset",
     "a stream is reset alone; the relay has a part of the answer, and what its client gets is shorter than "
     "the length it was told"},
    {"forward auth: a field that Connection takes away decides as well",
     "a field that Connection names: the relay removes it, as it belongs to the connection"},
    {"socket limits: what a socket counts by is what its client sent, whatever the endpoint gets",
     "a field that Connection names: the relay removes it, as it belongs to the connection"},
};

}  // namespace postern::support
