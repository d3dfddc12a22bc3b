// Copies the body of an event stream from an endpoint to a client, in a coroutine. It has no time limit while
// both sides are alive. The gateway changes the stream only between two events: it inserts comments if the
// route asks for them, and it ends the stream when its token expires, after a reload, or in a shutdown.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/channel.h"
#include "base/pump.h"
#include "base/task.h"
#include "http/stream.h"
#include "proxy/event_boundaries.h"
#include "routing/stream_rules.h"
#include "tunnel/drain_line.h"
#include "tunnel/token_holders.h"
#include "upstream/endpoint.h"

namespace postern::proxy {

class EventStream final : public tunnel::DrainLine::Member {
 public:
  // The settings under which the stream was opened. What they point to outlives the stream.
  struct Options {
    std::optional<uint64_t> route{};  // routing::Route::stream_fingerprint; nullopt: no reload ends it
    std::shared_ptr<const net::ClientCertificate> certificate{};  // of the client; null: it has shown none
    upstream::EndpointRef endpoint{};  // the endpoint that sends it; a reload may remove it
    base::Duration comment_interval = base::no_limit;
    base::Duration idle_limit = base::no_limit;           // for the endpoint
    const routing::ExpiryEvent* expiry_notice = nullptr;  // null: the client is not told
    std::optional<base::Instant> too_old_at{};            // when the stream was open for long enough
    bool readable = true;  // the events are readable in the bytes, which are not compressed
  };

  // `token` outlives the stream.
  EventStream(base::Scope& scope, tunnel::DrainLine& drain_line, tunnel::TokenHolder& token, Options options);
  ~EventStream() { drain_line_.part(*this); }

  // Like base::pump. It also succeeds when the gateway ended the stream between two events. The source limits
  // in `limits` are not used.
  base::Task<base::Result<base::Pumped>> run(base::Channel& from, http::ServerStream& to,
                                             const base::PumpLimits& limits, uint64_t& moved);

  // The coroutine has ended, for any reason: a reload need not end the stream any more.
  void set_over() { over_ = true; }

  // Its token is revoked: it ends between two events, and soon in any case.
  void revoke();

  // Why the gateway ended the stream, or was about to; nullopt if it did not.
  std::optional<base::Cause> ended_by_gateway() const { return ending_; }
  uint64_t events() const { return boundaries_.events(); }
  uint64_t comments() const { return comments_; }
  base::Instant heard() const { return heard_; }  // when the endpoint last sent something

  // --- DrainLine::Member ---
  bool outdated(const tunnel::CurrentRoutes& current) override;
  bool is_ending() const override { return over_ || ending_; }
  void leave(bool stopping) override;

 private:
  base::Duration until_due() const;
  std::optional<base::Cause> look(http::ServerStream& to, const base::PaceRules& client);
  base::Task<base::Result<void>> wait_for_room(http::ServerStream& to, const base::PumpLimits& limits);
  void comment(base::Channel& to);
  std::optional<base::Instant> notice_due() const;
  void give_notice(base::Channel& to);
  void end(base::Cause why, base::Duration limit);
  bool may_end() const { return options_.readable && boundaries_.between_events(); }

  base::Scope& scope_;
  tunnel::DrainLine& drain_line_;
  tunnel::TokenHolder& token_;
  Options options_;
  EventBoundaries boundaries_;
  std::optional<base::Cause> ending_;
  base::Instant end_by_{};       // with ending_: the deadline for the rest of the event that is in transit
  base::Instant heard_;          // when the endpoint last sent something
  base::Instant written_;        // when something was last written to the client
  base::Instant look_at_;        // when to check next whether the client acknowledges what it was sent
  base::Instant notified_of_{};  // the expiry that the client was told of
  base::Instant retry_notice_at_{};
  base::Instant took_at_;  // when the client last acknowledged something, or everything
  uint64_t acknowledged_ = 0;
  uint64_t comments_ = 0;
  base::Phase* waiting_ = nullptr;  // the current wait for the endpoint or for the client
  bool over_ = false;
};

}  // namespace postern::proxy
