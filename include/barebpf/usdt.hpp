// SPDX-License-Identifier: MIT
// Room 3.9, usdt: the trace points that a program or a library brings along (USDT), and where each has its arguments.
#ifndef BAREBPF_USDT_HPP
#define BAREBPF_USDT_HPP

#include "binary.hpp"
#include "reader.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A place in the code of a file at which one of its trace points is passed.
struct usdt_site {
  text provider, name;  ///< valid until the visit returns
  text arguments;       ///< where each is: "8@%rdi -4@$5"
  u64 offset = 0;       ///< of the instruction, in bytes from the start of the file
  u64 semaphore = 0;  ///< of the counter of those who listen, in bytes from the start of the file; 0 for none
};

/// Calls `visit` with each place of each trace point of a file; it goes on as long as that gives true.
/// Errors: no_usdt for a file without any; damaged_binary; those of `binary`.
/// Source: the section .note.stapsdt, as systemtap's sys/sdt.h writes it.
template <class File, class Visit>
[[nodiscard]] result<void> each_usdt(const binary<File>& file, Visit&& visit) noexcept {
  const auto notes = file.find_section(".note.stapsdt");
  if (!notes) return notes.error();
  if (notes->type != abi::section_note) return error{.at = step::find_usdt, .why = cause::no_usdt};
  const auto base = file.find_section(".stapsdt.base");
  if (!base) return base.error();
  const auto content = file.content(*notes);
  if (!content) return content.error();
  const bytes from = file.view(*content);
  const u64 word = file.word_size();
  const auto round_up = [](u64 size) { return (size + 3) & ~u64{3}; };
  constexpr u64 header_size = 12;
  for (u64 at = 0; from.holds(at, header_size);) {
    constexpr u32 trace_point = 3;  // NT_STAPSDT
    const u64 name_size = from.read32(at), size = from.read32(at + 4);
    const u64 record = at + header_size + round_up(name_size), end = record + size;
    const error damaged{.at = step::find_usdt, .why = cause::damaged_binary, .offset = notes->offset + at};
    if (!from.holds(at + header_size, round_up(name_size)) || !from.holds(record, size)) return damaged;
    const bool is_one = from.read32(at + 8) == trace_point && from.string_is(at + header_size, "stapsdt");
    at = record + round_up(size);
    if (!is_one) continue;
    if (size < 3 * word) return damaged;
    text words[3];
    u64 next = record + 3 * word;
    for (text& out : words) {
      out = text::until_nul(reinterpret_cast<const char*>(content->data() + next),
                            static_cast<size_t>(end - next));
      if (next + out.size() >= end) return damaged;
      next += out.size() + 1;
    }
    // The file may have been moved since the note was written; the section tells by how much.
    const u64 moved = base->type == 0 ? 0 : base->address - file.word(from, record + word);
    constexpr u32 code = 1, data = 2;  // PF_X, PF_W
    const auto offset = file.offset_of(file.word(from, record) + moved, code);
    if (!offset) return offset.error();
    const u64 semaphore = file.word(from, record + 2 * word);
    const auto counter = semaphore == 0 ? result<u64>(u64{0}) : file.offset_of(semaphore + moved, data);
    if (!counter) return counter.error();
    if (*offset == file.nowhere || *counter == file.nowhere) return damaged;
    if (!visit(usdt_site{words[0], words[1], words[2], *offset, *counter})) return {};
  }
  return {};
}

/// Where an argument of a trace point is.
struct usdt_argument {
  enum class kind : u8 {
    constant = 0,  ///< `value` itself
    in_register = 1,
    in_memory = 2,  ///< `value` bytes behind where a register points
    in_array = 3,   ///< the same, and `index` times `1 << scale` bytes more
  };
  kind where = kind::constant;
  u64 value = 0;
  u16 base = 0;   ///< of the register, in bytes from the start of what BPF_PROG_TYPE_KPROBE gets
  u16 index = 0;  ///< the same of the second one
  u8 scale = 0;   ///< 0 to 3
  u8 size = 8;    ///< bytes: 1, 2, 4 or 8
  bool is_signed = false;
};

namespace detail {

// The registers of a machine, at every `step` bytes from `first` on; a word for each, or several with a slash between.
// Source: struct pt_regs, user_pt_regs and user_regs_struct in arch/*/include/uapi/asm/ptrace.h at v6.12.
struct usdt_machine {
  u16 number;      // EM_X86_64 and its siblings
  u8 first;        // bytes
  text registers;  // separated by spaces
};
inline constexpr usdt_machine usdt_machines[] = {
    {62, 0,
     "r15/r15d/r15w/r15b r14/r14d/r14w/r14b r13/r13d/r13w/r13b r12/r12d/r12w/r12b rbp/ebp/bp/bpl "
     "rbx/ebx/bx/bl "
     "r11/r11d/r11w/r11b r10/r10d/r10w/r10b r9/r9d/r9w/r9b r8/r8d/r8w/r8b rax/eax/ax/al rcx/ecx/cx/cl "
     "rdx/edx/dx/dl "
     "rsi/esi/si/sil rdi/edi/di/dil - rip - - rsp/esp/sp/spl"},
    {183, 0,
     "x0/w0 x1/w1 x2/w2 x3/w3 x4/w4 x5/w5 x6/w6 x7/w7 x8/w8 x9/w9 x10/w10 x11/w11 x12/w12 x13/w13 x14/w14 "
     "x15/w15 "
     "x16/w16 x17/w17 x18/w18 x19/w19 x20/w20 x21/w21 x22/w22 x23/w23 x24/w24 x25/w25 x26/w26 x27/w27 "
     "x28/w28 "
     "x29/w29 x30/w30 sp pc"},
    {22, 24, "r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 r11 r12 r13 r14 r15"},
    {243, 0,
     "pc ra sp gp tp t0 t1 t2 s0/fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"},
};

// Where a register is, in bytes, or -1.
[[nodiscard]] constexpr int place_of_register(const usdt_machine& machine, text wanted) noexcept {
  text_reader registers(machine.registers);
  for (int at = machine.first; !registers.is_done(); at += 8)
    for (text_reader names(registers.take_until(' ')); !names.is_done();)
      if (names.take_until('/') == wanted) return at;
  return -1;
}

// Reads the description of one argument from the front of `from`, which it takes with the space behind it.
[[nodiscard]] constexpr bool take_usdt_argument(text_reader& from, const usdt_machine& machine,
                                                usdt_argument& out) noexcept {
  // Spaces stand between arguments, and on arm64 within brackets.
  const auto take_number = [](text_reader& in, u64& number) {
    const bool is_negative = in.take("-");
    if (!is_negative) in.skip("+");
    const bool read = in.take("0x") ? in.take_number(16, 16, number) : in.take_number(10, 20, number);
    if (is_negative) number = u64{0} - number;
    return read;
  };
  const auto take_register = [&](text_reader& in, u16& place) {
    in.skip("%");
    size_t size = 0;
    for (const text rest = in.rest(); size < rest.size(); ++size) {
      const char c = rest[size];
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) break;
    }
    const text name(in.rest().data(), size);
    const int found = place_of_register(machine, name);
    place = static_cast<u16>(found);
    return found >= 0 && in.take(name);
  };
  out = {};
  // Who writes no size means a word.
  u64 size = 8;
  text_reader ahead = from;
  out.is_signed = ahead.take("-");
  if (ahead.take_number(10, 2, size) && !ahead.is_next("f") && ahead.take("@"))
    from = ahead;
  else
    out.is_signed = false, size = 8;
  if (size != 1 && size != 2 && size != 4 && size != 8) return false;
  out.size = static_cast<u8>(size);
  const auto is_end = [&] { return from.is_done() || from.take(" "); };
  constexpr u16 arm64 = 183;
  if (machine.number == arm64 && from.take("[")) {  // [sp, 16]
    out.where = usdt_argument::kind::in_memory;
    if (!take_register(from, out.base)) return false;
    if (from.take(",")) {
      from.skip(" ");
      from.skip("#");
      if (!take_number(from, out.value)) return false;
    }
    return from.take("]") && is_end();
  }
  ahead = from;
  ahead.skip("$");
  ahead.skip("#");
  if (u64 number = 0; take_number(ahead, number) && (ahead.is_done() || ahead.is_next(" "))) {
    from = ahead;
    out.value = number;
    return is_end();
  }
  // offset(base), offset(base,index,scale)
  ahead = from;
  if (u64 number = 0; ahead.is_next("(") || take_number(ahead, number)) {
    if (!ahead.take("(")) return false;
    from = ahead;
    out.value = number;
    out.where = usdt_argument::kind::in_memory;
    if (!take_register(from, out.base)) return false;
    if (from.take(",")) {
      out.where = usdt_argument::kind::in_array;
      if (!take_register(from, out.index)) return false;
      u32 scale = 1;
      if (from.take(",") && !from.take_number(10, 1, scale)) return false;
      if (scale != 1 && scale != 2 && scale != 4 && scale != 8) return false;
      out.scale = static_cast<u8>(__builtin_ctz(scale));
    }
    return from.take(")") && is_end();
  }
  out.where = usdt_argument::kind::in_register;
  return take_register(from, out.base) && is_end();
}

}  // namespace detail

/// Where the arguments of a trace point are, as its BPF program wants to be told: an element of the map
/// `__bpf_usdt_specs`, in the form that its value size says.
/// Shape: 16 bytes an argument, of which `usdt.bpf.h` of libbpf from 1.7 on makes 24.
struct usdt_spec {
  static constexpr text map_name = "__bpf_usdt_specs";
  static constexpr u32 most_arguments = 12;
  static constexpr u32 short_size = most_arguments * 16 + 16, long_size = most_arguments * 24 + 16;

  usdt_argument arguments[most_arguments] = {};
  u16 count = 0;
  u64 cookie = 0;

  /// Reads "8@%rdi -4@$5" of a file for `machine`.
  /// Shape: false for a form, a register or a machine that is not known, and for more than twelve.
  [[nodiscard]] constexpr bool read(text from, u16 machine) noexcept {
    for (const detail::usdt_machine& candidate : detail::usdt_machines) {
      if (candidate.number != machine) continue;
      count = 0;
      for (detail::text_reader rest(from); !rest.is_done();) {
        if (rest.take(" ")) continue;
        if (count == most_arguments || !detail::take_usdt_argument(rest, candidate, arguments[count]))
          return false;
        ++count;
      }
      return true;
    }
    return false;
  }
  /// Writes the element, of `short_size` or `long_size` bytes. The last byte, which programs do not read, says that it
  /// is taken.
  void write(u8* out, u32 size) const noexcept {
    const u32 step = size == long_size ? 24 : 16, more = size == long_size ? 2 : 0;
    __builtin_memset(out, 0, size);
    const auto put = [](u8* to, auto number) { __builtin_memcpy(to, &number, sizeof number); };
    for (u32 i = 0; i < count; ++i) {
      const usdt_argument& argument = arguments[i];
      u8* const to = out + u64{i} * step;
      const auto kind = static_cast<u32>(argument.where);
      const u32 second = argument.index | u32{argument.scale} << 12;
      put(to, argument.value);
      if (step == 24 && host_is_big_endian) {  // as bit fields lie there
        put(to + 10, static_cast<u16>(argument.index << 4 | argument.scale));
        to[12] = static_cast<u8>(kind);
      } else {
        put(to + 8, kind | second << 16);
      }
      put(to + 12 + more, static_cast<s16>(argument.base));
      to[14 + more] = argument.is_signed ? 1 : 0;
      to[15 + more] = static_cast<u8>(64 - argument.size * 8);
    }
    put(out + most_arguments * step, cookie);
    put(out + most_arguments * step + 8, count);
    out[size - 1] = 1;
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_USDT_HPP
