// SPDX-License-Identifier: MIT
// Writes programs and libraries that tests look into, of either word size and byte order.
#ifndef BAREBPF_TESTS_SUPPORT_BINARY_BUILDER_HPP
#define BAREBPF_TESTS_SUPPORT_BINARY_BUILDER_HPP

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "library.hpp"

/// A file in memory, whose size is what is there. A read outside fails the test that made it.
class memory_file {
 public:
  explicit memory_file(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::uint64_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] barebpf::result<void> read(std::uint64_t offset, void* to, std::size_t size) const noexcept {
    const bool is_inside = offset <= bytes_.size() && size <= bytes_.size() - offset;
    CHECK(is_inside);
    if (!is_inside) return barebpf::error{.at = barebpf::step::read_file};
    if (size != 0) std::memcpy(to, bytes_.data() + offset, size);
    return {};
  }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// One file: code, symbols that others see, all symbols, versions, and notes of trace points.
class binary_builder {
 public:
  binary_builder(bool is_64, bool is_big, std::uint16_t machine = 62)
      : is_64_(is_64), is_big_(is_big), machine_(machine) {}

  /// A function that others see, `at` bytes behind the start of the code.
  void add_function(const std::string& name, std::uint64_t at, std::uint16_t version = 1) {
    shown_.push_back({name, at, 1});
    versions_.push_back(version);
  }
  /// One that only the file itself names; or with another binding.
  void add_hidden_function(const std::string& name, std::uint64_t at, std::uint8_t binding = 0) {
    all_.push_back({name, at, binding});
  }
  void add_version(const std::string& name, std::uint16_t number) { defined_.push_back({name, number}); }
  /// A trace point `at` bytes behind the start of the code, written when the note's base was `moved` bytes lower.
  void add_trace_point(const std::string& provider, const std::string& name, const std::string& arguments,
                       std::uint64_t at, std::uint64_t semaphore = 0) {
    points_.push_back({provider, name, arguments, at, semaphore});
  }
  /// How far the file was moved after the notes were written.
  void set_moved(std::uint64_t bytes) { moved_ = bytes; }

  [[nodiscard]] std::uint64_t code_offset() const { return 0x100; }
  [[nodiscard]] std::uint64_t code_address() const { return 0x401100; }
  [[nodiscard]] std::uint64_t data_offset() const { return 0x200; }
  [[nodiscard]] std::uint64_t data_address() const { return 0x602200; }

  [[nodiscard]] std::vector<std::uint8_t> build() {
    out_.assign(0x300, 0);
    sections_.clear();
    names_.assign(1, '\0');
    sections_.push_back({});
    const unsigned code = add_section(".text", 1, code_address(), code_offset(), 0x100, 0);
    if (!shown_.empty()) {
      std::string strings(1, '\0');
      const auto records = symbols(shown_, code, strings);
      const unsigned table = append(".dynsym", 11, records, static_cast<unsigned>(sections_.size()) + 1);
      append(".dynstr", 3, bytes_of(strings), 0);
      std::vector<std::uint8_t> numbers;
      put(numbers, 0, 2);
      for (const std::uint16_t number : versions_) put(numbers, number, 2);
      append(".gnu.version", 0x6fffffff, numbers, table);
    }
    if (!defined_.empty()) {
      std::string strings(1, '\0');
      std::vector<std::uint8_t> records;
      for (std::size_t i = 0; i < defined_.size(); ++i) {
        put(records, 1, 2);
        put(records, 0, 2);
        put(records, defined_[i].second, 2);
        put(records, 1, 2);
        put(records, 0, 4);
        put(records, 20, 4);
        put(records, i + 1 < defined_.size() ? 28 : 0, 4);
        put(records, strings.size(), 4);
        put(records, 0, 4);
        strings += defined_[i].first + '\0';
      }
      append(".gnu.version_d", 0x6ffffffd, records, static_cast<unsigned>(sections_.size()) + 1);
      append(".verstr", 3, bytes_of(strings), 0);
    }
    if (!all_.empty()) {
      std::string strings(1, '\0');
      const auto records = symbols(all_, code, strings);
      append(".symtab", 2, records, static_cast<unsigned>(sections_.size()) + 1);
      append(".strtab", 3, bytes_of(strings), 0);
    }
    if (!points_.empty()) {
      const std::uint64_t base = data_address() + 0x80;
      std::vector<std::uint8_t> notes;
      for (const auto& one : points_) {
        std::vector<std::uint8_t> body;
        put(body, code_address() + one.at - moved_, word());
        put(body, base - moved_, word());
        put(body, one.semaphore == 0 ? 0 : data_address() + one.semaphore - moved_, word());
        for (const std::string& text : {one.provider, one.name, one.arguments})
          body.insert(body.end(), text.c_str(), text.c_str() + text.size() + 1);
        put(notes, 8, 4);
        put(notes, body.size(), 4);
        put(notes, 3, 4);
        const char owner[] = "stapsdt";
        notes.insert(notes.end(), owner, owner + sizeof owner);
        notes.insert(notes.end(), body.begin(), body.end());
        notes.resize((notes.size() + 3) / 4 * 4);
      }
      append(".note.stapsdt", 7, notes, 0);
      add_section(".stapsdt.base", 1, base, data_offset() + 0x80, 1, 0);
    }
    append_names();
    return finish();
  }

 private:
  struct symbol {
    std::string name;
    std::uint64_t at;
    std::uint8_t binding;
  };
  struct point {
    std::string provider, name, arguments;
    std::uint64_t at, semaphore;
  };
  struct section {
    std::uint32_t name = 0, type = 0;
    std::uint64_t address = 0, offset = 0, size = 0;
    std::uint32_t link = 0;
  };
  [[nodiscard]] unsigned word() const { return is_64_ ? 8 : 4; }
  void put(std::vector<std::uint8_t>& to, std::uint64_t value, unsigned size) const {
    for (unsigned i = 0; i < size; ++i)
      to.push_back(static_cast<std::uint8_t>(value >> (is_big_ ? size - 1 - i : i) * 8));
  }
  static std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }
  std::vector<std::uint8_t> symbols(const std::vector<symbol>& list, unsigned code,
                                    std::string& strings) const {
    std::vector<std::uint8_t> out(is_64_ ? 24 : 16, 0);
    for (const symbol& one : list) {
      const auto info = static_cast<std::uint8_t>(one.binding << 4 | 2);
      put(out, strings.size(), 4);
      if (is_64_) {
        put(out, info, 1), put(out, 0, 1), put(out, code, 2);
        put(out, code_address() + one.at, 8), put(out, 4, 8);
      } else {
        put(out, code_address() + one.at, 4), put(out, 4, 4);
        put(out, info, 1), put(out, 0, 1), put(out, code, 2);
      }
      strings += one.name + '\0';
    }
    return out;
  }
  unsigned add_section(const std::string& name, std::uint32_t type, std::uint64_t address,
                       std::uint64_t offset, std::uint64_t size, unsigned link) {
    sections_.push_back({static_cast<std::uint32_t>(names_.size()), type, address, offset, size, link});
    names_ += name + '\0';
    return static_cast<unsigned>(sections_.size() - 1);
  }
  unsigned append(const std::string& name, std::uint32_t type, const std::vector<std::uint8_t>& content,
                  unsigned link) {
    const std::uint64_t at = out_.size();
    out_.insert(out_.end(), content.begin(), content.end());
    return add_section(name, type, 0, at, content.size(), link);
  }
  void append_names() {
    const unsigned index = add_section(".shstrtab", 3, 0, out_.size(), 0, 0);
    sections_[index].size = names_.size();
    out_.insert(out_.end(), names_.begin(), names_.end());
  }
  std::vector<std::uint8_t> finish() {
    const std::uint64_t segments_at = out_.size();
    struct {
      std::uint64_t flags, offset, address;
    } const loaded[] = {{5, code_offset(), code_address()}, {6, data_offset(), data_address()}};
    for (const auto& segment : loaded) {
      put(out_, 1, 4);
      if (is_64_) put(out_, segment.flags, 4);
      put(out_, segment.offset, word()), put(out_, segment.address, word()),
          put(out_, segment.address, word());
      put(out_, 0x100, word()), put(out_, 0x100, word());
      if (!is_64_) put(out_, segment.flags, 4);
      put(out_, 1, word());
    }
    const std::uint64_t sections_at = out_.size();
    for (const section& one : sections_) {
      put(out_, one.name, 4), put(out_, one.type, 4), put(out_, 0, word()), put(out_, one.address, word());
      put(out_, one.offset, word()), put(out_, one.size, word()), put(out_, one.link, 4), put(out_, 0, 4);
      put(out_, 1, word()), put(out_, 0, word());
    }
    std::vector<std::uint8_t> head{0x7f,
                                   'E',
                                   'L',
                                   'F',
                                   static_cast<std::uint8_t>(is_64_ ? 2 : 1),
                                   static_cast<std::uint8_t>(is_big_ ? 2 : 1),
                                   1};
    head.resize(16);
    put(head, 3, 2), put(head, machine_, 2), put(head, 1, 4), put(head, 0, word());
    put(head, segments_at, word()), put(head, sections_at, word()), put(head, 0, 4);
    put(head, is_64_ ? 64 : 52, 2), put(head, is_64_ ? 56 : 32, 2), put(head, 2, 2);
    put(head, is_64_ ? 64 : 40, 2), put(head, sections_.size(), 2), put(head, sections_.size() - 1, 2);
    std::memcpy(out_.data(), head.data(), head.size());
    return std::move(out_);
  }

  bool is_64_, is_big_;
  std::uint16_t machine_;
  std::vector<symbol> shown_, all_;
  std::vector<std::uint16_t> versions_;
  std::vector<std::pair<std::string, std::uint16_t>> defined_;
  std::vector<point> points_;
  std::uint64_t moved_ = 0;
  std::vector<std::uint8_t> out_;
  std::vector<section> sections_;
  std::string names_;
};

#endif
