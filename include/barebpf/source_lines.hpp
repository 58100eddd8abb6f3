// SPDX-License-Identifier: MIT
// Room 4.6, source_lines: the source lines of programs, which the verifier shows in its log. Their texts are kept where they
// stand among the object's strings, eight bytes at a time, so that nobody has to look for one, and a compiler has little
// to do.
#ifndef BAREBPF_SOURCE_LINES_HPP
#define BAREBPF_SOURCE_LINES_HPP

#include "spec/assembly.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The lines of an object's functions, and which pieces of its strings they need: eight bytes of the file are a piece.
/// Lifetime: looks at the object's tables and at the finder's storage.
class source_lines {
 public:
  /// How many bytes stand in front of the pieces, for offset 0 is that of no text.
  static constexpr u32 front = 4;

  /// Words of storage for the lines of this object.
  [[nodiscard]] static constexpr size_t storage_size(const object_tables& object) noexcept {
    return pieces_of(object.types) + size_t{object.function_count} * 2;
  }

  /// None at all.
  constexpr source_lines() noexcept = default;
  /// What was found, so many pieces.
  constexpr source_lines(const object_tables& object, const u32* storage, u32 count) noexcept
      : object_(&object),
        image_(object.image),
        strings_(object.types.strings()),
        strings_size_(object.types.strings_size()),
        line_size_(object.line_size),
        marks_(storage),
        ranges_(storage + pieces_of(object.types)),
        count_(count) {}

  /// How many lines a program has; 0 when those of one of its functions are not known.
  [[nodiscard]] constexpr u32 count(const program_layout& layout) const noexcept {
    u32 sum = 0;
    for (u32 p = 0; p < layout.piece_count; ++p) {
      const u32 lines = count_ == 0 ? 0 : ranges_[size_t{layout.pieces[p].function} * 2 + 1];
      if (lines == 0) return 0;
      sum += lines;
    }
    return sum;
  }
  /// Writes as many records as `count` says, which is not 0.
  constexpr void write(const program_layout& layout, abi::line_info* out) const noexcept {
    for (u32 p = 0; p < layout.piece_count; ++p) {
      const u32 function = layout.pieces[p].function;
      const u64 start = object_->functions[function].at - object_->functions[function].section_at;
      u32 file = 0, new_file = 0;  // most lines are of the same as the one before
      u64 at = ranges_[size_t{function} * 2];
      for (u32 left = ranges_[size_t{function} * 2 + 1]; left != 0; --left, at += line_size_) {
        const auto [place, of, text, column] = image_.read_four32(at);
        if (of != file) {
          file = of;
          new_file = new_text(of);
        }
        *out++ = {
            .insn_off = layout.pieces[p].position + static_cast<u32>((place - start) / sizeof(abi::insn)),
            .file_name_off = new_file,
            .line_off = new_text(text),
            .line_col = column};
      }
    }
  }

  /// How many bytes `write_texts` writes; a multiple of four.
  [[nodiscard]] constexpr u32 texts_size() const noexcept { return count_ == 0 ? 0 : front + count_ * 8; }
  /// Where the text at `offset` among the object's strings then stands; 0 when no line needs it.
  [[nodiscard]] constexpr u32 new_text(u32 offset) const noexcept {
    if (count_ == 0 || offset == 0 || offset >= strings_size_) return 0;
    const u64 at = strings_ % 8 + offset;
    const u32 mark = marks_[at / 8];
    return (mark >> at % 8 & 1) == 0 ? 0 : front + (mark >> number_from) * 8 + static_cast<u32>(at % 8);
  }
  /// Writes the pieces, in the order of the file.
  constexpr void write_texts(u32* out) const noexcept {
    if (count_ == 0) return;
    const u64 end = strings_ + strings_size_;
    u64 at = strings_ / 8 * 8;
    *out++ = 0;
    for (size_t i = 0, left = count_; left != 0; ++i, at += 8) {
      if (marks_[i] == 0) continue;
      const u64 piece = image_.word_in_memory(at, end);
      out[host_is_big_endian] = static_cast<u32>(piece);
      out[!host_is_big_endian] = static_cast<u32>(piece >> 32);
      out += 2;
      --left;
    }
  }

 protected:
  // A mark has a bit for each byte where a text begins, one for a text that began before, and above them the number of
  // the piece; there is room for those of four times as many bytes as the kernel takes.
  static constexpr u32 goes_on = 1 << 8, number_from = 9, most = (16 << 20) / 8;

  [[nodiscard]] static constexpr size_t pieces_of(const btf& types) noexcept {
    return static_cast<size_t>((types.strings() % 8 + types.strings_size() + 7) / 8);
  }

  const object_tables* object_ = nullptr;
  // Of it, because the compiler pays for each question.
  bytes image_;
  u64 strings_ = 0;
  u32 strings_size_ = 0, line_size_ = 0;
  const u32* marks_ = nullptr;
  const u32* ranges_ = nullptr;  // of each function: where its first record stands, and how many there are
  u32 count_ = 0;
};

/// Finds the lines of an object.
/// Shape: works in storage that the caller lends: `storage_size` words, all zero.
class source_line_finder : public source_lines {
 public:
  constexpr source_line_finder(const object_tables& object, u32* storage) noexcept
      : source_lines(object, storage, 0),
        marks_to_(storage),
        ranges_to_(storage + pieces_of(object.types)),
        first_(pieces_of(object.types)) {}

  /// Finds those of all functions of which the types tell. The kernel wants a line for the first instruction of each
  /// function, lines in order, and texts that are there; where it would refuse them, a function has none. None has any
  /// where there is more text than the kernel takes.
  /// Shape: returns how many pieces of strings they need.
  constexpr u32 find() noexcept {
    for (u32 i = 0; i < object_->function_count; ++i)
      if (object_->functions[i].type != 0) find(object_->functions[i], ranges_to_ + size_t{i} * 2);
    for (size_t i = first_; i < end_ && count_ <= most; ++i)
      if (marks_to_[i] != 0) marks_to_[i] |= count_++ << number_from;
    if (count_ > most) count_ = 0;
    return count_;
  }

 private:
  constexpr void find(const function_spec& function, u32* out) noexcept {
    const u64 first_record = function.lines.first;
    const u64 start = function.at - function.section_at;
    const u32 first = lower_bound(function, start);
    const u32 end = lower_bound(function, start + u64{function.instruction_count} * sizeof(abi::insn));
    u64 at = first_record + u64{first} * line_size_, least = start;
    u32 file = 0;
    for (u32 i = first; i < end; ++i, at += line_size_) {
      const auto [place, of, line, column] = image_.read_four32(at);
      if (place % sizeof(abi::insn) != 0 || place < least || (i == first && place != start) ||
          of >= strings_size_ || line >= strings_size_)
        return;
      least = u64{place} + 1;
      if (of != file) keep(file = of);
      if (line != 0) keep(line);
    }
    if (first >= end) return;
    out[0] = static_cast<u32>(first_record + u64{first} * line_size_);
    out[1] = end - first;
  }
  // The first record of a section's lines that does not stand in front of `offset`.
  [[nodiscard]] constexpr u32 lower_bound(const function_spec& function, u64 offset) const noexcept {
    u32 first = 0;
    for (u32 count = function.lines.count; count != 0;) {
      const u32 half = count / 2;
      const u64 at = function.lines.first + u64{first + half} * line_size_;
      const bool in_front = image_.read32(at) < offset;
      first += in_front ? half + 1 : 0;
      count = in_front ? count - half - 1 : half;
    }
    return first;
  }
  constexpr void keep(u32 offset) noexcept {
    const u64 at = strings_ % 8 + offset;
    auto piece = static_cast<size_t>(at / 8);
    const u32 begins = u32{1} << at % 8;
    if ((marks_to_[piece] & begins) != 0) return;
    marks_to_[piece] |= begins;
    if (piece < first_) first_ = piece;
    u64 from = strings_ + offset - at % 8;
    // What stands in front of the text does not end it.
    const u64 in_front = image_.reads_big_endian() ? ~(~u64{0} >> at % 8 * 8) : (u64{1} << at % 8 * 8) - 1;
    for (u64 eight = image_.read64(from) | in_front; !has_zero(eight); eight = image_.read64(from)) {
      if ((marks_to_[++piece] & goes_on) != 0) return;
      marks_to_[piece] |= goes_on;
      from += 8;
    }
    if (piece >= end_) end_ = piece + 1;
  }
  [[nodiscard]] static constexpr bool has_zero(u64 eight) noexcept {
    constexpr u64 lowest = 0x0101010101010101;
    return ((eight - lowest) & ~eight & lowest << 7) != 0;
  }

  u32* marks_to_;
  u32* ranges_to_;
  size_t first_, end_ = 0;  // all pieces that are kept lie between
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SOURCE_LINES_HPP
