// SPDX-License-Identifier: MIT
// Fuzzes what the kernel writes as text, line by line and in small files: lines of /proc, who holds what, places of
// probes, ranges of CPUs, numbers in sysfs, and the verifier's log. Each is held against a model in std::string.
#define BAREBPF_LIBC_SYSCALL

#include <barebpf/holders.hpp>
#include <barebpf/link.hpp>
#include <barebpf/map/per_cpu.hpp>
#include <barebpf/probe.hpp>
#include <barebpf/proc_lines.hpp>
#include <optional>
#include <tuple>

#include "fuzz.hpp"
#include "lines.hpp"
#include "machine.hpp"

namespace {

using barebpf::text;
using barebpf::u32;
using barebpf::u64;
using barebpf::u8;

void check_lines(const std::string& whole) {
  const heap_text held{text(whole.data(), whole.size())};
  const text line = held;
  const auto lies_inside = [&line](text part) {
    return part.empty() ||
           (part.data() >= line.data() && part.data() + part.size() <= line.data() + line.size());
  };
  barebpf::kallsyms_line symbol;
  model_kallsyms_line of_symbol;
  promise(read_kallsyms_line(line, symbol) == of_symbol.read(whole),
          "a symbol is one where the model sees one");
  if (model_kallsyms_line().read(whole))
    promise(symbol.address == of_symbol.address && symbol.type == of_symbol.type &&
                to_string(symbol.symbol) == of_symbol.symbol &&
                to_string(symbol.module) == of_symbol.module && lies_inside(symbol.symbol) &&
                lies_inside(symbol.module),
            "a symbol is what its line says");
  barebpf::maps_line mapping;
  model_maps_line of_mapping;
  promise(read_maps_line(line, mapping) == of_mapping.read(whole),
          "a mapping is one where the model sees one");
  if (model_maps_line().read(whole))
    promise(mapping.first == of_mapping.first && mapping.end == of_mapping.end &&
                mapping.offset == of_mapping.offset && mapping.is_executable == of_mapping.is_executable &&
                to_string(mapping.path) == of_mapping.path && lies_inside(mapping.path),
            "a mapping is what its line says");
}

// The digits that `from` begins with; nothing where there are none, too many, or a needless zero in front.
std::optional<u64> model_decimal(const std::string& from, std::size_t most, std::string& rest) {
  std::size_t count = 0;
  while (count < from.size() && std::isdigit(static_cast<unsigned char>(from[count]))) ++count;
  if (count == 0 || count > most || (count > 1 && from[0] == '0')) return std::nullopt;
  rest = from.substr(count);
  return std::stoull(from.substr(0, count));
}

void check_place(const std::string& whole) {
  const heap_text held{text(whole.data(), whole.size())};
  const barebpf::probe_place found = barebpf::read_probe_place(held);
  const std::size_t plus = whole.find('+');
  std::string function = whole.substr(0, plus);
  u64 offset = 0;
  if (plus != std::string::npos) {
    const std::string number = whole.substr(plus + 1);
    std::string rest;
    if (number.starts_with("0x")) {
      const std::string digits = number.substr(2);
      walk in(digits);
      if (!in.take_hex(offset) || !in.is_done()) function.clear();
    } else if (const auto decimal = model_decimal(number, 19, rest); decimal && rest.empty()) {
      offset = *decimal;
    } else {
      function.clear();
    }
  }
  promise(to_string(found.function) == function && found.offset == (function.empty() ? 0 : offset),
          "a place is a function and a number behind a plus");
}

// What the kernel writes of CPUs: "0-3,6".
u32 model_cpus(std::string whole) {
  if (!whole.empty() && whole.back() == '\n') whole.pop_back();
  if (whole.empty() || whole.back() == ',') return 0;
  u32 count = 0;
  for (const std::string& range : split(whole, ',')) {
    const std::size_t dash = range.find('-');
    const std::string first = range.substr(0, dash),
                      last = dash == std::string::npos ? first : range.substr(dash + 1);
    u32 ends[2];
    for (const auto& [from, to] : {std::pair(&first, &ends[0]), std::pair(&last, &ends[1])}) {
      if (from->empty() || from->find_first_not_of("0123456789") != std::string::npos) return 0;
      const std::size_t start = std::min(from->find_first_not_of('0'), from->size() - 1);
      if (from->size() - start > 5) return 0;
      *to = static_cast<u32>(std::stoul(from->substr(start)));
      if (*to > 0xffff) return 0;
    }
    if (ends[1] < ends[0]) return 0;
    count += ends[1] - ends[0] + 1;
  }
  return count;
}
void check_small_files(file_machine& machine, const std::string& whole) {
  const heap_text held{text(whole.data(), whole.size())};
  promise(barebpf::count_cpus(held) == model_cpus(whole), "CPUs are counted as the model counts them");
  machine.files["/sys/devices/system/cpu/possible"] = whole;
  const auto cpus = barebpf::possible_cpus();
  const u32 expected = model_cpus(whole.substr(0, std::min<std::size_t>(256, machine.longest_read)));
  promise(cpus.has_value() == (expected != 0) && (!cpus || *cpus == expected),
          "there are as many CPUs as the file says, or there is an error");

  machine.files["/a_number"] = whole;
  const std::string seen = whole.substr(0, std::min<std::size_t>(16, machine.longest_read));
  const std::size_t digits = std::min(seen.find_first_not_of("0123456789"), seen.size());
  promise(barebpf::detail::read_tracepoint_id(barebpf::current_folder, "/a_number") ==
              (digits == 0 ? 0 : std::stol(seen.substr(0, digits))),
          "the number of a tracepoint is what the file begins with");
  const long number = barebpf::detail::read_number_in("/a_number", 2);
  promise(number >= 0, "a number of sysfs is one, whatever is in the file");
  const std::string part = whole.substr(0, std::min<std::size_t>(32, machine.longest_read));
  if (const std::string from = part.substr(std::min<std::size_t>(2, part.size()));
      std::min(from.find_first_not_of("0123456789"), from.size()) < 10)
    promise(number == std::atol(("0" + from.substr(0, from.find_first_not_of("0123456789"))).c_str()),
            "a number of sysfs is what stands behind the first characters");
}

// The last line of a log of which is "12: (85) call unknown#7".
void check_log(const std::string& whole) {
  const heap_text held{text(whole.data(), whole.size())};
  const barebpf::unknown_call found = barebpf::last_unknown_call(held);
  barebpf::unknown_call expected;
  const std::string words = ": (85) call unknown#";
  for (const std::string& line : split(whole, '\n')) {
    std::string rest, behind;
    const auto instruction = model_decimal(line, 9, rest);
    if (!instruction || !rest.starts_with(words)) continue;
    if (const auto number = model_decimal(rest.substr(words.size()), 10, behind); number)
      expected = {static_cast<u32>(*instruction), static_cast<u32>(*number)};
  }
  promise(found.instruction == expected.instruction && found.number == expected.number,
          "the last call of something unknown is found");
}

// Folders of /proc with numbers and other names, and what stands in their files.
void check_holders(file_machine& machine, const std::string& whole) {
  using seen = std::tuple<u32, u32, barebpf::id_of, u32>;
  std::vector<seen> expected;
  u32 process = 1, descriptor = 0;
  machine.files["/proc/self/fdinfo/0"] = "map_id:\t1\n";
  for (const std::string& content : split(whole, '\xff')) {
    machine.files["/proc/" + std::to_string(process) + "/fdinfo/" + std::to_string(descriptor)] = content;
    const std::pair<std::string, barebpf::id_of> keys[] = {{"link_id:\t", barebpf::id_of::link},
                                                           {"map_id:\t", barebpf::id_of::map},
                                                           {"prog_id:\t", barebpf::id_of::program},
                                                           {"btf_id:\t", barebpf::id_of::btf}};
    bool is_found = false;
    for (const std::string& line :
         split(content.substr(0, std::min<std::size_t>(2048, machine.longest_read)), '\n'))
      for (const auto& [key, kind] : keys) {
        std::string rest;
        if (is_found || !line.starts_with(key)) continue;
        if (const auto id = model_decimal(line.substr(key.size()), 10, rest); id) {
          expected.emplace_back(process, descriptor, kind, static_cast<u32>(*id));
          is_found = true;
        }
      }
    if (++descriptor == 3) {
      ++process;
      descriptor = 0;
    }
  }
  std::vector<seen> found;
  const auto walked = barebpf::each_holder([&found](const barebpf::holder& one) {
    found.emplace_back(one.process, one.descriptor, one.kind, one.id);
    return true;
  });
  promise(walked.has_value(), "a walk over /proc comes to its end");
  std::sort(found.begin(), found.end());
  std::sort(expected.begin(), expected.end());
  promise(found == expected, "what each descriptor is open to is found");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  number_source numbers(data, size);
  const u8 what = numbers.next<u8>();
  const std::size_t longest_read = numbers.next<u8>();
  const std::string whole = to_string(numbers.next_text(numbers.left()));
  file_machine machine;
  machine.longest_read = longest_read == 0 ? ~std::size_t{0} : longest_read;
  switch (what % 6) {
    case 0:
      check_lines(whole);
      break;
    case 1:
      for (const std::string& line : split(whole, '\n')) check_lines(line);
      break;
    case 2:
      check_place(whole);
      break;
    case 3:
      check_small_files(machine, whole);
      break;
    case 4:
      check_log(whole);
      break;
    default:
      check_holders(machine, whole);
  }
  return 0;
}
