// SPDX-License-Identifier: MIT
// Prints the table of docs/maps.md from the one that the typed maps and the tests read; with the argument "rules" what
// stands under each type there.
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
                                   "batch take", "mmap",         "freeze",       "noexist and exist",
                                   "under_lock", "on_cpu"};
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

const char* key_words(barebpf::key_rule rule) {
  using enum barebpf::key_rule;
  switch (rule) {
    case none:
      return "none, so give `no_key`";
    case index:
      return "the number of a slot, 4 bytes, below `max_entries`";
    case bytes:
      return "any bytes without padding, compared as they are";
    case prefix:
      return "4 bytes that count bits, and 1 to 256 bytes";
    case descriptor:
      return "a descriptor of the owner, 4 bytes: `owner_fd`";
    case cgroup:
      return "the id of a cgroup, 8 bytes, or a `cgroup_storage_key`";
    case ifindex:
      return "a number of your choice, 4 bytes";
    case single:
      return "0, 4 bytes";
  }
  return "?";
}

const char* value_words(barebpf::value_rule rule) {
  using enum barebpf::value_rule;
  switch (rule) {
    case none:
      return "none, so give `no_value`";
    case plain:
      return "any bytes";
    case per_cpu:
      return "any bytes, at most 32,768, once for each possible CPU: `per_cpu_values`";
    case program:
      return "`program_fd` in, `program_id` out";
    case map:
      return "`map_fd` in, `map_id` out";
    case event:
      return "`event_fd` in, nothing out";
    case cgroup:
      return "`cgroup_fd` in, nothing out";
    case socket:
      return "`socket_fd` in, `socket_cookie` out; or `short_socket_fd` in, nothing out";
    case xsk:
      return "`xsk_fd` in, nothing out";
    case device:
      return "`device`, or `device_and_program` in and out with the program's id";
    case cpu:
      return "`cpu_queue`, or `cpu_queue_and_program` in and out with the program's id";
    case stack:
      return "`stack_addresses`, or `stack_build_ids` with `stack_build_id`; out only";
    case kernel_type:
      return "the kernel's own struct";
    case instruction:
      return "`instruction_place`";
  }
  return "?";
}

const char* entries_words(barebpf::entries_rule rule) {
  using enum barebpf::entries_rule;
  switch (rule) {
    case count:
      return "at least 1";
    case zero:
      return "0";
    case one:
      return "1";
    case ring_size:
      return "bytes, a power of two and whole pages";
    case pages:
      return "pages, 4 GiB in all at most";
  }
  return "?";
}

void print_rules(const barebpf::map_kind& kind) {
  std::printf("== %s\n- Since Linux %s. Key: %s. Value: %s. `max_entries`: %s.\n- Operations: %s.\n",
              to_string(kind.type_name).c_str(), version(kind.first_kernel).c_str(), key_words(kind.key),
              value_words(kind.value), entries_words(kind.entries), operations(kind.operations).c_str());
  if (kind.flags != 0) std::printf("- Flags: %s.\n", flags(kind.flags, kind.required_flags).c_str());
  if (kind.btf == barebpf::btf_rule::required) std::printf("- It needs types of its key and value.\n");
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::string(arguments[1]) == "rules") {
    for (const barebpf::map_kind& kind : barebpf::map_kinds) print_rules(kind);
    return 0;
  }
  std::printf(
      "| type | since | key | value | entries | BTF | operations | flags "
      "|\n|---|---|---|---|---|---|---|---|\n");
  for (const barebpf::map_kind& kind : barebpf::map_kinds)
    std::printf("| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", to_string(kind.type_name).c_str(),
                version(kind.first_kernel).c_str(), name_of(kind.key).c_str(), name_of(kind.value).c_str(),
                name_of(kind.entries).c_str(), name_of(kind.btf).c_str(), operations(kind.operations).c_str(),
                flags(kind.flags, kind.required_flags).c_str());
}
