// SPDX-License-Identifier: MIT
// Each object that is named, cut at every byte and with every byte changed in turn, is read as a program reads it, and
// everything is done with it short of the kernel, up to the records that the kernel would get, fitted to the types of the
// whole object. Prints what became of the inputs, the most memory that one of them asked for and the slowest; the memory is
// held by a count of its bytes, and the time is not held at all.
#define BAREBPF_LIBC_SYSCALL

#include <bit>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "../support/reading.hpp"
#include "fuzz.hpp"
#include "machine.hpp"

namespace {

using barebpf::u32;

// What object_spec::read may ask for, and what the records take beside it. Any file may ask for twenty times its size, see
// spec.cpp; these objects have half a byte for each byte, and one that changes must not make much of it.
constexpr std::size_t most_memory_for_a_byte = 1, most_memory_of_records = 4;

std::string input;  // the one that is looked at, for the sentence of a broken promise
void hold(bool truth, const char* sentence) {
  if (!truth) std::fprintf(stderr, "%s\n", input.c_str());
  promise(truth, sentence);
}

// Which input asked for most in ratio to its size.
struct most_memory {
  std::size_t asked_for = 0, size = 1;

  void see(std::size_t memory, std::size_t of) {
    if (memory * size <= asked_for * of) return;
    asked_for = memory;
    size = of;
  }
  double ratio() const { return static_cast<double>(asked_for) / static_cast<double>(size); }
};
most_memory of_reading, of_records;
double slowest = 0;  // milliseconds of processor time
std::string is_slowest;

double processor_time() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void promise_place(const barebpf::bytes& image, std::uint64_t offset, std::uint64_t section) {
  hold(offset <= image.size(), "the offset of an error lies in the file");
  barebpf::elf file;
  if (section != 0 && !barebpf::elf::open(image, file).failed())
    hold(section < file.section_count(), "the section of an error is there");
}

// The records that the kernel would get, with the instructions fitted to the types in `target`.
void make_records(const barebpf::object_spec& spec, const std::vector<char>& target, std::size_t size) {
  const std::size_t before = memory_asked_for;
  const barebpf::load_options options;
  const auto name = barebpf::to_kernel_name("object");
  auto made = barebpf::detail::recipe_writer(spec, name, options).write(barebpf::btf_choice::all);
  if (made) {
    const barebpf::object_records& records = made->records;
    barebpf::fitting fitting(records.btf, records.btf_size, records.cores, records.program_count,
                             {reinterpret_cast<const unsigned char*>(target.data()), target.size()});
    for (u32 i = 0; records.cores != nullptr && i < records.program_count; ++i) {
      const barebpf::abi::prog_load& program = records.programs[i];
      if (records.cores[i].count == 0) continue;
      const exact<barebpf::abi::insn> fitted(program.insn_cnt);
      for (u32 k = 0; k < program.insn_cnt; ++k)
        fitted[k] = std::bit_cast<barebpf::abi::insn>(records.patches[i].code[k]);
      barebpf::outcome row;
      const bool fits = fitting.fit(i, fitted.data(), program.insn_cnt, row);
      hold(fits == !row.failed(), "a program fits or there is an error, and never both");
    }
  }
  const std::size_t memory = memory_asked_for - before;
  hold(memory <= most_memory_of_records * size, "records are bounded by the file's size");
  of_records.see(memory, size);
}

// True for an object that can be read. `whole` is what it was before.
bool look_at(const exact<unsigned char>& bytes, const std::vector<char>& whole) {
  const barebpf::bytes image(bytes.data(), bytes.size());
  const double begin = processor_time();
  const std::size_t before = memory_asked_for;
  const auto spec = barebpf::object_spec::read(image);
  const std::size_t memory = memory_asked_for - before;
  hold(memory <= most_memory_for_a_byte * bytes.size(), "memory is bounded by the file's size");
  of_reading.see(memory, bytes.size());
  if (spec) {
    make_records(*spec, whole, bytes.size());
  } else {
    hold(spec.error().why != barebpf::cause::none || spec.error().code != 0, "an error has a reason");
    hold(spec.error().name[sizeof spec.error().name - 1] == '\0', "what an error is about ends");
    promise_place(image, spec.error().offset, 0);
    char sentence[512];
    hold(!describe(spec.error(), sentence, sizeof sentence).empty(), "an error has a sentence");
  }
  const reading object(image);
  hold(object.fault.failed() == !spec, "an object is a value or an error, and the same for all");
  promise_place(image, object.fault.offset, object.fault.section);
  hold(is_handled_inside(object), "nothing leaves its storage");
  if (const double took = processor_time() - begin; took > slowest) {
    slowest = took;
    is_slowest = input;
  }
  return spec.has_value();
}

void go_over(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> content{std::istreambuf_iterator<char>(in), {}};
  const std::string name = path.filename();
  input = name;
  hold(!content.empty(), "an object is there to be read");
  const auto copy = [&](std::size_t size) {
    exact<unsigned char> out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(content[i]);
    return out;
  };
  hold(look_at(copy(content.size()), content), "an object can be read while nothing is wrong with it");
  // The table of sections is the last in the file, so a part of it is none.
  for (std::size_t size = 0; size < content.size(); ++size) {
    input = name + " cut to " + std::to_string(size) + " bytes";
    hold(!look_at(copy(size), content), "a part of an object is no object");
  }
  const exact<unsigned char> damaged = copy(content.size());
  std::size_t refused = 0, valid = 0;
  for (std::size_t at = 0; at < damaged.size(); ++at) {
    const auto whole = static_cast<unsigned char>(content[at]);
    for (const int value : {whole ^ 0xff, whole ^ 0x01, 0}) {
      if (value == whole) continue;
      input = name + " with byte " + std::to_string(at) + " set to " + std::to_string(value);
      damaged[at] = static_cast<unsigned char>(value);
      ++(look_at(damaged, content) ? valid : refused);
    }
    damaged[at] = whole;
  }
  hold(refused > content.size() / 8 && valid > content.size() / 8,
       "some changes are seen, and some make another object");
  std::printf("%s: %zu cuts, all refused; %zu changes, %zu of them refused\n", name.c_str(), content.size(),
              refused + valid, refused);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: %s OBJECT...\n", arguments[0]);
    return 2;
  }
  file_machine without_files;
  for (int i = 1; i < count; ++i) go_over(arguments[i]);
  std::printf(
      "most memory: %.2f for each byte of the file to read it, %.2f for the records; slowest: %.2f ms, %s\n",
      of_reading.ratio(), of_records.ratio(), slowest, is_slowest.c_str());
}
