// Tests the tools for ownership (intrusive lists, the graveyard, counted references) and the turn that uses
// them.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/graveyard.h"
#include "base/intrusive_list.h"
#include "base/local_rc.h"
#include "base/turn.h"

namespace {

using namespace postern::base;

struct Item {
  explicit Item(int the_number) : number(the_number) {}
  int number;
  LinkIn<Item> link{this};
};

std::vector<int> numbers_of(Link& list) {
  std::vector<int> numbers;
  for (Link* at = list.next; at != &list; at = at->next) numbers.push_back(LinkIn<Item>::of(at)->number);
  return numbers;
}

struct Dying {
  Dying(std::string& the_log, char the_name) : log(the_log), name(the_name) {}
  ~Dying() { log += name; }
  std::string& log;
  char name;
};

struct BuriesAnother {
  BuriesAnother(Graveyard& the_graveyard, std::unique_ptr<Dying> the_other)
      : graveyard(the_graveyard), other(std::move(the_other)) {}
  ~BuriesAnother() { graveyard.bury(std::move(other)); }
  Graveyard& graveyard;
  std::unique_ptr<Dying> other;
};

struct Writer final : Flushable {
  explicit Writer(Turn& the_turn) : turn(the_turn) {}
  void flush() override {
    ++flushes;
    if (again) {
      again = false;
      turn.flush_later(*this);
    }
    if (body) turn.graveyard.bury(std::move(body));
  }
  Turn& turn;
  int flushes = 0;
  bool again = false;
  std::unique_ptr<Dying> body;
};

}  // namespace

TEST_CASE("intrusive list: places keep their order, leave anywhere, and leave when their owner dies") {
  Link list;
  CHECK_FALSE(list.linked());
  Item one(1);
  auto two = std::make_unique<Item>(2);
  Item three(3);
  list.append(one.link);
  list.append(two->link);
  list.append(three.link);
  CHECK(numbers_of(list) == std::vector<int>{1, 2, 3});
  two.reset();
  CHECK(numbers_of(list) == std::vector<int>{1, 3});
  one.link.unlink();
  one.link.unlink();
  CHECK_FALSE(one.link.linked());
  CHECK(numbers_of(list) == std::vector<int>{3});
  list.append(one.link);
  CHECK(numbers_of(list) == std::vector<int>{3, 1});
}

TEST_CASE("intrusive list: a head takes over another's places, and a head may die before them") {
  Item one(1);
  Item two(2);
  {
    Link taken;
    {
      Link list;
      list.append(one.link);
      list.append(two.link);
      taken.take_all(list);
      CHECK_FALSE(list.linked());
      Link empty;
      Link other;
      other.take_all(empty);
      CHECK_FALSE(other.linked());
    }
    CHECK(numbers_of(taken) == std::vector<int>{1, 2});
  }
  one.link.unlink();
  two.link.unlink();
  CHECK_FALSE(two.link.linked());
}

TEST_CASE("graveyard: what is buried lives until the sweep, also what dies while sweeping") {
  std::string log;
  Graveyard graveyard;
  graveyard.bury(std::make_unique<Dying>(log, 'a'));
  graveyard.bury(std::make_unique<BuriesAnother>(graveyard, std::make_unique<Dying>(log, 'b')));
  CHECK(log.empty());
  CHECK_FALSE(graveyard.empty());
  graveyard.sweep();
  CHECK(log == "ab");
  CHECK(graveyard.empty());
}

TEST_CASE("graveyard: what was never swept dies with it") {
  std::string log;
  {
    Graveyard graveyard;
    graveyard.bury(std::make_unique<Dying>(log, 'a'));
  }
  CHECK(log == "a");
}

TEST_CASE("local rc: the value dies with its last owner") {
  std::string log;
  LocalRc<Dying> empty;
  CHECK_FALSE(empty);
  {
    LocalRc<Dying> first = LocalRc<Dying>::make(log, 'x');
    {
      const LocalRc<Dying> second = first;
      CHECK(&*second == &*first);
      LocalRc<Dying> third = std::move(first);
      CHECK_FALSE(first);
      first = third;
      first = *&first;  // self-assignment
    }
    CHECK(log.empty());
    CHECK(first->name == 'x');
    first = LocalRc<Dying>::make(log, 'y');
    CHECK(log == "x");
  }
  CHECK(log == "xy");
}

TEST_CASE("turn: a writer is flushed once however often it asked, and again when it asks while flushed") {
  Turn turn(Instant{});
  Writer writer(turn);
  turn.flush_later(writer);
  turn.flush_later(writer);
  CHECK(turn.has_work());
  turn.run();
  CHECK(writer.flushes == 1);
  CHECK_FALSE(turn.has_work());
  writer.again = true;
  turn.flush_later(writer);
  turn.run();
  CHECK(writer.flushes == 3);
}

TEST_CASE("turn: a writer that died is not flushed") {
  Turn turn(Instant{});
  {
    Writer writer(turn);
    turn.flush_later(writer);
  }
  CHECK_FALSE(turn.has_work());
  turn.run();
}

TEST_CASE("turn: the graveyard is swept after everything else") {
  std::string log;
  Turn turn(Instant{});
  Writer writer(turn);
  writer.body = std::make_unique<Dying>(log, 'w');
  turn.graveyard.bury(std::make_unique<Dying>(log, 'g'));
  turn.flush_later(writer);
  turn.run();
  CHECK(log == "gw");
  CHECK(turn.graveyard.empty());
}
