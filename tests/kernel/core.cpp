// SPDX-License-Identifier: MIT
// CO-RE: what a program sees through types that are not the kernel's, against what /proc, the calls of this process and
// the kernel's own types say.
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/object_builder.hpp"
#include "core_fields.bpf.hpp"
#include "core_missing.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::load_policy;
using barebpf::u32;
using barebpf::u64;

const std::string objects = BAREBPF_TEST_OBJECTS;
constexpr barebpf::static_object<core_fields> core_object;
constexpr barebpf::static_object<core_missing> missing_object;
constexpr load_policy newest{.oldest_kernel = barebpf::kernel(5, 17), .btf = barebpf::btf_choice::none};
constexpr load_policy by_kernel{.core = barebpf::core_way::kernel};
constexpr load_policy by_library{.core = barebpf::core_way::library};

// The variable of this name in bpf_progs/core_fields.bpf.c.
struct answers {
  u64 pid, tgid, parent, flags, start_time, direct_pid;
  char comm[16];
  u64 reset_on_fork, subreaper;
  u64 offset_pid, offset_tasks_prev, offset_subreaper, size_comm, size_flags, size_subreaper, offset_comm_3;
  u64 exists_pid, exists_not, signed_pid, signed_start_time, left_shift, right_shift;
  u64 id_local, id_kernel, id_kernel_not, has_task, has_not, size_task, size_not;
  u64 matches_same, matches_more, matches_other;
  u64 has_ringbuf, has_not_there, ringbuf, link_detach;
  u64 unreachable;
};

// The kernel's own types.
struct kernel_types {
  std::string content;
  std::vector<u32> index;
  barebpf::btf types;

  kernel_types() {
    std::ifstream file("/sys/kernel/btf/vmlinux", std::ios::binary);
    std::stringstream all;
    all << file.rdbuf();
    content = all.str();
    barebpf::bytes image(reinterpret_cast<const unsigned char*>(content.data()), content.size());
    if (barebpf::host_is_big_endian) image.read_big_endian();
    REQUIRE_FALSE(barebpf::btf::open(image, 0, image.size(), types).failed());
    index.resize(types.index_size());
    types.build_index(index.data());
  }
  // Where a member of a struct lies, in bits; looked for in what has no name too.
  u32 bit_of(const barebpf::btf_type& of, barebpf::text member) const {
    const u32 not_there = ~u32{0};
    for (u32 i = 0; i < of.members; ++i) {
      const barebpf::btf_member found = types.member(of, i);
      const u32 word = types.image().read32(found.at + 8);
      const u32 bit = types.is_flagged(of) ? word & 0xffffff : word;
      if (types.image().string_is(found.name, member)) return bit;
      if (types.image().length_of_string(found.name) != 0) continue;
      const u32 inside = bit_of(types.resolve(found.type), member);
      if (inside != not_there) return bit + inside;
    }
    return not_there;
  }
  u64 number_of(barebpf::text enumeration, barebpf::text wanted) const {
    const auto of = types.find(barebpf::abi::btf_kind::enumeration, enumeration);
    for (u32 i = 0; i < of.members; ++i) {
      const u64 at = of.tail() + u64{i} * 8;
      if (types.image().string_is(types.strings() + types.image().read32(at), wanted))
        return types.image().read32(at + 4);
    }
    return 0;
  }
  barebpf::btf_type structure(barebpf::text name) const {
    return types.find(barebpf::abi::btf_kind::structure, name);
  }
};
const kernel_types& kernel_says() {
  static const kernel_types all;
  return all;
}

// A field of /proc/self/stat, counted from 1 as proc(5) does; those behind the name alone.
u64 of_self(int field) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream rest(line.substr(line.rfind(')') + 2));
  std::string word;
  for (int i = 3; i <= field; ++i) rest >> word;
  return std::stoull(word);
}

// This process with both bits set for as long as `look` takes.
template <class Look>
answers with_bits(Look look) {
  const sched_param lowest{};
  REQUIRE(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &lowest) == 0);
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const answers out = look();
  REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
  REQUIRE(sched_setscheduler(0, SCHED_OTHER, &lowest) == 0);
  return out;
}

void check(const answers& seen) {
  const kernel_types& kernel = kernel_says();
  const auto task = kernel.structure("task_struct"), signal = kernel.structure("signal_struct");

  CHECK(seen.pid == static_cast<u64>(getpid()));
  CHECK(seen.tgid == static_cast<u64>(getpid()));
  CHECK(seen.direct_pid == static_cast<u64>(getpid()));
  CHECK(seen.parent == static_cast<u64>(getppid()));
  CHECK(seen.flags == of_self(9));
  CHECK(seen.start_time / (1'000'000'000 / static_cast<u64>(sysconf(_SC_CLK_TCK))) == of_self(22));
  char name[16];
  REQUIRE(prctl(PR_GET_NAME, name) == 0);
  CHECK(std::strncmp(seen.comm, name, sizeof name) == 0);

  CHECK(seen.offset_pid == kernel.bit_of(task, "pid") / 8);
  CHECK(seen.offset_pid != 64);  // where the object itself has it
  CHECK(seen.offset_tasks_prev == kernel.bit_of(task, "tasks") / 8 + 8);
  CHECK(seen.offset_comm_3 == kernel.bit_of(task, "comm") / 8 + 3);
  CHECK(seen.size_comm == 16);
  CHECK(seen.size_flags == 4);
  CHECK(seen.offset_subreaper <= kernel.bit_of(signal, "is_child_subreaper") / 8);
  CHECK(seen.offset_subreaper + seen.size_subreaper > kernel.bit_of(signal, "is_child_subreaper") / 8);
  CHECK(seen.exists_pid == 1);
  CHECK(seen.exists_not == 0);
  CHECK(seen.signed_pid == 1);
  CHECK(seen.signed_start_time == 0);
  const u64 bit = kernel.bit_of(task, "sched_reset_on_fork") % 32;
  CHECK(seen.left_shift == (barebpf::host_is_big_endian ? 32 + bit : 63 - bit));
  CHECK(seen.right_shift == 63);

  CHECK(seen.id_kernel == task.id);
  CHECK(seen.id_kernel_not == 0);
  CHECK(seen.has_task == 1);
  CHECK(seen.has_not == 0);
  CHECK(seen.size_task == task.size_or_type);
  CHECK(seen.size_not == 0);
  CHECK(seen.has_ringbuf == 1);
  CHECK(seen.has_not_there == 0);
  CHECK(seen.ringbuf == kernel.number_of("bpf_map_type", "BPF_MAP_TYPE_RINGBUF"));
  CHECK(seen.link_detach == kernel.number_of("bpf_cmd", "BPF_LINK_DETACH"));
  CHECK(seen.unreachable == 0);
}

barebpf::object open_core(const std::string& name = "core_fields") {
  return must(barebpf::object::open((objects + "/" + name + ".bpf.o").c_str()));
}
std::string text_of(barebpf::text from) { return {from.data(), from.size()}; }

// The object loaded for this process, with one policy or another.
struct read_object {
  barebpf::loaded_object loaded;
  barebpf::link link;

  explicit read_object(barebpf::loaded_object from)
      : loaded(std::move(from)), link(must(loaded.attach("look"))) {}
  template <load_policy Policy = load_policy{}>
  static read_object of(const barebpf::object& object, std::span<const unsigned char> target = {}) {
    auto data = must(object.data());
    *must(data.variable<u32>("only_process")) = static_cast<u32>(getpid());
    return read_object(must(object.load<Policy>({.data = data.view(), .target_btf = target})));
  }
  answers look() const {
    static_cast<void>(getpgid(0));
    return *must(loaded.variable<const answers>("answers"));
  }
};

template <load_policy Policy>
answers look_through_the_compiled() {
  auto data = core_object.data();
  data.variable<"only_process", u32>() = static_cast<u32>(getpid());
  const auto loaded = core_object.load<Policy>({.data = data.view()});
  require(loaded);
  const auto link = loaded->template attach<"look">();
  require(link);
  static_cast<void>(getpgid(0));
  return *must(loaded->template variable<"answers", const answers>());
}

// What the kernel gives out of a program or of BTF.
std::vector<unsigned char> info_of(int number, std::vector<unsigned char> info) {
  barebpf::abi::obj_info attr{
      .bpf_fd = static_cast<u32>(number), .info_len = static_cast<u32>(info.size()), .info = info.data()};
  REQUIRE(barebpf::sys_bpf(barebpf::abi::command::obj_get_info_by_fd, attr) == 0);
  return info;
}
template <class Number>
Number number_at(const std::vector<unsigned char>& info, std::size_t at) {
  Number out{};
  std::memcpy(&out, info.data() + at, sizeof out);
  return out;
}
// A hash of a program's instructions: tag of struct bpf_prog_info.
u64 tag_of(const barebpf::loaded_object& loaded) {
  return number_at<u64>(info_of((*must(loaded.program("look"))).number(), std::vector<unsigned char>(232)),
                        8);
}

}  // namespace

TEST_CASE("a program sees the kernel through types that are not the kernel's", "[core][needs 5.17]") {
  const int before = open_descriptors();
  // By the kernel, by the library, and by the first that can.
  for (const auto load :
       {&read_object::of<by_kernel>, &read_object::of<by_library>, &read_object::of<load_policy{}>}) {
    const read_object opened = load(open_core(), {});
    const answers seen = with_bits([&] { return opened.look(); });
    check(seen);
    CHECK(seen.reset_on_fork == 1);
    CHECK(seen.subreaper == 1);
    const answers later = opened.look();
    CHECK(later.reset_on_fork == 0);
    CHECK(later.subreaper == 0);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("an object that the compiler read sees the same, whatever is loaded of its types",
          "[core][needs 5.17]") {
  for (const auto look : {&look_through_the_compiled<load_policy{}>, &look_through_the_compiled<newest>,
                          &look_through_the_compiled<load_policy{.btf = barebpf::btf_choice::needed}>,
                          &look_through_the_compiled<by_library>, &look_through_the_compiled<by_kernel>}) {
    const answers seen = with_bits(look);
    check(seen);
    CHECK(seen.reset_on_fork == 1);
    CHECK(seen.subreaper == 1);
  }
}

TEST_CASE("the library and the kernel make the same instructions", "[core][needs 5.17]") {
  const read_object kernel = read_object::of<by_kernel>(open_core());
  const read_object library = read_object::of<by_library>(open_core());

  CHECK(tag_of(kernel.loaded) == tag_of(library.loaded));
}

TEST_CASE("a program is fitted to types that are given, plain or in an ELF file", "[core][needs 5.17]") {
  const std::string& plain = kernel_says().content;
  object_builder file;
  file.add(object_builder::section{.name = ".BTF", .type = 1, .content = {plain.begin(), plain.end()}});
  const file_image wrapped = file.build();
  const read_object kernel = read_object::of<by_kernel>(open_core());
  const std::span<const unsigned char> targets[] = {
      {reinterpret_cast<const unsigned char*>(plain.data()), plain.size()}, {wrapped.data(), wrapped.size()}};
  for (const auto target : targets) {
    const read_object given = read_object::of<>(open_core(), target);
    CHECK(tag_of(given.loaded) == tag_of(kernel.loaded));
    check(given.look());
  }

  // Other types make another program: here the pid lies at 1236, and nothing else is there.
  btf_builder other;
  const auto integer = other.integer("int", 4, 1);
  other.structure("task_struct", 1240, {{"flags", integer}, {"pid", integer, 9888}});
  const file_image small = other.content();
  barebpf::verifier_log log;
  const auto refused = open_core().load({.log = &log, .target_btf = small});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == cause::core_missing);
  CHECK(text_of(log.said()).find("= 1236 ") != std::string::npos);

  const unsigned char nonsense[32] = {1, 2, 3};
  const auto damaged = open_core().load({.target_btf = nonsense});
  REQUIRE_FALSE(damaged.has_value());
  CHECK(damaged.error().at == barebpf::step::fit_program);
  CHECK(damaged.error().why == cause::bad_btf_header);
  const auto left_out = core_object.load<newest>({.target_btf = small});
  REQUIRE_FALSE(left_out.has_value());
  CHECK(left_out.error().why == cause::core_left_out);
}

TEST_CASE("what the kernel does not have is named when a program reaches for it", "[core][needs 5.17]") {
  const auto check_refusal = [](const auto& loaded) {
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().at == barebpf::step::prog_load);
    CHECK(loaded.error().why == cause::core_missing);
    CHECK(std::string(loaded.error().name) == "task_struct___old.gone_member.inside");
  };
  const barebpf::object object = open_core("core_missing");
  barebpf::verifier_log log;
  check_refusal(object.load<by_kernel>({.log = &log}));
  CHECK(text_of(log.said()).find("195896080") != std::string::npos);
  check_refusal(object.load<by_library>({.log = &log}));
  check_refusal(object.load({.log = &log}));
  check_refusal(missing_object.load<by_library>({.log = &log}));
  check_refusal(missing_object.load<newest>({.log = &log}));
  // Nobody can tell without a log.
  const auto silent = object.load();
  REQUIRE_FALSE(silent.has_value());
  CHECK(silent.error().why == cause::none);
}

TEST_CASE("the local id of a type is the one in the BTF that was loaded", "[core][needs 5.17]") {
  const read_object opened = read_object::of<>(open_core());
  const answers seen = opened.look();
  // btf_id of struct bpf_prog_info, include/uapi/linux/bpf.h at v6.12.
  const auto program =
      info_of((*must(opened.loaded.program("look"))).number(), std::vector<unsigned char>(232));
  const barebpf::abi::next_id wanted{.start_id = number_at<u32>(program, 128)};
  const long number = barebpf::sys_bpf(barebpf::abi::command::btf_get_fd_by_id, wanted);
  REQUIRE(number >= 0);
  std::vector<unsigned char> content(1 << 16), info(16);  // where to, how many bytes, and the id
  const auto to = reinterpret_cast<u64>(content.data());
  const auto size = static_cast<u32>(content.size());
  std::memcpy(info.data(), &to, 8);
  std::memcpy(info.data() + 8, &size, 4);
  info = info_of(static_cast<int>(number), info);
  close(static_cast<int>(number));
  content.resize(number_at<u32>(info, 8));

  barebpf::bytes image(content.data(), content.size());
  if (barebpf::host_is_big_endian) image.read_big_endian();
  barebpf::btf types;
  REQUIRE_FALSE(barebpf::btf::open(image, 0, image.size(), types).failed());
  CHECK(seen.id_local != 0);
  CHECK(seen.id_local == types.find(barebpf::abi::btf_kind::structure, "answers").id);
  // Of what only CO-RE names, just that is there: eight members of a task.
  CHECK(types.find(barebpf::abi::btf_kind::structure, "task_struct").members == 8);
  CHECK(types.find(barebpf::abi::btf_kind::structure, "no_such_struct___x").members == 0);
}

TEST_CASE("the kernel has changed the instructions", "[core][needs 5.17]") {
  const read_object opened = read_object::of<>(open_core());
  const int number = (*must(opened.loaded.program("look"))).number();
  // xlated_prog_len and xlated_prog_insns of struct bpf_prog_info.
  std::vector<unsigned char> info = info_of(number, std::vector<unsigned char>(232));
  std::vector<unsigned char> code(number_at<u32>(info, 20));
  const auto size = static_cast<u32>(code.size());
  const auto to = reinterpret_cast<u64>(code.data());
  std::vector<unsigned char> asked(232);
  std::memcpy(asked.data() + 20, &size, 4);
  std::memcpy(asked.data() + 32, &to, 8);
  info = info_of(number, asked);
  // rX = offset of the pid, which no other number is
  const u32 offset = kernel_says().bit_of(kernel_says().structure("task_struct"), "pid") / 8;
  int moves = 0, loads = 0;
  for (std::size_t at = 0; at + 8 <= code.size(); at += 8) {
    if (code[at] == 0xb7) moves += number_at<u32>(code, at + 4) == offset;
    if (code[at] % 8 == 1) loads += number_at<std::uint16_t>(code, at + 2) == offset;
  }
  CHECK(moves >= 2);
  CHECK(loads >= 1);
}
