// Objects that workers share under a name. Every user of an object shares its ownership: a pin, a socket, a
// request under way. So an object exists exactly as long as anything uses it, and names of earlier
// configurations leave no objects behind. Any thread may use it; it is called when a worker adopts a
// snapshot, not per request.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace postern::state {

template <class Value>
class ByName {
 public:
  // Returns the object of that name, made if there is none.
  std::shared_ptr<Value> of(const std::string& name) {
    return of(
        name, [](const Value&) { return true; }, [] { return std::make_shared<Value>(); });
  }
  // The same, but an object for which `fits` is false is replaced; its current users keep it.
  template <class Fit, class Make>
  std::shared_ptr<Value> of(const std::string& name, Fit&& fits, Make&& make) {
    const std::lock_guard guard(mutex_);
    std::weak_ptr<Value>& known = all_[name];
    std::shared_ptr<Value> one = known.lock();
    if (!one || !fits(*one)) known = one = make();
    return one;
  }
  // Removes the names whose objects are gone.
  void forget_unused() {
    const std::lock_guard guard(mutex_);
    std::erase_if(all_, [](const auto& known) { return known.second.expired(); });
  }
  size_t size() const {
    const std::lock_guard guard(mutex_);
    return all_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Value>> all_;
};

}  // namespace postern::state
