// SPDX-License-Identifier: MIT
// Fuzzes rooms symbols and kernel_names: an input as /proc/kallsyms and as /proc/PID/maps, read in pieces of any size.
// A model that splits the text, sorts it and looks at each line finds the same.
#define BAREBPF_LIBC_SYSCALL

#include <barebpf/kernel_names.hpp>
#include <barebpf/symbols.hpp>

#include "fuzz.hpp"
#include "lines.hpp"
#include "machine.hpp"

namespace {

using barebpf::cause;
using barebpf::text;
using barebpf::u32;
using barebpf::u64;
using barebpf::u8;

// What a reader of lines of at most 64 KiB makes of a file: the lines in front of the first that is too long, and whether
// there is such a one.
std::vector<std::string> lines_of(const std::string& file, bool& is_too_long) {
  std::vector<std::string> out = split(file, '\n');
  const auto longest =
      std::find_if(out.begin(), out.end(), [](const auto& line) { return line.size() >= 65536; });
  is_too_long = longest != out.end();
  out.erase(longest, out.end());
  return out;
}

struct model_symbol {
  u64 address;
  std::string name, module;
};

// The addresses that are worth asking for: each that is there, its neighbours, and what the input says.
template <class List>
std::vector<u64> questions(const List& list, u64 more) {
  std::vector<u64> out{0, more, ~u64{0}};
  for (std::size_t i = 0; i < list.size() && i < 64; ++i)
    for (const u64 off : {u64{0}, u64{1}, ~u64{0}, u64{1} << 20, (u64{1} << 20) - 1})
      out.push_back(list[i].address + off);
  return out;
}

void check_kernel_symbols(file_machine& machine, const std::string& file, u64 more) {
  const std::size_t before = memory_asked_for;
  const auto read = barebpf::kernel_symbols::read("/proc/kallsyms");
  // A line of 21 bytes makes a place of 16 and a name, both in arrays that double and are copied in the end.
  promise(memory_asked_for - before <= file.size() * 16 + (1 << 18), "memory is bounded by the file");
  promise(machine.reads <= file.size() / std::min<std::size_t>(machine.longest_read, 4096) + 4,
          "a file is read once");

  bool is_too_long = false, are_hidden = false, is_bad = false;
  std::vector<model_symbol> list;
  for (const std::string& line : lines_of(file, is_too_long)) {
    model_kallsyms_line seen;
    if (is_bad = !seen.read(line); is_bad) break;
    if (std::string("tTwW").find(seen.type) == std::string::npos || seen.symbol[0] == '$') continue;
    are_hidden = are_hidden || seen.address == 0;
    // A name is kept as it is in C.
    const auto kept = [](const std::string& name) { return name.substr(0, name.find('\0')); };
    if (seen.address != 0) list.push_back({seen.address, kept(seen.symbol), kept(seen.module)});
  }
  const bool is_refused = is_bad || is_too_long || (are_hidden && list.empty());
  promise(read.has_value() == !is_refused, "a list is read where each line is one");
  if (!read) {
    promise(read.error().at == barebpf::step::read_file &&
                (is_bad        ? read.error().why == cause::bad_proc_line
                 : is_too_long ? read.error().code == EOVERFLOW
                               : read.error().why == cause::hidden_addresses),
            "what is wrong with a list has its reason");
    return;
  }
  promise(read->size() == list.size(), "each function is kept");
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.address < b.address; });
  for (const u64 address : questions(list, more)) {
    const model_symbol* expected = nullptr;
    for (const model_symbol& one : list)
      if (one.address <= address && (expected == nullptr || expected->address != one.address))
        expected = &one;
    if (expected != nullptr && address - expected->address >= 1 << 20) expected = nullptr;
    const barebpf::kernel_place found = read->find(address);
    promise(to_string(found.symbol) == (expected ? expected->name : "") &&
                to_string(found.module) == (expected ? expected->module : "") &&
                found.offset == (expected ? address - expected->address : 0),
            "an address is in the function that begins last in front of it");
  }
}

void check_addresses(const std::string& file) {
  const char* const names[] = {"first", "a", "vfs_read", "_text"};
  std::vector<barebpf::extern_need> needs;
  for (const char* const name : names)
    needs.push_back({.name = name,
                     .known_size = static_cast<u32>(std::strlen(name)),
                     .hash = barebpf::hash_of(text(name)),
                     .kind = barebpf::extern_kind::address});
  std::vector<barebpf::resolved_extern> found(needs.size());
  barebpf::outcome row;
  const bool are_found = find_names(needs.data(), static_cast<u32>(needs.size()), found.data(), row);
  promise(are_found == !row.failed(), "names are looked for or there is an error, and never both");

  bool is_refused = false, are_shown = false, is_hidden = false, is_ambiguous = false;
  std::map<std::string, u64> addresses;
  for (const std::string& line : lines_of(file, is_refused)) {
    model_kallsyms_line seen;
    if (!seen.read(line)) {
      is_refused = true;
      break;
    }
    are_shown = are_shown || seen.address != 0;
    if (std::find(std::begin(names), std::end(names), seen.symbol) == std::end(names)) continue;
    is_hidden = is_hidden || seen.address == 0;
    const auto [at, is_new] = addresses.insert({seen.symbol, seen.address});
    is_ambiguous = is_ambiguous || at->second != seen.address;
    at->second = seen.address;
  }
  promise(are_found == !(is_refused || (is_hidden && !are_shown) || is_ambiguous),
          "names are found where each has one address");
  if (!are_found) return;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    const auto expected = addresses.find(names[i]);
    promise(found[i].is_found == (expected != addresses.end()) &&
                (!found[i].is_found || found[i].value == expected->second),
            "a name has the address of its line");
  }
}

void check_mappings(const std::string& file, u64 more) {
  const std::size_t before = memory_asked_for;
  const auto read = barebpf::user_mappings::read(42);
  promise(memory_asked_for - before <= file.size() * 16 + (1 << 18), "memory is bounded by the file");
  struct model_mapping {
    u64 address, end, offset;
    std::string path;
  };
  bool is_refused = false, is_in_order = true;
  std::vector<model_mapping> list;
  for (const std::string& line : lines_of(file, is_refused)) {
    model_maps_line seen;
    if (!seen.read(line)) {
      is_refused = true;
      break;
    }
    if (!seen.is_executable) continue;
    is_in_order = is_in_order && (list.empty() || list.back().end <= seen.first);
    list.push_back({seen.first, seen.end, seen.offset, seen.path.substr(0, seen.path.find('\0'))});
  }
  promise(read.has_value() == !is_refused, "mappings are read where each line is one");
  if (!read) return;
  promise(read->size() == list.size(), "each mapping that is executed is kept");
  for (const u64 address : questions(list, more)) {
    const barebpf::user_place found = read->find(address);
    // As the kernel lists them, one behind the other; in another order a place is still one of the list.
    const auto expected = std::find_if(list.begin(), list.end(), [&](const model_mapping& one) {
      return one.address <= address && address < one.end &&
             (is_in_order ||
              (one.path == to_string(found.path) && found.offset == address - one.address + one.offset));
    });
    if (expected == list.end())
      promise(found.path.empty() && found.offset == 0, "what is not mapped is nowhere");
    else if (is_in_order)
      promise(to_string(found.path) == expected->path &&
                  found.offset == address - expected->address + expected->offset,
              "an address is in the file that is mapped there");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  number_source numbers(data, size);
  const std::size_t longest_read = numbers.next<u8>();
  const u64 more = numbers.next();
  const std::string file = to_string(numbers.next_text(numbers.left()));

  file_machine machine;
  machine.longest_read = longest_read == 0 ? ~std::size_t{0} : longest_read;
  machine.files["/proc/kallsyms"] = file;
  machine.files["/proc/42/maps"] = file;
  check_kernel_symbols(machine, file, more);
  check_addresses(file);
  check_mappings(file, more);
  return 0;
}
