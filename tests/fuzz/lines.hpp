// SPDX-License-Identifier: MIT
// Texts for those targets that hold them against std::string, and models of what /proc says.
#ifndef BAREBPF_TESTS_FUZZ_LINES_HPP
#define BAREBPF_TESTS_FUZZ_LINES_HPP

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz.hpp"

/// What a room says as a string.
inline std::string to_string(barebpf::text from) { return {from.data(), from.size()}; }
/// A copy on the heap that ends with its last character.
struct heap_text {
  exact<char> characters;
  explicit heap_text(barebpf::text from) : characters(from.size()) {
    for (std::size_t i = 0; i < from.size(); ++i) characters[i] = from[i];
  }
  operator barebpf::text() const { return {characters.data(), characters.size()}; }
};

/// The pieces between each `at`; none behind the last one.
inline std::vector<std::string> split(const std::string& whole, char at) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from < whole.size();) {
    const std::size_t end = std::min(whole.find(at, from), whole.size());
    out.push_back(whole.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

/// Goes over a line from its beginning.
class walk {
 public:
  explicit walk(const std::string& line) : line_(line) {}
  bool take(char wanted) {
    const bool is_next = at_ < line_.size() && line_[at_] == wanted;
    at_ += is_next;
    return is_next;
  }
  /// One to sixteen hexadecimal digits, and no more of them behind.
  bool take_hex(std::uint64_t& out) {
    const std::size_t first = at_;
    while (at_ < line_.size() && std::isxdigit(static_cast<unsigned char>(line_[at_]))) ++at_;
    if (at_ == first || at_ - first > 16) return false;
    out = std::stoull(line_.substr(first, at_ - first), nullptr, 16);
    return true;
  }
  /// What stands in front of the next `end`, which is taken too.
  std::string take_until(char end) {
    const std::size_t first = at_, found = std::min(line_.find(end, at_), line_.size());
    at_ = std::min(found + 1, line_.size());
    return line_.substr(first, found - first);
  }
  std::string rest() const { return line_.substr(at_); }
  bool is_done() const { return at_ == line_.size(); }

 private:
  const std::string& line_;
  std::size_t at_ = 0;
};

/// A line of /proc/kallsyms.
struct model_kallsyms_line {
  std::uint64_t address = 0;
  char type = ' ';
  std::string symbol, module;

  bool read(const std::string& line) {
    walk in(line);
    if (!in.take_hex(address) || !in.take(' ') || in.is_done()) return false;
    type = in.rest()[0];
    if (!in.take(type) || !in.take(' ')) return false;
    symbol = in.take_until('\t');
    if (in.take('[')) module = in.take_until(']');
    return !symbol.empty() && in.is_done();
  }
};

/// A line of /proc/PID/maps.
struct model_maps_line {
  std::uint64_t first = 0, end = 0, offset = 0;
  bool is_executable = false;
  std::string path;

  bool read(const std::string& line) {
    walk in(line);
    if (!in.take_hex(first) || !in.take('-') || !in.take_hex(end) || !in.take(' ') || end <= first)
      return false;
    const std::string rights = in.take_until(' ');
    if (rights.size() != 4 || !in.take_hex(offset) || !in.take(' ')) return false;
    is_executable = rights[2] == 'x';
    if (in.take_until(' ').empty() || in.take_until(' ').empty()) return false;
    while (in.take(' ')) {
    }
    path = in.rest();
    return true;
  }
};

#endif
