// SPDX-License-Identifier: MIT
// Changes object files where their fields stand: section headers, symbols, relocations, instructions, types
// and the tables of .BTF.ext. Half of the changes are libFuzzer's own. Knows the formats by itself and not
// from the library.
#ifndef BAREBPF_TESTS_FUZZ_MUTATE_HPP
#define BAREBPF_TESTS_FUZZ_MUTATE_HPP

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t room);

class object_mutator {
 public:
  object_mutator(std::uint8_t* data, std::size_t size, std::size_t room, unsigned seed)
      : data_(data), size_(size), room_(room), random_(seed) {}

  std::size_t run() {
    find_tables();
    if (tables_.empty() || chance(2)) return LLVMFuzzerMutate(data_, size_, room_);
    for (std::uint64_t changes = 1 + below(4); changes != 0; --changes) {
      const table& where = tables_[below(tables_.size())];
      if (where.size < where.record) continue;
      switch (below(8)) {
        case 0:
          copy_record(where);
          break;
        case 1:
          insert_records(where);
          break;
        case 2:
          LLVMFuzzerMutate(data_ + where.at, where.size, where.size);
          break;
        default:
          change_field(where);
      }
    }
    return size_;
  }

 private:
  // Records of one size, and the section whose content they are; 0 for the headers themselves.
  struct table {
    std::uint64_t at = 0, size = 0, record = 4, section = 0;
  };

  std::uint64_t below(std::uint64_t end) { return end == 0 ? 0 : random_() % end; }
  bool chance(unsigned of) { return below(of) == 0; }
  std::uint64_t get(std::uint64_t at, unsigned count) const {
    std::uint64_t value = 0;
    if (at <= size_ && count <= size_ - at) std::memcpy(&value, data_ + at, count);
    return value;
  }
  void put(std::uint64_t at, std::uint64_t value, unsigned count) {
    if (at <= size_ && count <= size_ - at) std::memcpy(data_ + at, &value, count);
  }
  bool holds(std::uint64_t at, std::uint64_t count) const { return at <= size_ && count <= size_ - at; }

  void find_tables() {
    headers_ = get(40, 8);
    const std::uint64_t count = get(60, 2);
    if (!holds(headers_, count * 64)) return;
    tables_.push_back({.at = 0, .size = 64, .record = 2});
    tables_.push_back({.at = headers_, .size = count * 64, .record = 64});
    for (std::uint64_t i = 1; i < count; ++i) {
      const std::uint64_t header = headers_ + i * 64, type = get(header + 4, 4);
      table one{.at = get(header + 24, 8), .size = get(header + 32, 8), .section = i};
      if (type == 8 || one.size == 0 || !holds(one.at, one.size)) continue;
      if (type == 2) one.record = 24;                     // symbols
      if (type == 9) one.record = 16;                     // relocations
      if ((get(header + 8, 8) & 4) != 0) one.record = 8;  // instructions
      tables_.push_back(one);
      if (type == 2 || get(one.at, 2) == 0xeb9f) tables_.push_back(one);  // these are where most is decided
    }
  }

  // A number that a reader may stumble over: near the old one, near what it is held against, or near a limit.
  std::uint64_t odd_number(std::uint64_t old, const table& where, unsigned width) {
    const std::uint64_t limits[] = {
        0, 1, ~std::uint64_t{0}, std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{1} << 63};
    const std::uint64_t near[] = {0, 1, 2, 3, 4, 8, 12, 16, 24, 64};
    const std::uint64_t step = near[below(sizeof near / sizeof near[0])];
    std::uint64_t base = old;
    switch (below(6)) {
      case 0:
        base = limits[below(sizeof limits / sizeof limits[0])];
        break;
      case 1:
        base = size_;
        break;
      case 2:
        base = where.size;
        break;
      case 3:  // what stands in another record of the table
        base = get(where.at + below(where.size - width + 1) / 4 * 4, width);
        break;
      case 4:  // another table's place or size
        base = chance(2) ? tables_[below(tables_.size())].at : tables_[below(tables_.size())].size;
        break;
      default:
        break;
    }
    return chance(2) ? base + step : base - step;
  }
  void change_field(const table& where) {
    const unsigned widths[] = {1, 2, 4, 4, 4, 8};
    unsigned width = widths[below(6)];
    if (width > where.size) width = 1;
    const std::uint64_t at = where.at + below(where.size - width + 1) / width * width;
    if (chance(4))
      put(at, get(at, width) ^ std::uint64_t{1} << below(width * 8), width);
    else
      put(at, odd_number(get(at, width), where, width), width);
  }
  void copy_record(const table& where) {
    const std::uint64_t records = where.size / where.record;
    std::memmove(data_ + where.at + below(records) * where.record,
                 data_ + where.at + below(records) * where.record, where.record);
  }
  // Makes a table longer by copies of some of its own bytes, at the file's end, where there is room for it.
  // In .BTF they go in behind the header, in front of all types or strings.
  void insert_records(table where) {
    const bool is_btf = get(where.at, 2) == 0xeb9f && where.size >= 24;
    const std::uint64_t count = (is_btf ? 4 : where.record) * (1 + below(chance(4) ? 64 : 6));
    if (where.record == 2 || count > where.size || where.size + count + 8 > room_ - size_) return;
    const std::uint64_t at = (size_ + 7) / 8 * 8;
    const std::uint64_t cut = is_btf ? 24 : where.size;
    const std::uint64_t from = where.at + below(where.size - count + 1) / 4 * 4;
    std::memset(data_ + size_, 0, at - size_);
    std::memcpy(data_ + at, data_ + where.at, cut);
    std::memcpy(data_ + at + cut, data_ + from, count);
    std::memcpy(data_ + at + cut + count, data_ + where.at + cut, where.size - cut);
    size_ = at + where.size + count;
    if (where.section == 0) {  // the headers themselves
      headers_ = at;
      put(40, at, 8);
      put(60, get(60, 2) + count / 64, 2);
      return;
    }
    put(headers_ + where.section * 64 + 24, at, 8);
    put(headers_ + where.section * 64 + 32, where.size + count, 8);
    if (is_btf && !chance(8)) {
      put(at + 12, get(at + 12, 4) + count, 4);
      put(at + 16, get(at + 16, 4) + count, 4);
    }
  }

  std::uint8_t* data_;
  std::size_t size_, room_;
  std::mt19937 random_;
  std::uint64_t headers_ = 0;
  std::vector<table> tables_;
};

#ifdef BAREBPF_WITH_LIBFUZZER
extern "C" inline __attribute__((used)) std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data,
                                                                            std::size_t size,
                                                                            std::size_t room, unsigned seed) {
  return object_mutator(data, size, room, seed).run();
}
#endif

#endif
