// SPDX-License-Identifier: MIT
// Pruned types in one piece, as the kernel is given them.
#ifndef BAREBPF_TESTS_SUPPORT_WRITE_TYPES_HPP
#define BAREBPF_TESTS_SUPPORT_WRITE_TYPES_HPP

#include <cstddef>
#include <cstdint>

/// Writes `types`, a pruned_btf, to as many bytes at `out` as its sizes say; `out` is aligned to words.
template <class Types>
void write_types(const Types& types, std::uint8_t* out) {
  types.write(reinterpret_cast<std::uint32_t*>(out), out + std::size_t{types.head_words()} * 4);
}

#endif
