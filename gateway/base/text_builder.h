// Text put together in one growing buffer: heads, log lines, JSON. No streams, no locale, no exceptions of
// its own. clear() keeps the memory, so that a reused builder stops allocating. One thread.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace postern::base {

class TextBuilder {
 public:
  TextBuilder() = default;
  explicit TextBuilder(size_t capacity) { grow(capacity); }
  TextBuilder(TextBuilder&& other) noexcept
      : buffer_(std::move(other.buffer_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  TextBuilder& operator=(TextBuilder&& other) noexcept {
    buffer_ = std::move(other.buffer_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  // What was appended so far. Valid until the next change.
  std::string_view view() const { return {buffer_.get(), size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }
  void clear() { size_ = 0; }
  void truncate(size_t size) { size_ = size; }  // at most size()

  TextBuilder& append(std::string_view text) {
    if (!text.empty()) std::memcpy(claim(text.size()), text.data(), text.size());
    return *this;
  }
  TextBuilder& append(char c) {
    *claim(1) = c;
    return *this;
  }
  TextBuilder& append(size_t count, char c);  // `count` times

  // Decimal digits, with a minus sign where needed.
  template <std::integral T>
  requires(!std::same_as<T, bool> && !std::same_as<T, char>) TextBuilder& append_number(T value) {
    if constexpr (std::signed_integral<T>)
      return append_signed(value);
    else
      return append_unsigned(value);
  }
  // At least `width` (at most 20) digits, filled with zeros on the left.
  TextBuilder& append_zero_filled(uint64_t value, size_t width);

  // Exactly `decimals` (0 to 9) digits after the point, rounded to the nearest, halves away from zero; never
  // "-0". A value that is not finite becomes `null`, which is what JSON has for it.
  TextBuilder& append_fixed(double value, int decimals);
  // The shortest digits that read back as the same double; `null` when it is not finite.
  TextBuilder& append_shortest(double value);

  // A JSON string (RFC 8259) in quotes. Beyond what JSON asks, DEL, C1 controls, line separators and
  // bidirectional controls are escaped too, so that no value moves the cursor or reorders a reader's screen.
  // Each ill-formed piece of UTF-8 becomes \ufffd: the result is always well-formed.
  TextBuilder& append_json_string(std::string_view text);
  // The same without the quotes.
  TextBuilder& append_json_escaped(std::string_view text);
  // For lines that people read: bare if it is one word of printable ASCII without quote and backslash, else
  // as a JSON string. The empty text is `""`.
  TextBuilder& append_word(std::string_view text);

 private:
  // Makes the text longer by `count` bytes and returns where they go.
  char* claim(size_t count) {
    if (capacity_ - size_ < count) grow(count);
    char* at = buffer_.get() + size_;
    size_ += count;
    return at;
  }
  void grow(size_t count);
  TextBuilder& append_signed(int64_t value);
  TextBuilder& append_unsigned(uint64_t value);

  std::unique_ptr<char[]> buffer_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace postern::base
