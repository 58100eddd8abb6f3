// SPDX-License-Identifier: MIT
// A small Linux over the fake kernel: a table of descriptors, hash maps and arrays, pins, a verifier that says what
// a test tells it to, tracefs and a few files. A descriptor that is closed twice, used after it was closed or never
// closed fails the test that did it, and so does a mapping.
#ifndef BAREBPF_TESTS_SUPPORT_FAKE_MACHINE_HPP
#define BAREBPF_TESTS_SUPPORT_FAKE_MACHINE_HPP

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "fake_kernel.hpp"

using raw_bytes = std::vector<unsigned char>;

/// A record that a test expects: zeros, and the fields that it names.
class record {
 public:
  explicit record(std::size_t size) : bytes_(size) {}
  record& u32(std::size_t at, std::uint32_t value) { return put(at, &value, sizeof value); }
  record& u64(std::size_t at, std::uint64_t value) { return put(at, &value, sizeof value); }
  record& pointer(std::size_t at, const void* where) {
    return u64(at, static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(where)));
  }
  record& text(std::size_t at, const std::string& characters) {
    return put(at, characters.data(), characters.size());
  }
  operator raw_bytes() const { return bytes_; }
  friend bool operator==(const raw_bytes& seen, const record& expected) { return seen == expected.bytes_; }

 private:
  record& put(std::size_t at, const void* from, std::size_t size) {
    std::memcpy(bytes_.data() + at, from, size);
    return *this;
  }
  raw_bytes bytes_;
};

/// One system call, with what its pointers pointed to while it was made.
struct seen_call {
  std::string name{};  ///< "map_create", "close"
  long arguments[6] = {};
  long answer = 0;
  raw_bytes attr{};          ///< the record of bpf(2), or of perf_event_open(2)
  std::string path{};        ///< of openat, fsopen, unlinkat, obj_pin, obj_get and raw_tracepoint_open
  raw_bytes payload{};       ///< instructions of prog_load, types of btf_load
  std::string license{};     ///< of prog_load
  std::vector<int> array{};  ///< fd_array of prog_load, as far as the instructions use it
  raw_bytes functions{};     ///< func_info of prog_load
  raw_bytes lines{};         ///< line_info of prog_load
  raw_bytes value{};         ///< of map_update_elem and setsockopt; of link_create what an iterator lists
  std::vector<std::uint32_t> ids{};      ///< of link_create the functions, and for each its cookie
  std::vector<std::uint64_t> cookies{};  ///< or none

  std::uint32_t u32(std::size_t at) const { return get<std::uint32_t>(at); }
  std::uint64_t u64(std::size_t at) const { return get<std::uint64_t>(at); }
  std::string text(std::size_t at) const { return reinterpret_cast<const char*>(attr.data() + at); }
  /// An instruction of prog_load, first byte first.
  raw_bytes instruction(std::size_t index) const {
    const auto first = payload.begin() + static_cast<std::ptrdiff_t>(index * 8);
    return raw_bytes(first, first + 8);
  }

 private:
  template <class T>
  T get(std::size_t at) const {
    T out{};  // the kernel takes zeros for what it is not given
    if (at < attr.size()) std::memcpy(&out, attr.data() + at, std::min(sizeof out, attr.size() - at));
    return out;
  }
};

class fake_machine {
 public:
  fake_machine() : kernel_([this](const fake_call& call) { return enter(call); }) {
    for (int number = 0; number < 3; ++number) table_[number].kind = "stream";
  }
  ~fake_machine() { CHECK(left_open() == std::vector<std::string>{}); }
  fake_machine(const fake_machine&) = delete;
  fake_machine& operator=(const fake_machine&) = delete;

  // What the machine is like.
  int table_size = 64;
  bool has_tracefs = true, tracefs_is_mounted = true, has_perf_links = true, has_sockmap_links = true;
  bool interfaces_are_there = true;
  std::map<std::string, std::string> tracepoints{{"syscalls/sys_enter_execve", "727\n"}};
  std::map<std::string, std::string> files;
  std::set<std::string> folders;
  long longest_read = 1 << 30;                       // bytes that one read gives at most
  std::string release = "6.18.44-fake";              // what uname says
  std::string version = "#1 SMP fake";               // beside it
  std::uint64_t capabilities = ~0ull;                // the effective set
  std::string user_namespace = "user:[4026531837]";  // the first one
  int verifier_refuses = 0;                          // errno
  std::string verifier_says;                         // its log
  bool verifier_tells_true_size = true;              // since 6.4
  std::map<std::string, std::deque<int>> refusals;  // errno of the next calls of that name, 0 to let one pass
  std::map<std::uint32_t, int>
      refused_functions;  // errno of those that no program is attached to, by their ids
  /// Asked before every call: the errno to fail it with, or 0.
  std::function<int(std::size_t index)> fault;

  /// Types that the kernel has by ids from 1 on: its own, a module's or a program's.
  struct loaded_types {
    std::string name;
    std::string content;
    bool is_of_kernel = true;
  };
  std::vector<loaded_types> types;

  std::uint32_t program_is_for = 0;  // the id of the types for which a program was loaded

  /// Told of every call before it is answered: what others do meanwhile.
  std::function<void(const seen_call& call)> meanwhile;
  std::set<std::string> bpf_folders{"/sys/fs/bpf"};  // where a BPF file system takes pins

  /// Every call so far, in order.
  std::vector<seen_call> calls;

  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const seen_call& call : calls) out.push_back(call.name);
    return out;
  }
  std::vector<seen_call> all(const std::string& name) const {
    std::vector<seen_call> out;
    for (const seen_call& call : calls)
      if (call.name == name) out.push_back(call);
    return out;
  }
  /// The descriptors beyond 0, 1 and 2 that are open, by what they are, and behind them the mappings.
  std::vector<std::string> left_open() const {
    std::vector<std::string> out;
    for (const auto& [number, what] : table_)
      if (what.kind != "stream") out.push_back(what.kind);
    out.insert(out.end(), mappings_.size(), "mapping");
    return out;
  }
  /// The paths under which something is pinned.
  std::vector<std::string> pins() const {
    std::vector<std::string> out;
    for (const auto& [path, what] : pins_) out.push_back(path);
    return out;
  }
  /// As if somebody else had created a map, of which nothing else is known; gives its number.
  int open_map(std::uint32_t type, std::uint32_t key_size, std::uint32_t value_size,
               std::uint32_t max_entries, std::uint32_t flags = 0) {
    return static_cast<int>(
        add({.kind = "map", .map = made(type, key_size, value_size, max_entries, flags)}));
  }
  /// As if somebody else had created such a map and pinned it.
  void pin_map(const std::string& path, std::uint32_t type, std::uint32_t key_size, std::uint32_t value_size,
               std::uint32_t max_entries, std::uint32_t flags = 0) {
    pins_[path] = {.kind = "map", .map = made(type, key_size, value_size, max_entries, flags)};
  }
  /// As if somebody else had pinned something that is no map.
  void pin_program(const std::string& path) { pins_[path] = {.kind = "program"}; }
  /// As if somebody else had removed the pin.
  void remove_pin(const std::string& path) { pins_.erase(path); }
  /// True when both numbers are of one map.
  bool are_one_map(long number, long other) const {
    return map_behind(number) != nullptr && map_behind(number) == map_behind(other);
  }
  /// True when the map behind `number` is the one that is pinned under `path`.
  bool is_pinned(long number, const std::string& path) const {
    const auto found = pins_.find(path);
    return found != pins_.end() && found->second.map != nullptr && found->second.map == map_behind(number);
  }
  /// The first bytes of an arena.
  raw_bytes first_bytes(long number, std::size_t count) const {
    unsigned char* const first = map_behind(number)->at(0);
    return raw_bytes(first, first + count);
  }
  /// As if the memory of a map were full of something.
  void soil(long number) const {
    const auto map = map_behind(number);
    std::memset(map->at(0), 0x5a, map->memory.size() * sizeof map->memory[0]);
  }
  /// The value of an array's first entry, and whether the map is frozen.
  raw_bytes first_value(long number) const { return map_behind(number)->value(0); }
  bool is_frozen(long number) const { return map_behind(number)->is_frozen; }
  template <class Number>
  std::string kind_of(Number number) const {
    const auto found = table_.find(static_cast<int>(number));
    return found == table_.end() ? "closed" : found->second.kind;
  }
  /// Opens something that was there before the library came; gives its number.
  int open(const std::string& kind) { return static_cast<int>(add(descriptor{.kind = kind})); }
  /// As after exec with closed streams: the next descriptors are 0, 1 and 2.
  void close_streams() {
    for (int number = 0; number < 3; ++number) table_.erase(number);
  }
  /// As if somebody else had closed it.
  void forget(long number) { table_.erase(static_cast<int>(number)); }

 private:
  // A hash keeps its elements in a table, an array in memory that can be mapped.
  struct hash_table {
    std::uint32_t type = 0;
    std::size_t key_size = 0, value_size = 0, max_entries = 0;
    std::uint32_t flags = 0;
    bool is_frozen = false;
    std::string name{};
    std::map<raw_bytes, raw_bytes> elements{};
    struct alignas(16) chunk {
      unsigned char bytes[16] = {};
    };
    std::vector<chunk> memory{};

    bool is_array() const { return type == 2; }
    bool is_arena() const { return type == 33; }
    bool is_operations() const { return type == 26; }
    std::size_t stride() const { return (value_size + 7) / 8 * 8; }
    unsigned char* at(std::size_t index) {
      return reinterpret_cast<unsigned char*>(memory.data()) + index * stride();
    }
    raw_bytes value(std::size_t index) {
      if (is_operations()) return elements.begin()->second;
      return raw_bytes(at(index), at(index) + value_size);
    }
  };
  static std::shared_ptr<hash_table> made(std::uint32_t type, std::size_t key_size, std::size_t value_size,
                                          std::size_t max_entries, std::uint32_t flags) {
    auto out = std::make_shared<hash_table>();
    out->type = type;
    out->key_size = key_size;
    out->value_size = value_size;
    out->max_entries = max_entries;
    out->flags = flags;
    if (out->is_array()) out->memory.resize(out->stride() * max_entries / 16 + 1);
    if (out->is_arena()) out->memory.resize(max_entries * 4096 / 16);
    return out;
  }
  struct descriptor {
    std::string kind{};
    std::string content{};
    std::size_t position = 0;
    std::shared_ptr<hash_table> map{};
  };

  static constexpr std::uint32_t iterator_type = 28, event_type = 41,  // BPF_TRACE_ITER, BPF_PERF_EVENT
      operations_type = 44;                                            // BPF_STRUCT_OPS
  static constexpr std::uint32_t largest_type = 0xfffff;               // BTF_MAX_TYPE
  static constexpr long current_folder = -100;
  static constexpr std::uint32_t token_flag = 1u << 16, mmapable_flag = 1u << 10;

  // BPF_TRACE_FENTRY_MULTI and its siblings.
  static bool is_of_functions(const seen_call& call) { return call.u32(8) >= 59 && call.u32(8) <= 61; }
  // The kernel looks at all functions, in the order of their ids, before it attaches to any.
  long look_at_functions(std::vector<std::uint32_t> ids) const {
    if (ids.empty()) return -EINVAL;
    std::sort(ids.begin(), ids.end());
    if (std::adjacent_find(ids.begin(), ids.end()) != ids.end()) return -EINVAL;
    for (const std::uint32_t id : ids) {
      const auto found = refused_functions.find(id);
      if (found != refused_functions.end()) return -found->second;
      if (id > largest_type) return -EINVAL;
    }
    return 0;
  }

  std::shared_ptr<hash_table> map_behind(long number) const {
    const auto found = table_.find(static_cast<int>(number));
    return found == table_.end() ? nullptr : found->second.map;
  }

  static const unsigned char* at(std::uint64_t address) {
    return reinterpret_cast<const unsigned char*>(static_cast<std::uintptr_t>(address));
  }
  static unsigned char* at_mutable(std::uint64_t address) {
    return reinterpret_cast<unsigned char*>(static_cast<std::uintptr_t>(address));
  }
  static raw_bytes copy(std::uint64_t address, std::size_t size) {
    return raw_bytes(at(address), at(address) + size);
  }
  static std::uint64_t address(long argument) { return static_cast<unsigned long>(argument); }
  static std::string string_at(long argument) {
    return argument == 0 ? "" : reinterpret_cast<const char*>(at(address(argument)));
  }

  long add(descriptor what, int from = 0) {
    for (int number = from; number < table_size; ++number)
      if (table_.find(number) == table_.end()) {
        table_[number] = std::move(what);
        return number;
      }
    return -EMFILE;
  }

  static std::string name_of(const fake_call& call) {
    static const std::map<long, std::string> commands{
        {0, "map_create"},       {1, "map_lookup_elem"},   {2, "map_update_elem"},
        {3, "map_delete_elem"},  {4, "map_get_next_key"},  {5, "prog_load"},
        {6, "obj_pin"},          {7, "obj_get"},           {15, "obj_get_info_by_fd"},
        {18, "btf_load"},        {19, "btf_get_fd_by_id"}, {22, "map_freeze"},
        {23, "btf_get_next_id"}, {24, "map_lookup_batch"}, {8, "prog_attach"},
        {9, "prog_detach"},      {10, "prog_test_run"},    {17, "raw_tracepoint_open"},
        {28, "link_create"},     {29, "link_update"},      {33, "iter_create"},
        {34, "link_detach"}};
    static const std::map<long, std::string> numbers{{__NR_close, "close"},
                                                     {__NR_fcntl, "fcntl"},
                                                     {__NR_openat, "openat"},
                                                     {__NR_read, "read"},
                                                     {__NR_lseek, "lseek"},
                                                     {__NR_getdents64, "getdents64"},
                                                     {__NR_ioctl, "ioctl"},
                                                     {__NR_capget, "capget"},
                                                     {__NR_readlinkat, "readlinkat"},
                                                     {__NR_uname, "uname"},
                                                     {__NR_perf_event_open, "perf_event_open"},
                                                     {__NR_unlinkat, "unlinkat"},
                                                     {__NR_munmap, "munmap"},
                                                     {__NR_msync, "msync"},
                                                     {__NR_socket, "socket"},
                                                     {__NR_setsockopt, "setsockopt"},
#ifdef __NR_mmap2
                                                     {__NR_mmap2, "mmap"},
#else
                                                     {__NR_mmap, "mmap"},
#endif
                                                     {430, "fsopen"},
                                                     {431, "fsconfig"},
                                                     {432, "fsmount"}};
    const auto& names = call.number == __NR_bpf ? commands : numbers;
    const auto found = names.find(call.number == __NR_bpf ? call.arguments[0] : call.number);
    return found == names.end() ? "call " + std::to_string(call.number) : found->second;
  }

  static seen_call look_at(const fake_call& raw) {
    seen_call call{.name = name_of(raw)};
    for (int i = 0; i < 6; ++i) call.arguments[i] = raw.arguments[i];
    if (raw.number == __NR_bpf) call.attr = copy(address(raw.arguments[1]), std::size_t(raw.arguments[2]));
    if (call.name == "perf_event_open") {
      std::uint32_t size = 0;
      std::memcpy(&size, at(address(raw.arguments[0]) + 4), sizeof size);
      call.attr = copy(address(raw.arguments[0]), size);
    }
    if (call.name == "openat" || call.name == "unlinkat") call.path = string_at(raw.arguments[1]);
    if (call.name == "obj_pin" || call.name == "obj_get")
      call.path = reinterpret_cast<const char*>(at(call.u64(0)));
    if (call.name == "raw_tracepoint_open" && call.u64(0) != 0)
      call.path = reinterpret_cast<const char*>(at(call.u64(0)));
    if (call.name == "link_create" && call.u32(8) == iterator_type && call.u32(24) != 0)
      call.value = copy(call.u64(16), call.u32(24));
    if (call.name == "link_create" && is_of_functions(call)) {
      call.ids.resize(call.u32(32));
      std::memcpy(call.ids.data(), at(call.u64(16)), call.ids.size() * 4);
      call.cookies.resize(call.u64(24) == 0 ? 0 : call.ids.size());
      if (!call.cookies.empty()) std::memcpy(call.cookies.data(), at(call.u64(24)), call.cookies.size() * 8);
    }
    if (call.name == "setsockopt")
      call.value = copy(address(raw.arguments[3]), static_cast<std::size_t>(raw.arguments[4]));
    if (call.name == "fsopen") call.path = string_at(raw.arguments[0]);
    if (call.name == "btf_load") call.payload = copy(call.u64(0), call.u32(16));
    if (call.name == "prog_load") {
      call.payload = copy(call.u64(8), std::size_t{call.u32(4)} * 8);
      call.license = reinterpret_cast<const char*>(at(call.u64(16)));
      std::size_t used = 0;
      for (std::size_t i = 0; i < call.u32(4); ++i)
        if (source_of(call, i) == 5 || source_of(call, i) == 6)
          used = std::max(used, std::size_t{immediate_of(call, i)} + 1);
        else if (call.u64(120) != 0)
          used = std::max(used, module_of(call, i) + 1);
      call.array.resize(used);
      if (used != 0) std::memcpy(call.array.data(), at(call.u64(120)), used * sizeof(int));
      if (call.u32(88) != 0) call.functions = copy(call.u64(80), std::size_t{call.u32(88)} * call.u32(76));
      if (call.u32(104) != 0) call.lines = copy(call.u64(96), std::size_t{call.u32(104)} * call.u32(92));
    }
    return call;
  }
  static unsigned source_of(const seen_call& call, std::size_t index) {
    if (call.payload[index * 8] != 0x18) return 0;
    const unsigned registers = call.payload[index * 8 + 1];
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? registers & 15 : registers >> 4;
  }
  // The place of a module's descriptor that a call of the kernel names; 0 for what is none.
  static std::size_t module_of(const seen_call& call, std::size_t index) {
    const unsigned registers = call.payload[index * 8 + 1];
    const unsigned source = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? registers & 15 : registers >> 4;
    std::uint16_t out = 0;
    std::memcpy(&out, call.payload.data() + index * 8 + 2, sizeof out);
    return call.payload[index * 8] == 0x85 && source == 2 ? out : 0;
  }
  static std::uint32_t immediate_of(const seen_call& call, std::size_t index) {
    std::uint32_t out = 0;
    std::memcpy(&out, call.payload.data() + index * 8 + 4, sizeof out);
    return out;
  }

  long enter(const fake_call& raw) {
    seen_call call = look_at(raw);
    if (meanwhile) meanwhile(call);
    if (call.name == "map_update_elem")
      if (const auto map = map_behind(static_cast<int>(call.u32(0))))
        call.value = copy(call.u64(16), map->value_size);
    int code = fault ? fault(calls.size()) : 0;
    if (std::deque<int>& next = refusals[call.name]; code == 0 && !next.empty()) {
      code = next.front();
      next.pop_front();
    }
    // Linux gives the number back even when close complains. Nothing can be done about a munmap that fails.
    const long done = code == 0 || call.name == "close" || call.name == "munmap" ? act(call) : 0;
    call.answer = code == 0 ? done : -code;
    calls.push_back(call);
    return call.answer;
  }

  long act(const seen_call& call) {
    if (call.name == "close") {
      CHECK(kind_of(call.arguments[0]) != "closed");
      return table_.erase(static_cast<int>(call.arguments[0])) == 1 ? 0 : -EBADF;
    }
    if (call.name == "fcntl" && call.arguments[1] == 1)  // F_GETFD
      return kind_of(call.arguments[0]) == "closed" ? -EBADF : 1;
    if (call.name == "fcntl") {
      CHECK(call.arguments[1] == 1030);  // F_DUPFD_CLOEXEC
      CHECK(kind_of(call.arguments[0]) != "closed");
      return add(table_[static_cast<int>(call.arguments[0])], static_cast<int>(call.arguments[2]));
    }
    if (call.name == "capget") return tell_capabilities(call);
    if (call.name == "readlinkat") {
      CHECK(std::string(reinterpret_cast<const char*>(at(address(call.arguments[1])))) ==
            "/proc/self/ns/user");
      std::memcpy(at_mutable(address(call.arguments[2])), user_namespace.data(), user_namespace.size());
      return static_cast<long>(user_namespace.size());
    }
    if (call.name == "uname") {
      std::memcpy(at_mutable(address(call.arguments[0])) + 130, release.c_str(), release.size() + 1);
      std::memcpy(at_mutable(address(call.arguments[0])) + 195, version.c_str(), version.size() + 1);
      return 0;
    }
    if (call.name == "map_create") return create_map(call);
    if (call.name == "map_freeze") return freeze(call);
    if (call.name == "map_lookup_batch") return kind_of(call.u32(36)) == "map" ? 0 : -EINVAL;
    if (call.name == "obj_get_info_by_fd")
      return kind_of(call.u32(0)) == "types" ? tell_of_types(call) : tell_of_map(call);
    if (call.name == "btf_get_next_id" || call.name == "btf_get_fd_by_id") return find_types(call);
    if (call.name == "obj_pin" || call.name == "obj_get" || call.name == "unlinkat") return use_pin(call);
    if (call.name == "mmap") return map_memory(call);
    if (call.name == "getdents64") return 0;  // folders are empty
    if (call.name == "msync") return call.arguments[0] % 4096 == 0 ? 0 : -EINVAL;
    if (call.name == "munmap") {
      const auto found = mappings_.find({call.arguments[0], call.arguments[1]});
      CHECK(found != mappings_.end());
      if (found == mappings_.end()) return -EINVAL;
      mappings_.erase(found);
      return 0;
    }
    if (call.name.rfind("map_", 0) == 0) return use_map(call);
    if (call.name == "prog_load") return load_program(call);
    if (call.name == "btf_load") {
      check_token(call, 32, 32, 36);
      return add({.kind = "btf"});
    }
    if (call.name == "openat") return open_file(call);
    if (call.name == "read") return read_file(call);
    if (call.name == "lseek") return seek(call);
    return attach(call);
  }

  long tell_capabilities(const seen_call& call) const {
    std::uint32_t header[2] = {}, effective[2] = {static_cast<std::uint32_t>(capabilities),
                                                  static_cast<std::uint32_t>(capabilities >> 32)};
    std::memcpy(header, at(address(call.arguments[0])), sizeof header);
    CHECK(header[0] == 0x20080522);  // _LINUX_CAPABILITY_VERSION_3
    CHECK(header[1] == 0);           // this thread
    unsigned char* const sets = at_mutable(address(call.arguments[1]));
    std::memset(sets, 0xff, 24);  // what is permitted or inheritable must not count
    std::memcpy(sets, &effective[0], 4);
    std::memcpy(sets + 12, &effective[1], 4);
    return 0;
  }

  // A record of so many bytes, or behind it a token, which the flags tell of.
  void check_token(const seen_call& call, std::size_t size, std::size_t flags, std::size_t token) const {
    const bool has_token = call.attr.size() > size;
    CHECK(call.attr.size() == (has_token ? token + 4 + (token + 4) % 8 : size));
    if (has_token || flags < size) CHECK(((call.u32(flags) & token_flag) != 0) == has_token);
    if (has_token) CHECK(kind_of(call.u32(token)) == "token");
  }

  long create_map(const seen_call& call) {
    check_token(call, 72, 16, 76);
    // Ids of types without BTF, and BTF that tells of nothing, are refused.
    if (call.u32(56) != 0) CHECK(kind_of(call.u32(48)) == "btf");
    if (call.u32(48) != 0) CHECK((call.u32(56) != 0 || call.u32(60) != 0));
    auto map = made(call.u32(0), call.u32(4), call.u32(8), call.u32(12), call.u32(16) & ~token_flag);
    map->name = call.text(28);
    return add({.kind = "map", .map = map});
  }

  long freeze(const seen_call& call) {
    CHECK(call.attr.size() == 4);
    const auto map = map_behind(static_cast<long>(call.u32(0)));
    if (map == nullptr) return -EBADF;
    if (map->is_frozen) return -EBUSY;
    map->is_frozen = true;
    return 0;
  }

  // What the kernel tells of programs and links stands in the same bytes.
  long tell_of_map(const seen_call& call) const {
    CHECK(call.attr.size() == 16);
    const std::string kind = kind_of(call.u32(0));
    if (kind == "closed") return -EBADFD;
    if (kind == "stream") return -EINVAL;
    unsigned char* const info = at_mutable(call.u64(8));
    std::memset(info, 0, call.u32(4));
    const auto map = map_behind(static_cast<long>(call.u32(0)));
    if (map == nullptr) {
      std::memset(info, 0x11, 24);
      constexpr std::size_t of_types = 220;  // bpf_prog_info.attach_btf_obj_id
      if (call.u32(4) > of_types) std::memcpy(info + of_types, &program_is_for, sizeof program_is_for);
      return 0;
    }
    const std::uint32_t words[] = {map->type,
                                   1,
                                   static_cast<std::uint32_t>(map->key_size),
                                   static_cast<std::uint32_t>(map->value_size),
                                   static_cast<std::uint32_t>(map->max_entries),
                                   map->flags};
    std::memcpy(info, words, sizeof words);
    std::memcpy(info + 24, map->name.data(), std::min<std::size_t>(map->name.size(), 15));
    return 0;
  }

  long find_types(const seen_call& call) {
    CHECK(call.attr.size() == 12);
    const std::uint32_t id = call.u32(0);
    if (call.name == "btf_get_next_id") {
      const std::uint32_t next = id + 1;
      if (id >= types.size()) return -ENOENT;
      std::memcpy(at_mutable(address(call.arguments[1])) + 4, &next, sizeof next);
      return 0;
    }
    if (id == 0 || id > types.size()) return -ENOENT;
    return add({.kind = "types", .position = id - 1});
  }
  // As much as there is room for, and how much there is.
  long tell_of_types(const seen_call& call) {
    const loaded_types& of = types.at(table_[static_cast<int>(call.u32(0))].position);
    CHECK(call.u32(4) == 32);
    unsigned char* const info = at_mutable(call.u64(8));
    std::uint64_t pointers[2];
    std::uint32_t room = 0, name_room = 0;
    std::memcpy(&pointers[0], info, 8);
    std::memcpy(&room, info + 8, 4);
    std::memcpy(&pointers[1], info + 16, 8);
    std::memcpy(&name_room, info + 24, 4);
    if (pointers[0] != 0)
      std::memcpy(at_mutable(pointers[0]), of.content.data(), std::min<std::size_t>(room, of.content.size()));
    if (pointers[1] != 0)
      std::memcpy(at_mutable(pointers[1]), of.name.c_str(),
                  std::min<std::size_t>(name_room, of.name.size() + 1));
    const auto size = static_cast<std::uint32_t>(of.content.size());
    const std::uint32_t is_of_kernel = of.is_of_kernel;
    std::memcpy(info + 8, &size, 4);
    std::memcpy(info + 28, &is_of_kernel, 4);
    return 0;
  }

  long use_pin(const seen_call& call) {
    const std::size_t slash = call.path.rfind('/');
    CHECK(slash != std::string::npos);
    const auto found = pins_.find(call.path);
    if (call.name == "unlinkat") {
      CHECK(call.arguments[0] == current_folder);
      CHECK(call.arguments[2] == 0);
      if (found == pins_.end()) return -ENOENT;
      pins_.erase(found);
      return 0;
    }
    CHECK(call.attr.size() == 16);
    if (bpf_folders.count(call.path.substr(0, slash)) == 0) return -ENOENT;
    if (call.path.find('.', slash) != std::string::npos) return -EPERM;
    if (call.name == "obj_get") return found == pins_.end() ? -ENOENT : add(found->second);
    if (found != pins_.end()) return -EEXIST;
    CHECK((kind_of(call.u32(8)) == "map" || kind_of(call.u32(8)) == "link"));
    pins_[call.path] = table_[static_cast<int>(call.u32(8))];
    return 0;
  }

  long map_memory(const seen_call& call) {
    if (kind_of(call.arguments[4]) == "file") return -ENODEV;  // the kernel's types, before 6.16
    const auto map = map_behind(call.arguments[4]);
    if (map == nullptr) return -EBADF;
    const bool is_arena = map->is_arena();  // which lies where its creator said, and nowhere else
    CHECK((call.arguments[0] == 0) != is_arena);
    CHECK(call.arguments[3] == (is_arena ? 1 | 1 << 20 : 1));  // MAP_SHARED, MAP_FIXED_NOREPLACE
    if (is_arena) CHECK(static_cast<std::size_t>(call.arguments[1]) == map->memory.size() * 16);
    if ((map->flags & mmapable_flag) == 0) return -EINVAL;
    if ((call.arguments[2] & 2) != 0 && map->is_frozen) return -EPERM;  // PROT_WRITE
    const std::size_t pages = is_arena ? map->max_entries : (map->stride() * map->max_entries + 4095) / 4096;
    if (static_cast<std::size_t>(call.arguments[1]) > pages * 4096) return -EINVAL;
    const auto address = static_cast<long>(reinterpret_cast<std::uintptr_t>(map->at(0)));
    mappings_.insert({{address, call.arguments[1]}, map});
    return address;
  }

  long use_array(const seen_call& call, hash_table& map) {
    std::uint32_t index = 0;
    std::memcpy(&index, at(call.u64(8)), sizeof index);
    if (call.name == "map_update_elem") {
      CHECK(call.attr.size() == 32);
      if (index >= map.max_entries) return -E2BIG;
      if (call.u64(24) == 1) return -EEXIST;
      std::memcpy(map.at(index), at(call.u64(16)), map.value_size);
      return 0;
    }
    if (index >= map.max_entries) return -ENOENT;
    if (call.name != "map_lookup_elem") return -EINVAL;
    CHECK(call.attr.size() == 32);
    std::memcpy(at_mutable(call.u64(16)), map.at(index), map.value_size);
    return 0;
  }

  long use_map(const seen_call& call) {
    if (kind_of(call.u32(0)) != "map") return -EBADF;
    hash_table& map = *table_[static_cast<int>(call.u32(0))].map;
    if (map.is_frozen && call.name != "map_lookup_elem" && call.name != "map_get_next_key") return -EPERM;
    if (map.is_array()) return use_array(call, map);
    if (call.name == "map_get_next_key") {
      CHECK(call.attr.size() == 24);
      auto next = map.elements.begin();
      if (call.u64(8) != 0)
        if (const auto found = map.elements.find(copy(call.u64(8), map.key_size));
            found != map.elements.end())
          next = std::next(found);
      if (next == map.elements.end()) return -ENOENT;
      std::memcpy(at_mutable(call.u64(16)), next->first.data(), map.key_size);
      return 0;
    }
    const raw_bytes key = copy(call.u64(8), map.key_size);
    const auto found = map.elements.find(key);
    if (call.name == "map_update_elem") {
      CHECK(call.attr.size() == 32);
      if (map.is_operations() && found != map.elements.end()) return -EBUSY;
      if (found != map.elements.end() && call.u64(24) == 1) return -EEXIST;
      if (found == map.elements.end() && call.u64(24) == 2) return -ENOENT;
      if (found == map.elements.end() && map.elements.size() == map.max_entries) return -E2BIG;
      map.elements[key] = copy(call.u64(16), map.value_size);
      return 0;
    }
    if (found == map.elements.end()) return -ENOENT;
    if (call.name == "map_delete_elem") {
      CHECK(call.attr.size() == 16);
      map.elements.erase(found);
    } else {
      CHECK(call.attr.size() == 32);
      std::memcpy(at_mutable(call.u64(16)), found->second.data(), map.value_size);
    }
    return 0;
  }

  long load_program(const seen_call& call) {
    check_token(call, 144, 44, 144);
    for (std::size_t i = 0; i < call.u32(4); ++i) {
      const unsigned source = source_of(call, i);
      if (source == 1 || source == 2) CHECK(kind_of(immediate_of(call, i)) == "map");
      if (source == 5 || source == 6) CHECK(kind_of(call.array[immediate_of(call, i)]) == "map");
    }
    if (call.u32(72) != 0) CHECK(kind_of(call.u32(72)) == "btf");
    if (call.u32(88) != 0 || call.u32(104) != 0) CHECK(call.u32(72) != 0);
    if (call.u32(88) != 0) CHECK(call.u32(76) == 8);
    if (call.u32(104) != 0) CHECK(call.u32(92) == 16);
    if (verifier_refuses == 0) return add({.kind = "program"});
    if (call.u32(24) == 0) return -verifier_refuses;
    const std::size_t needed = verifier_says.size() + 1, room = call.u32(28);
    const auto true_size = static_cast<std::uint32_t>(needed);
    if (verifier_tells_true_size)
      std::memcpy(at_mutable(address(call.arguments[1])) + 140, &true_size, sizeof true_size);
    const std::size_t skipped = needed > room ? needed - room : 0;
    std::memcpy(at_mutable(call.u64(32)), verifier_says.c_str() + skipped, needed - skipped);
    return skipped != 0 ? -ENOSPC : -verifier_refuses;
  }

  long open_file(const seen_call& call) {
    CHECK(call.arguments[2] == 02000000);  // O_RDONLY | O_CLOEXEC
    const std::string mounted = "/sys/kernel/tracing/", events = "events/", id = "/id";
    std::string path = call.path;
    const bool detached = call.arguments[0] != current_folder;
    if (detached) CHECK(kind_of(call.arguments[0]) == "mount");
    if (detached || (tracefs_is_mounted && path.rfind(mounted, 0) == 0)) {
      if (!detached) path = path.substr(mounted.size());
      if (const auto found = files.find(mounted + path); found != files.end())
        return add({.kind = "file", .content = found->second});
      if (path.size() < events.size() + id.size()) return -ENOENT;
      const auto found =
          tracepoints.find(path.substr(events.size(), path.size() - events.size() - id.size()));
      if (found == tracepoints.end() || path != events + found->first + id) return -ENOENT;
      return add({.kind = "file", .content = found->second});
    }
    if (folders.count(path) != 0) return add({.kind = "folder"});
    const auto found = files.find(path);
    return found == files.end() ? -ENOENT : add({.kind = "file", .content = found->second});
  }
  long read_file(const seen_call& call) {
    if (kind_of(call.arguments[0]) == "folder") return -EISDIR;
    CHECK(kind_of(call.arguments[0]) == "file");
    descriptor& file = table_[static_cast<int>(call.arguments[0])];
    const auto left = static_cast<long>(file.content.size() - std::min(file.position, file.content.size()));
    const long got = std::min({left, longest_read, call.arguments[2]});
    if (got > 0)
      std::memcpy(at_mutable(address(call.arguments[1])), file.content.data() + file.position,
                  static_cast<std::size_t>(got));
    file.position += static_cast<std::size_t>(got);
    return got;
  }
  long seek(const seen_call& call) {
    if (kind_of(call.arguments[0]) == "folder") return std::numeric_limits<long>::max();
    CHECK(kind_of(call.arguments[0]) == "file");
    descriptor& file = table_[static_cast<int>(call.arguments[0])];
    const bool from_end = call.arguments[2] == 2;
    file.position = (from_end ? file.content.size() : 0) + static_cast<std::size_t>(call.arguments[1]);
    return static_cast<long>(file.position);
  }

  long attach(const seen_call& call) {
    if (call.name == "fsopen") return has_tracefs ? add({.kind = "context"}) : -ENODEV;
    if (call.name == "fsconfig") {
      CHECK(kind_of(call.arguments[0]) == "context");
      return 0;
    }
    if (call.name == "fsmount") {
      CHECK(kind_of(call.arguments[0]) == "context");
      return add({.kind = "mount"});
    }
    if (call.name == "perf_event_open") return add({.kind = "event"});
    if (call.name == "link_create") {
      const std::uint32_t type = call.u32(8);
      CHECK(kind_of(call.u32(0)) == (type == operations_type ? "map" : "program"));
      if (type == operations_type) CHECK(map_behind(static_cast<long>(call.u32(0)))->elements.size() == 1);
      if (type == event_type) {
        if (!has_perf_links) return -EINVAL;
        CHECK(call.attr.size() == 24);
        CHECK(kind_of(call.u32(4)) == "event");
      }
      const bool is_of_map = type == 4 || type == 5 || type == 7 || type == 38;  // parser, verdicts
      if (is_of_map && !has_sockmap_links) return -EINVAL;
      if (is_of_functions(call))
        if (const long answer = look_at_functions(call.ids); answer < 0) return answer;
      return add({.kind = "link"});
    }
    if (call.name == "raw_tracepoint_open") {
      CHECK(kind_of(call.u32(8)) == "program");
      return add({.kind = "link"});
    }
    if (call.name == "prog_attach" || call.name == "prog_detach") {
      CHECK(kind_of(call.u32(4)) == "program");
      return 0;
    }
    if (call.name == "link_update" || call.name == "link_detach") {
      if (kind_of(call.u32(0)) != "link") return -EINVAL;
      const auto map = map_behind(static_cast<long>(call.u32(4)));
      const bool is_operations = map != nullptr && map->is_operations();
      return call.name == "link_detach" || is_operations || kind_of(call.u32(4)) == "program" ? 0 : -EBADF;
    }
    if (call.name == "iter_create") return kind_of(call.u32(0)) == "link" ? add({.kind = "file"}) : -EINVAL;
    if (call.name == "prog_test_run") {
      CHECK(call.attr.size() == 80);
      return kind_of(call.u32(0)) == "program" ? 0 : -EBADF;
    }
    if (call.name == "socket") return add({.kind = "socket"});
    if (call.name == "setsockopt") return kind_of(call.arguments[0]) == "socket" ? 0 : -ENOTSOCK;
    if (call.name == "ioctl" && kind_of(call.arguments[0]) == "socket")
      return interfaces_are_there ? 0 : -ENODEV;
    if (call.name == "ioctl") {
      CHECK(kind_of(call.arguments[0]) == "event");
      CHECK(kind_of(call.arguments[2]) == "program");
      return 0;
    }
    if (call.name == "getdents64") return 0;  // folders are empty
    if (call.name == "msync") return call.arguments[0] % 4096 == 0 ? 0 : -EINVAL;
    FAIL_CHECK("nothing here answers " << call.name);
    return -ENOSYS;
  }

  std::map<int, descriptor> table_;
  std::map<std::string, descriptor> pins_;
  std::multimap<std::pair<long, long>, std::shared_ptr<hash_table>> mappings_;
  fake_kernel kernel_;
};

#endif
