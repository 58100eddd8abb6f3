// SPDX-License-Identifier: MIT
// Room 6.9, symbols: what is at an address: which function of the kernel, which file of a process.
#ifndef BAREBPF_SYMBOLS_HPP
#define BAREBPF_SYMBOLS_HPP

#include "buffer.hpp"
#include "describe.hpp"
#include "fd.hpp"
#include "proc_lines.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// The lines of a file that has no size, such as those of /proc.
class line_reader {
 public:
  [[nodiscard]] static result<line_reader> open(text path) noexcept {
    const auto terminated = name<4096>::cut(path);
    fd file = fd::own(move_away(open_to_read(terminated.characters)));
    if (!file.is_open()) return failure(step::open_file, file.number()).about(path);
    return over(std::move(file));
  }
  // The lines of a file that is open.
  [[nodiscard]] static result<line_reader> over(fd file) noexcept {
    line_reader out;
    out.file_ = std::move(file);
    auto piece = buffer<char>::of(piece_size);
    if (!piece) return piece.error();
    out.piece_ = std::move(*piece);
    return out;
  }

  // The next line without its end, which stays where it is until the next call.
  // Shape: 1 when there was one, 0 behind the last, or negative errno.
  [[nodiscard]] long next(text& line) noexcept {
    size_t seen = first_;
    for (;;) {
      for (; seen < end_; ++seen) {
        if (piece_[seen] != '\n') continue;
        line = text(piece_.data() + first_, seen - first_);
        first_ = seen + 1;
        return 1;
      }
      if (first_ != 0) {  // what is begun goes to the front
        end_ -= first_;
        __builtin_memmove(piece_.data(), piece_.data() + first_, end_);
        seen -= first_;
        first_ = 0;
      }
      if (end_ == piece_.size()) return -EOVERFLOW;
      const long got = system_call(__NR_read, file_.number(), piece_.data() + end_, piece_.size() - end_);
      if (got == -EINTR) continue;
      if (got < 0) return got;
      if (got == 0) {  // in a copy of such a file, the last line may have no end
        line = text(piece_.data(), end_);
        return std::exchange(end_, 0) != 0;
      }
      end_ += static_cast<size_t>(got);
    }
  }

 private:
  // Room for the longest line: a path of 4095 characters, each of which may take four.
  static constexpr size_t piece_size = size_t{1} << 16;

  fd file_;
  buffer<char> piece_;
  size_t first_ = 0, end_ = 0;
};

// Hands each line of the file at `path` to `keep`, as `understand` reads it, up to the first that fails.
template <class Line, class Keep>
[[nodiscard]] result<void> each_line(text path, bool (*understand)(text, Line&) noexcept,
                                     Keep keep) noexcept {
  auto lines = line_reader::open(path);
  if (!lines) return lines.error();
  for (text line;;) {
    const long got = lines->next(line);
    if (got < 0) return failure(step::read_file, got).about(path);
    if (got == 0) return {};
    Line seen;
    if (!understand(line, seen)) return error{.at = step::read_file, .why = cause::bad_proc_line}.about(path);
    if (auto kept = keep(seen); !kept) return kept;
  }
}

// An array of which nobody knows how long it gets.
template <class T>
class growing {
 public:
  [[nodiscard]] result<void> add(const T* from, size_t count) noexcept {
    if (count > list_.size() - size_) {
      auto larger = buffer<T>::of((list_.size() + count + first_size) * 2);
      if (!larger) return larger.error();
      copy_to(*larger);
      list_ = std::move(*larger);
    }
    for (size_t i = 0; i < count; ++i) list_[size_ + i] = from[i];
    size_ += count;
    return {};
  }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] const T* data() const noexcept { return list_.data(); }
  // All of it in just as much memory as it takes.
  [[nodiscard]] result<buffer<T>> finish() const noexcept {
    auto out = buffer<T>::of(size_);
    if (out) copy_to(*out);
    return out;
  }

 private:
  static constexpr size_t first_size = 64;

  void copy_to(buffer<T>& out) const noexcept {
    if (size_ != 0) __builtin_memcpy(out.data(), list_.data(), size_ * sizeof(T));
  }
  buffer<T> list_;
  size_t size_ = 0;
};

// Names one behind the other, each with a NUL; the empty one is the first.
class name_list {
 public:
  // Where `name` stands from now on.
  [[nodiscard]] result<u32> add(text name) noexcept {
    if (all_.size() == 0)
      if (const auto begun = all_.add("", 1); !begun) return begun.error();
    if (name.empty()) return 0u;
    const size_t at = all_.size();
    if (at + name.size() >= ~u32{0}) return error{.at = step::allocate, .code = ENOMEM};
    if (const auto added = all_.add(name.data(), name.size()); !added) return added.error();
    if (const auto ended = all_.add("", 1); !ended) return ended.error();
    return static_cast<u32>(at);
  }
  // The same, or where the last name stands that was added so, if it is this one.
  [[nodiscard]] result<u32> add_again(text name) noexcept {
    if (last_ != 0 && text(all_.data() + last_) == name) return last_;
    auto at = add(name);
    if (at && *at != 0) last_ = *at;
    return at;
  }
  [[nodiscard]] result<buffer<char>> finish() const noexcept { return all_.finish(); }

 private:
  growing<char> all_;
  u32 last_ = 0;
};

// Puts `list` in order, whatever order it is in, without memory and in count times log(count) steps.
template <class T>
constexpr void sort(T* list, size_t count) noexcept {
  const auto sink = [list](size_t at, size_t end) {
    for (size_t child; (child = at * 2 + 1) < end; at = child) {
      if (child + 1 < end && list[child].is_before(list[child + 1])) ++child;
      if (!list[at].is_before(list[child])) return;
      std::swap(list[at], list[child]);
    }
  };
  for (size_t at = count / 2; at-- != 0;) sink(at, count);
  for (size_t end = count; end > 1;) {
    std::swap(list[0], list[--end]);
    sink(0, end);
  }
}

// How many of `list` begin at `address` or in front of it, by halving.
template <class T>
constexpr size_t count_up_to(const T* list, size_t count, u64 address) noexcept {
  size_t first = 0;
  while (count != 0) {
    const size_t half = count / 2;
    if (list[first + half].address <= address) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

}  // namespace detail

/// A place in the kernel's code.
/// Lifetime: looks at the `kernel_symbols` that found it.
struct kernel_place {
  text symbol{};   ///< empty where there is none
  text module{};   ///< empty for the kernel itself, "bpf" for programs
  u64 offset = 0;  ///< bytes behind the symbol
};

/// The names of the kernel's functions by their addresses, as they are at this moment.
/// Lifetime: what is loaded or unloaded later is not seen, so read them when the stacks have been taken.
class kernel_symbols {
 public:
  /// Reads them from the kernel, or from a copy of its list.
  /// Errors: hidden_addresses when the kernel shows zeros; open_file with ENOENT when it was built without them;
  ///         bad_proc_line; ENOMEM.
  /// Cost:   for 122,000 functions 0.1 s, most of it the kernel's, 5 MiB, and 10 MiB more meanwhile.
  /// Source: proc_kallsyms in kernel/kallsyms.c and kallsyms_show_value() in kernel/ksyms_common.c at v6.12.
  [[nodiscard]] static result<kernel_symbols> read(text path = "/proc/kallsyms") noexcept {
    detail::growing<place> places;
    detail::name_list names;
    bool are_hidden = false, are_sorted = true;
    u64 before = 0;
    const auto keep = [&](const kallsyms_line& seen) -> result<void> {
      if (!seen.is_code()) return {};
      are_hidden = are_hidden || seen.address == 0;
      if (seen.address == 0) return {};
      const auto symbol = names.add(seen.symbol);
      if (!symbol) return symbol.error();
      const auto module = names.add_again(seen.module);
      if (!module) return module.error();
      are_sorted = are_sorted && before <= seen.address;
      before = seen.address;
      const place found{.address = seen.address, .symbol = *symbol, .module = *module};
      return places.add(&found, 1);
    };
    if (auto all = detail::each_line(path, read_kallsyms_line, keep); !all) return all.error();
    if (are_hidden && places.size() == 0)
      return error{.at = step::read_file, .why = cause::hidden_addresses}.about(path);
    auto kept_places = places.finish();
    if (!kept_places) return kept_places.error();
    auto kept_names = names.finish();
    if (!kept_names) return kept_names.error();
    kernel_symbols out;
    out.places_ = std::move(*kept_places);
    out.names_ = std::move(*kept_names);
    if (!are_sorted) detail::sort(out.places_.data(), out.places_.size());
    return out;
  }

  /// The function that `address` is in. Of several names for one address, the one that the kernel lists first, as in
  /// its own traces.
  /// Shape: no symbol where no name is within 1 MiB in front of it: the kernel has no longer function, so it is in
  ///        something without a name, such as a program while net.core.bpf_jit_kallsyms is 0.
  /// Cost:  no system call and no allocation; 17 steps for 122,000 functions.
  [[nodiscard]] kernel_place find(u64 address) const noexcept {
    constexpr u64 longest_function = u64{1} << 20;
    size_t at = detail::count_up_to(places_.data(), places_.size(), address);
    if (at == 0) return {};
    const u64 start = places_[--at].address;
    if (address - start >= longest_function) return {};
    while (at != 0 && places_[at - 1].address == start) --at;
    return {.symbol = names_.data() + places_[at].symbol,
            .module = names_.data() + places_[at].module,
            .offset = address - start};
  }
  /// How many there are.
  [[nodiscard]] size_t size() const noexcept { return places_.size(); }

 private:
  struct place {
    u64 address;
    u32 symbol, module;  // in `names_`

    // Names stand in the order of the list.
    [[nodiscard]] constexpr bool is_before(const place& other) const noexcept {
      return address != other.address ? address < other.address : symbol < other.symbol;
    }
  };

  buffer<place> places_;
  buffer<char> names_;
};

/// A place in a file that a process has mapped.
/// Lifetime: looks at the `user_mappings` that found it.
struct user_place {
  /// Empty where no file is, as in code that the process made itself; "[vdso]" for the kernel's.
  text path{};
  /// Bytes from the start of the file, which is not always the address that a linker gave it.
  u64 offset = 0;
};

/// The files that a process has mapped to be executed, as they are at this moment.
/// Lifetime: what is mapped or unmapped later is not seen; of a process that is gone nothing is.
class user_mappings {
 public:
  /// Reads those of the process with this number.
  /// Errors: no_such_process when it is gone; EACCES without the right to trace it; ENOMEM.
  /// Cost:   some ten system calls and allocations.
  /// Source: proc_pid_maps(5).
  [[nodiscard]] static result<user_mappings> read(u32 process) noexcept {
    char path[32];
    auto out =
        read_file((detail::text_writer(path, sizeof path) << "/proc/" << u64{process} << "/maps").finish());
    // What is gone before it is opened is no folder of /proc any more, and later no process.
    if (!out && (out.error().code == ENOENT || out.error().code == ESRCH)) {
      error why = out.error();
      why.why = cause::no_such_process;
      return why;
    }
    return out;
  }

  /// The file that is mapped at `address`, and the place in it.
  [[nodiscard]] user_place find(u64 address) const noexcept {
    const size_t behind = detail::count_up_to(mapped_.data(), mapped_.size(), address);
    if (behind == 0 || address >= mapped_[behind - 1].end) return {};
    const mapping& in = mapped_[behind - 1];
    return {.path = names_.data() + in.path, .offset = address - in.address + in.offset};
  }
  /// How many there are.
  [[nodiscard]] size_t size() const noexcept { return mapped_.size(); }

 private:
  struct mapping {
    u64 address, end, offset;
    u32 path;  // in `names_`
  };

  static result<user_mappings> read_file(text path) noexcept {
    detail::growing<mapping> mapped;
    detail::name_list names;
    const auto keep = [&](const maps_line& seen) -> result<void> {
      if (!seen.is_executable) return {};
      const auto at = names.add_again(seen.path);
      if (!at) return at.error();
      const mapping found{.address = seen.first, .end = seen.end, .offset = seen.offset, .path = *at};
      return mapped.add(&found, 1);
    };
    if (auto all = detail::each_line(path, read_maps_line, keep); !all) return all.error();
    auto kept_mapped = mapped.finish();
    if (!kept_mapped) return kept_mapped.error();
    auto kept_names = names.finish();
    if (!kept_names) return kept_names.error();
    user_mappings out;
    out.mapped_ = std::move(*kept_mapped);
    out.names_ = std::move(*kept_names);
    return out;
  }

  buffer<mapping> mapped_;
  buffer<char> names_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SYMBOLS_HPP
