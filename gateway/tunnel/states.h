// The states of a tunnel and of its two sides, and the transitions between them that exist. A state changes
// only in advance(), so that a transition which is not in its table ends the process instead of leaving a
// socket in a state that no code expects. Nothing here happens once per message.
#pragma once

#include <cstdint>
#include <span>

#include "base/check.h"

namespace postern::tunnel {

// What the tunnel as a whole is doing.
enum class Phase : uint8_t {
  open,
  half_closed,  // a side has sent Close or has left: the other has some time for its half of the handshake
  finishing,    // the gateway closes: the client has its Close, and what it sent before that is forwarded
  closing,      // the gateway closes: neither side's messages are forwarded any more
  over,         // the record is written; the tunnel is freed at the end of the turn
};

// Whether bytes are read from a side. Its transport is paused in every state but the first.
enum class Reading : uint8_t {
  flowing,
  peer_full,  // the other side has too large a backlog
  throttled,  // a rate limit says so; the other side's backlog may be too large as well
};

// What was received from a side last, as far as it matters for the closing handshake. That a connection ends
// does not make its Close forgotten, so these are four states and not three.
enum class Received : uint8_t {
  frames,
  close,          // its Close frame: nothing that it sends after it counts
  close_and_end,  // then the end of its connection
  end,            // the end of its connection, without a Close frame
};

// How far the gateway's own end of the direction towards a side is. What the other side sends is forwarded
// only while this is `open`.
enum class Closing : uint8_t {
  open,
  close_due,   // a Close frame of the gateway is to be sent as soon as no frame is in transit
  close_sent,  // it was sent, and the direction was ended behind it
  ended,       // the direction was ended without a Close frame of the gateway
};

template <class State>
struct Transition {
  State from;
  State to;
};

inline constexpr Transition<Phase> phase_transitions[] = {
    {Phase::open, Phase::half_closed},     // Close or the end of a connection was received
    {Phase::open, Phase::finishing},       // reload, shutdown, idle: the client is asked to reconnect
    {Phase::open, Phase::closing},         // a violation, a silent side, an expired token, a lost endpoint
    {Phase::open, Phase::over},            // cut, or the client's connection broke
    {Phase::half_closed, Phase::closing},  // a violation before the handshake was complete
    {Phase::half_closed, Phase::over},     // both have ended, or the time is up
    {Phase::finishing, Phase::closing},    // the client has sent Close, has left, or takes too long
    {Phase::finishing, Phase::over},       // cut, or a connection broke
    {Phase::closing, Phase::over},         // both have ended, or the time is up
};

inline constexpr Transition<Reading> reading_transitions[] = {
    {Reading::flowing, Reading::peer_full},   {Reading::flowing, Reading::throttled},
    {Reading::throttled, Reading::peer_full},  // the rate would allow it
    {Reading::throttled, Reading::flowing},   {Reading::peer_full, Reading::flowing},
};

inline constexpr Transition<Received> received_transitions[] = {
    {Received::frames, Received::close},
    {Received::frames, Received::end},
    {Received::close, Received::close_and_end},
};

inline constexpr Transition<Closing> closing_transitions[] = {
    {Closing::open, Closing::close_due},
    {Closing::open, Closing::ended},  // the other side's end is forwarded
    {Closing::close_due, Closing::close_sent},
    {Closing::close_due, Closing::ended},  // within a frame that is never completed, behind another Close, or
                                           // towards a side that has left
};

constexpr std::span<const Transition<Phase>> transitions_of(Phase) { return phase_transitions; }
constexpr std::span<const Transition<Reading>> transitions_of(Reading) { return reading_transitions; }
constexpr std::span<const Transition<Received>> transitions_of(Received) { return received_transitions; }
constexpr std::span<const Transition<Closing>> transitions_of(Closing) { return closing_transitions; }

template <class State>
constexpr bool may_advance(State from, State to) {
  for (const Transition<State>& transition : transitions_of(from))
    if (transition.from == from && transition.to == to) return true;
  return false;
}

// The one place where a state changes.
template <class State>
void advance(State& state, State to) {
  base::check(may_advance(state, to), "a tunnel's state cannot change in this way");
  state = to;
}

}  // namespace postern::tunnel
