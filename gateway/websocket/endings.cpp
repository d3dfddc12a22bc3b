#include "websocket/endings.h"

namespace postern::websocket {
namespace {

using enum Ending;

constexpr auto rows = std::to_array<EndingRow>({
    {unauthorized, "unauthorized", 4401, "Refused: the token is missing or does not count."},
    {refused_expired, "refused_expired", 0, "Refused: the token has expired."},
    {forbidden, "forbidden", 4403, "Refused: the token's claims do not allow it."},
    {not_found, "not_found", 4404, "Refused: no route for it, or no WebSocket there."},
    {too_many, "too_many", 4429, "Refused: too often, or too many at once."},
    {unavailable, "unavailable", 1013, "Refused: no backend for it now."},
    {token_expired, "token_expired", 1012, "The token has expired while the socket was open."},
    {reload, "reload", 1012, "A reload changed the route."},
    {shutdown, "shutdown", 1001, "The gateway is shutting down."},
    {backend_lost, "backend_lost", 1014, "The backend went away, or broke the rules."},
    {silent, "silent", 1011, "The other side no longer answers pings."},
    {idle, "idle", 1001, "Nothing moved for too long."},
    {rate, "rate", 1013, "More messages than the rate allows."},
    {violation, "violation", 1008, "A message that the rules do not allow."},
    {too_large, "too_large", 1009, "A message that is too large."},
    {wrong_kind, "wrong_kind", 1003, "Text where only binary is allowed, or the reverse."},
    {slow_reader, "slow_reader", 1013, "The client does not take its messages."},
});

constexpr bool in_order() {
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i].ending != static_cast<Ending>(i)) return false;
  return rows.size() == static_cast<size_t>(Ending::end);
}
static_assert(in_order());

}  // namespace

std::span<const EndingRow> ending_rows() { return rows; }

CloseCodes::CloseCodes() {
  for (const EndingRow& row : rows) set(row.ending, row.code);
}

}  // namespace postern::websocket
