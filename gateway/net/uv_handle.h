// Owns a libuv handle. libuv closes a handle asynchronously, but the owner is destroyed at once: the
// destructor clears `data` and calls uv_close, and the close callback frees the handle. This is the only
// caller of uv_close.
#pragma once

#include <uv.h>

namespace postern::net {

template <class Handle>
class UvHandle {
 public:
  UvHandle() : handle_(new Handle{}) {}
  UvHandle(const UvHandle&) = delete;
  UvHandle& operator=(const UvHandle&) = delete;
  ~UvHandle() {
    if (!opened_) {
      delete handle_;
      return;
    }
    handle_->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(handle_),
             [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
  }

  Handle* get() const { return handle_; }
  // Must be called once uv_..._init has succeeded.
  void opened(void* owner) {
    opened_ = true;
    handle_->data = owner;
  }

 private:
  Handle* handle_;
  bool opened_ = false;
};

}  // namespace postern::net
