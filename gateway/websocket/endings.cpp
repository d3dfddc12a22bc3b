#include "websocket/endings.h"

namespace postern::websocket {
namespace {

using enum Ending;

struct DefaultCode {
  Ending ending;
  uint16_t code;
};

constexpr auto rows = std::to_array<DefaultCode>({
    {unauthorized, 4401}, {refused_expired, 0},  {forbidden, 4403},     {not_found, 4404},   {too_many, 4429},
    {unavailable, 1013},  {token_expired, 1012}, {token_revoked, 4401}, {max_age, 1012},     {reload, 1012},
    {shutdown, 1001},     {backend_lost, 1014},  {silent, 1011},        {idle, 1001},        {rate, 1013},
    {violation, 1008},    {too_large, 1009},     {wrong_kind, 1003},    {slow_reader, 1013},
});

constexpr bool in_order() {
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i].ending != static_cast<Ending>(i)) return false;
  return rows.size() == static_cast<size_t>(Ending::end);
}
static_assert(in_order());

}  // namespace

CloseCodes::CloseCodes() {
  for (const DefaultCode& row : rows) set(row.ending, row.code);
}

}  // namespace postern::websocket
