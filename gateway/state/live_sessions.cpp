#include "state/live_sessions.h"

#include <utility>

namespace postern::state {
namespace {

void append(std::string& text, const MarkDigest& digest) {
  text.append(reinterpret_cast<const char*>(digest.data()), sizeof(digest));
}

}  // namespace

MarkDigest session_of(std::string_view provider, const TokenMarks& marks) {
  if (!is_set(marks.subject)) return {};
  std::string text;
  text.reserve(3 * sizeof(MarkDigest) + provider.size());
  for (const MarkDigest* digest : {&marks.issuer, &marks.subject, &marks.session}) append(text, *digest);
  text += provider;
  return mark_of(text);
}

LiveSessions::Place::Place(LiveSessions& all, const MarkDigest& session, const MarkDigest& connection,
                           Claims claims)
    : all_(all), session_(session), connection_(connection), claims_(std::move(claims)) {}

LiveSessions::Place::~Place() {
  Shard& shard = all_.shard_of(session_);
  const std::lock_guard guard(shard.mutex);
  shard.places.erase(entry_);
  all_.size_.fetch_sub(1, std::memory_order_relaxed);
}

std::shared_ptr<const SessionToken> LiveSessions::Place::take() {
  if (!has_newer_.load(std::memory_order_acquire)) return nullptr;
  const std::lock_guard guard(all_.shard_of(session_).mutex);
  has_newer_.store(false, std::memory_order_relaxed);
  return std::exchange(newer_, nullptr);
}

bool LiveSessions::Place::takes(const MarkDigest& session, const SessionToken& token) const {
  return session == session_ && (!claims_.names || token.digest_of(*claims_.names) == claims_.values);
}

std::unique_ptr<LiveSessions::Place> LiveSessions::join(const MarkDigest& session,
                                                        std::string_view connection, Claims claims) {
  if (!is_set(session)) return nullptr;
  std::unique_ptr<Place> place(new Place(*this, session, mark_of(connection), std::move(claims)));
  Shard& shard = shard_of(session);
  const std::lock_guard guard(shard.mutex);
  place->entry_ = shard.places.emplace(session[0], place.get());
  size_.fetch_add(1, std::memory_order_relaxed);
  return place;
}

size_t LiveSessions::renew(const MarkDigest& session, const std::shared_ptr<const SessionToken>& token,
                           std::string_view connection) {
  if (!is_set(session)) return 0;
  const MarkDigest wanted = mark_of(connection);
  // What a session has open is mostly of one route, so that one look at the claims answers for all.
  const std::vector<std::string>* looked_at = nullptr;
  MarkDigest values{};
  size_t renewed = 0;
  Shard& shard = shard_of(session);
  const std::lock_guard guard(shard.mutex);
  const auto [first, last] = shard.places.equal_range(session[0]);
  for (auto at = first; at != last; ++at) {
    Place& place = *at->second;
    if (place.session_ != session || (is_set(wanted) && place.connection_ != wanted)) continue;
    if (const std::vector<std::string>* names = place.claims_.names.get()) {
      if (std::exchange(looked_at, names) != names) values = token->digest_of(*names);
      if (values != place.claims_.values) continue;
    }
    ++renewed;
    if (place.newer_ && place.newer_->accepted_until() >= token->accepted_until()) continue;
    place.newer_ = token;
    place.has_newer_.store(true, std::memory_order_release);
  }
  return renewed;
}

}  // namespace postern::state
