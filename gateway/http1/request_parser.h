// Parses requests. Everything that is forwarded was parsed here first, in exactly one way.
#pragma once

#include "http1/message_parser.h"

namespace postern::http1 {

class RequestParser final : public MessageParser {
 public:
  class Events {
   public:
    // The head is complete and valid. Its framing is decided; a WebSocket upgrade request has no body.
    virtual void on_request(http::RequestHead head) = 0;
    virtual void on_request_body(base::Bytes bytes) = 0;
    virtual void on_request_complete() = 0;

   protected:
    ~Events() = default;
  };

  RequestParser(const http::MessageLimits& limits, Events& events);

  // Reads the head of an incomplete or refused request: see refused_head.h.
  http::RequestHead refused_head() const;

 private:
  tl::expected<void, http::Fault> interpret_head(base::Chunk bytes) override;
  tl::expected<void, http::Fault> read_head(http::RequestHead& head);
  void tell_body(base::Bytes bytes) override { events_.on_request_body(bytes); }
  void tell_complete() override { events_.on_request_complete(); }
  http::Fault too_large(bool in_start_line) const override;

  tl::expected<void, http::Fault> read_start_line(std::string_view line, http::RequestHead& head) const;
  tl::expected<void, http::Fault> read_framing(http::RequestHead& head) const;

  Events& events_;
  base::Chunk refused_bytes_;
};

}  // namespace postern::http1
