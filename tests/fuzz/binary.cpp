// SPDX-License-Identifier: MIT
// Fuzzes rooms binary, usdt and pattern: an input as a program or library, as the words for where arguments are, and as a
// name and a pattern. An object file is taken for a library, so that the seeds lead somewhere.
#include <barebpf/usdt.hpp>
#include <string>
#include <vector>

#include "fuzz.hpp"

namespace {

using barebpf::cause;
using barebpf::text;
using barebpf::u64;
using barebpf::u8;

class memory_file {
 public:
  explicit memory_file(const exact<u8>& bytes) : bytes_(&bytes) {}
  [[nodiscard]] u64 size() const noexcept { return bytes_->size(); }
  [[nodiscard]] barebpf::result<void> read(u64 offset, void* to, std::size_t size) const noexcept {
    promise(offset <= bytes_->size() && size <= bytes_->size() - offset,
            "nothing is read outside of the file");
    if (size != 0) std::memcpy(to, bytes_->data() + offset, size);
    return {};
  }

 private:
  const exact<u8>* bytes_;
};

bool is_expected(cause why) {
  return why == cause::none || why == cause::damaged_binary || why == cause::no_function_names ||
         why == cause::no_usdt;
}

void look_into(const exact<u8>& bytes) {
  const memory_file file(bytes);
  const std::size_t before = memory_asked_for;
  const auto opened = barebpf::binary<memory_file>::open(file);
  if (!opened) {
    promise(opened.error().why == cause::not_a_binary || opened.error().why == cause::damaged_binary,
            "what is no binary has a reason");
    return;
  }
  std::vector<std::string> names;
  std::size_t count = 0;
  const auto walked = opened->each_function([&](const barebpf::binary_function& function) {
    if (names.size() < 4) names.emplace_back(function.name.data(), function.name.size());
    return ++count < 4096;
  });
  promise(walked.has_value() || is_expected(walked.error().why), "a walk over functions has a reason to end");
  for (const std::string& name : names) {
    const auto found = opened->find_function(name);
    if (name.find('@') == std::string::npos && walked.has_value() && count < 4096)
      promise(found.has_value() || found.error().why == cause::ambiguous_function || name.empty(),
              "what was visited is found");
  }
  static_cast<void>(opened->find_function("malloc@V_1"));
  const auto points = each_usdt(*opened, [&](const barebpf::usdt_site& site) {
    promise(site.arguments.size() <= bytes.size(), "the words of a trace point are in the file");
    barebpf::usdt_spec spec;
    static_cast<void>(spec.read(site.arguments, opened->machine()));
    return true;
  });
  promise(points.has_value() || is_expected(points.error().why),
          "a walk over trace points has a reason to end");
  promise(memory_asked_for - before <= 64 * bytes.size() + 4096, "memory is bounded by the file");
}

void read_arguments(text words) {
  for (const barebpf::u16 machine : std::initializer_list<barebpf::u16>{62, 183, 22, 243}) {
    barebpf::usdt_spec spec;
    if (!spec.read(words, machine)) continue;
    promise(spec.count <= barebpf::usdt_spec::most_arguments, "no more arguments than there is room for");
    for (const barebpf::u32 size : {barebpf::usdt_spec::short_size, barebpf::usdt_spec::long_size}) {
      const exact<u8> element(size);
      spec.write(element.data(), size);
      promise(element[size - 1] == 1, "a written element says that it is taken");
    }
    // The last one of all is arm64's pc.
    const auto is_register = [](barebpf::u16 place) { return place <= 256 && place % 8 == 0; };
    for (barebpf::u32 i = 0; i < spec.count; ++i)
      promise(is_register(spec.arguments[i].base) && is_register(spec.arguments[i].index) &&
                  spec.arguments[i].scale < 4,
              "a register is one of the machine's");
  }
}

// What a pattern means, in as few words as can be.
bool fits(text name, text pattern) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*')
    return fits(name, pattern.without_first(1)) || (!name.empty() && fits(name.without_first(1), pattern));
  return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
         fits(name.without_first(1), pattern.without_first(1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  exact<u8> bytes(size);
  if (size != 0) std::memcpy(bytes.data(), data, size);
  look_into(bytes);
  if (size > 17) {
    const bool is_big = bytes[5] == barebpf::abi::elf_big_endian;
    bytes[is_big ? 17 : 16] = 3;
    bytes[is_big ? 16 : 17] = 0;
    look_into(bytes);
  }
  const text words(reinterpret_cast<const char*>(data), size);
  if (size < 512) read_arguments(words);
  if (size >= 1 && size < 16) {
    const std::size_t split = data[0] % size;
    const text name = text(words.data() + 1, split < size - 1 ? split : size - 1),
               pattern = words.without_first(1 + name.size());
    promise(fits_pattern(name, pattern) == fits(name, pattern), "a pattern means what it means");
    barebpf::nearest_name nearest(name);
    nearest.see(pattern);
    promise(nearest.found().size() <= pattern.size(),
            "what is most like a name is one of those that were seen");
  }
  return 0;
}
