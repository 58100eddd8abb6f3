// SPDX-License-Identifier: MIT
// Room 7.2, map/per_cpu: values of which each possible CPU has its own. Only this room knows how large they are
// together, so nobody can lend the kernel too little memory for them.
#ifndef BAREBPF_MAP_PER_CPU_HPP
#define BAREBPF_MAP_PER_CPU_HPP

#include "../buffer.hpp"
#include "../fd.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// How many CPUs the kernel speaks of that writes `ranges`, "0-3,6"; 0 when that is no list of ranges.
[[nodiscard]] constexpr u32 count_cpus(text ranges) noexcept {
  constexpr u32 most = 0xffff;
  u32 count = 0, first = 0, number = 0;
  bool has_digits = false, is_range = false;
  for (size_t i = 0; i <= ranges.size(); ++i) {
    const char c = i < ranges.size() ? ranges[i] : ',';
    if (c == '\n' && i + 1 == ranges.size()) continue;
    if (c >= '0' && c <= '9') {
      number = number * 10 + static_cast<u32>(c - '0');
      has_digits = true;
      if (number > most) return 0;
      continue;
    }
    if (!has_digits || (c == '-' && is_range) || (c != '-' && c != ',')) return 0;
    if (c == '-') {
      first = number;
    } else {
      if (is_range && number < first) return 0;
      count += is_range ? number - first + 1 : 1;
    }
    is_range = c == '-';
    number = 0;
    has_digits = false;
  }
  return count;
}

/// How many CPUs the machine may ever have: the kernel keeps so many values, whether they run or not.
/// Errors: open_file or read_file with errno, about the file; EINVAL when it says something else than ranges.
/// Cost:   three system calls.
/// Source: num_possible_cpus() in include/linux/cpumask.h at v6.12; sysfs-devices-system-cpu.
[[nodiscard]] inline result<u32> possible_cpus() noexcept {
  constexpr const char* path = "/sys/devices/system/cpu/possible";
  const fd file = fd::own(open_to_read(path));
  if (!file.is_open()) return failure(step::open_file, file.number()).about(path);
  char ranges[256];
  long length = -EINTR;
  while (length == -EINTR) length = system_call(__NR_read, file.number(), ranges, sizeof ranges);
  if (length < 0) return failure(step::read_file, length).about(path);
  const u32 count = count_cpus(text(ranges, static_cast<size_t>(length)));
  if (count == 0) return failure(step::read_file, -EINVAL).about(path);
  return count;
}

/// One element's values, one for each possible CPU, in the order of their numbers: where those have no gap, the value
/// at `cpu` is that of CPU `cpu`.
/// Lifetime: looks at storage of somebody else's.
template <class Value>
class per_cpu_view {
 public:
  /// How the kernel lays values out: 8 bytes apart or a multiple of it.
  struct alignas(8) cell {
    Value value;
  };
  static_assert(
      alignof(Value) <= 8 && std::is_trivially_copyable_v<Value>,
      "barebpf: the kernel copies the values of each CPU as raw bytes, 8 bytes apart, so a value type "
      "must be trivially copyable and aligned to 8 bytes at most");

  constexpr per_cpu_view(const cell* first, u32 cpus) noexcept : first_(first), cpus_(cpus) {}

  /// How many values there are.
  [[nodiscard]] u32 size() const noexcept { return cpus_; }
  /// The value of one CPU; `cpu` must be less than `size()`.
  [[nodiscard]] const Value& operator[](u32 cpu) const noexcept { return first_[cpu].value; }
  /// All of them added up.
  [[nodiscard]] Value sum() const noexcept {
    Value out{};
    for (u32 cpu = 0; cpu < cpus_; ++cpu) out = static_cast<Value>(out + first_[cpu].value);
    return out;
  }

 private:
  const cell* first_;
  u32 cpus_;
};

/// Storage for the values of so many elements, each for every possible CPU.
/// Lifetime: freed with the object; moving empties the source.
template <class Value>
class per_cpu_values {
 public:
  using cell = typename per_cpu_view<Value>::cell;

  /// Makes room for `elements` elements, all of them `Value{}`.
  /// Errors: those of `possible_cpus`; ENOMEM.
  /// Cost:   three system calls and an allocation; so keep it and use it again.
  [[nodiscard]] static result<per_cpu_values> make(u32 elements = 1) noexcept {
    const auto cpus = possible_cpus();
    if (!cpus) return cpus.error();
    auto cells = buffer<cell>::of(size_t{*cpus} * elements);
    if (!cells) return cells.error();
    return per_cpu_values(std::move(*cells), *cpus, elements);
  }

  /// For how many CPUs.
  [[nodiscard]] u32 cpus() const noexcept { return cpus_; }
  /// For how many elements.
  [[nodiscard]] u32 elements() const noexcept { return elements_; }
  /// The value of a CPU, of the first element or of another.
  [[nodiscard]] Value& at(u32 cpu, u32 element = 0) noexcept {
    return cells_[size_t{element} * cpus_ + cpu].value;
  }
  /// The values of one element.
  [[nodiscard]] per_cpu_view<Value> view(u32 element = 0) const noexcept {
    return {cells_.data() + size_t{element} * cpus_, cpus_};
  }
  [[nodiscard]] const Value& operator[](u32 cpu) const noexcept { return cells_[cpu].value; }
  [[nodiscard]] Value& operator[](u32 cpu) noexcept { return cells_[cpu].value; }
  /// The values of the first element, added up.
  [[nodiscard]] Value sum() const noexcept { return view().sum(); }
  /// Gives each CPU of the first element the same value.
  void fill(const Value& value) noexcept {
    for (u32 cpu = 0; cpu < cpus_; ++cpu) at(cpu) = value;
  }

  /// What the kernel reads and writes.
  [[nodiscard]] cell* data() noexcept { return cells_.data(); }
  [[nodiscard]] const cell* data() const noexcept { return cells_.data(); }

 private:
  per_cpu_values(buffer<cell> cells, u32 cpus, u32 elements) noexcept
      : cells_(std::move(cells)), cpus_(cpus), elements_(elements) {}

  buffer<cell> cells_;
  u32 cpus_;
  u32 elements_;
};

/// Walks over the elements of such storage, as a pointer walks over values.
template <class Value>
class per_cpu_pointer {
 public:
  using cell = typename per_cpu_view<Value>::cell;
  using seen = per_cpu_view<Value>;

  constexpr per_cpu_pointer() noexcept = default;
  constexpr per_cpu_pointer(cell* at, u32 cpus) noexcept : at_(at), cpus_(cpus) {}
  [[nodiscard]] seen operator*() const noexcept { return {at_, cpus_}; }
  per_cpu_pointer& operator++() noexcept {
    at_ += cpus_;
    return *this;
  }
  [[nodiscard]] cell* address() const noexcept { return at_; }

 private:
  cell* at_ = nullptr;
  u32 cpus_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_PER_CPU_HPP
