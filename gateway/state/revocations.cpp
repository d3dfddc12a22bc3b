#include "state/revocations.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "crypto/digest.h"

namespace postern::state {
namespace {

constexpr size_t fewest_places = 16;
// A full table looks at most so often for entries that do not count any more, in seconds.
constexpr int64_t look_for_room_every = 10;

// The fewest places of which `entries` take at most 3 of 4.
size_t places_for(size_t entries) {
  return entries == 0 ? 0 : std::max(fewest_places, std::bit_ceil((entries * 4 + 2) / 3));
}

bool has_time(Revocation::Kind kind) {
  return kind == Revocation::Kind::subject_before || kind == Revocation::Kind::all_before;
}

}  // namespace

MarkDigest mark_of(std::string_view text) {
  MarkDigest mark{};
  if (text.empty()) return mark;
  const crypto::Sha256Digest digest = crypto::sha256(text);
  std::memcpy(mark.data(), digest.data(), sizeof(mark));
  return mark;
}

// Both are uniform, and the issuer's is multiplied by odd numbers, so that two keys are the same by chance
// only.
MarkDigest Revocations::key_of(Kind kind, const MarkDigest& value, const MarkDigest& issuer) {
  const auto number = static_cast<uint64_t>(kind);
  const uint64_t first =
      value[0] ^ (issuer[0] * 0x9e37'79b9'7f4a'7c15) ^ ((number + 1) * 0xff51'afd7'ed55'8ccd);
  const uint64_t second = value[1] ^ (issuer[1] * 0xc2b2'ae3d'27d4'eb4f);
  return {first, (second & ~uint64_t{7}) | number};
}

const Revocations::Place* Revocations::find(const std::vector<Place>& places, const MarkDigest& key) {
  if (places.empty()) return nullptr;
  const size_t mask = places.size() - 1;
  for (size_t at = key[0] & mask;; at = (at + 1) & mask)
    if (places[at].key == key || !is_set(places[at].key)) return &places[at];
}

bool Revocations::counts(const MarkDigest& key, int64_t issued_at, int64_t now) const {
  const Shard& shard = shard_of(key);
  const std::lock_guard guard(shard.mutex);
  const Place* place = find(shard.places, key);
  return place && place->key == key && now < place->until && issued_at < place->issued_before;
}

bool Revocations::names(Kind kind, const MarkDigest& value, const TokenMarks& marks, int64_t now) const {
  if (size(kind) == 0 || (kind != Kind::all_before && !is_set(value))) return false;
  return counts(key_of(kind, value, {}), marks.issued_at, now) ||
         (is_set(marks.issuer) && counts(key_of(kind, value, marks.issuer), marks.issued_at, now));
}

bool Revocations::is_revoked(const TokenMarks& marks, int64_t now) const {
  if (empty()) return false;
  return names(Kind::token, marks.id, marks, now) || names(Kind::session, marks.session, marks, now) ||
         names(Kind::subject, marks.subject, marks, now) ||
         names(Kind::subject_before, marks.subject, marks, now) || names(Kind::all_before, {}, marks, now);
}

Revocations::Added Revocations::add(const Revocation& revocation, int64_t now, Asker asker) {
  Place wanted;
  wanted.key = key_of(revocation.kind, mark_of(revocation.value), mark_of(revocation.issuer));
  wanted.until = revocation.until;
  wanted.issued_before =
      has_time(revocation.kind) ? revocation.issued_before : std::numeric_limits<int64_t>::max();
  const Added added = put(wanted, now, asker == Asker::admin ? entries_max : entries_max - kept_for_operator);
  if (added == Added::full) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return added;
  }
  added_.fetch_add(1, std::memory_order_relaxed);
  if (revocation.kind == Kind::logout_token) return added;
  note(revocation);
  generation_.fetch_add(1, std::memory_order_release);  // last: whoever sees it finds the entry
  return added;
}

Revocations::Added Revocations::put(const Place& wanted, int64_t now, size_t most) {
  const bool room = has_room(now, most);
  Shard& shard = shard_of(wanted.key);
  const std::lock_guard guard(shard.mutex);
  Place* place = find(shard.places, wanted.key);
  if (place && place->key == wanted.key) {
    const bool lasts = now < place->until;
    place->issued_before =
        lasts ? std::max(place->issued_before, wanted.issued_before) : wanted.issued_before;
    place->until = lasts ? std::max(place->until, wanted.until) : wanted.until;
    return lasts ? Added::known : Added::added;
  }
  if (!room) return Added::full;
  if (places_for(shard.used + 1) > shard.places.size()) {
    rebuild(shard, 1, now);
    place = find(shard.places, wanted.key);
  }
  *place = wanted;
  ++shard.used;
  size_.fetch_add(1, std::memory_order_relaxed);
  of_kind_[static_cast<size_t>(kind_of(wanted.key))].fetch_add(1, std::memory_order_relaxed);
  return Added::added;
}

// Threads that add at the same time may each find the last room: as many entries as there are threads can be
// too many.
bool Revocations::has_room(int64_t now, size_t most) {
  if (size() < most) return true;
  int64_t looked = swept_all_at_.load(std::memory_order_relaxed);
  if (now < looked + look_for_room_every && now >= looked) return false;
  if (!swept_all_at_.compare_exchange_strong(looked, now, std::memory_order_relaxed)) return false;
  for (Shard& shard : shards_) sweep(shard, now);
  return size() < most;
}

void Revocations::sweep(int64_t now) {
  if (empty()) return;
  for (size_t i = 0; i < shard_count / sweeps_of_all; ++i)
    sweep(shards_[next_sweep_.fetch_add(1, std::memory_order_relaxed) % shard_count], now);
}

void Revocations::sweep(Shard& shard, int64_t now) {
  const std::lock_guard guard(shard.mutex);
  const bool any = std::any_of(shard.places.begin(), shard.places.end(),
                               [&](const Place& place) { return is_set(place.key) && place.until <= now; });
  if (any) rebuild(shard, 0, now);
}

void Revocations::rebuild(Shard& shard, size_t more, int64_t now) {
  const auto stays = [&](const Place& place) { return is_set(place.key) && now < place.until; };
  const auto live = static_cast<size_t>(std::count_if(shard.places.begin(), shard.places.end(), stays));
  std::vector<Place> places(places_for(live + more));
  for (const Place& place : shard.places) {
    if (stays(place))
      *find(places, place.key) = place;
    else if (is_set(place.key))
      of_kind_[static_cast<size_t>(kind_of(place.key))].fetch_sub(1, std::memory_order_relaxed);
  }
  size_.fetch_sub(shard.used - live, std::memory_order_relaxed);
  places_.fetch_add(places.size() - shard.places.size(), std::memory_order_relaxed);  // it may wrap: a sum
  shard.used = live;
  shard.places = std::move(places);
}

void Revocations::note(const Revocation& revocation) {
  Revocation listed = revocation;
  for (std::string* text : {&listed.value, &listed.issuer})
    if (text->size() > text_max) text->resize(text_max);
  const std::lock_guard guard(newest_mutex_);
  if (newest_.size() == listed_max) newest_.pop_front();
  newest_.push_back(std::move(listed));
}

std::vector<Revocation> Revocations::newest(int64_t now) const {
  const std::lock_guard guard(newest_mutex_);
  std::vector<Revocation> listed;
  std::copy_if(newest_.begin(), newest_.end(), std::back_inserter(listed),
               [now](const Revocation& one) { return now < one.until; });
  return listed;
}

}  // namespace postern::state
