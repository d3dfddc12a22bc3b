// Parses responses. Endpoints may deviate from HTTP where only one reading remains: see Deviation. Every
// other fault is refused as the endpoint's fault; what exceeds the limits has the cause head_too_large.
#pragma once

#include "http1/message_parser.h"

namespace postern::http1 {

class ResponseParser final : public MessageParser {
 public:
  class Events {
   public:
    virtual void on_response(http::ResponseHead head) = 0;  // also for interim responses
    virtual void on_response_body(base::Bytes bytes) = 0;
    virtual void on_response_complete() = 0;  // after each message; a 101 ends with its head

   protected:
    ~Events() = default;
  };

  ResponseParser(const http::MessageLimits& limits, Events& events);

  void expect(http::Method method) { method_ = method; }  // the method of the request that is being answered
  // The connection has ended: completes a body that lasts until the end, or returns what was cut off.
  tl::expected<void, http::Fault> at_end() { return finish_at_end(); }
  // The fault of a connection that ended within a head, when the received bytes do not begin an HTTP
  // response.
  std::optional<http::Fault> nothing_of_http() const;
  const http::Headers& trailers() const { return trailers_; }
  Deviations& deviations() { return deviations_; }

 private:
  tl::expected<void, http::Fault> interpret_head(base::Chunk bytes) override;
  tl::expected<void, http::Fault> judge_start_line(std::string_view line) const override;
  void tell_body(base::Bytes bytes) override { events_.on_response_body(bytes); }
  void tell_complete() override { events_.on_response_complete(); }
  http::Fault too_large(bool in_start_line) const override;
  http::Fault too_many_fields() const override;
  tl::expected<void, http::Fault> read_head(http::ResponseHead& head);
  tl::expected<void, http::Fault> read_status_line(std::string_view line, http::ResponseHead& head) const;
  tl::expected<void, http::Fault> read_framing(http::ResponseHead& head, bool version_1_1);

  Events& events_;
  http::Method method_ = http::Method::get;
};

}  // namespace postern::http1
