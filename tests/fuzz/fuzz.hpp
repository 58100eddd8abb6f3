// SPDX-License-Identifier: MIT
// What the fuzz targets share: the sentence of a broken promise, inputs on the heap where a sanitizer sees
// the first byte too many, and how much memory was asked for.
#ifndef BAREBPF_TESTS_FUZZ_FUZZ_HPP
#define BAREBPF_TESTS_FUZZ_FUZZ_HPP

#include <barebpf/bytes.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

/// A fuzz target: looks at one input, and aborts when a promise is broken.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// Bytes that the library has asked `new` for so far.
extern std::size_t memory_asked_for;

/// Ends the process with the sentence when `truth` is false.
inline void promise(bool truth, const char* sentence) {
  if (truth) return;
  std::fprintf(stderr, "broken promise: %s\n", sentence);
  std::abort();
}

/// An array of just `count` elements on the heap, so that one element too many is a fault.
template <class T>
class exact {
 public:
  explicit exact(std::size_t count)
      : count_(count), data_(static_cast<T*>(std::calloc(count == 0 ? 1 : count, sizeof(T)))) {
    promise(data_ != nullptr, "there is memory for the test itself");
  }
  T* data() const { return data_.get(); }
  std::size_t size() const { return count_; }
  T& operator[](std::size_t at) const { return data_.get()[at]; }

 private:
  struct free_it {
    void operator()(T* data) const { std::free(data); }
  };
  std::size_t count_;
  std::unique_ptr<T, free_it> data_;
};

/// An input as plain bytes and as packed words. Words come in eights, so the padded bytes say the same as
/// they do.
struct input {
  exact<unsigned char> as_it_is, padded;
  exact<std::uint64_t> words;

  input(const std::uint8_t* data, std::size_t size)
      : as_it_is(size), padded((size + 7) / 8 * 8), words((size + 7) / 8) {
    for (std::size_t i = 0; i < size; ++i) {
      as_it_is[i] = padded[i] = data[i];
      words[i / 8] |= std::uint64_t{data[i]} << (i % 8 * 8);
    }
  }
  barebpf::bytes plain() const { return {as_it_is.data(), as_it_is.size()}; }
  barebpf::bytes plain_padded() const { return {padded.data(), padded.size()}; }
  barebpf::bytes packed() const { return {words.data(), words.size()}; }
};

/// Reads numbers off an input; zeros behind its end.
class number_source {
 public:
  number_source(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  template <class Number = std::uint64_t>
  Number next() {
    Number value{};
    const std::size_t count = left_ < sizeof value ? left_ : sizeof value;
    if (count != 0) std::memcpy(&value, data_, count);
    data_ += count;
    left_ -= count;
    return value;
  }
  /// The next `wanted` bytes, or as many as there are.
  barebpf::text next_text(std::size_t wanted) {
    const std::size_t count = wanted < left_ ? wanted : left_;
    const barebpf::text out(reinterpret_cast<const char*>(data_), count);
    data_ += count;
    left_ -= count;
    return out;
  }
  std::size_t left() const { return left_; }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

#endif
