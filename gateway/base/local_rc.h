// A reference-counted pointer for one thread: std::shared_ptr without atomics.
#pragma once

#include <cstddef>
#include <utility>

namespace postern::base {

template <class T>
class LocalRc {
 public:
  LocalRc() = default;
  template <class... Arguments>
  static LocalRc make(Arguments&&... arguments) {
    LocalRc made;
    made.counted_ = new Counted(std::forward<Arguments>(arguments)...);
    return made;
  }
  LocalRc(const LocalRc& other) : counted_(other.counted_) {
    if (counted_) ++counted_->references;
  }
  LocalRc(LocalRc&& other) noexcept : counted_(std::exchange(other.counted_, nullptr)) {}
  LocalRc& operator=(LocalRc other) noexcept {
    std::swap(counted_, other.counted_);
    return *this;
  }
  ~LocalRc() {
    if (counted_ && --counted_->references == 0) delete counted_;
  }
  explicit operator bool() const { return counted_ != nullptr; }
  T& operator*() const { return counted_->value; }
  T* operator->() const { return &counted_->value; }

 private:
  struct Counted {
    template <class... Arguments>
    explicit Counted(Arguments&&... arguments) : value(std::forward<Arguments>(arguments)...) {}
    T value;
    size_t references = 1;
  };
  Counted* counted_ = nullptr;
};

}  // namespace postern::base
