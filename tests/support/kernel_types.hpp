// SPDX-License-Identifier: MIT
// The records and numbers of floor 1 beside those in a BTF that describes the kernel's: of a header, or of
// the kernel that runs. Both directions, so that what either side has alone is told by name.
#ifndef BAREBPF_TESTS_SUPPORT_KERNEL_TYPES_HPP
#define BAREBPF_TESTS_SUPPORT_KERNEL_TYPES_HPP

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "object_builder.hpp"
#include "reflect.hpp"

namespace kernel_types {

/// A number under its name: ours under the name that the kernel gives it.
using numbers = std::map<std::string, std::uint64_t>;

/// Every enumerator of `Enum` below 256 under the kernel's name, which begins with `prefix`.
template <class Enum>
numbers numbers_of(const std::string& prefix) {
  numbers out;
  for (auto& [value, name] : enumerators<Enum, 256>()) {
    if (prefix != "BPF_FUNC_")  // the kernel itself leaves the names of helpers as they are
      for (char& c : name)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    out.emplace(prefix + name, static_cast<std::uint64_t>(value));
  }
  return out;
}

/// The types in an object file, read by the library.
class type_source {
 public:
  explicit type_source(file_image object) : object_(std::move(object)) {
    barebpf::elf file;
    REQUIRE_FALSE(barebpf::elf::open(barebpf::bytes(object_.data(), object_.size()), file).failed());
    const barebpf::elf_section section = file.find_section(".BTF");
    REQUIRE_FALSE(barebpf::btf::open(file, section, types_).failed());
    index_.resize(types_.index_size());
    types_.build_index(index_.data());
  }
  // The types point into the object.
  type_source(const type_source&) = delete;
  type_source& operator=(const type_source&) = delete;

  [[nodiscard]] const barebpf::btf& types() const { return types_; }
  [[nodiscard]] std::string name_at(std::uint64_t at) const {
    std::string out;
    for (; types_.image().read8(at) != 0; ++at) out += static_cast<char>(types_.image().read8(at));
    return out;
  }

 private:
  file_image object_;
  barebpf::btf types_;
  std::vector<barebpf::u32> index_;
};

file_image read_whole(const std::string& path);
/// An object file that holds nothing but these types.
file_image object_around(file_image btf);

/// Which of the two sides may have what the other lacks.
enum class compare {
  both_ways,     ///< neither
  theirs_in_us,  ///< we, because the other side is older
};

/// Every difference, one a line; empty when there is none.
std::string record_differences(const type_source& from, compare how);
std::string number_differences(const type_source& from, compare how);
/// Members of our records that are beside no member of the kernel's, as far as bytes without one tell.
std::string record_gaps();

}  // namespace kernel_types

#endif
