#include "tunnel/states.h"

#include <csignal>
#include <set>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace postern::tunnel;

namespace {

// Whether `step` ends the process, tried in a child of this one.
template <class Step>
bool ends_the_process(Step step) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    close(STDERR_FILENO);
    step();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

template <class State>
std::vector<State> states_up_to(State last) {
  std::vector<State> states;
  for (int i = 0; i <= static_cast<int>(last); ++i) states.push_back(static_cast<State>(i));
  return states;
}

// What holds for each table: its states can all be reached from the first, only those of `final` cannot be
// left, none follows itself, and advance() does what the table says and nothing else.
template <class State>
void check_table(State last, const std::set<State>& final) {
  const std::vector<State> states = states_up_to(last);
  std::set<State> reached = {State{}};
  for (size_t round = 0; round < states.size(); ++round)
    for (const Transition<State>& transition : transitions_of(State{}))
      if (reached.contains(transition.from)) reached.insert(transition.to);
  CHECK(reached.size() == states.size());
  for (const State from : states) {
    bool can_be_left = false;
    for (const State to : states) {
      CAPTURE(static_cast<int>(from));
      CAPTURE(static_cast<int>(to));
      const bool allowed = may_advance(from, to);
      can_be_left = can_be_left || allowed;
      if (from == to) CHECK_FALSE(allowed);
      State state = from;
      if (allowed) {
        advance(state, to);
        CHECK(state == to);
      } else {
        CHECK(ends_the_process([&] { advance(state, to); }));
      }
    }
    CHECK(can_be_left != final.contains(from));
  }
}

}  // namespace

TEST_CASE("tunnel states: a transition that is not in its table ends the process") {
  check_table(Phase::over, {Phase::over});
  check_table(Reading::throttled, {});
  check_table(Received::end, {Received::close_and_end, Received::end});
  check_table(Closing::ended, {Closing::close_sent, Closing::ended});
}

TEST_CASE("tunnel states: what was closed is not opened again") {
  for (const Phase from : states_up_to(Phase::over)) CHECK_FALSE(may_advance(from, Phase::open));
  for (const Received from : states_up_to(Received::end)) CHECK_FALSE(may_advance(from, Received::frames));
  for (const Closing from : states_up_to(Closing::ended)) CHECK_FALSE(may_advance(from, Closing::open));
  CHECK_FALSE(
      may_advance(Phase::half_closed, Phase::finishing));        // the client is not asked to reconnect then
  CHECK_FALSE(may_advance(Closing::open, Closing::close_sent));  // no Close is sent within a frame
}
