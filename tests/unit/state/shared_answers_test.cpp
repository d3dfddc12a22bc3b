#include "state/shared_answers.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>

using namespace postern;
using namespace std::chrono_literals;
using state::SharedAnswers;
using Turn = SharedAnswers::Turn;

namespace {

const base::Instant start{};

SharedAnswers::Key key_of(const std::string& text) { return crypto::sha256(text); }

SharedAnswers::Answer answer_of(int number) { return std::make_shared<const int>(number); }

}  // namespace

TEST_CASE("shared answers: the first asks, those after it wait and get its answer") {
  SharedAnswers answers;
  CHECK(answers.look(key_of("a"), start, 5s).turn == Turn::own);
  CHECK(answers.look(key_of("a"), start, 5s).turn == Turn::awaited);
  CHECK(answers.look(key_of("b"), start, 5s).turn == Turn::own);
  answers.answer(key_of("a"), answer_of(7), 100, start + 1s, 10s);
  const SharedAnswers::Found found = answers.look(key_of("a"), start + 10s, 5s);
  CHECK(found.turn == Turn::answered);
  CHECK(*static_cast<const int*>(found.answer.get()) == 7);
  CHECK(answers.look(key_of("a"), start + 11s, 5s).turn == Turn::own);
}

TEST_CASE("shared answers: who gives up, or takes too long, leaves the turn to the next") {
  SharedAnswers answers;
  CHECK(answers.look(key_of("a"), start, 5s).turn == Turn::own);
  answers.withdraw(key_of("a"));
  CHECK(answers.look(key_of("a"), start, 5s).turn == Turn::own);
  CHECK(answers.look(key_of("a"), start + 4s, 5s).turn == Turn::awaited);
  CHECK(answers.look(key_of("a"), start + 5s, 5s).turn == Turn::own);
  // An answer that comes late counts, and is not withdrawn.
  answers.answer(key_of("a"), answer_of(1), 0, start + 6s, 10s);
  answers.withdraw(key_of("a"));
  CHECK(answers.look(key_of("a"), start + 7s, 5s).turn == Turn::answered);
}

TEST_CASE("shared answers: without room everybody asks alone, and large answers are not kept") {
  SharedAnswers answers;
  CHECK(answers.look(key_of("large"), start, 5s).turn == Turn::own);
  answers.answer(key_of("large"), answer_of(1), SharedAnswers::bytes_max + 1, start, 10s);
  CHECK(answers.size() == 0);
  for (size_t i = 0; i < SharedAnswers::count_max; ++i)
    CHECK(answers.look(key_of(std::to_string(i)), start, 5s).turn == Turn::own);
  CHECK(answers.look(key_of("one more"), start, 5s).turn == Turn::alone);
  CHECK(answers.look(key_of("7"), start, 5s).turn == Turn::awaited);
  CHECK(answers.look(key_of("one more"), start + 5s, 5s).turn == Turn::own);
  CHECK(answers.size() == 1);
}
