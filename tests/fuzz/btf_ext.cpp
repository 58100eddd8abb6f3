// SPDX-License-Identifier: MIT
// Fuzzes room btf_ext: each run of the three tables of .BTF.ext lies inside the section.
#include <barebpf/btf_ext.hpp>
#include <tuple>

#include "fuzz.hpp"
#include "mutate.hpp"

namespace {

using barebpf::u32;
using barebpf::u64;

auto fields(const barebpf::verdict& of) { return std::tuple(of.why, of.section, of.offset, of.subject); }
auto fields(const barebpf::btf_ext_table& of) { return std::tuple(of.at, of.end, of.record_size); }

struct opened {
  barebpf::elf file;
  barebpf::elf_section section;
  barebpf::btf types;
  barebpf::btf_ext ext;
  barebpf::verdict fault;

  explicit opened(const barebpf::bytes& image) {
    fault = barebpf::elf::open(image, file);
    if (fault.failed()) return;
    fault = barebpf::btf::open(file, file.find_section(".BTF"), types);
    if (fault.failed()) return;
    section = file.find_section(".BTF.ext");
    fault = barebpf::btf_ext::open(file, section, types, ext);
  }
};

void check_table(const opened& in, barebpf::btf_ext_table table, u32 smallest) {
  if (table.at == table.end) return;
  const u64 end = in.section.at + in.section.size;
  promise(table.record_size >= smallest && table.record_size % 4 == 0, "records are large enough");
  promise(table.at >= in.section.at && table.end <= end, "a table lies in its section");
  u64 behind = table.at;
  barebpf::btf_ext_run run;
  while (table.next(in.types, run)) {
    promise(run.first >= behind + 8 && table.at <= table.end,
            "a run lies in its table, behind the one before");
    promise(run.first + u64{run.count} * table.record_size == table.at, "a run is as long as its records");
    promise(in.types.has_string(run.section_name), "a run names its section");
    behind = table.at;
  }
  promise(table.at == table.end, "a table ends with its last run");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const input in(data, size);
  const opened plain(in.plain());
  promise(plain.fault.offset <= size, "the offset of a verdict lies in the file");
  if (!plain.fault.failed() && plain.section.index != 0) {
    check_table(plain, plain.ext.functions, sizeof(barebpf::abi::func_info));
    check_table(plain, plain.ext.lines, sizeof(barebpf::abi::line_info));
    check_table(plain, plain.ext.core, sizeof(barebpf::abi::core_relo));
  }
  const opened padded(in.plain_padded()), packed(in.packed());
  promise(fields(padded.fault) == fields(packed.fault), "plain bytes and packed words get the same verdict");
  if (padded.fault.failed()) return 0;
  promise(fields(padded.ext.functions) == fields(packed.ext.functions) &&
              fields(padded.ext.lines) == fields(packed.ext.lines) &&
              fields(padded.ext.core) == fields(packed.ext.core),
          "plain bytes and packed words have the same tables");
  return 0;
}
