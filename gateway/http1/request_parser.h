// Requests out of bytes: what is forwarded has been read here first, in one way only.
#pragma once

#include "http1/message_parser.h"

namespace postern::http1 {

// Methods are anybody's to invent (RFC 9110 9.1), and none that is in use is nearly as long.
inline constexpr size_t method_size_max = 64;

class RequestParser final : public MessageParser {
 public:
  class Events {
   public:
    // The head is complete and keeps every rule. Its framing is decided; one to WebSocket has no body.
    virtual void on_request(http::RequestHead head) = 0;
    virtual void on_request_body(base::Bytes bytes) = 0;
    virtual void on_request_complete() = 0;

   protected:
    ~Events() = default;
  };

  RequestParser(const ParserLimits& limits, Events& events);

  // Of a request that is not whole, or was refused at its head: see refused_head.h.
  http::RequestHead refused_head() const;

 private:
  tl::expected<void, Fault> interpret_head(base::Chunk bytes) override;
  tl::expected<void, Fault> read_head(http::RequestHead& head);
  void tell_body(base::Bytes bytes) override { events_.on_request_body(bytes); }
  void tell_complete() override { events_.on_request_complete(); }
  Fault too_large(bool in_start_line) const override;

  tl::expected<void, Fault> read_start_line(std::string_view line, http::RequestHead& head) const;
  tl::expected<void, Fault> read_framing(http::RequestHead& head) const;

  Events& events_;
  base::Chunk refused_bytes_;
};

}  // namespace postern::http1
