// SPDX-License-Identifier: MIT
// Room 3.8, binary: the functions of a program or a shared library, and where in the file they lie: an ELF file of either
// word size and byte order. It is looked at in pieces, for it may be large and may change meanwhile.
#ifndef BAREBPF_BINARY_HPP
#define BAREBPF_BINARY_HPP

#include "abi/elf.hpp"
#include "buffer.hpp"
#include "bytes.hpp"
#include "pattern.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Where the fields of ELF records lie in files of one word size.
struct binary_layout {
  u8 word;  // bytes
  struct {
    u8 segments, sections, segment_size, segment_count, section_size, section_count, names;
  } header;
  struct {
    u8 address, offset, content, link, size;
  } section;
  struct {
    u8 info, section, value, size;
  } symbol;
  struct {
    u8 flags, offset, address, content, size;
  } segment;
};
inline constexpr binary_layout layout_of_32{
    4, {28, 32, 42, 44, 46, 48, 50}, {12, 16, 20, 24, 40}, {12, 14, 4, 16}, {24, 4, 8, 16, 32}};
inline constexpr binary_layout layout_of_64{
    8, {32, 40, 54, 56, 58, 60, 62}, {16, 24, 32, 40, 64}, {4, 6, 8, 24}, {4, 8, 16, 32, 56}};

}  // namespace detail

/// A section of such a file.
struct binary_section {
  u32 name = 0;  ///< bytes from the start of the names
  u32 type = 0;
  u64 address = 0;  ///< in the memory of a process, before the file is moved to where there is room
  u64 offset = 0;   ///< bytes from the start of the file
  u64 size = 0;     ///< bytes
  u32 link = 0;     ///< the section that this one refers to
};

/// A function of such a file.
struct binary_function {
  text name;            ///< valid until the visit returns
  u64 offset = 0;       ///< bytes from the start of the file
  u8 binding = 0;       ///< abi::symbol_local and its siblings
  u16 version = 0;      ///< its number in the file, 0 or 1 where it has none
  bool is_old = false;  ///< another version of the function is what programs get today
};

/// The file, through `File`, which has `size()` in bytes and `result<void> read(u64 offset, void* to, size_t size)`.
/// Lifetime: as long as the file's.
template <class File>
class binary {
 public:
  /// Looks at the headers.
  /// Errors: not_a_binary, damaged_binary, with the offset; ENOMEM; those of `File`.
  [[nodiscard]] static result<binary> open(const File& file) noexcept {
    binary out(file);
    if (const auto read = out.read_headers(); !read) return read.error();
    return out;
  }

  /// EM_X86_64 and its siblings.
  [[nodiscard]] u16 machine() const noexcept { return machine_; }
  [[nodiscard]] u8 word_size() const noexcept { return layout_->word; }
  [[nodiscard]] bool is_big_endian() const noexcept { return sections_view_.reads_big_endian(); }
  [[nodiscard]] u32 section_count() const noexcept { return section_count_; }
  [[nodiscard]] binary_section section(u32 index) const noexcept {
    const u64 at = u64{index} * layout_->section.size;
    return {.name = sections_view_.read32(at),
            .type = sections_view_.read32(at + 4),
            .address = word(sections_view_, at + layout_->section.address),
            .offset = word(sections_view_, at + layout_->section.offset),
            .size = word(sections_view_, at + layout_->section.content),
            .link = sections_view_.read32(at + layout_->section.link)};
  }
  /// The content of a section.
  /// Errors: damaged_binary; ENOMEM; those of `File`.
  [[nodiscard]] result<buffer<u8>> content(const binary_section& of) const noexcept {
    if (of.size > file_->size() || of.offset > file_->size() - of.size) return damaged(of.offset);
    auto out = buffer<u8>::of(static_cast<size_t>(of.size));
    if (!out) return out;
    if (const auto read = file_->read(of.offset, out->data(), out->size()); !read) return read.error();
    return out;
  }
  /// The same as a window that reads numbers in the file's byte order.
  [[nodiscard]] bytes view(const buffer<u8>& content) const noexcept {
    bytes out(content.data(), content.size());
    if (is_big_endian()) out.read_big_endian();
    return out;
  }
  [[nodiscard]] u64 word(const bytes& from, u64 at) const noexcept {
    return layout_->word == 8 ? from.read64(at) : from.read32(at);
  }
  /// The section called `wanted`; one of type 0 where there is none.
  /// Errors: as above.
  [[nodiscard]] result<binary_section> find_section(text wanted) const noexcept {
    if (names_ >= section_count_) return binary_section{};
    const auto names = content(section(names_));
    if (!names) return names.error();
    for (u32 i = 1; i < section_count_; ++i)
      if (view(*names).string_is(section(i).name, wanted)) return section(i);
    return binary_section{};
  }
  /// Where in the file the byte lies that is loaded to `address`, if the file is loaded with `flags` there.
  /// Shape:  bytes from the start of the file; `nowhere` when there is none.
  /// Errors: as above.
  [[nodiscard]] result<u64> offset_of(u64 address, u32 flags) const noexcept {
    const auto& at = layout_->segment;
    for (u32 i = 0; i < segment_count_; ++i) {
      const u64 start = u64{i} * at.size;
      constexpr u32 loaded = 1;  // PT_LOAD
      if (segments_view_.read32(start) != loaded ||
          (segments_view_.read32(start + at.flags) & flags) != flags)
        continue;
      const u64 first = word(segments_view_, start + at.address);
      if (address >= first && address - first < word(segments_view_, start + at.content))
        return address - first + word(segments_view_, start + at.offset);
    }
    return nowhere;
  }
  static constexpr u64 nowhere = ~u64{0};

  /// Calls `visit` with each function, first of what the file shows to others, then of all that is left of its symbols:
  /// many come twice. It goes on as long as `visit` gives true.
  /// Errors: no_function_names; as above.
  template <class Visit>
  [[nodiscard]] result<void> each_function(Visit&& visit) const noexcept {
    bool has_any = false;
    for (const u32 wanted : {abi::section_dynsym, abi::section_symtab})
      for (u32 i = 1; i < section_count_; ++i) {
        const binary_section table = section(i);
        if (table.type != wanted) continue;
        has_any = true;
        const auto walked = walk(i, table, visit);
        if (!walked) return walked.error();
        if (!*walked) return {};
      }
    if (!has_any) return error{.at = step::find_function, .why = cause::no_function_names};
    return {};
  }

  /// Where in the file the function called `wanted` begins: "malloc", "_ZN4game4loopEv", or one version of it,
  /// "pthread_create@GLIBC_2.2.5".
  /// Errors: no_such_function, about the name and the one that is most like it; ambiguous_function; as above.
  [[nodiscard]] result<u64> find_function(text wanted) const noexcept {
    size_t base = 0;
    while (base < wanted.size() && wanted[base] != '@') ++base;
    text version = wanted.without_first(base);
    while (version.starts_with("@")) version = version.without_first(1);
    const text name(wanted.data(), base);
    const auto number = version.empty() ? result<u16>(u16{0}) : version_number(version);
    if (!number) return number.error();
    u64 found = nowhere;
    u32 found_rank = 0;
    bool is_ambiguous = false;
    const auto walked = each_function([&](const binary_function& function) {
      const bool fits =
          function.name == wanted || (without_version(function.name) == name &&
                                      (version.empty() || (*number != 0 && function.version == *number)));
      if (!fits) return true;
      // What is shown to others before what is not, and of versions the one that programs get.
      const text suffix = function.name.without_first(without_version(function.name).size());
      const bool is_old = function.is_old || (suffix.starts_with("@") && !suffix.starts_with("@@"));
      const u32 rank = function.binding == abi::symbol_local ? 1 : is_old ? 2 : 3;
      if (rank < found_rank || (rank == found_rank && function.offset == found)) return true;
      is_ambiguous = rank == found_rank;
      found = function.offset;
      found_rank = rank;
      return true;
    });
    if (!walked) return walked.error();
    if (is_ambiguous) return error{.at = step::find_function, .why = cause::ambiguous_function}.about(wanted);
    if (found != nowhere) return found;
    nearest_name nearest(name);
    if (const auto again = each_function([&](const binary_function& function) {
          nearest.see(without_version(function.name));
          return true;
        });
        !again)
      return again.error();
    return error{.at = step::find_function, .why = cause::no_such_function}.about_like(wanted,
                                                                                       nearest.found());
  }

 private:
  explicit binary(const File& file) noexcept : file_(&file) {}

  [[nodiscard]] static error damaged(u64 offset) noexcept {
    return {.at = step::find_function, .why = cause::damaged_binary, .offset = offset};
  }
  [[nodiscard]] static text without_version(text name) noexcept {
    size_t size = 0;
    while (size < name.size() && (name[size] != '@' || size == 0)) ++size;
    return {name.data(), size};
  }

  [[nodiscard]] result<void> read_headers() noexcept {
    u8 head[64] = {};
    const u64 there = file_->size() < sizeof head ? file_->size() : sizeof head;
    if (const auto read = file_->read(0, head, static_cast<size_t>(there)); !read) return read;
    using header = abi::elf_header;
    bytes first(head, sizeof head);
    const bool is_elf = there >= 52 && first.read32(0) == abi::elf_magic;
    const u8 word_class = head[header::ident_class], order = head[header::ident_data];
    if (!is_elf || word_class == 0 || word_class > abi::elf_class_64 || order == 0 ||
        order > abi::elf_big_endian)
      return error{.at = step::find_function, .why = cause::not_a_binary};
    layout_ = word_class == abi::elf_class_64 ? &detail::layout_of_64 : &detail::layout_of_32;
    if (order == abi::elf_big_endian) first.read_big_endian();
    const u16 type = first.read16(header::type);
    if (type != abi::elf_program && type != abi::elf_shared)
      return error{.at = step::find_function, .why = cause::not_a_binary, .offset = header::type};
    machine_ = first.read16(header::machine);
    const auto& at = layout_->header;
    section_count_ = first.read16(at.section_count);
    segment_count_ = first.read16(at.segment_count);
    names_ = first.read16(at.names);
    if (section_count_ != 0 && first.read16(at.section_size) != layout_->section.size)
      return damaged(at.section_size);
    if (segment_count_ != 0 && first.read16(at.segment_size) != layout_->segment.size)
      return damaged(at.segment_size);
    const auto take = [&](u64 offset, u64 size, buffer<u8>& to, bytes& window) -> result<void> {
      auto part = content({.offset = offset, .size = size});
      if (!part) return part.error();
      to = std::move(*part);
      window = bytes(to.data(), to.size());
      if (order == abi::elf_big_endian) window.read_big_endian();
      return {};
    };
    const u64 sections_at = word(first, at.sections);
    if (section_count_ == 0 && sections_at != 0) {  // more than the field can say
      if (const auto read = take(sections_at, layout_->section.size, sections_, sections_view_); !read)
        return read;
      const u64 count = section(0).size;
      if (count > file_->size() / layout_->section.size) return damaged(sections_at);
      section_count_ = static_cast<u32>(count);
    }
    if (const auto read =
            take(sections_at, u64{section_count_} * layout_->section.size, sections_, sections_view_);
        !read)
      return read;
    constexpr u32 index_elsewhere = 0xffff;  // SHN_XINDEX
    if (names_ == index_elsewhere) names_ = section(0).link;
    return take(word(first, at.segments), u64{segment_count_} * layout_->segment.size, segments_,
                segments_view_);
  }

  // The table of version numbers that belongs to the dynamic symbols at `index`; empty where there is none.
  [[nodiscard]] result<buffer<u8>> versions_of(u32 index) const noexcept {
    for (u32 i = 1; i < section_count_; ++i)
      if (const binary_section candidate = section(i);
          candidate.type == abi::section_versym && candidate.link == index)
        return content(candidate);
    return buffer<u8>();
  }

  // Visits one table; false when the visitor had enough.
  template <class Visit>
  [[nodiscard]] result<bool> walk(u32 index, const binary_section& table, Visit& visit) const noexcept {
    if (table.link >= section_count_) return damaged(table.offset);
    const auto symbols = content(table);
    if (!symbols) return symbols.error();
    const auto names = content(section(table.link));
    if (!names) return names.error();
    const auto versions = versions_of(index);
    if (!versions) return versions.error();
    const bytes records = view(*symbols), numbers = view(*versions);
    const auto& at = layout_->symbol;
    for (u64 start = 0; records.holds(start, at.size); start += at.size) {
      constexpr u8 indirect_function = 10;    // STT_GNU_IFUNC
      constexpr u16 first_reserved = 0xff00;  // SHN_LORESERVE
      const u8 info = records.read8(start + at.info);
      const u16 holder = records.read16(start + at.section);
      if ((info & 15) != abi::symbol_function && (info & 15) != indirect_function) continue;
      if (holder == abi::section_undefined || holder >= first_reserved || holder >= section_count_) continue;
      const u64 name = records.read32(start);
      if (name >= names->size()) continue;
      const binary_section code = section(holder);
      const u16 version = numbers.read16(start / at.size * 2);
      const u64 offset = word(records, start + at.value) - code.address + code.offset;
      if (offset >= file_->size()) continue;
      const binary_function function{
          .name = text::until_nul(reinterpret_cast<const char*>(names->data() + name),
                                  static_cast<size_t>(names->size() - name)),
          .offset = offset,
          .binding = static_cast<u8>(info >> 4),
          .version = static_cast<u16>(version & 0x7fff),
          .is_old = (version & 0x8000) != 0};
      if (!visit(function)) return false;
    }
    return true;
  }

  // The number that the file gives the version called `wanted`; 0 when it has none.
  [[nodiscard]] result<u16> version_number(text wanted) const noexcept {
    for (u32 i = 1; i < section_count_; ++i) {
      const binary_section table = section(i);
      if (table.type != abi::section_verdef || table.link >= section_count_) continue;
      const auto records = content(table);
      if (!records) return records.error();
      const auto names = content(section(table.link));
      if (!names) return names.error();
      const bytes from = view(*records);
      for (u64 at = 0; from.holds(at, 20);) {
        if (view(*names).string_is(from.read32(at + from.read32(at + 12)), wanted))
          return from.read16(at + 4);
        const u32 next = from.read32(at + 16);
        if (next == 0) break;
        at += next;
      }
    }
    return u16{0};
  }

  const File* file_;
  const detail::binary_layout* layout_ = &detail::layout_of_64;
  buffer<u8> sections_, segments_;
  bytes sections_view_, segments_view_;
  u32 section_count_ = 0, segment_count_ = 0, names_ = 0;
  u16 machine_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_BINARY_HPP
