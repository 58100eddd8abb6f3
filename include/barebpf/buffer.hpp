// SPDX-License-Identifier: MIT
// Room 0.7, buffer: the one owner of heap memory. Used by what reads objects at run time; a program that
// lets the compiler read its object never allocates.
#ifndef BAREBPF_BUFFER_HPP
#define BAREBPF_BUFFER_HPP

#include "result.hpp"

#include <new>  // nothrow

namespace barebpf::inline BAREBPF_ABI {

/// An array on the heap that says so when there is no memory.
/// Lifetime: freed with the buffer; moving empties the source.
template <class T>
class buffer {
 public:
  buffer() noexcept = default;
  buffer(buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  buffer& operator=(buffer&& other) noexcept {
    buffer taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(size_, taken.size_);
    return *this;
  }
  ~buffer() { delete[] data_; }

  /// Makes room for `count` value-initialized elements.
  /// Errors: ENOMEM, with step `allocate`.
  [[nodiscard]] static result<buffer> of(size_t count) noexcept {
    buffer out;
    if (count == 0) return out;
    if (count <= static_cast<size_t>(-1) / 2 / sizeof(T)) out.data_ = new (std::nothrow) T[count]();
    if (out.data_ == nullptr) return error{.at = step::allocate, .code = ENOMEM};
    out.size_ = count;
    return out;
  }

  /// Forgets what is behind the first `count` elements; the memory stays.
  void shrink(size_t count) noexcept {
    if (count < size_) size_ = count;
  }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](size_t at) noexcept { return data_[at]; }
  [[nodiscard]] const T& operator[](size_t at) const noexcept { return data_[at]; }
  [[nodiscard]] T* begin() noexcept { return data_; }
  [[nodiscard]] T* end() noexcept { return data_ + size_; }
  [[nodiscard]] const T* begin() const noexcept { return data_; }
  [[nodiscard]] const T* end() const noexcept { return data_ + size_; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_BUFFER_HPP
