// SPDX-License-Identifier: MIT
// Prints the table of docs/maps.md from the one that the typed maps and the tests read.
#include <cstdio>
#include <string>

#include "../support/library.hpp"
#include "../support/reflect.hpp"

namespace {

std::string to_string(barebpf::text from) { return {from.data(), from.size()}; }

template <class Enum>
std::string name_of(Enum value) {
  for (const auto& one : enumerators<Enum, 64>())
    if (one.value == value) return one.name;
  return "?";
}

std::string version(barebpf::u32 kernel) {
  return std::to_string(kernel >> 16) + "." + std::to_string(kernel >> 8 & 255);
}

std::string operations(barebpf::u32 bits) {
  constexpr const char* words[] = {"lookup",     "update",       "delete",       "next",
                                   "take",       "batch lookup", "batch update", "batch delete",
                                   "batch take", "mmap",         "freeze"};
  std::string out;
  for (unsigned bit = 0; bit < sizeof words / sizeof words[0]; ++bit)
    if ((bits >> bit & 1) != 0) out += (out.empty() ? "" : ", ") + std::string(words[bit]);
  return out;
}

std::string flags(barebpf::u32 bits, barebpf::u32 required) {
  constexpr const char* words[] = {"no_prealloc", "no_common_lru",  "numa_node",    "rdonly",
                                   "wronly",      "stack_build_id", "zero_seed",    "rdonly_prog",
                                   "wronly_prog", "clone",          "mmapable",     "preserve_elems",
                                   "inner_map",   "link",           "path_fd",      "vtype_btf_obj_fd",
                                   "token_fd",    "segv_on_fault",  "no_user_conv", "rb_overwrite"};
  std::string out;
  for (unsigned bit = 0; bit < sizeof words / sizeof words[0]; ++bit) {
    if ((bits >> bit & 1) == 0) continue;
    const bool must = (required >> bit & 1) != 0;
    out += (out.empty() ? "" : ", ") + std::string(must ? "**" : "") + words[bit] + (must ? "**" : "");
  }
  return out;
}

}  // namespace

int main() {
  std::printf(
      "| type | since | key | value | entries | BTF | operations | flags "
      "|\n|---|---|---|---|---|---|---|---|\n");
  for (const barebpf::map_kind& kind : barebpf::map_kinds)
    std::printf("| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", to_string(kind.type_name).c_str(),
                version(kind.first_kernel).c_str(), name_of(kind.key).c_str(), name_of(kind.value).c_str(),
                name_of(kind.entries).c_str(), name_of(kind.btf).c_str(), operations(kind.operations).c_str(),
                flags(kind.flags, kind.required_flags).c_str());
}
