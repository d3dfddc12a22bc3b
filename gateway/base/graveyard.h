// Where objects go that must not be freed while something of theirs is on the stack. The turn sweeps it
// last, when nothing is. One thread.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace postern::base {

class Graveyard {
 public:
  template <class T>
  void bury(std::unique_ptr<T> dead) {
    dead_.emplace_back(dead.release(), [](void* body) { std::default_delete<T>()(static_cast<T*>(body)); });
  }
  bool empty() const { return dead_.empty(); }
  void sweep() {
    while (!dead_.empty()) {
      std::vector<Grave> batch = std::exchange(dead_, {});  // a destructor may bury more
    }
  }

 private:
  using Grave = std::unique_ptr<void, void (*)(void*)>;
  std::vector<Grave> dead_;
};

}  // namespace postern::base
