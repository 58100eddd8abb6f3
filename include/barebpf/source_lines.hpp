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
      u32 file = 0, new_file = 0, line = 0, new_line = 0;  // most lines are of the same as the one before
      const u32 first = layout.pieces[p].position;
      u64 at = ranges_[size_t{function} * 2];
      for (u32 left = ranges_[size_t{function} * 2 + 1]; left != 0; --left, at += line_size_) {
        const bytes::four32 record = image_.read_four32(at);
        if (record.second != file) {
          file = record.second;
          new_file = new_text(file);
        }
        if (record.third != line) {
          line = record.third;
          new_line = new_text(line);
        }
        *out++ = {.insn_off = first + static_cast<u32>((record.first - start) / sizeof(abi::insn)),
                  .file_name_off = new_file,
                  .line_off = new_line,
                  .line_col = record.fourth};
      }
    }
  }

  /// How many bytes `write_texts` writes; a multiple of four.
  [[nodiscard]] constexpr u32 texts_size() const noexcept { return count_ == 0 ? 0 : front + count_ * 8; }
  /// Where the text at `offset` among the object's strings then stands; 0 when no line needs it.
  [[nodiscard]] constexpr u32 new_text(u32 offset) const noexcept {
    if (count_ == 0 || offset == 0 || offset >= strings_size_) return 0;
    const auto at = static_cast<u32>(strings_ % 8) + offset;
    const u32 mark = marks_[at / 8];
    return (mark >> at % 8 & 1) == 0 ? 0 : front + (mark >> number_from) * 8 + at % 8;
  }
  /// Writes the pieces, in the order of the file.
  constexpr void write_texts(u32* out) const noexcept {
    if (count_ == 0) return;
    const u64 end = strings_ + strings_size_;
    const u64 first = strings_ / 8 * 8;
    // Read where they are, because the compiler pays for calls; what lies behind the strings is not copied with the last.
    const size_t whole = !host_is_big_endian && image_.has_words(first, end / 8 * 8)
                             ? static_cast<size_t>((end - first) / 8)
                             : 0;
    const u64* const words = image_.words_at(first);
    *out++ = 0;
    u32 left = count_;
    for (size_t i = 0; left != 0; ++i) {
      if (marks_[i] == 0) continue;
      const u64 piece = i < whole ? words[i] : image_.word_in_memory(first + i * 8, end);
      out[host_is_big_endian] = static_cast<u32>(piece);
      out[!host_is_big_endian] = static_cast<u32>(piece >> 32);
      out += 2;
      --left;
    }
  }

 protected:
  // A mark has a bit for each byte where a text begins, one that is always set, and above them the number of the piece; there
  // is room for those of four times as many bytes as the kernel takes.
  static constexpr u32 is_kept = 1 << 8, number_from = 9, most = (16 << 20) / 8;

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
    number();
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
    u32 file = 0, line = 0;
    for (u32 i = first; i < end; ++i, at += line_size_) {
      const bytes::four32 record = image_.read_four32(at);
      if (record.first % sizeof(abi::insn) != 0 || record.first < least ||
          (i == first && record.first != start) || record.second >= strings_size_ ||
          record.third >= strings_size_)
        return;
      least = u64{record.first} + 1;
      if (record.second != file) keep(file = record.second);
      if (record.third != line && record.third != 0) keep(line = record.third);
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
    const auto at = static_cast<u32>(strings_ % 8) + offset, piece = at / 8;
    marks_to_[piece] |= u32{1} << at % 8;
    if (piece < first_) first_ = piece;
    if (piece > last_) last_ = piece;
  }
  // Numbers the pieces where texts begin, and those over which they go on.
  constexpr void number() noexcept {
    const size_t pieces = pieces_of(object_->types);
    bool goes_on = false;  // the last text that has begun has not ended
    const u64 start = strings_ / 8 * 8;
    const bool is_direct = image_.has_words(start, start + pieces * 8);
    const u64* const words = image_.words_at(start);
    const bool is_big = image_.reads_big_endian();
    for (size_t i = first_; i < pieces && (i <= last_ || goes_on) && count_ <= most; ++i) {
      const u32 begins = marks_to_[i];
      if (begins == 0 && !goes_on) continue;
      marks_to_[i] = count_++ << number_from | is_kept | begins;
      // What stands in front of the last text does not end it, and what ends it has ended those before.
      u64 eight = is_direct ? words[i] : image_.read64(start + i * 8);
      if (begins != 0) {
        const u32 bits = (31 - static_cast<u32>(__builtin_clz(begins))) * 8;
        eight |= is_big ? ~(~u64{0} >> bits) : (u64{1} << bits) - 1;
      }
      goes_on = ((eight - lowest_bits) & ~eight & lowest_bits << 7) == 0;
    }
  }
  // The lowest bit of each byte: a subtraction of them that borrows into a byte's top bit has found its zero.
  static constexpr u64 lowest_bits = 0x0101010101010101;

  u32* marks_to_;
  u32* ranges_to_;
  size_t first_, last_ = 0;  // texts begin in pieces between these
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SOURCE_LINES_HPP
