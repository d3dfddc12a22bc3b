// An event stream on its way from an endpoint to a client: the coroutine of its body. It has no limit while
// both sides live. What the gateway does to it, it does between two events: it puts in comments where the
// route asks for them, and it ends the stream with its token, after a reload, or in a shutdown.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/channel.h"
#include "base/pump.h"
#include "base/task.h"
#include "http/stream.h"
#include "proxy/drain_line.h"
#include "proxy/event_boundaries.h"
#include "routing/stream_rules.h"
#include "upstream/endpoint.h"

namespace postern::proxy {

class EventStream final : public DrainLine::Member {
 public:
  // What it was opened under; what it points to outlives it.
  struct Options {
    std::optional<uint64_t> route{};   // Route::stream_fingerprint; nothing: no reload ends it
    upstream::EndpointRef endpoint{};  // that sends it; a reload may take it away
    base::Duration comment_interval = base::no_limit;
    base::Duration idle_limit = base::no_limit;  // of the endpoint
    std::optional<base::Instant> expires{};      // the token that let it in
    bool readable = true;                        // its bytes are events as they stand, not compressed ones
  };

  EventStream(base::Scope& scope, DrainLine& drain_line, Options options);
  ~EventStream() { drain_line_.part(*this); }

  // As base::pump, which see. It has succeeded, too, where the gateway ended the stream between two events.
  // The limits of its source are not used.
  base::Task<base::Result<base::Pumped>> run(base::Channel& from, http::ServerStream& to,
                                             const base::PumpLimits& limits, uint64_t& moved);

  // Its coroutine has ended, however: no reload needs to end it.
  void set_over() { over_ = true; }

  // Why the gateway ended it, or was about to; nothing: it did not.
  std::optional<base::Cause> ended_by_gateway() const { return ending_; }
  uint64_t events() const { return boundaries_.events(); }
  uint64_t comments() const { return comments_; }
  base::Instant heard() const { return heard_; }  // the endpoint, last

  // --- DrainLine::Member ---
  bool outdated(const std::vector<uint64_t>& routes) const override;
  bool is_ending() const override { return over_ || ending_; }
  void leave(bool stopping) override;

 private:
  base::Duration until_due() const;
  std::optional<base::Cause> look(http::ServerStream& to, const base::PaceRules& client);
  base::Task<base::Result<void>> wait_for_room(http::ServerStream& to, const base::PumpLimits& limits);
  void comment(base::Channel& to);
  void end(base::Cause why);
  bool may_end() const { return options_.readable && boundaries_.between_events(); }

  base::Scope& scope_;
  DrainLine& drain_line_;
  Options options_;
  EventBoundaries boundaries_;
  std::optional<base::Cause> ending_;
  base::Instant end_by_{};  // then: the event that is on its way may take so long
  base::Instant heard_;     // when the endpoint sent something
  base::Instant written_;   // when the client was sent something
  base::Instant look_at_;   // when to look next whether the client takes what it was sent
  base::Instant took_at_;   // when it was seen to take something, or to have taken all
  uint64_t acknowledged_ = 0;
  uint64_t comments_ = 0;
  base::Phase* waiting_ = nullptr;  // for the endpoint, or for the client
  bool over_ = false;
};

}  // namespace postern::proxy
