// Requests out of bytes: what is forwarded has been read here first, in one way only.
#pragma once

#include "http1/message_parser.h"

namespace postern::http1 {

class RequestParser final : public MessageParser {
 public:
  class Events {
   public:
    // The head is complete and keeps every rule. Its framing is decided; an upgrade has no body.
    virtual void on_request(http::RequestHead head) = 0;
    virtual void on_request_body(base::Bytes bytes) = 0;
    virtual void on_request_complete() = 0;

   protected:
    ~Events() = default;
  };

  RequestParser(const ParserLimits& limits, Events& events)
      : MessageParser(HTTP_REQUEST, limits), events_(events) {}

 private:
  tl::expected<void, Fault> interpret_head(base::Chunk bytes) override;
  void tell_body(base::Bytes bytes) override { events_.on_request_body(bytes); }
  void tell_complete() override { events_.on_request_complete(); }
  std::string_view long_start_line() const override { return "the request target is longer than the limit"; }

  tl::expected<void, Fault> read_start_line(std::string_view line, http::RequestHead& head) const;
  tl::expected<void, Fault> read_framing(http::RequestHead& head) const;

  Events& events_;
};

}  // namespace postern::http1
