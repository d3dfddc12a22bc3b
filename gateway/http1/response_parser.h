// Responses out of bytes. An endpoint's bad bytes are its own fault: every refusal is upstream_bad_response.
#pragma once

#include "http1/message_parser.h"

namespace postern::http1 {

class ResponseParser final : public MessageParser {
 public:
  class Events {
   public:
    virtual void on_response(http::ResponseHead head) = 0;  // interim ones too
    virtual void on_response_body(base::Bytes bytes) = 0;
    virtual void on_response_complete() = 0;  // after each head's message; a 101 ends with its head

   protected:
    ~Events() = default;
  };

  ResponseParser(const ParserLimits& limits, Events& events)
      : MessageParser(HTTP_RESPONSE, limits), events_(events) {}

  void expect(http::Method method) { method_ = method; }  // of the request that is being answered
  // The connection has ended: completes a body that lasts until then, else tells what was cut.
  tl::expected<void, Fault> at_end() { return finish_at_end(); }
  const http::Headers& trailers() const { return trailers_; }

 private:
  tl::expected<void, Fault> interpret_head(base::Chunk bytes) override;
  void tell_body(base::Bytes bytes) override { events_.on_response_body(bytes); }
  void tell_complete() override { events_.on_response_complete(); }
  std::string_view long_start_line() const override { return {}; }

  Events& events_;
  http::Method method_ = http::Method::get;
};

}  // namespace postern::http1
