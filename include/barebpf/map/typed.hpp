// SPDX-License-Identifier: MIT
// Room 7.8, map/typed: typed maps. One class template for all types; what a type allows stands in room 2.0, and what
// goes in and comes out where that is no plain value in room 7.6.
#ifndef BAREBPF_MAP_TYPED_HPP
#define BAREBPF_MAP_TYPED_HPP

#include "../layout_btf.hpp"
#include "../refusal.hpp"
#include "../running_kernel.hpp"
#include "entries.hpp"
#include "memory.hpp"
#include "pin.hpp"
#include "value.hpp"
#include "value_btf.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What a new map is made of. Everything but the type and the sizes, which the class knows.
struct map_options {
  text name{};                ///< at most 15 letters, digits, underscores and dots
  u32 max_entries = 0;        ///< entries; bytes of a ring buffer, pages of an arena, 0 for storages
  u32 map_flags = 0;          ///< `map_flag` bits; those that the type demands are set
  u32 numa_node = 0;          ///< with map_flag::numa_node
  u64 map_extra = 0;          ///< what the type makes of it, see `map_kinds`
  bool with_types = true;     ///< without `btf_fd`, tells the kernel the C++ types; a storage does so anyway
  u32 btf_fd = 0;             ///< types that describe key and value, loaded by `load_btf`
  u32 btf_key_type_id = 0;    ///< in `btf_fd`
  u32 btf_value_type_id = 0;  ///< in `btf_fd`
  u32 btf_vmlinux_value_type_id = 0;  ///< in the kernel's own BTF, for a struct_ops
  int inner_map = -1;  ///< descriptor of a map like those that an array or hash of maps is to hold
  int token = -1;      ///< descriptor of a BPF token, 6.9; the flag for it is set
};

/// What an existing map must be beside its type and sizes; `any` where it does not matter.
struct map_expectations {
  u32 max_entries = map_identity::any;
  u32 map_flags = map_identity::any;  ///< with those that the type demands, which every map of it has
};

/// A way to reach an element beside by its key: `under_lock`, `on_cpu{3}`, `on_all_cpus`.
template <class Way>
concept element_way = requires(const Way& way) {
  { way.flags() } -> std::same_as<u64>;
  Way::needs;
};

namespace detail {

// What does not become a `Wanted` where that is taken.
template <class Given, class Wanted>
concept misfit = !std::is_convertible_v<Given, const Wanted&>;

template <class... Rest>
inline constexpr bool begins_with_way = false;
template <class First, class... Rest>
inline constexpr bool begins_with_way<First, Rest...> = element_way<std::remove_cvref_t<First>>;

}  // namespace detail

/// A map of the kernel, with the C++ types of its keys and values. What a map of a type may do stands in room 2.0; a
/// const one does what leaves the map as it is; `read_only` and `write_only` do what the kernel allows a descriptor
/// that is narrowed so.
/// Shape:    a descriptor and the name; keys and values are copied as raw bytes.
/// Lifetime: a created map lives as long as this object, a program that uses it, or a pin. A borrowed one is
///           valid as long as its owner.
/// Threads:  safe on one object from several threads; the kernel orders the calls, but not the bytes: a value larger
///           than a word that is looked up while it is replaced or deleted may be of two (measured on 6.18: 8 of a
///           million lookups of 512 bytes). In the batches of a hash map each value is whole.
/// Cost:     one bpf(2) call for each operation, no allocation.
template <map_type Type, class Key, class Value, map_access Access = map_access::read_write>
class map {
  static constexpr map_kind kind = kind_of(Type);
  static constexpr bool per_cpu = kind.value == value_rule::per_cpu;
  // Of a kernel's type the C++ type says nothing, and of values of each CPU it says what one is.
  static constexpr value_rule wanted_value =
      per_cpu || kind.value == value_rule::kernel_type ? value_rule::plain : kind.value;
  static constexpr bool has_value = kind.value != value_rule::none;
  static_assert(kind.type == Type,
                "barebpf: this map type is newer than the library, so use untyped_map for it");
  static_assert(
      has_value != std::is_same_v<Value, no_value>,
      "barebpf: ring buffers and arenas have no values and all other maps have, so give no_value as the "
      "value type of those alone");
  static_assert(
      !has_value || value_rule_of<Value> == wanted_value,
      "barebpf: what goes into a map of this type and comes out of it is no plain value, or what its value "
      "type says belongs into another, so use the type that the map's alias in map/map.hpp has");
  static_assert(
      kind.value != value_rule::stack || sizeof(Value) % 8 == 0,
      "barebpf: the kernel keeps a stack as addresses of 8 bytes, so use stack_addresses as value type");
  static_assert((kind.key == key_rule::none) == std::is_same_v<Key, no_key>,
                "barebpf: queues, stacks, Bloom filters, ring buffers and arenas have no keys and all other "
                "maps have, so "
                "give no_key as the key type of those alone");
  static_assert(
      kind.key != key_rule::index || sizeof(Key) == 4,
      "barebpf: the kernel numbers the slots of this map with 32 bits, so its key type must have 4 bytes");
  static_assert(
      kind.key == key_rule::index || detail::is_key_size(kind.key, key_size_of<Key>),
      "barebpf: the kernel makes no map of this type with keys of this size, so take the key type that the "
      "map's alias in map/map.hpp has");
  static_assert(std::is_trivially_copyable_v<Key>,
                "barebpf: the kernel copies keys as raw bytes, so a key type must be trivially copyable");
  static_assert(std::is_trivially_copyable_v<Value>,
                "barebpf: the kernel copies values as raw bytes, so a value type must be trivially copyable");
  static_assert(
      !kind.hashes_the_key() || std::has_unique_object_representations_v<Key>,
      "barebpf: the kernel hashes every byte of a key, so a key type must have no padding: name the "
      "padding bytes as members and set them");

 public:
  static constexpr map_type type = Type;
  static constexpr map_access access = Access;
  using key_type = Key;
  using mapped_type = Value;
  /// What a lookup gives: the value, or what the kernel gives in its stead, or a value for each possible CPU.
  using element = std::conditional_t<per_cpu, per_cpu_values<Value>, answer_of<Value>>;
  /// What an update takes.
  using given = std::conditional_t<per_cpu, per_cpu_values<Value>, Value>;
  /// And what it takes in front of `Rest`, such as `on_cpu{3}`.
  template <class... Rest>
  using given_with = std::conditional_t<detail::begins_with_way<Rest...>, Value, given>;
  /// What batches of values are written to and read from.
  using element_storage = std::conditional_t<per_cpu, per_cpu_values<Value>&, span<answer_of<Value>>>;
  using element_source = std::conditional_t<per_cpu, const per_cpu_values<Value>&, span<const Value>>;
  /// The same map for reading only: `hits::read_only::get_pinned(path)` needs no right to write the pin, and what
  /// `create`, `get_pinned`, `from_id` and `get_or_create` open here the kernel itself holds to reading. Programs may
  /// write all the same. `adopt` and `from_fd` leave the descriptor as it is.
  using read_only = map<Type, Key, Value, map_access::read_only>;
  /// The same map for writing only, in the same way.
  using write_only = map<Type, Key, Value, map_access::write_only>;

  /// Uses a map that is already open; its type and sizes must be those of this class.
  explicit map(untyped_map untyped) noexcept : untyped_(std::move(untyped)) {}

  /// Creates a map. The flags without which the kernel makes none of this type are set. Where key or value has members,
  /// and of every storage, the kernel is told their C++ types, see `element_btf`: then bpftool(8) shows their names, and
  /// programs find a `spin_lock` in the value. A kernel that does not take them makes the map without, unless it has a lock.
  /// Errors: bad_name; EPERM without CAP_BPF; what the table of map types says against it, such as no_entries,
  ///         refused_map_flag or newer_map_type; E2BIG and ENOMEM for a map that is too large; for a storage those of
  ///         BPF_BTF_LOAD.
  /// Cost:   one system call; with types three.
  /// Kernel: the type's first, see `map_kinds`.
  /// Source: map_create() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] static result<map> create(const map_options& options) noexcept {
    if (!is_kernel_name(options.name))
      return error{.at = step::map_create, .why = cause::bad_name}.about(options.name);
    if constexpr (kind.value == value_rule::stack)
      if ((options.map_flags & map_flag::stack_build_id & ~Value::map_flags) != 0)
        return error{.at = step::map_create, .why = cause::stack_of_build_ids}.about(options.name);
    abi::map_create attr{.map_type = static_cast<u32>(Type),
                         .key_size = key_size_of<Key>,
                         .value_size = value_size_of<Value>,
                         .max_entries = options.max_entries,
                         .map_flags = options.map_flags | kind.required_flags | value_flags |
                                      flag_of(Access) | (options.token >= 0 ? map_flag::token_fd : 0),
                         .inner_map_fd = options.inner_map < 0 ? 0 : static_cast<u32>(options.inner_map),
                         .numa_node = options.numa_node,
                         .map_name = to_kernel_name(options.name),
                         .btf_fd = options.btf_fd,
                         .btf_key_type_id = options.btf_key_type_id,
                         .btf_value_type_id = options.btf_value_type_id,
                         .btf_vmlinux_value_type_id = options.btf_vmlinux_value_type_id,
                         .map_extra = options.map_extra};
    outcome created{.needed = capabilities_for_map(static_cast<u32>(Type)),
                    .subject = attr.map_name.characters};
    constexpr bool must_have_types = kind.btf == btf_rule::required;
    long answer;
    if (knows_types && options.btf_fd == 0 && (must_have_types || options.with_types)) {
      constexpr auto& types = element_btf<Key, Value, key_is_number>;
      attr.btf_key_type_id = types.key_id;
      attr.btf_value_type_id = types.value_id;
      answer = detail::create_with_types(attr, &types, types.size(), options.token,
                                         must_have_types || types.has_special, created);
      if (created.failed()) return to_whole_error(created);
    } else {
      answer = options.token < 0
                   ? create_map(attr)
                   : create_map(abi::map_create_with_token{.create = attr, .map_token_fd = options.token});
    }
    if (created.fails(step::map_create, answer)) {
      created.why = explain_refusal(attr, answer);
      return to_whole_error(created);
    }
    return map(untyped_map::own(fd::own(created.answer), attr.map_name));
  }

  /// Opens the map that is pinned under `path`, if it is one of this type, with these sizes and what `expected` says;
  /// `get_pinned<barebpf::identity_and_btf>` also holds the C++ types against the map's BTF, and so do those below.
  /// Errors: another_map, and then every difference is in `differences` if given; ENOENT; EACCES for a path that is
  ///         no pin, and for a pin without the right to read and write it, of which the views need one.
  /// Cost:   two system calls.
  template <class Check = identity_only>
  [[nodiscard]] static result<map> get_pinned(text path, const map_expectations& expected = {},
                                              typename Check::differences* differences = nullptr) noexcept {
    auto opened = get_pin(path, flag_of(Access));
    if (!opened) return opened.error();
    return adopt<Check>(std::move(*opened), expected, differences);
  }
  /// Opens the map that the kernel knows by this id, under the same conditions.
  /// Errors: ENOENT when there is none; EPERM without CAP_SYS_ADMIN; another_map.
  /// Kernel: 4.13, BPF_MAP_GET_FD_BY_ID.
  template <class Check = identity_only>
  [[nodiscard]] static result<map> from_id(u32 id, const map_expectations& expected = {},
                                           typename Check::differences* differences = nullptr) noexcept {
    const abi::next_id attr{.start_id = id, .open_flags = flag_of(Access)};
    const long opened = move_away(sys_bpf(abi::command::map_get_fd_by_id, attr));
    if (opened < 0) return failure(step::map_get_fd_by_id, opened);
    return adopt<Check>(fd::own(opened), expected, differences);
  }
  /// Takes over a descriptor, under the same conditions; it is closed when they are not met.
  template <class Check = identity_only>
  [[nodiscard]] static result<map> adopt(fd owned, const map_expectations& expected = {},
                                         typename Check::differences* differences = nullptr) noexcept {
    const auto name = Check::template check<Key, Value>(owned.number(), identity(expected), differences);
    if (!name) return name.error();
    return map(untyped_map::own(std::move(owned), *name));
  }
  /// Uses a descriptor of somebody else's, under the same conditions; it is never closed.
  /// Lifetime: valid as long as `number` is open.
  template <class Check = identity_only>
  [[nodiscard]] static result<map> from_fd(int number, const map_expectations& expected = {},
                                           typename Check::differences* differences = nullptr) noexcept {
    const auto name = Check::template check<Key, Value>(number, identity(expected), differences);
    if (!name) return name.error();
    return map(untyped_map::borrow(number, *name));
  }
  /// Opens the map that is pinned under `path`, or creates it and pins it there. Of several processes that do this
  /// at once, one creates it and all get the same.
  /// Errors: those of `create`, `pin` and `get_pinned`.
  template <class Check = identity_only>
  [[nodiscard]] static result<map> get_or_create(
      text path, const map_options& options, typename Check::differences* differences = nullptr) noexcept {
    // Those of a descriptor are not the map's, and the kernel does not keep them.
    constexpr u32 forgotten = map_flag::rdonly | map_flag::wronly | map_flag::token_fd;
    const map_expectations expected{.max_entries = options.max_entries,
                                    .map_flags = options.map_flags & ~forgotten};
    for (int tries = 0;; ++tries) {
      auto existing = get_pinned<Check>(path, expected, differences);
      if (existing || existing.error().at != step::obj_get || existing.error().code != ENOENT)
        return existing;
      auto created = create(options);
      if (!created) return created;
      const auto pinned = created->pin(path);
      if (pinned) return created;
      // Somebody was faster; and may unpin it again before it is got, so not for ever.
      if (pinned.error().code != EEXIST || tries == 8) return pinned.error();
    }
  }

  /// This map for reading or writing only, by its C++ type alone: no system call, and the descriptor may do what it
  /// could. `read_only::from_id(map.info()->id)` opens one that the kernel holds to it.
  /// Lifetime: valid as long as this map.
  [[nodiscard]] read_only as_read_only() const& noexcept {
    demand<can_lookup>();
    return read_only(untyped_map::borrow(descriptor().number(), untyped_.map_name()));
  }
  [[nodiscard]] write_only as_write_only() & noexcept {
    demand<can_update>();
    return write_only(untyped_map::borrow(descriptor().number(), untyped_.map_name()));
  }
  read_only as_read_only() const&& = delete;
  write_only as_write_only() && = delete;

  /// Pins the map under `path`, see `barebpf::pin`; the pin does not remember what this descriptor may do.
  [[nodiscard]] result<void> pin(text path) const noexcept { return barebpf::pin(descriptor(), path); }
  /// What the kernel says of the map.
  [[nodiscard]] result<abi::map_info> info() const noexcept { return ask_about_map(descriptor().number()); }
  /// From now on user space may only read; programs may still write.
  /// Errors: EBUSY while it is mapped for writing; EPERM when it is frozen already.
  /// Kernel: 5.2, BPF_MAP_FREEZE.
  /// Source: map_freeze() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<void> freeze() noexcept {
    demand<can_freeze>();
    return done(step::map_freeze, untyped_.freeze());
  }

  [[nodiscard]] const fd& descriptor() const noexcept { return untyped_.descriptor(); }
  [[nodiscard]] text map_name() const noexcept { return untyped_.map_name(); }

  /// Copies out the value under `key`.
  /// Errors: ENOENT when the key is absent; in an array no_such_slot.
  /// Kernel: 3.19, BPF_MAP_LOOKUP_ELEM.
  /// Source: map_lookup_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<element> lookup_elem(const Key& key) const noexcept {
    demand<can_lookup>();
    demand_answer();
    if constexpr (per_cpu) {
      auto values = element::make();
      if (!values) return values;
      if (const auto found = lookup_elem(key, *values); !found) return found.error();
      return values;
    } else {
      element value{};
      if (const long answer = untyped_.lookup_elem(&key, &value); answer < 0)
        return explain_element(step::map_lookup_elem, answer);
      return value;
    }
  }
  /// Copies the value under `key` into `value`, for values too large to return, and those of all CPUs without an
  /// allocation.
  /// Errors: ENOENT when the key is absent; `value` is then as it was.
  [[nodiscard]] result<void> lookup_elem(const Key& key, element& value) const noexcept {
    demand<can_lookup>();
    demand_answer();
    if (const long answer = untyped_.lookup_elem(&key, address_of(value)); answer < 0)
      return explain_element(step::map_lookup_elem, answer);
    return {};
  }
  /// The same `under_lock`, or the value `on_cpu` alone.
  /// Errors: ENOENT when the key is absent; EINVAL when the map's BTF shows no lock, and before 7.0 for a CPU.
  template <element_way Way>
  [[nodiscard]] result<Value> lookup_elem(const Key& key, Way way) const noexcept {
    demand<can_lookup>();
    demand_way<Way>();
    Value value{};
    if (const long answer = untyped_.lookup_elem(&key, &value, way.flags()); answer < 0)
      return explain_element(step::map_lookup_elem, answer);
    return value;
  }
  /// Stores `value` under `key`.
  /// Errors: E2BIG when the map is full; in an array no_such_slot.
  /// Kernel: 3.19, BPF_MAP_UPDATE_ELEM.
  /// Source: map_update_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<void> update_elem(const Key& key, const given& value) noexcept {
    return store(key, address_of(value), 0);
  }
  /// The same if the key is there, or if it is not, as `how` says.
  /// Errors: EEXIST and ENOENT as `how` says; slots of arrays are always there.
  template <class = void>
  [[nodiscard]] result<void> update_elem(const Key& key, const given& value, update how) noexcept {
    demand_choice();
    return store(key, address_of(value), static_cast<u64>(how));
  }
  /// The same `under_lock`, or the value `on_cpu` alone, or the same value `on_all_cpus`.
  /// Errors: EINVAL when the map's BTF shows no lock, and before 7.0 for CPUs.
  template <element_way Way>
  [[nodiscard]] result<void> update_elem(const Key& key, const Value& value, Way way,
                                         update how = update::any) noexcept {
    demand_way<Way>();
    return store(key, &value, static_cast<u64>(how) | way.flags());
  }
  /// Removes `key` and its value.
  /// Errors: ENOENT when the key is absent.
  /// Kernel: 3.19, BPF_MAP_DELETE_ELEM.
  /// Source: map_delete_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<void> delete_elem(const Key& key) noexcept {
    demand<can_delete>();
    if (const long answer = untyped_.delete_elem(&key); answer < 0)
      return explain_element(step::map_delete_elem, answer);
    return {};
  }
  /// Removes `key` and gives its value.
  /// Errors: ENOENT when the key is absent.
  /// Kernel: 5.14 for hash maps, BPF_MAP_LOOKUP_AND_DELETE_ELEM.
  /// Source: map_lookup_and_delete_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<element> lookup_and_delete_elem(const Key& key) noexcept {
    demand<can_lookup_and_delete>();
    demand_answer();
    if constexpr (per_cpu) {
      auto values = element::make();
      if (!values) return values;
      if (const long answer = untyped_.lookup_and_delete_elem(&key, values->data()); answer < 0)
        return explain_element(step::map_lookup_and_delete_elem, answer);
      return values;
    } else {
      element value{};
      if (const long answer = untyped_.lookup_and_delete_elem(&key, &value); answer < 0)
        return explain_element(step::map_lookup_and_delete_elem, answer);
      return value;
    }
  }
  /// The same `under_lock`.
  /// Errors: ENOENT when the key is absent; EINVAL when the map's BTF shows no lock.
  template <element_way Way>
  [[nodiscard]] result<Value> lookup_and_delete_elem(const Key& key, Way way) noexcept {
    demand<can_lookup_and_delete>();
    demand_lock<Way>();
    Value value{};
    if (const long answer = untyped_.lookup_and_delete_elem(&key, &value, way.flags()); answer < 0)
      return explain_element(step::map_lookup_and_delete_elem, answer);
    return value;
  }

  // What is no key or value of this map is told so, instead of all that the compiler has tried.
  template <detail::misfit<Key> Given, class... Rest>
  result<element> lookup_elem(Given&&, Rest&&...) const noexcept {
    demand<can_lookup>();
    return demand_key<Given>();
  }
  template <detail::misfit<Key> Given, class... Rest>
  result<void> update_elem(Given&&, Rest&&...) noexcept {
    demand<can_update>();
    return demand_key<Given>();
  }
  template <class... Rest, detail::misfit<given_with<Rest...>> Given>
  result<void> update_elem(const Key&, Given&&, Rest&&...) noexcept {
    demand<can_update>();
    return demand_value<Given, given_with<Rest...>>();
  }
  template <detail::misfit<Key> Given>
  result<void> delete_elem(Given&&) noexcept {
    demand<can_delete>();
    return demand_key<Given>();
  }
  template <detail::misfit<Key> Given, class... Rest>
  result<element> lookup_and_delete_elem(Given&&, Rest&&...) noexcept {
    demand<can_lookup_and_delete>();
    return demand_key<Given>();
  }

  // These are templates, so that a map with keys can still be instantiated as a whole.

  /// Adds an element to a queue, a stack or a Bloom filter.
  /// Errors: E2BIG when it is full.
  /// Kernel: 4.20, BPF_MAP_UPDATE_ELEM without a key; Bloom filters 5.16.
  /// Source: queue_stack_map_push_elem() in kernel/bpf/queue_stack_maps.c at v6.12.
  template <class = void>
  [[nodiscard]] result<void> push_elem(const Value& value) noexcept {
    demand<can_update, false>();
    return done(step::map_update_elem, untyped_.update_elem(nullptr, &value, 0));
  }
  /// The same; with `update::exist` a full queue or stack loses its oldest element instead.
  /// Errors: EINVAL for `update::noexist`.
  template <class = void>
  [[nodiscard]] result<void> push_elem(const Value& value, update how) noexcept {
    demand<can_update, false>();
    demand_choice();
    return done(step::map_update_elem, untyped_.update_elem(nullptr, &value, static_cast<u64>(how)));
  }
  /// Takes the oldest element of a queue, the newest of a stack.
  /// Errors: ENOENT when it is empty.
  /// Kernel: 4.20, BPF_MAP_LOOKUP_AND_DELETE_ELEM without a key.
  template <class = void>
  [[nodiscard]] result<Value> pop_elem() noexcept {
    demand<can_lookup_and_delete, false>();
    Value value{};
    if (const long answer = untyped_.lookup_and_delete_elem(nullptr, &value); answer < 0)
      return explain(step::map_lookup_and_delete_elem, answer);
    return value;
  }
  /// Copies the element that `pop_elem` would take.
  /// Errors: ENOENT when it is empty.
  /// Kernel: 4.20, BPF_MAP_LOOKUP_ELEM without a key.
  template <class = void>
  [[nodiscard]] result<Value> peek_elem() const noexcept {
    demand<can_lookup, false>();
    static_assert(can_be_popped,
                  "barebpf: a Bloom filter does not give back what is in it, so ask may_contain");
    Value value{};
    if (const long answer = untyped_.lookup_elem(nullptr, &value); answer < 0)
      return explain(step::map_lookup_elem, answer);
    return value;
  }
  /// False when `value` was surely never pushed to a Bloom filter; true when it probably was.
  /// Kernel: 5.16, BPF_MAP_LOOKUP_ELEM, which takes the value in.
  /// Source: bloom_map_peek_elem() in kernel/bpf/bloom_filter.c at v6.12.
  template <class = void>
  [[nodiscard]] result<bool> may_contain(const Value& value) const noexcept {
    demand<can_lookup, false>();
    static_assert(!can_be_popped,
                  "barebpf: only a Bloom filter answers for a value, so use peek_elem or pop_elem");
    Value asked = value;
    const long answer = untyped_.lookup_elem(nullptr, &asked);
    if (answer < 0 && answer != -ENOENT) return explain(step::map_lookup_elem, answer);
    return answer >= 0;
  }

  /// The first key.
  /// Errors: ENOENT when the map is empty.
  /// Kernel: 4.12 without a key, BPF_MAP_GET_NEXT_KEY.
  [[nodiscard]] result<Key> get_next_key() const noexcept { return next(nullptr); }
  /// The key after `key`. In a hash map the first key follows one that is absent, so a walk that deletes the
  /// key it stands on begins again.
  /// Errors: ENOENT after the last key.
  /// Kernel: 3.19, BPF_MAP_GET_NEXT_KEY.
  /// Source: map_get_next_key() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<Key> get_next_key(const Key& key) const noexcept { return next(&key); }

  /// Walks over all elements: `for (auto [key, value] : map.entries())`, see `entry_range`.
  [[nodiscard]] owned_entry_range<Key, answer_of<Value>> entries() const& noexcept {
    demand<can_get_next_key>();
    demand<can_lookup>();
    demand_answer();
    static_assert(
        !per_cpu,
        "barebpf: how large the values of all CPUs are is known at run time only, so give entries the "
        "storage that per_cpu_values::make makes");
    return owned_entry_range<Key, answer_of<Value>>(untyped_);
  }
  /// The same with the caller's storage for the batches; without any, one key after the other. Per-CPU values need
  /// room for at least one element.
  [[nodiscard]] auto entries(span<Key> keys, element_storage values) const& noexcept {
    demand<can_get_next_key>();
    demand<can_lookup>();
    demand_answer();
    const u32 room = smaller(keys.size(), count_of(values));
    if constexpr (per_cpu)
      return entry_range<Key, per_cpu_pointer<Value>>(
          untyped_, keys.data(), per_cpu_pointer<Value>(values.data(), values.cpus()), room);
    else
      return entry_range<Key, answer_of<Value>*>(untyped_, keys.data(), values.data(), room);
  }

  // A walk looks at its map, which must not be gone before it.
  void entries() const&& = delete;
  void entries(span<Key> keys, element_storage values) const&& = delete;

  /// Copies out the next elements of a walk, as many as fit, and says in `cursor` whether they were the last.
  /// Errors: ENOSPC when the elements of one bucket do not fit: give more room.
  /// Kernel: 5.6, BPF_MAP_LOOKUP_BATCH; the elements of one bucket come together.
  /// Source: __htab_map_lookup_and_delete_batch() in kernel/bpf/hashtab.c at v6.12.
  [[nodiscard]] batch_result lookup_batch(batch_cursor<Key>& cursor, span<Key> keys,
                                          element_storage values) const noexcept {
    demand<can_lookup_batch>();
    return read_batch(abi::command::map_lookup_batch, step::map_lookup_batch, cursor, keys.data(),
                      values.data(), smaller(keys.size(), count_of(values)));
  }
  /// The same `under_lock`.
  template <element_way Way>
  [[nodiscard]] batch_result lookup_batch(batch_cursor<Key>& cursor, span<Key> keys, span<Value> values,
                                          Way way) const noexcept {
    demand<can_lookup_batch>();
    demand_way<Way>();
    return read_batch(abi::command::map_lookup_batch, step::map_lookup_batch, cursor, keys.data(),
                      values.data(), smaller(keys.size(), values.size()), way.flags());
  }
  /// The same, and removes them.
  /// Kernel: 5.6, BPF_MAP_LOOKUP_AND_DELETE_BATCH.
  [[nodiscard]] batch_result lookup_and_delete_batch(batch_cursor<Key>& cursor, span<Key> keys,
                                                     element_storage values) noexcept {
    demand<can_lookup_and_delete_batch>();
    return read_batch(abi::command::map_lookup_and_delete_batch, step::map_lookup_and_delete_batch, cursor,
                      keys.data(), values.data(), smaller(keys.size(), count_of(values)));
  }
  /// The same `under_lock`.
  template <element_way Way>
  [[nodiscard]] batch_result lookup_and_delete_batch(batch_cursor<Key>& cursor, span<Key> keys,
                                                     span<Value> values, Way way) noexcept {
    demand<can_lookup_and_delete_batch>();
    demand_lock<Way>();
    return read_batch(abi::command::map_lookup_and_delete_batch, step::map_lookup_and_delete_batch, cursor,
                      keys.data(), values.data(), smaller(keys.size(), values.size()), way.flags());
  }
  /// Stores each of `values` under its key. The kernel has no noexist and no exist for batches.
  /// Errors: E2BIG when the map is full, in an array no_such_slot; `count` elements were stored before that.
  /// Kernel: 5.6, BPF_MAP_UPDATE_BATCH.
  /// Source: generic_map_update_batch() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] batch_result update_batch(span<const Key> keys, element_source values) noexcept {
    demand<can_update_batch>();
    return write_batch(abi::command::map_update_batch, step::map_update_batch, keys.data(), values.data(),
                       smaller(keys.size(), count_of(values)));
  }
  /// The same `under_lock`, or each value `on_cpu` alone or `on_all_cpus`.
  template <element_way Way>
  [[nodiscard]] batch_result update_batch(span<const Key> keys, span<const Value> values, Way way) noexcept {
    demand<can_update_batch>();
    demand_way<Way>();
    return write_batch(abi::command::map_update_batch, step::map_update_batch, keys.data(), values.data(),
                       smaller(keys.size(), values.size()), way.flags());
  }
  /// Removes each of `keys`.
  /// Errors: ENOENT at the first that is not there; `count` were removed before it.
  /// Kernel: 5.6, BPF_MAP_DELETE_BATCH.
  /// Source: generic_map_delete_batch() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] batch_result delete_batch(span<const Key> keys) noexcept {
    demand<can_delete_batch>();
    return write_batch(abi::command::map_delete_batch, step::map_delete_batch, keys.data(), nullptr,
                       static_cast<u32>(keys.size()));
  }

  /// The values as memory; of a const map for reading, which a map that is frozen or that programs may not write
  /// allows too: `std::as_const(slots).map_values()`.
  /// Errors: EINVAL without map_flag::mmapable; EPERM for writing to a frozen map, EACCES to one with
  ///         map_flag::rdonly_prog; EACCES or EINVAL for a descriptor that was narrowed.
  /// Cost:   two system calls, and none for each access.
  /// Kernel: 5.5.
  /// Source: array_map_mmap() in kernel/bpf/arraymap.c at v6.12.
  // Templates, so that a map that cannot be mapped can still be instantiated as a whole.
  template <std::same_as<Value> Seen = Value>
  [[nodiscard]] result<mapped_values<Seen>> map_values() noexcept {
    return map_memory<Seen>();
  }
  template <std::same_as<const Value> Seen = const Value>
  [[nodiscard]] result<mapped_values<Seen>> map_values() const noexcept {
    return map_memory<Seen>();
  }

 private:
  // Of operations that name an element by its key, and of those that do not.
  template <operation Wanted, bool ByKey = true>
  static constexpr void demand() noexcept {
    static_assert(ByKey || kind.key == key_rule::none,
                  "barebpf: elements of this map are named by keys, so use update_elem, lookup_elem and "
                  "lookup_and_delete_elem");
    static_assert(!ByKey || kind.key != key_rule::none || !has_value || Wanted == can_freeze,
                  "barebpf: elements of this map have no keys, so use push_elem, pop_elem and peek_elem");
    static_assert((kind.operations & Wanted) != 0,
                  "barebpf: the kernel does not know this operation on maps of this type, so use another");
    constexpr bool allowed = (operations_of(Access) & Wanted) != 0;
    static_assert(
        allowed || Wanted != can_mmap,
        "barebpf: the kernel shares no memory through a read-only or write-only descriptor, so use the "
        "class of the map itself, and a const map for reading");
    static_assert(
        allowed || Wanted == can_mmap || Access != map_access::read_only,
        "barebpf: the kernel changes no map through a read-only descriptor, so use the class of the map "
        "itself");
    static_assert(
        allowed || Wanted == can_mmap || Access != map_access::write_only,
        "barebpf: the kernel reads no map through a write-only descriptor, so use the class of the map "
        "itself");
  }

  static constexpr void demand_answer() noexcept {
    static_assert(
        !std::is_same_v<answer_of<Value>, no_value>,
        "barebpf: the kernel gives nothing back from such a value, so use socket_fd, whose 8 bytes bring the "
        "socket's cookie, or look it up in a program");
  }
  template <class Given>
  static constexpr error demand_key() noexcept {
    static_assert(!detail::misfit<Given, Key>,
                  "barebpf: what stands here as a key does not become one of this map's keys, so give what "
                  "its key_type is made of");
    return {};
  }
  template <class Given, class Wanted>
  static constexpr error demand_value() noexcept {
    constexpr bool is_of_one_cpu = per_cpu && !detail::misfit<Given, Value>;
    static_assert(
        !is_of_one_cpu,
        "barebpf: this map has a value for each CPU, so add on_all_cpus or on_cpu, or give a per_cpu_values");
    static_assert(is_of_one_cpu || !detail::misfit<Given, Wanted>,
                  "barebpf: what stands here as a value does not become one of this map's values, so give "
                  "what its mapped_type is made of");
    return {};
  }
  static constexpr void demand_choice() noexcept {
    static_assert(
        (kind.operations & can_choose_update) != 0,
        "barebpf: the kernel does not ask whether something is there before it updates a map of this type, "
        "so leave update::noexist and update::exist out");
  }
  template <class Way>
  static constexpr void demand_way() noexcept {
    static_assert(
        Way::needs != can_lock || (kind.operations & can_lock) != 0,
        "barebpf: values of this map type have no spin lock for the kernel to take, so leave under_lock out");
    static_assert(
        Way::needs != can_choose_cpu || (kind.operations & can_choose_cpu) != 0,
        "barebpf: maps of this type keep one value for all CPUs, so leave on_cpu and on_all_cpus out");
  }
  template <class Way>
  static constexpr void demand_lock() noexcept {
    demand_way<Way>();
    static_assert(Way::needs == can_lock,
                  "barebpf: an element leaves a map with its values of all CPUs, so leave on_cpu out");
  }

  static constexpr map_identity identity(const map_expectations& expected) noexcept {
    map_identity out{.type = static_cast<u32>(Type),
                     .key_size = key_size_of<Key>,
                     .value_size = value_size_of<Value>,
                     .max_entries = expected.max_entries,
                     .map_flags = expected.map_flags | kind.required_flags};
    // Values of either kind may have the same size, so whatever else is expected, this flag tells them apart.
    if constexpr (kind.value == value_rule::stack) {
      if (expected.map_flags == map_identity::any) {
        out.map_flags = value_flags;
        out.compared_flags = map_flag::stack_build_id;
      } else {
        out.map_flags |= value_flags;
      }
    }
    return out;
  }
  // Whether the kernel takes types of such a map, and they tell more than sizes.
  static constexpr bool key_is_number =
      kind.key == key_rule::index || kind.key == key_rule::descriptor || kind.key == key_rule::single;
  static constexpr bool knows_types =
      kind.btf == btf_rule::required ||
      (kind.btf == btf_rule::allowed && kind.value != value_rule::none && kind.key != key_rule::none &&
       !detail::exchanged<Value> &&
       ((!key_is_number && has_members_to_show<Key>) || has_members_to_show<Value>));
  // What the value type itself wants of a map.
  static constexpr u32 value_flags = [] {
    if constexpr (kind.value == value_rule::stack)
      return Value::map_flags;
    else
      return u32{0};
  }();
  static constexpr bool can_be_popped = (kind.operations & can_lookup_and_delete) != 0;
  template <class Element>
  static auto* address_of(Element& value) noexcept {
    if constexpr (per_cpu)
      return value.data();
    else
      return &value;
  }
  template <class Storage>
  static size_t count_of(const Storage& values) noexcept {
    if constexpr (per_cpu)
      return values.elements();
    else
      return values.size();
  }
  static constexpr u32 smaller(size_t a, size_t b) noexcept { return static_cast<u32>(a < b ? a : b); }

  [[nodiscard]] batch_result read_batch(abi::command command, step at, batch_cursor<Key>& cursor, Key* keys,
                                        void* values, u32 count, u64 flags = 0) const noexcept {
    if (cursor.at_end()) return batch_result(0);
    const long answer = untyped_.batch(command, cursor.in(), cursor.out(), keys, values, count, flags);
    // ENOENT says that these were the last ones, and they count.
    if (answer < 0 && answer != -ENOENT) return batch_result(0, explain_element(at, answer));
    cursor.advance(answer == -ENOENT);
    return batch_result(count);
  }
  [[nodiscard]] batch_result write_batch(abi::command command, step at, const Key* keys, const void* values,
                                         u32 count, u64 flags = 0) noexcept {
    if (count == 0) return batch_result(0);
    const u32 wanted = count;
    const long answer = untyped_.batch(command, nullptr, nullptr, keys, values, count, flags);
    if (answer >= 0) return batch_result(count);
    // Where the kernel refused before it began, it left the count as it was.
    return batch_result(count == wanted ? 0 : count, explain_element(at, answer));
  }
  template <class Seen>
  [[nodiscard]] result<mapped_values<Seen>> map_memory() const noexcept {
    demand<can_mmap>();
    static_assert(has_value,
                  "barebpf: this map's memory is no row of values, so use the class that reads it, such as "
                  "ringbuf");
    static_assert(
        sizeof(Value) % 8 == 0,
        "barebpf: the kernel keeps the values of an array 8 bytes apart or a multiple of it, so a value "
        "type that is mapped must have such a size");
    const auto known = info();
    if (!known) return known.error().about(map_name());
    detail::mapping memory;
    if (const long answer =
            memory.fill(descriptor().number(), mapped_values<Seen>::size_of(known->max_entries),
                        std::is_const_v<Seen> ? detail::mapping::readable : detail::mapping::writable);
        answer < 0)
      return explain(step::map_memory, answer);
    return mapped_values<Seen>(std::move(memory), known->max_entries);
  }
  [[nodiscard, gnu::always_inline]] result<void> store(const Key& key, const void* value,
                                                       u64 flags) noexcept {
    demand<can_update>();
    if (const long answer = untyped_.update_elem(&key, value, flags); answer < 0)
      return explain_element(step::map_update_elem, answer);
    return {};
  }
  [[nodiscard]] result<Key> next(const Key* key) const noexcept {
    demand<can_get_next_key>();
    Key found{};
    if (const long answer = untyped_.get_next_key(key, &found); answer < 0)
      return explain(step::map_get_next_key, answer);
    return found;
  }
  [[nodiscard]] result<void> done(step at, long answer) const noexcept {
    if (answer < 0) return explain(at, answer);
    return {};
  }
  // Sixteen bytes at once, because an absent key is no reason to be slow.
  [[nodiscard, gnu::always_inline]] error explain(step at, long answer) const noexcept {
    error out = failure(at, answer);
    static_assert(sizeof(kernel_name) <= sizeof out.name);
    __builtin_memcpy(out.name, &untyped_.map_name(), sizeof(kernel_name));
    return out;
  }
  // The same, with what the errno means on a map of this type where that is something of its own.
  [[nodiscard, gnu::always_inline]] error explain_element(step at, long answer) const noexcept {
    error out = explain(at, answer);
    if constexpr (explains_elements(kind)) out.why = why_refused_element(kind, at, out.code);
    return out;
  }

  untyped_map untyped_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_TYPED_HPP
