// SPDX-License-Identifier: MIT
// Room 4.6, source_lines: the source lines of programs, which the verifier shows in its log. Their texts are kept where they
// stand among the object's strings, eight bytes at a time, so that nobody has to look for one, and a compiler has little
// to do.
#ifndef BAREBPF_SOURCE_LINES_HPP
#define BAREBPF_SOURCE_LINES_HPP

#include "spec/assembly.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Walks over records of source lines, each as two words: the first two of its four numbers, and the last two, the first in
// the lower half. What the compiler reads are words already, and a record lies on two of them or on three.
class line_walk {
 public:
  u64 head = 0, tail = 0;

  constexpr line_walk(const bytes& image, u64 first, u32 count, u32 record_size) noexcept
      : image_(&image),
        at_(first),
        record_size_(record_size),
        is_split_(first % 8 != 0),
        is_direct_(record_size == sizeof(abi::line_info) && first % 4 == 0 &&
                   image.has_words(first / 8 * 8, (first + u64{count} * sizeof(abi::line_info) + 7) / 8 * 8)),
        words_(is_direct_ ? image.words_at(first) : nullptr) {
    if (is_direct_ && is_split_) before_ = *words_++;
  }
  constexpr void next() noexcept {
    if (!is_direct_) {
      const bytes::four32 record = image_->read_four32(at_);
      head = record.first | u64{record.second} << 32;
      tail = record.third | u64{record.fourth} << 32;
      at_ += record_size_;
      return;
    }
    const u64 one = *words_++, two = *words_++;
    if (is_split_) {
      head = before_ >> 32 | one << 32;
      tail = one >> 32 | two << 32;
      before_ = two;
    } else {
      head = one;
      tail = two;
    }
  }

 private:
  const bytes* image_;
  u64 at_;
  u32 record_size_;
  bool is_split_, is_direct_;
  const u64* words_;
  u64 before_ = 0;
};

}  // namespace detail

/// The lines of an object's functions, and which pieces of its strings they need: eight bytes of the file are a piece.
/// Lifetime: looks at the object's tables and at the finder's storage.
class source_lines {
 public:
  /// How many bytes stand in front of the pieces, for offset 0 is that of no text.
  static constexpr u32 front = 4;

  /// Words of storage for the lines of this object.
  [[nodiscard]] static constexpr size_t storage_size(const object_tables& object) noexcept {
    return 2 + pieces_of(object.types) + size_t{object.function_count} * 2;
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
        bounds_(storage),
        marks_(storage + 2),
        ranges_(marks_ + pieces_of(object.types)),
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
  /// Shape: two words for each `abi::line_info`, which have it in memory as the kernel takes it.
  constexpr void write(const program_layout& layout, u64* out) const noexcept {
    for (u32 p = 0; p < layout.piece_count; ++p) {
      const u32 function = layout.pieces[p].function;
      const u64 start = object_->functions[function].at - object_->functions[function].section_at;
      // Most lines are of the same text as the one before.
      u64 file = 0, new_file = 0, line_moves_by = 0;
      u32 line = 0;
      const u32 first = layout.pieces[p].position - static_cast<u32>(start / sizeof(abi::insn));
      u32 left = ranges_[size_t{function} * 2 + 1];
      for (detail::line_walk walk(image_, ranges_[size_t{function} * 2], left, line_size_); left != 0;
           --left) {
        walk.next();
        const u64 head = walk.head, tail = walk.tail;
        if (head >> 32 != file) {
          file = head >> 32;
          new_file = u64{known_text(static_cast<u32>(file))} << 32;
        }
        if (static_cast<u32>(tail) != line) {
          line = static_cast<u32>(tail);
          line_moves_by = u64{known_text(line)} - line;
        }
        const u64 new_head = static_cast<u32>(static_cast<u32>(head) / sizeof(abi::insn) + first) | new_file;
        const u64 new_tail = tail + line_moves_by;
        if constexpr (host_is_big_endian) {
          *out++ = new_head << 32 | new_head >> 32;
          *out++ = new_tail << 32 | new_tail >> 32;
        } else {
          *out++ = new_head;
          *out++ = new_tail;
        }
      }
    }
  }

  /// How many bytes `write_texts` writes; a multiple of four.
  [[nodiscard]] constexpr u32 texts_size() const noexcept { return count_ == 0 ? 0 : front + count_ * 8; }
  /// Where the text at `offset` among the object's strings then stands; 0 when no line needs it.
  [[nodiscard]] constexpr u32 new_text(u32 offset) const noexcept {
    if (count_ == 0 || offset == 0 || offset >= strings_size_) return 0;
    const auto at = static_cast<u32>(strings_ % 8) + offset;
    return (marks_[at / 8] >> at % 8 & 1) == 0 ? 0 : known_text(offset);
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
    const u32 last = bounds_[1];
    for (u32 i = bounds_[0]; i < last;) {
      // Of the pieces in front of the next mark so many are kept as its number says.
      const u32 next = next_mark(i, last);
      const u32 end_number = next < last ? marks_[next] >> number_from : count_;
      for (u32 left = end_number - (marks_[i] >> number_from); left != 0; --left, ++i) {
        const u64 piece = i < whole ? words[i] : image_.word_in_memory(first + i * 8, end);
        *out++ = static_cast<u32>(host_is_big_endian ? piece >> 32 : piece);
        *out++ = static_cast<u32>(host_is_big_endian ? piece : piece >> 32);
      }
      i = next;
    }
  }

 protected:
  // A piece where texts begin has a mark: a bit for each byte where one does, and above them the number of the piece among
  // those that are kept; there is room for those of four times as many bytes as the kernel takes.
  static constexpr u32 number_from = 8, most = (16 << 20) / 8;

  [[nodiscard]] static constexpr size_t pieces_of(const btf& types) noexcept {
    return static_cast<size_t>((types.strings() % 8 + types.strings_size() + 7) / 8);
  }

  // Where a text stands that somebody needs; 0 for that of no text.
  [[nodiscard]] constexpr u32 known_text(u32 offset) const noexcept {
    if (offset == 0) return 0;
    const auto at = static_cast<u32>(strings_ % 8) + offset;
    return front + (marks_[at / 8] >> number_from) * 8 + at % 8;
  }
  // The first piece behind `i` that has a mark, up to `last`.
  [[nodiscard]] constexpr u32 next_mark(u32 i, u32 last) const noexcept {
    const u32* const marks = marks_;
    do ++i;
    while (i < last && marks[i] == 0);
    return i;
  }

  const object_tables* object_ = nullptr;
  // Of it, because the compiler pays for each question.
  bytes image_;
  u64 strings_ = 0;
  u32 strings_size_ = 0, line_size_ = 0;
  const u32* bounds_ = nullptr;  // the first piece that has a mark, and the one behind the last
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
        bounds_to_(storage),
        marks_to_(storage + 2),
        ranges_to_(marks_to_ + pieces_of(object.types)) {}

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
    const u64 start = function.at - function.section_at;
    const u32 first = lower_bound(function, start);
    const u32 end = lower_bound(function, start + u64{function.instruction_count} * sizeof(abi::insn));
    const u64 at = function.lines.first + u64{first} * line_size_;
    if (first >= end || image_.read32(at) != start) return;
    u64 least = start;
    u32 file = 0, line = 0, left = end - first;
    for (detail::line_walk walk(image_, at, left, line_size_); left != 0; --left) {
      walk.next();
      const auto offset = static_cast<u32>(walk.head);
      if (offset % sizeof(abi::insn) != 0 || offset < least) return;
      least = u64{offset} + 1;
      if (walk.head >> 32 != file) {
        file = static_cast<u32>(walk.head >> 32);
        if (file >= strings_size_) return;
        keep(file);
      }
      if (static_cast<u32>(walk.tail) != line) {
        line = static_cast<u32>(walk.tail);
        if (line >= strings_size_) return;
        if (line != 0) keep(line);
      }
    }
    out[0] = static_cast<u32>(at);
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
    if (bounds_to_[1] == 0 || piece < bounds_to_[0]) bounds_to_[0] = piece;
    if (piece >= bounds_to_[1]) bounds_to_[1] = piece + 1;
  }
  // Numbers the pieces where texts begin, and those over which they go on.
  constexpr void number() noexcept {
    constexpr u32 small_gap = 16;
    const u32 last = bounds_[1];
    for (u32 i = bounds_[0], next = 0; i < last && count_ <= most; i = next) {
      next = next_mark(i, last);
      marks_to_[i] |= count_ << number_from;
      // What stands in a small gap is mostly a text, and to look for its end costs more than to keep it.
      const bool is_small = next - i <= small_gap && next < last;
      count_ += is_small ? next - i : pieces_of_last(i, next < last ? next - i : ~u32{0});
    }
  }
  // Over how many pieces goes the last text that begins in piece `i`? At most so many.
  [[nodiscard]] constexpr u32 pieces_of_last(u32 i, u32 at_most) const noexcept {
    const size_t pieces = pieces_of(object_->types);
    if (at_most > pieces - i) at_most = static_cast<u32>(pieces - i);
    const u64 start = strings_ / 8 * 8;
    const bool is_direct = image_.has_words(start, start + pieces * 8);
    const u64* const words = is_direct ? image_.words_at(start) + i : nullptr;
    const bool is_big = image_.reads_big_endian();
    // What stands in front of the text does not end it.
    const u32 bits = (31 - static_cast<u32>(__builtin_clz(marks_[i] & 0xff))) * 8;
    u64 in_front = is_big ? ~(~u64{0} >> bits) : (u64{1} << bits) - 1;
    for (u32 count = 0; count < at_most; in_front = 0) {
      const u64 eight = (is_direct ? words[count] : image_.read64(start + (u64{i} + count) * 8)) | in_front;
      ++count;
      if (((eight - lowest_bits) & ~eight & lowest_bits << 7) != 0) return count;
    }
    return at_most;
  }
  // The lowest bit of each byte: a subtraction of them that borrows into a byte's top bit has found its zero.
  static constexpr u64 lowest_bits = 0x0101010101010101;

  u32* bounds_to_;
  u32* marks_to_;
  u32* ranges_to_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SOURCE_LINES_HPP
