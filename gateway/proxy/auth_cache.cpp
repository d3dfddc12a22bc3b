#include "proxy/auth_cache.h"

#include <algorithm>
#include <cstring>

namespace postern::proxy {
namespace {

size_t size_of(const policy::AuthAnswer& answer) {
  size_t size = answer.body.size();
  for (const auto& [name, value] : answer.fields) size += name.size() + value.size();
  return size;
}

// 0: an answer of this status is not kept.
base::Duration kept_for(uint16_t status, const policy::AuthCacheRules& rules) {
  if (status / 100 == 2) return rules.kept;
  return status == 401 || status == 403 ? rules.refusals_kept : base::Duration::zero();
}

}  // namespace

std::span<AuthCache::Entry> AuthCache::set_of(const Key& key) {
  uint64_t number;
  std::memcpy(&number, key.data(), sizeof(number));
  return std::span(entries_).subspan(number % sets * ways, ways);
}

policy::AuthResult AuthCache::find(const Key& key, base::Instant now) {
  if (entries_.empty()) return {};
  for (Entry& entry : set_of(key)) {
    if (!entry.answer || entry.key != key) continue;
    if (now < entry.until) return entry.answer;
    entry = Entry();
  }
  return {};
}

void AuthCache::keep(const Key& key, const policy::AuthResult& answer, const policy::AuthCacheRules& rules,
                     bool storable, base::Instant now) {
  if (!storable || !*answer || size_of(**answer) > answer_size_max) return;
  const base::Duration kept = kept_for((*answer)->status, rules);
  if (kept == base::Duration::zero()) return;
  if (entries_.empty()) entries_.resize(capacity);
  std::span<Entry> set = set_of(key);
  auto place = std::find_if(set.begin(), set.end(), [&](const Entry& entry) { return entry.key == key; });
  if (place == set.end())  // free entries have never had an end
    place = std::min_element(set.begin(), set.end(),
                             [](const Entry& left, const Entry& right) { return left.until < right.until; });
  *place = {key, now + kept, answer};
}

}  // namespace postern::proxy
