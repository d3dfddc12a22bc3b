// Defers the destruction of objects that have a function on the stack. The turn sweeps the graveyard last,
// when none of them is on the stack any more. For one thread only.
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
