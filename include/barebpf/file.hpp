// SPDX-License-Identifier: MIT
// Room 6.5, file: a whole file in memory.
#ifndef BAREBPF_FILE_HPP
#define BAREBPF_FILE_HPP

#include "buffer.hpp"
#include "fd.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Reads a whole file that is open.
/// Shape:  its bytes; fewer than it said when it shrinks meanwhile.
/// Errors: read_file with errno, and with too_large for more than 1 GiB; ENOMEM.
[[nodiscard]] inline result<buffer<unsigned char>> read_file(const fd& file) noexcept {
  constexpr long from_start = 0, from_end = 2;  // SEEK_SET, SEEK_END
  constexpr long largest = 1 << 30;             // bytes; BTF counts in 32 bits
  const long size = system_call(__NR_lseek, file.number(), 0, from_end);
  if (size < 0) return failure(step::read_file, size);
  if (size > largest) {  // a folder says that it is endless, and refuses to be read
    const long refused = system_call(__NR_read, file.number(), nullptr, 0);
    return refused < 0 ? failure(step::read_file, refused)
                       : error{.at = step::read_file, .why = cause::too_large};
  }
  if (const long back = system_call(__NR_lseek, file.number(), 0, from_start); back < 0)
    return failure(step::read_file, back);
  auto content = buffer<unsigned char>::of(static_cast<size_t>(size));
  if (!content) return content;
  size_t done = 0;
  while (done < content->size()) {
    const long got = system_call(__NR_read, file.number(), content->data() + done, content->size() - done);
    if (got == -EINTR) continue;
    if (got < 0) return failure(step::read_file, got);
    if (got == 0) break;  // the file shrank; the reader will say what is missing
    done += static_cast<size_t>(got);
  }
  content->shrink(done);
  return content;
}
/// The same of the file at `path`.
/// Errors: open_file with errno, and as above.
[[nodiscard]] inline result<buffer<unsigned char>> read_file(const char* path) noexcept {
  const fd file = fd::own(open_to_read(path));
  if (!file.is_open()) return failure(step::open_file, file.number());
  return read_file(file);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_FILE_HPP
