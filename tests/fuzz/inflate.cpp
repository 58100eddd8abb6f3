// SPDX-License-Identifier: MIT
// Fuzzes room inflate: an input as a file of gzip, as the packed blocks in one, and as what is stored in one.
#include <barebpf/inflate.hpp>
#include <vector>

#include "fuzz.hpp"

namespace {

using barebpf::u32;
using barebpf::u8;

exact<u8> copy_of(const u8* data, std::size_t size) {
  exact<u8> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = data[i];
  return out;
}

void unpack_file(const exact<u8>& file) {
  const std::size_t room = barebpf::unpacked_size(file.data(), file.size());
  promise(room <= file.size() * 1032, "nothing unpacks to more than 1032 times its size");
  const exact<u8> out(room);
  if (!barebpf::unpack(file.data(), file.size(), out.data())) return;
  promise(room != 0, "what unpacks has a size");
  u32 wanted = 0;
  for (std::size_t i = 0; i < 4; ++i) wanted |= u32{file[file.size() - 8 + i]} << (i * 8);
  promise(barebpf::crc32(out.data(), room) == wanted, "what unpacks has its checksum");
}

// Without a checksum in the way, into less room than it may want.
void unpack_blocks(const exact<u8>& packed, std::size_t room) {
  const exact<u8> out(room), again(room);
  barebpf::detail::bit_reader in(packed.data(), packed.size()), in_again(packed.data(), packed.size());
  barebpf::detail::inflater blocks(in, out.data(), room), blocks_again(in_again, again.data(), room);
  const bool is_good = blocks.run();
  promise(blocks.size() <= room, "no more is written than there is room for");
  promise(blocks_again.run() == is_good && blocks_again.size() == blocks.size() &&
              std::memcmp(out.data(), again.data(), blocks.size()) == 0,
          "what is unpacked twice is the same");
  if (!is_good || blocks.size() == 0) return;
  const exact<u8> less(blocks.size() - 1);
  barebpf::detail::bit_reader short_in(packed.data(), packed.size());
  promise(!barebpf::detail::inflater(short_in, less.data(), less.size()).run(),
          "one byte too few is too few");
}

// A file that holds `content` as it is, in pieces.
void unpack_stored(const exact<u8>& content, std::size_t piece) {
  if (content.size() == 0) return;
  std::vector<u8> file{0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, 'a', 0};
  for (std::size_t at = 0; at < content.size(); at += piece) {
    const std::size_t size = content.size() - at < piece ? content.size() - at : piece;
    file.push_back(at + size == content.size());
    for (const std::size_t field : {size, size ^ 0xffff}) {
      file.push_back(static_cast<u8>(field));
      file.push_back(static_cast<u8>(field >> 8));
    }
    file.insert(file.end(), content.data() + at, content.data() + at + size);
  }
  for (const std::size_t field :
       {std::size_t{barebpf::crc32(content.data(), content.size())}, content.size()})
    for (unsigned i = 0; i < 4; ++i) file.push_back(static_cast<u8>(field >> (i * 8)));
  const exact<u8> out(content.size());
  promise(barebpf::unpacked_size(file.data(), file.size()) == content.size() &&
              barebpf::unpack(file.data(), file.size(), out.data()),
          "what is stored unpacks");
  promise(std::memcmp(out.data(), content.data(), content.size()) == 0, "and to what it was");
  file[file.size() - 8] ^= 1;
  promise(!barebpf::unpack(file.data(), file.size(), out.data()), "a wrong checksum is seen");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  number_source numbers(data, size);
  const std::size_t room = numbers.next<std::uint16_t>(), piece = 1 + numbers.next<u8>();
  const std::size_t head = size < 3 ? size : 3;
  unpack_file(copy_of(data, size));
  const exact<u8> rest = copy_of(data + head, size - head);
  unpack_blocks(rest, room);
  unpack_stored(rest, piece);
  return 0;
}
