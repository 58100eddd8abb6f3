// SPDX-License-Identifier: MIT
// Fuzzes rooms kconfig and kernel_config: an input as variables that a program declares, and as what a kernel says of
// itself: the file of its configuration, plain or packed, its version, and what the user sets. A model in std::string
// says what must come out.
#define BAREBPF_LIBC_SYSCALL

#include <barebpf/kernel_config.hpp>
#include <cctype>
#include <optional>

#include "fuzz.hpp"
#include "lines.hpp"
#include "machine.hpp"

namespace {

using barebpf::extern_kind;
using barebpf::kconfig_form;
using barebpf::kconfig_slot;
using barebpf::text;
using barebpf::u16;
using barebpf::u32;
using barebpf::u64;
using barebpf::u8;
using value = std::vector<u8>;

// A number as strtoull reads it, which takes spaces and a sign of its own too.
bool model_number(const std::string& from, u64& out) {
  const std::size_t sign = !from.empty() && (from[0] == '-' || from[0] == '+');
  if (sign == from.size() || !std::isdigit(static_cast<unsigned char>(from[sign]))) return false;
  if (from.find('\0') != std::string::npos) return false;
  char* end = nullptr;
  errno = 0;
  out = std::strtoull(from.c_str(), &end, 0);
  return errno == 0 && *end == '\0';
}
void copy_low_bytes(u64& number, u8* bytes, u32 size, bool out_of_number) {
  u8* const low = reinterpret_cast<u8*>(&number) + (barebpf::host_is_big_endian ? 8 - size : 0);
  std::memcpy(out_of_number ? bytes : low, out_of_number ? low : bytes, size);
}
// A number fits where it comes back.
std::optional<value> model_of_number(const kconfig_slot& slot, u64 from) {
  using enum kconfig_form;
  if (slot.form != boolean && slot.form != number && slot.form != character) return std::nullopt;
  value out(slot.size);
  u64 kept = 0;
  copy_low_bytes(from, out.data(), slot.size, true);
  copy_low_bytes(kept, out.data(), slot.size, false);
  const unsigned shift = 64 - slot.size * 8;
  if (slot.is_signed) kept = static_cast<u64>(static_cast<std::int64_t>(kept << shift) >> shift);
  if (kept != from || (slot.form == boolean && from > 1)) return std::nullopt;
  return out;
}
std::optional<value> model_of_text(const kconfig_slot& slot, const std::string& said) {
  using enum kconfig_form;
  value out(slot.size);
  if (said[0] == 'y' || said[0] == 'n' || said[0] == 'm') {
    if (slot.form == boolean && said[0] != 'm') return value{said[0] == 'y'};
    if (slot.form == character) return value{static_cast<u8>(said[0])};
    if (slot.form == tristate)
      return model_of_number({number, false, 4}, said[0] == 'y' ? 1 : said[0] == 'm' ? 2 : 0);
    return std::nullopt;
  }
  if (said[0] == '"') {
    if (slot.form != characters || said.size() < 2 || said.back() != '"') return std::nullopt;
    const std::string inside = said.substr(1, said.size() - 2).substr(0, slot.size - 1);
    std::copy(inside.begin(), inside.end(), out.begin());
    return out;
  }
  u64 read = 0;
  if (slot.form == boolean || !model_number(said, read)) return std::nullopt;
  return model_of_number(slot, read);
}
// "6.1.170-rc1" is 6 << 16 | 1 << 8 | 170; 0 where it does not begin with three numbers.
u32 model_version(const std::string& from) {
  u32 numbers[3];
  std::size_t at = 0;
  for (u32& number : numbers) {
    if (&number != numbers && (at >= from.size() || from[at++] != '.')) return 0;
    const std::size_t first = at;
    while (at < from.size() && at - first < 9 && std::isdigit(static_cast<unsigned char>(from[at]))) ++at;
    if (at == first) return 0;
    number = static_cast<u32>(std::stoul(from.substr(first, at - first)));
  }
  return (numbers[0] << 16) + (numbers[1] << 8) + std::min(numbers[2], 255u);
}
// A variable, and what became of it in the model.
struct declared {
  std::string name;
  kconfig_slot slot;
  bool is_weak = false;
  u32 offset = 0;
  std::optional<value> set{};
};

// What all of it comes to; false where it must be refused.
class model {
 public:
  explicit model(std::vector<declared>& all) : all_(all) {}

  bool set_facts(u32 version, bool has_cookie, bool has_wrapper) {
    for (declared& one : all_) {
      if (one.name.starts_with("CONFIG_")) continue;
      const std::map<std::string, u64> facts{{"LINUX_KERNEL_VERSION", version},
                                             {"LINUX_HAS_BPF_COOKIE", has_cookie},
                                             {"LINUX_HAS_SYSCALL_WRAPPER", has_wrapper}};
      if (const auto fact = facts.find(one.name); fact != facts.end()) {
        one.set = model_of_number(one.slot, fact->second);
        if (!one.set) return false;
      } else if (!one.is_weak || !one.name.starts_with("LINUX_")) {
        return false;
      }
    }
    return true;
  }
  bool has_options() const {
    return std::any_of(all_.begin(), all_.end(),
                       [](const declared& one) { return one.name.starts_with("CONFIG_"); });
  }
  bool is_complete() const {
    return std::all_of(all_.begin(), all_.end(), [](const declared& one) {
      return one.set.has_value() || !one.name.starts_with("CONFIG_");
    });
  }
  bool set_lines(const std::string& lines) {
    for (const std::string& line : split(lines, '\n')) {
      if (!line.starts_with("CONFIG_")) continue;
      const std::size_t equals = line.find('=');
      if (equals == std::string::npos || equals + 1 == line.size()) return false;
      for (declared& one : all_) {
        if (one.set || one.name != line.substr(0, equals)) continue;
        one.set = model_of_text(one.slot, line.substr(equals + 1));
        if (!one.set) return false;
      }
    }
    return true;
  }

 private:
  std::vector<declared>& all_;
};

// A machine whose kernel has what programs ask for, or has not.
class kernel : public file_machine {
 public:
  bool has_cookie = false, has_wrapper = false;

  long answer(long number, const long* a) override {
    if (number == __NR_bpf) return has_cookie ? add_descriptor() : -EINVAL;
    if (number == __NR_perf_event_open) return has_wrapper ? add_descriptor() : -ENOENT;
    return file_machine::answer(number, a);
  }
};

std::vector<declared> read_declarations(number_source& numbers) {
  const char* const names[] = {"CONFIG_A",
                               "CONFIG_AB",
                               "CONFIG_HZ",
                               "CONFIG_",
                               "LINUX_KERNEL_VERSION",
                               "LINUX_HAS_BPF_COOKIE",
                               "LINUX_HAS_SYSCALL_WRAPPER",
                               "LINUX_LATER"};
  std::vector<declared> out(numbers.next<u8>() % 5);
  u32 offset = 0;
  for (declared& one : out) {
    const u8 what = numbers.next<u8>(), how = numbers.next<u8>();
    one.name = names[what % 8];
    one.is_weak = what >= 128;
    one.slot.form = static_cast<kconfig_form>(1 + how % 5);
    one.slot.is_signed = how >= 128;
    const u32 sizes[] = {1, 4, 1, 1u << how / 5 % 4, 1u + how / 5 % 20};
    one.slot.size = sizes[how % 5];
    one.offset = offset;
    offset += one.slot.size;
  }
  return out;
}

std::string pack(const std::string& content) {
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
  const auto put = [&out](u64 number, unsigned count) {
    for (unsigned i = 0; i < count; ++i) out += static_cast<char>(number >> (i * 8));
  };
  put(1, 1);  // one stored block, the last
  put(content.size(), 2);
  put(~content.size(), 2);
  out += content;
  put(barebpf::crc32(reinterpret_cast<const u8*>(content.data()), content.size()), 4);
  put(content.size(), 4);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  number_source numbers(data, size);
  std::vector<declared> wanted = read_declarations(numbers);
  const u8 flags = numbers.next<u8>();
  const std::size_t longest_read = numbers.next<u8>();
  const std::string release = to_string(numbers.next_text(numbers.next<u8>() % 24)),
                    version = to_string(numbers.next_text(numbers.next<u8>() % 48)),
                    signature = to_string(numbers.next_text(numbers.next<u8>() % 48));
  const heap_text options(numbers.next_text(numbers.next<u8>()));
  const std::string rest = to_string(numbers.next_text(numbers.left()));

  kernel running;
  running.has_cookie = (flags & 1) != 0;
  running.has_wrapper = (flags & 2) != 0;
  running.longest_read = longest_read == 0 ? ~std::size_t{0} : longest_read;
  running.words[2] = release;
  running.words[3] = version;
  if ((flags & 4) != 0) running.files["/proc/version_signature"] = signature + '\n';
  running.files["/sys/bus/event_source/devices/kprobe/type"] = "8\n";
  const bool is_packed = (flags & 8) != 0 && !rest.empty() && rest.size() < 65536;
  const std::string content = is_packed ? pack(rest) : rest;
  const char* const path = (flags & 16) != 0 ? "/etc/mine" : is_packed ? "/proc/config.gz" : nullptr;
  const std::string in_boot = "/boot/config-" + release.substr(0, release.find('\0'));
  running.files[path != nullptr ? path : in_boot] = content;

  std::vector<barebpf::extern_need> needs;
  u32 room = 0;
  for (const declared& one : wanted) {
    needs.push_back({.name = one.name.c_str(),
                     .known_size = static_cast<u32>(one.name.size()),
                     .hash = barebpf::hash_of(text(one.name)),
                     .kind = extern_kind::config,
                     .is_weak = one.is_weak,
                     .slot = one.slot,
                     .offset = one.offset});
    room += one.slot.size;
  }
  const exact<u8> filled(room);
  std::vector<barebpf::resolved_extern> found(needs.size());
  barebpf::outcome row;
  const std::size_t before = memory_asked_for;
  const bool is_filled =
      fill_config(needs.data(), static_cast<u32>(needs.size()), found.data(), filled.data(),
                  {.options = options, .file = (flags & 16) != 0 ? path : nullptr}, row);
  const std::size_t asked_for = memory_asked_for - before;
  promise(is_filled == !row.failed(), "options are there or there is an error, and never both");
  // The file, what is packed in it, and a piece of 64 KiB of /proc/version_signature for each that asks.
  promise(asked_for <= content.size() * 1033 + (wanted.size() << 17), "memory is bounded by the file");

  // What a file that looks packed holds is for the room inflate to say.
  const bool looks_packed = !is_packed && content.starts_with("\x1f\x8b");
  const bool is_read = path == nullptr || (flags & 16) != 0 || is_packed;
  promise(is_read, "each machine has a file with its options");
  model expected(wanted);
  const auto c_string = [](const std::string& from) { return from.substr(0, from.find('\0')).substr(0, 64); };
  u32 code = 0;
  if ((flags & 4) != 0) {
    const std::string line = split(signature + '\n', '\n')[0];
    std::size_t at = line.find(' ');
    at = at == std::string::npos ? at : line.find(' ', at + 1);
    if (at != std::string::npos) code = model_version(line.substr(at + 1));
  }
  const std::string said = c_string(version);
  for (std::size_t at = 0; code == 0 && at < said.size();) {
    const std::size_t end = std::min(said.find(' ', at), said.size());
    if (said.substr(at, end - at) == "Debian")
      code = model_version(end < said.size() ? said.substr(end + 1) : "");
    at = end + 1;
  }
  if (code == 0) code = model_version(c_string(release));
  bool is_good = expected.set_facts(code, running.has_cookie, running.has_wrapper);
  if (is_good && expected.has_options()) {
    is_good = expected.set_lines(to_string(options));
    if (is_good && !expected.is_complete()) {
      if (looks_packed) return 0;
      is_good = expected.set_lines(rest);
    }
  }
  promise(is_filled == is_good, "options are taken where the model takes them");
  if (!is_good) {
    promise(row.at == barebpf::step::read_kconfig && row.why != barebpf::cause::none,
            "what is wrong has a cause");
    return 0;
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    promise(found[i].is_found == wanted[i].set.has_value(), "what is set is found");
    const value is = wanted[i].set.value_or(value(wanted[i].slot.size));
    promise(std::memcmp(filled.data() + wanted[i].offset, is.data(), is.size()) == 0,
            "a variable has the value that the first line sets");
  }
  return 0;
}
