// SPDX-License-Identifier: MIT
// Counts what is asked of `new`. The library asks through `buffer` alone, and that through the forms below.
#include <cstdlib>
#include <new>

#include "fuzz.hpp"

std::size_t memory_asked_for = 0;

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  memory_asked_for += size;
  return std::malloc(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  memory_asked_for += size;
  return std::malloc(size);
}
void* operator new(std::size_t size) {
  memory_asked_for += size;
  void* const out = std::malloc(size == 0 ? 1 : size);
  if (out == nullptr) std::abort();
  return out;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t) noexcept { std::free(at); }
