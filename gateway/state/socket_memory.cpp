#include "state/socket_memory.h"

#include <algorithm>

namespace postern::state {
namespace {

// An address contains no space, so the key is unambiguous.
std::string key_of(std::string_view client, std::string_view name) {
  std::string key(client);
  key += ' ';
  key += name;
  return key;
}

base::Duration pause_after(uint32_t refusals) {
  if (refusals == 0) return {};
  const base::Duration pause = std::chrono::milliseconds(500) * (1 << std::min(refusals - 1, 10u));
  return std::min(pause, SocketMemory::longest_pause);
}

}  // namespace

std::optional<base::Duration> SocketMemory::begin_pause(std::string_view client, std::string_view route,
                                                        base::Instant now) {
  const std::lock_guard guard(mutex_);
  Refusals& known = refusals_.touch(key_of(client, route), now);
  if (known.count >= closes_max || known.pauses >= pauses_at_once) return std::nullopt;
  ++known.pauses;
  return pause_after(known.count++);
}

void SocketMemory::end_pause(std::string_view client, std::string_view route, base::Instant now) {
  const std::lock_guard guard(mutex_);
  if (Refusals* known = refusals_.find(key_of(client, route), now); known && known->pauses > 0)
    --known->pauses;
}

void SocketMemory::let_in(std::string_view client, std::string_view route) {
  const std::lock_guard guard(mutex_);
  if (!refusals_.empty()) refusals_.erase(key_of(client, route));
}

void SocketMemory::negotiated(std::string_view client, std::string_view path, base::Instant now) {
  const std::lock_guard guard(mutex_);
  negotiations_.touch(key_of(client, path), now);
}

bool SocketMemory::has_negotiated(std::string_view client, std::string_view path, base::Instant now) {
  const std::lock_guard guard(mutex_);
  return negotiations_.find(key_of(client, path), now) != nullptr;
}

void SocketMemory::ended(std::string_view client, bool by_client, base::Instant now) {
  const std::lock_guard guard(mutex_);
  last_ends_.touch(client, now).left_by_itself = by_client;
}

bool SocketMemory::is_coming_back(std::string_view client, base::Instant now) {
  const std::lock_guard guard(mutex_);
  const Last* last = last_ends_.find(client, now);
  return last && !last->left_by_itself;
}

base::Duration SocketMemory::left_to_wait(std::string_view client, std::string_view route,
                                          base::Duration most, base::Instant now) {
  const std::lock_guard guard(mutex_);
  if (lines_.empty()) return most;
  const base::Instant* until = lines_.find(key_of(client, route), now);
  return until ? std::clamp(*until - now, base::Duration::zero(), most / 2) : most;
}

void SocketMemory::stood_in_line(std::string_view client, std::string_view route, base::Duration most,
                                 base::Instant now) {
  const std::lock_guard guard(mutex_);
  const std::string key = key_of(client, route);
  if (!lines_.find(key, now)) lines_.touch(key, now) = now + most;
}

void SocketMemory::left_line(std::string_view client, std::string_view route) {
  const std::lock_guard guard(mutex_);
  if (!lines_.empty()) lines_.erase(key_of(client, route));
}

}  // namespace postern::state
