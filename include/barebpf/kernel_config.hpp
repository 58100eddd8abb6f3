// SPDX-License-Identifier: MIT
// Room 6.11, kernel_config: fills in what a program asks of the running kernel with __kconfig: options of its
// configuration, its version, and what it can do.
#ifndef BAREBPF_KERNEL_CONFIG_HPP
#define BAREBPF_KERNEL_CONFIG_HPP

#include "externs.hpp"
#include "file.hpp"
#include "inflate.hpp"
#include "outcome.hpp"
#include "probe.hpp"
#include "symbols.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What an object wants of the kernel, as it is needed while loading: an `extern_spec` without the file.
struct extern_need {
  const char* name = "";
  const char* shape = "";  ///< of a variable or function: its type, see `type_shape`
  u32 known_size = 0;      ///< so many characters of the name does the kernel know it by
  u32 hash = 0;            ///< of those
  extern_kind kind = extern_kind::config;
  bool is_weak = false;
  kconfig_slot slot{};  ///< of a config
  u32 offset = 0;       ///< of a config: bytes from the start of the map's value

  [[nodiscard]] constexpr text known_as() const noexcept { return {name, known_size}; }
  /// Whether the kernel means this by `wanted`, of which `number` is the `hash_of`.
  [[nodiscard]] constexpr bool is_called(text wanted, u32 number) const noexcept {
    return hash == number && known_as() == wanted;
  }
};

/// The same of `declared`, whose name and shape have been copied to where they stay.
[[nodiscard]] constexpr extern_need to_need(const bytes& image, const extern_spec& declared, const char* name,
                                            const char* shape) noexcept {
  const size_t known_size = declared.kind == extern_kind::function
                                ? length_without_flavor(image, declared.name)
                                : image.length_of_string(declared.name);
  return {.name = name,
          .shape = shape,
          .known_size = static_cast<u32>(known_size),
          .hash = hash_of(image, declared.name, known_size),
          .kind = declared.kind,
          .is_weak = declared.is_weak,
          .slot = declared.slot,
          .offset = declared.offset};
}

/// What came of a need.
/// Lifetime: closes the descriptor of a module's types that it holds.
struct resolved_extern {
  u64 value = 0;          ///< an address, or the id of a type
  fd module;              ///< the types of the module that has it, held by the first extern in it
  s32 module_number = 0;  ///< the number of that descriptor; 0 for the kernel itself
  s16 module_index = 0;   ///< its place among the descriptors that a program is loaded with
  bool is_found = false;
};

/// Where options come from; a member of `load_options`.
struct kconfig_source {
  text options{};              ///< lines that hold before all else
  const char* file = nullptr;  ///< in the place of the kernel's own
  int token = -1;              ///< descriptor of a BPF token
};

namespace detail {

// Three numbers with dots between them at the front of `from`, as KERNEL_VERSION in C puts them together; 0 when there
// are none.
constexpr u32 version_code(text from) noexcept {
  text_reader in(from);
  u32 numbers[3] = {};
  for (u32& number : numbers) {
    const bool is_there = &number == numbers || in.take(".");
    u32 digits = 0;
    for (; is_there && !in.is_done() && in.rest()[0] >= '0' && in.rest()[0] <= '9' && digits < 9; ++digits) {
      number = number * 10 + static_cast<u32>(in.rest()[0] - '0');
      static_cast<void>(in.take(text(in.rest().data(), 1)));
    }
    if (digits == 0) return 0;
  }
  return (numbers[0] << 16) + (numbers[1] << 8) + (numbers[2] > 255 ? 255 : numbers[2]);
}

struct kernel_identity {
  char words[6][65] = {};  // system, node, release, version, machine, domain
};

// LINUX_KERNEL_VERSION. Distributions keep the number of uname(2) while they go on, and say elsewhere which it is.
inline u32 kernel_version_code(const kernel_identity& known) noexcept {
  if (auto lines = line_reader::open("/proc/version_signature"); lines)  // "Ubuntu 5.4.0-12.15-generic 5.4.8"
    if (text line; lines->next(line) > 0) {
      text_reader in(line);
      static_cast<void>(in.take_until(' '));
      static_cast<void>(in.take_until(' '));
      if (const u32 found = version_code(in.rest()); found != 0) return found;
    }
  text_reader version(known.words[3]);  // "#1 SMP Debian 4.19.208-1 (2021-09-29)"
  while (!version.is_done())
    if (version.take_until(' ') == "Debian")
      if (const u32 found = version_code(version.rest()); found != 0) return found;
  return version_code(known.words[2]);
}

// LINUX_HAS_BPF_COOKIE: whether the kernel has bpf_get_attach_cookie, which it says when a program calls it.
inline bool has_bpf_cookie(int token) noexcept {
  constexpr u32 kprobe = 2;  // BPF_PROG_TYPE_KPROBE
  constexpr s32 get_attach_cookie = 174;
  constexpr u8 exit = 0x95;
  const abi::insn code[] = {{.opcode = abi::opcode_call, .immediate = get_attach_cookie}, {.opcode = exit}};
  abi::prog_load_with_token attr{
      .load = {.prog_type = kprobe, .insn_cnt = 2, .insns = code, .license = "GPL"}};
  if (token >= 0) {
    attr.prog_token_fd = token;
    attr.load.prog_flags = abi::prog_flag_token_fd;
  }
  const fd loaded = fd::own(token >= 0 ? sys_bpf(abi::command::prog_load, attr)
                                       : sys_bpf(abi::command::prog_load, attr.load));
  return loaded.is_open();
}

// LINUX_HAS_SYSCALL_WRAPPER: whether programs can be attached to the function that its name says.
inline bool has_syscall_wrapper() noexcept {
#if defined(__x86_64__)
  constexpr const char* wrapper = "__x64_sys_bpf";
#elif defined(__i386__)  // 64-bit kernels that run such programs have it too
  constexpr const char* wrapper = "__ia32_sys_bpf";
#elif defined(__aarch64__)
  constexpr const char* wrapper = "__arm64_sys_bpf";
#elif defined(__s390x__)
  constexpr const char* wrapper = "__s390x_sys_bpf";
#elif defined(__riscv)
  constexpr const char* wrapper = "__riscv_sys_bpf";
#else
  constexpr const char* wrapper = nullptr;
#endif
  outcome unseen;
  return wrapper != nullptr && open_kernel_probe(wrapper, false, unseen).is_open();
}

// Fills in the options of one object.
class config_filler {
 public:
  config_filler(const extern_need* needs, u32 count, resolved_extern* found, u8* value,
                const kconfig_source& source, outcome& row) noexcept
      : needs_(needs), count_(count), found_(found), value_(value), source_(source), row_(row) {}

  bool run() noexcept {
    bool has_options = false;
    for (u32 i = 0; i < count_; ++i) {
      if (needs_[i].kind != extern_kind::config) continue;
      const bool is_option = needs_[i].known_as().starts_with("CONFIG_");
      has_options = has_options || is_option;
      if (!is_option && !set_fact(i)) return false;
    }
    if (!has_options) return true;
    if (!take_lines(source_.options)) return false;
    return is_complete() || read_configuration();
  }

 private:
  static constexpr step at = step::read_kconfig;

  bool fail(cause why, const char* subject) noexcept {
    row_.subject = subject;
    return row_.refuse(at, why), false;
  }
  bool fail(const error& why, const char* subject) noexcept {
    row_.subject = subject;
    return row_.refuse(why), false;
  }
  bool keep(u32 i, cause why) noexcept {
    if (why != cause::none) return fail(why, needs_[i].name);
    return found_[i].is_found = true;
  }
  bool set_fact(u32 i) noexcept {
    const text name = needs_[i].known_as();
    const auto set = [&](u64 number) {
      return keep(i, set_kconfig_number(needs_[i].slot, number, value_ + needs_[i].offset));
    };
    if (name == "LINUX_KERNEL_VERSION") return set(kernel_version_code(identity()));
    if (name == "LINUX_HAS_BPF_COOKIE") return set(has_bpf_cookie(source_.token));
    if (name == "LINUX_HAS_SYSCALL_WRAPPER") return set(has_syscall_wrapper());
    return (needs_[i].is_weak && name.starts_with("LINUX_")) ||
           fail(cause::unknown_kernel_fact, needs_[i].name);
  }
  const kernel_identity& identity() noexcept {
    if (identity_.words[2][0] == '\0') static_cast<void>(system_call(__NR_uname, &identity_));
    return identity_;
  }

  [[nodiscard]] bool is_complete() const noexcept {
    for (u32 i = 0; i < count_; ++i)
      if (needs_[i].kind == extern_kind::config && !found_[i].is_found &&
          needs_[i].known_as().starts_with("CONFIG_"))
        return false;
    return true;
  }
  // What is set first stays.
  bool take_line(text line) noexcept {
    kconfig_line said;
    if (!read_kconfig_line(line, said)) return fail(cause::bad_kconfig_line, "");
    if (said.option.empty()) return true;
    const u32 hash = hash_of(said.option);
    for (u32 i = 0; i < count_; ++i)
      if (needs_[i].kind == extern_kind::config && !found_[i].is_found &&
          needs_[i].is_called(said.option, hash) &&
          !keep(i, set_kconfig(needs_[i].slot, said.value, value_ + needs_[i].offset)))
        return false;
    return true;
  }
  bool take_lines(text all) noexcept {
    text_reader in(all);
    while (!in.is_done())
      if (!take_line(in.take_until('\n'))) return false;
    return true;
  }
  bool take_file(const buffer<unsigned char>& content, const char* path) noexcept {
    const bool is_packed = content.size() >= 2 && content[0] == 0x1f && content[1] == 0x8b;
    if (!is_packed) return take_lines({reinterpret_cast<const char*>(content.data()), content.size()});
    // A kernel has not a tenth of it.
    constexpr size_t largest = 16 << 20;
    const size_t size = unpacked_size(content.data(), content.size());
    if (size == 0 || size > largest) return fail(cause::bad_kernel_config, path);
    auto whole = buffer<unsigned char>::of(size);
    if (!whole) return fail(whole.error(), path);
    if (!unpack(content.data(), content.size(), whole->data())) return fail(cause::bad_kernel_config, path);
    return take_lines({reinterpret_cast<const char*>(whole->data()), whole->size()});
  }
  bool read_configuration() noexcept {
    if (source_.file != nullptr) {
      const auto content = read_file(source_.file);
      return content ? take_file(*content, source_.file) : fail(content.error(), source_.file);
    }
    char path[80];
    static_cast<void>((text_writer(path, sizeof path) << "/boot/config-" << identity().words[2]).finish());
    constexpr const char* proc = "/proc/config.gz";
    if (const auto content = read_file(path); content) return take_file(*content, "/boot/config");
    if (const auto content = read_file(proc); content) return take_file(*content, proc);
    return fail(cause::no_kernel_config, "");
  }

  const extern_need* needs_;
  u32 count_;
  resolved_extern* found_;
  u8* value_;
  const kconfig_source& source_;
  outcome& row_;
  kernel_identity identity_;
};

}  // namespace detail

/// Fills in the options among `count` needs: `value` is that of their map and holds zeros. What is not set stays zero;
/// whether that will do is for `all_are_found` to say.
/// Shape:  false when something is wrong, which `row` then tells.
/// Errors: read_kconfig with no_kernel_config, unknown_kernel_fact, bad_kconfig_line, or why a value is none for its
///         variable, about the option; bad_kernel_config about the file; open_file with errno for a file of the user's.
/// Cost:   a file of 100 KB is read, and unpacked in 2 ms where it is /proc/config.gz; none for what `source` sets.
/// Source: kernel/configs.c at v6.12; the names and where they are looked for are libbpf's.
[[nodiscard, gnu::cold]] inline bool fill_config(const extern_need* needs, u32 count, resolved_extern* found,
                                                 u8* value, const kconfig_source& source,
                                                 outcome& row) noexcept {
  return detail::config_filler(needs, count, found, value, source, row).run();
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KERNEL_CONFIG_HPP
