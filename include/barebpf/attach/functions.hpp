// SPDX-License-Identifier: MIT
// Room 9.4, attach/functions: a program on many functions at once, of those that the types of the kernel or of a module
// describe.
#ifndef BAREBPF_ATTACH_FUNCTIONS_HPP
#define BAREBPF_ATTACH_FUNCTIONS_HPP

#include "../ids.hpp"
#include "../kernel_btf.hpp"
#include "../span.hpp"
#include "kprobe.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Functions one by one, for a program of fentry.multi and its siblings: by their names, or by their ids among the types
/// of the kernel. Where the section names a module, they are that module's.
/// Lifetime: what the spans show must stay until the program is attached.
struct function_list {
  span<const text> names{};
  span<const u32> ids{};      ///< in place of names
  span<const u64> cookies{};  ///< one for each function, in the same order, or none
};

namespace detail {

// "pattern", or "module:pattern".
struct function_pattern {
  text module, pattern;
};
[[nodiscard]] constexpr function_pattern read_function_pattern(text from) noexcept {
  const text module = module_in(from);
  return {.module = module, .pattern = module.empty() ? from : from.without_first(module.size() + 1)};
}

// True when the kernel can hand what a function takes and gives to programs: at most 12 registers of arguments, none of
// them a struct of more than 16 bytes, not a variable number of them, and no struct that it returns.
// Source: btf_distill_func_proto() in kernel/bpf/btf.c, MAX_BPF_FUNC_ARGS in include/linux/bpf.h at v7.2.
[[nodiscard]] constexpr bool has_plain_form(const btf& types, const btf_type& of) noexcept {
  using enum abi::btf_kind;
  constexpr u32 most_registers = 12, register_size = 8;
  const auto is_struct = [](const btf_type& type) {
    return type.kind == structure || type.kind == union_type;
  };
  const auto size_of = [&](const btf_type& type) -> u32 {  // 0 for what is no argument
    if (type.kind == pointer) return register_size;
    const bool has_size =
        is_struct(type) || type.kind == integer || type.kind == enumeration || type.kind == enumeration64;
    return has_size ? type.size_or_type : 0;
  };
  const btf_type form = types.type(of.size_or_type);
  if (form.kind != function_prototype) return false;
  const btf_type gives = types.resolve(form.size_or_type);
  if (form.size_or_type != 0 && (is_struct(gives) || size_of(gives) == 0)) return false;
  u32 registers = 0;
  for (u32 i = 0; i < form.members; ++i) {
    const u32 size = size_of(types.resolve(types.parameter(form, i)));
    if (size == 0 || size > 2 * register_size) return false;
    registers += (size + register_size - 1) / register_size;
  }
  return registers <= most_registers;
}

// The functions of the kernel or of a module, by its types.
class described_functions {
 public:
  // Errors: ENOENT for a kernel without BTF; no_such_module; ENOMEM.
  [[nodiscard, gnu::cold]] result<void> open(text module) noexcept {
    outcome row;
    if (!file_.open(step::find_kernel_type, row)) return to_error(row);
    bytes image = file_.view();
    if (!module.empty()) {
      u32 size = 0;
      const fd found = find_module_types(module, size);
      if (found.number() == -ENOENT)
        return error{.at = step::find_kernel_type, .why = cause::no_such_module}.about(module);
      if (!found.is_open()) return failure(step::find_kernel_type, found.number()).about(module);
      const auto own = copy_types(found, size);
      if (!own) return own.error();
      auto joined = join_types(image, in_this_order(own->data(), own->size()));
      if (!joined) return joined.error();
      btf base;
      if (const verdict v = btf::open(image, 0, image.size(), base); v.failed()) return refuse(v.why);
      first_ = base.count() + 1;
      joined_ = std::move(*joined);
      image = in_this_order(joined_.data(), joined_.size());
    }
    if (const verdict v = btf::open(image, 0, image.size(), types_); v.failed()) return refuse(v.why);
    auto index = buffer<u32>::of(types_.index_size());
    if (!index) return index.error();
    index_ = std::move(*index);
    types_.build_index(index_.data());
    return {};
  }
  [[nodiscard]] const btf& types() const noexcept { return types_; }
  [[nodiscard]] u32 first() const noexcept { return first_; }
  // Hands each function and its name to `visit`.
  template <class Visit>
  void each(Visit visit) const noexcept {
    char name[longest_name];
    for (btf_type type = types_.type(first_); type.id != 0; type = types_.after(type))
      if (type.kind == abi::btf_kind::function) visit(type, name_of(type, name));
  }

  static constexpr size_t longest_name = 512;  // KSYM_NAME_LEN
  [[nodiscard]] text name_of(const btf_type& type, char (&room)[longest_name]) const noexcept {
    return {room, types_.image().copy_string(type.name, room, sizeof room)};
  }

 private:
  [[nodiscard]] static error refuse(cause why) noexcept {
    return error{.at = step::find_kernel_type, .why = why};
  }

  kernel_btf_file file_;
  buffer<unsigned char> joined_;  // the kernel's types and behind them the module's
  buffer<u32> index_;
  btf types_;
  u32 first_ = 1;
};

// Names of functions, and what their ids are.
class wanted_functions {
 public:
  struct wanted {
    text name{};
    size_t at = 0;  // in the list that the caller gave
    u32 id = 0;
  };

  [[nodiscard]] static result<wanted_functions> of(size_t count) noexcept {
    wanted_functions out;
    auto list = buffer<wanted>::of(count);
    if (!list) return list.error();
    out.list_ = std::move(*list);
    return out;
  }
  void set(size_t i, text name) noexcept { list_[i] = {.name = name, .at = i}; }
  // Looks for their ids. Of those of a pattern only the ones are found that have a plain form.
  // Errors: bad_function_list about a name that is there twice.
  [[nodiscard]] result<void> find(const described_functions& among, bool is_pattern) noexcept {
    sort_with(list_.data(), list_.size(),
              [](const wanted& a, const wanted& b) { return is_before(a.name, b.name); });
    if (!is_pattern)
      for (size_t i = 1; i < list_.size(); ++i)
        if (list_[i].name == list_[i - 1].name)
          return error{.at = step::find_kernel_type, .why = cause::bad_function_list}.about(list_[i].name);
    among.each([&](const btf_type& type, text name) {
      size_t first = 0, end = list_.size();
      while (first < end) {
        const size_t middle = first + (end - first) / 2;
        if (is_before(list_[middle].name, name))
          first = middle + 1;
        else
          end = middle;
      }
      if (first == list_.size() || list_[first].name != name || list_[first].id != 0) return;
      if (!is_pattern || has_plain_form(among.types(), type)) list_[first].id = type.id;
    });
    return {};
  }
  [[nodiscard]] const buffer<wanted>& list() const noexcept { return list_; }

 private:
  [[nodiscard]] static bool is_before(text a, text b) noexcept {
    const size_t shared = a.size() < b.size() ? a.size() : b.size();
    const int order = __builtin_memcmp(a.data(), b.data(), shared);
    return order < 0 || (order == 0 && a.size() < b.size());
  }
  buffer<wanted> list_;
};

// Asks the kernel whether it takes functions, without a moment in which the program is attached: it looks at all of a list,
// in the order of the ids, before it does anything. So an attempt ends at one more function behind them that it refuses
// for sure.
// Source: bpf_trampoline_multi_attach() in kernel/bpf/trampoline.c at v7.2.
class function_trial {
 public:
  // For lists of at most `most`.
  [[nodiscard]] static result<function_trial> with(const program_to_attach& program,
                                                   const described_functions& among, size_t most) noexcept {
    function_trial out(program);
    auto ids = buffer<u32>::of(most + 1);
    if (!ids) return ids.error();
    out.ids_ = std::move(*ids);
    u32 left = 100;  // one of six is none that ftrace reaches, so one of the last will be
    const btf& types = among.types();
    for (u32 id = types.count(); id >= among.first() && out.unreached_ == 0 && left != 0; --id) {
      if (types.type(id).kind != abi::btf_kind::function) continue;
      --left;
      if (out.answer(&id, 1, no_type) == -ENOENT) out.unreached_ = id;
    }
    return out;
  }
  // Why it refuses one of these; `none` when it takes all, as far as it can be asked.
  [[nodiscard]] cause why_refused(const u32* ids, size_t count) noexcept {
    if (answer(ids, count, no_type) == -ENOENT) return cause::untraceable_function;
    return unreached_ != 0 && answer(ids, count, unreached_) == -EINVAL ? cause::unfit_function : cause::none;
  }
  // Leaves those that it takes, in their order, and says how many.
  // Cost: two attempts, and for each that it refuses twice the logarithm of the count more.
  [[nodiscard]] size_t keep_taken(u32* ids, size_t count) noexcept {
    if (why_refused(ids, count) == cause::none) return count;
    if (count == 1) return 0;
    const size_t half = count / 2;
    const size_t kept = keep_taken(ids, half);
    const size_t more = keep_taken(ids + half, count - half);
    for (size_t i = 0; i < more; ++i) ids[kept + i] = ids[half + i];
    return kept + more;
  }

 private:
  static constexpr u32 no_type = 0x7fffffff;  // which it refuses by EINVAL

  explicit function_trial(const program_to_attach& program) noexcept : program_(&program) {}
  [[nodiscard]] long answer(const u32* ids, size_t count, u32 last) noexcept {
    for (size_t i = 0; i < count; ++i) ids_[i] = ids[i];
    ids_[count] = last;
    const abi::link_create_tracing_multi request{.prog_fd = program_->descriptor.raw(),
                                                 .attach_type = static_cast<u32>(program_->attach_type),
                                                 .ids = ids_.data(),
                                                 .cnt = static_cast<u32>(count + 1)};
    return fd::own(sys_bpf(abi::command::link_create, request)).number();
  }

  const program_to_attach* program_;
  buffer<u32> ids_;
  u32 unreached_ = 0;  // it refuses this one by ENOENT
};

[[nodiscard]] inline result<link> attach_to_functions(const program_to_attach& program, const u32* ids,
                                                      const u64* cookies, size_t count) noexcept {
  return create_link<attach_way::tracing_multi>(
      program, abi::link_create_tracing_multi{.prog_fd = program.descriptor.raw(),
                                              .attach_type = static_cast<u32>(program.attach_type),
                                              .ids = ids,
                                              .cookies = cookies,
                                              .cnt = static_cast<u32>(count)});
}
// Whether the kernel may mean one of the functions, and not the program. Of a program that was loaded for others than those
// of `module` it says the same of all, and `why` says that.
// Kernel: 5.19, which tells for what a program was loaded.
[[nodiscard, gnu::cold]] inline bool is_of_functions(const program_to_attach& program, text module,
                                                     error& why) noexcept {
  if (why.at != step::link_create || why.why != cause::none || (why.code != ENOENT && why.code != EINVAL))
    return false;
  const auto about = program_info(program.descriptor);
  if (!about) return true;
  const auto types = open_by_id(id_of::btf, about->attach_btf_obj_id);
  char name[64] = {};
  abi::btf_info info{.name = name, .name_len = sizeof name};
  if (!types || !ask_about_types(*types, info)) return true;
  if (text(name) == (module.empty() ? text("vmlinux") : module)) return true;
  why.why = cause::loaded_for_others;
  return false;
}

// All functions that the pattern in the program's place names, that ftrace reaches and that the kernel takes.
[[nodiscard, gnu::cold]] inline result<link> attach_to_pattern(const program_to_attach& program,
                                                               barebpf::cookie with) noexcept {
  const function_pattern where = read_function_pattern(program.place);
  described_functions among;
  if (const auto opened = among.open(where.module); !opened) return opened.error();
  name_list reached;
  growing<u32> starts;
  const auto listed = each_traceable(where.pattern, [&](text function, text module, u64) -> result<void> {
    if (module != where.module) return {};
    const auto start = reached.add(function);
    if (!start) return start.error();
    return starts.add(&*start, 1);
  });
  if (!listed) return listed.error();
  const auto names = reached.finish();
  if (!names) return names.error();
  auto wanted = wanted_functions::of(starts.size());
  if (!wanted) return wanted.error();
  for (size_t i = 0; i < starts.size(); ++i) wanted->set(i, names->data() + starts.data()[i]);
  if (const auto found = wanted->find(among, true); !found) return found.error();
  auto ids = buffer<u32>::of(starts.size());
  if (!ids) return ids.error();
  size_t count = 0;
  for (const auto& one : wanted->list())
    if (one.id != 0) (*ids)[count++] = one.id;
  if (count == 0) return error{.at = step::find_traceable, .why = cause::nothing_fits}.about(where.pattern);
  const auto cookies = cookies_for(with, count);
  if (!cookies) return cookies.error();
  auto out = attach_to_functions(program, ids->data(), cookies->data(), count);
  if (out) return out;
  error refused = out.error();
  if (!is_of_functions(program, where.module, refused)) return refused;
  auto trial = function_trial::with(program, among, count);
  if (!trial) return trial.error();
  refused.why = trial->why_refused(ids->data(), count);
  if (refused.why == cause::none) return refused;
  count = trial->keep_taken(ids->data(), count);
  if (count == 0) return refused.about(where.pattern);
  return attach_to_functions(program, ids->data(), cookies->data(), count);
}

// The functions of a list, and no other.
[[nodiscard, gnu::cold]] inline result<link> attach_to_list(const program_to_attach& program,
                                                            const function_list& list) noexcept {
  const size_t count = list.names.size() + list.ids.size();
  const bool is_one_kind = list.names.empty() != list.ids.empty();
  if (!is_one_kind || (!list.cookies.empty() && list.cookies.size() != count))
    return error{.at = step::find, .why = cause::bad_function_list}.about(program.subject);
  described_functions among;
  auto ids = buffer<u32>::of(count);
  if (!ids) return ids.error();
  const text module = module_in(program.place);
  if (list.ids.empty()) {
    if (const auto opened = among.open(module); !opened) return opened.error();
    auto wanted = wanted_functions::of(count);
    if (!wanted) return wanted.error();
    for (size_t i = 0; i < count; ++i) wanted->set(i, list.names[i]);
    if (const auto found = wanted->find(among, false); !found) return found.error();
    for (const auto& one : wanted->list()) {
      (*ids)[one.at] = one.id;
      if (one.id != 0) continue;
      nearest_name nearest(one.name);
      among.each([&](const btf_type&, text name) { nearest.see(name); });
      return error{.at = step::find_kernel_type, .why = cause::no_kernel_function}.about_like(
          one.name, nearest.found());
    }
  } else {
    for (size_t i = 0; i < count; ++i) (*ids)[i] = list.ids[i];
  }
  auto out = attach_to_functions(program, ids->data(), list.cookies.data(), count);
  if (out) return out;
  error refused = out.error();
  if (!is_of_functions(program, module, refused)) return refused;
  if (!list.ids.empty() && !among.open(module)) return refused;
  auto trial = function_trial::with(program, among, 1);
  if (!trial) return refused;
  char name[described_functions::longest_name];
  for (size_t i = 0; i < count; ++i) {
    const btf_type function = among.types().type((*ids)[i]);
    if (function.kind != abi::btf_kind::function) break;
    refused.why = trial->why_refused(ids->data() + i, 1);
    if (refused.why != cause::none) return refused.about(among.name_of(function, name));
  }
  if (!list.ids.empty()) refused.why = cause::bad_function_list;
  return refused;
}

template <>
inline constexpr bool names_place<function_list> = true;

}  // namespace detail

/// Where functions begin, end, or both, that a pattern names, such as "tcp_*", or "veth:veth_*" for those of a module: all
/// that ftrace can reach and that the kernel takes; or those of a `function_list`. The program gets arguments by
/// bpf_get_func_arg(), what comes back by bpf_get_func_ret(), and which function it is by bpf_get_func_ip() or a cookie.
/// Errors: nothing_fits; find_traceable with what tracefs says; newer_attach_way; no_such_module; of a list and of a single
///         name no_kernel_function with the one most like it, untraceable_function, unfit_function, bad_function_list;
///         EBUSY where this program is attached already; EOPNOTSUPP on a machine that has none of it.
/// Cost:   reading the kernel's types, and for a pattern its list of those that ftrace reaches, which is as long. The kernel makes a piece of code for each function that it attaches to.
/// Kernel: 7.2, x86-64; a module's functions for programs that were loaded with the module in their section.
/// Source: bpf_tracing_multi_attach() in kernel/trace/bpf_trace.c at v7.2.
template <>
struct place<attach_way::tracing_multi> : place_by_name<attach_way::tracing_multi> {
  static constexpr cause wants = cause::takes_functions;
  using place_by_name<attach_way::tracing_multi>::attach;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           const function_list& list) noexcept {
    return detail::attach_to_list(program, list);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> to(const program_to_attach& program, const named_place& how) noexcept {
    const text function = detail::read_function_pattern(program.place).pattern;
    if (is_pattern(function)) return detail::attach_to_pattern(program, how.cookie);
    const u64 cookie[] = {how.cookie.value};
    return detail::attach_to_list(program,
                                  {.names = {&function, 1}, .cookies = {cookie, how.cookie.value != 0}});
  }
  static constexpr size_t write(text name, char* out, size_t room) noexcept {
    const detail::function_pattern read = detail::read_function_pattern(name);
    const bool is_one = !read.pattern.empty() && module_in(read.pattern).empty() && read.pattern[0] != ':';
    return is_one ? place_by_name::write(name, out, room) : 0;
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_FUNCTIONS_HPP
