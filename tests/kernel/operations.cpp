// SPDX-License-Identifier: MIT
// Every operation on every map type, each on a new map with an element in it: what the running kernel answers, beside
// the bits that the table of map types has for it.
#include <sched.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/map_objects.hpp"

namespace {

namespace abi = barebpf::abi;
using abi::command;
using barebpf::kernel;
using barebpf::map_kind;
using barebpf::map_type;
using barebpf::u32;
using barebpf::u64;

std::string name_of(const map_kind& kind) { return {kind.type_name.data(), kind.type_name.size()}; }

long batch(live_map& on, command how, u64 flags = 0) {
  unsigned char cursor[16], keys[16] = {};
  std::vector<unsigned char> values(2 * on.value_bytes());
  const bool reads = how == command::map_lookup_batch || how == command::map_lookup_and_delete_batch;
  if (on.first_key() != nullptr) std::memcpy(keys, on.first_key(), on.attr().key_size);
  std::memcpy(values.data(), on.first_value(), on.value_bytes());
  abi::map_batch attr{.out_batch = cursor,
                      .keys = keys,
                      .values = values.data(),
                      .count = reads ? 2u : 1u,
                      .map_fd = on.map().descriptor().raw(),
                      .elem_flags = flags};
  const long answer = barebpf::sys_bpf(how, attr);
  // ENOENT says that these were the last ones.
  return answer == -ENOENT && reads && attr.count > 0 ? 0 : answer;
}

// Keeps this process on one CPU, for a small LRU map evicts what is in it for a CPU that has no room left, though
// another has.
class one_cpu {
 public:
  one_cpu() {
    REQUIRE(sched_getaffinity(0, sizeof before_, &before_) == 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  }
  ~one_cpu() { sched_setaffinity(0, sizeof before_, &before_); }
  one_cpu(const one_cpu&) = delete;
  one_cpu& operator=(const one_cpu&) = delete;

 private:
  cpu_set_t before_{};
};

long map_memory(live_map& on) {
  const long where = barebpf::detail::map_shared(4096, PROT_READ, on.map().descriptor().number());
  if (where < 0 && where > -4096) return where;
  barebpf::system_call(__NR_munmap, where, 4096);
  return 0;
}

// One operation on a map with its first element in it, or without; and the bit that says that it is legal, none where
// it only shows what keys and flags do.
struct column {
  const char* name;
  u32 bit;
  long (*act)(live_map& on);
  bool has_element = true;
};
constexpr u64 noexist = 1, exist = 2;
constexpr column columns[] = {
    {"lookup", barebpf::can_lookup,
     [](live_map& on) { return on.map().lookup_elem(on.first_key(), on.room()); }},
    {"lookup of an absent key", 0,
     [](live_map& on) { return on.map().lookup_elem(on.second_key(), on.room()); }},
    {"update any", barebpf::can_update, [](live_map& on) { return on.put_first(); }, false},
    {"update any of a present key", 0,
     [](live_map& on) { return on.map().update_elem(on.first_key(), on.second_value(), 0); }},
    {"update noexist", 0,
     [](live_map& on) { return on.map().update_elem(on.second_key(), on.second_value(), noexist); }},
    {"update noexist of a present key", 0,
     [](live_map& on) { return on.map().update_elem(on.first_key(), on.second_value(), noexist); }},
    {"update exist", barebpf::can_choose_update,
     [](live_map& on) { return on.map().update_elem(on.first_key(), on.second_value(), exist); }},
    {"update exist of an absent key", 0,
     [](live_map& on) { return on.map().update_elem(on.second_key(), on.second_value(), exist); }},
    {"delete", barebpf::can_delete, [](live_map& on) { return on.map().delete_elem(on.first_key()); }},
    {"delete of an absent key", 0, [](live_map& on) { return on.map().delete_elem(on.second_key()); }},
    {"lookup_and_delete", barebpf::can_lookup_and_delete,
     [](live_map& on) { return on.map().lookup_and_delete_elem(on.first_key(), on.room()); }},

    {"get_next_key", barebpf::can_get_next_key,
     [](live_map& on) { return on.map().get_next_key(nullptr, on.room()); }},
    {"lookup_batch", barebpf::can_lookup_batch,
     [](live_map& on) { return batch(on, command::map_lookup_batch); }},
    {"update_batch", barebpf::can_update_batch,
     [](live_map& on) { return batch(on, command::map_update_batch); }},
    {"delete_batch", barebpf::can_delete_batch,
     [](live_map& on) { return batch(on, command::map_delete_batch); }},
    {"lookup_and_delete_batch", barebpf::can_lookup_and_delete_batch,
     [](live_map& on) { return batch(on, command::map_lookup_and_delete_batch); }},
    {"mmap", barebpf::can_mmap, map_memory},
    {"freeze", barebpf::can_freeze, [](live_map& on) { return on.map().freeze(); }},
    {"update when full or past the end", 0,
     [](live_map& on) {
       static_cast<void>(on.put_second());
       return on.map().update_elem(on.third_key(), on.second_value(), 0);
     }},
};

// What the kernel answers: "no" is ENOTSUPP, "never" EOPNOTSUPP. The columns are those above; where a type has no absent
// keys, the second one stands for them. Measured on 6.18; the last two rows are from the sources of 7.2.
constexpr const char* element_answers = R"(
//                                    any     any     noexist noexist exist   exist                   take
//                    lookup  absent  empty   present absent  present present absent  delete  absent
hash                  ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  ok
array                 ok      ok      ok      ok      EEXIST  EEXIST  ok      ok      EINVAL  EINVAL  no
prog_array            ok      ENOENT  ok      ok      EINVAL  EINVAL  EINVAL  EINVAL  ok      ENOENT  no
perf_event_array      no      no      ok      ok      EINVAL  EINVAL  EINVAL  EINVAL  ok      ENOENT  no
percpu_hash           ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  ok
percpu_array          ok      ok      ok      ok      EEXIST  EEXIST  ok      ok      EINVAL  EINVAL  no
stack_trace           ok      ENOENT  EINVAL  EINVAL  EINVAL  EINVAL  EINVAL  EINVAL  ok      ENOENT  ok
cgroup_array          no      no      ok      ok      EINVAL  EINVAL  EINVAL  EINVAL  ok      ENOENT  no
lru_hash              ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  ok
lru_percpu_hash       ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  ok
lpm_trie              ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  no
array_of_maps         ok      ENOENT  ok      ok      EINVAL  EINVAL  EINVAL  EINVAL  ok      ENOENT  no
hash_of_maps          ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  no
devmap                ok      ENOENT  ok      ok      EEXIST  EEXIST  ok      ok      ok      ok      no
sockmap               ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      EINVAL  no
cpumap                ok      ENOENT  ok      ok      EEXIST  EEXIST  ok      ok      ok      ok      no
xskmap                never   never   ok      ok      ok      EEXIST  ok      ENOENT  ok      ok      no
sockhash              ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  no
cgroup_storage        ok      ENOENT  ok      ok      EINVAL  EINVAL  ok      ENOENT  EINVAL  EINVAL  no
reuseport_sockarray   ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  no
percpu_cgroup_storage ok      ENOENT  ok      ok      EINVAL  EINVAL  ok      ENOENT  EINVAL  EINVAL  no
queue                 ok      ok      ok      ok      EINVAL  EINVAL  ok      ok      EINVAL  EINVAL  ok
stack                 ok      ok      ok      ok      EINVAL  EINVAL  ok      ok      EINVAL  EINVAL  ok
sk_storage            ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  no
devmap_hash           ok      ENOENT  ok      ok      ok      EEXIST  ok      ok      ok      ENOENT  no
struct_ops            ok      ENOENT  ok      EBUSY   EINVAL  EINVAL  EINVAL  EINVAL  ok      ok      no
ringbuf               no      no      no      no      no      no      no      no      no      no      no
inode_storage         ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  no
task_storage          ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  no
bloom_filter          ok      ok      ok      ok      EINVAL  EINVAL  EINVAL  EINVAL  never   never   no
user_ringbuf          no      no      no      no      no      no      no      no      no      no      no
cgrp_storage          ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  no
arena                 EINVAL  EINVAL  never   never   never   never   never   never   never   never   no
insn_array            ok      ok      ok      ok      EEXIST  EEXIST  ok      ok      EINVAL  EINVAL  no
rhash                 ok      ENOENT  ok      ok      ok      EEXIST  ok      ENOENT  ok      ENOENT  ok
)";
constexpr const char* map_answers = R"(
//                    next    lookup  update  delete  take
//                    key     batch   batch   batch   batch   mmap    freeze  full
hash                  ok      ok      ok      ok      ok      no      ok      E2BIG
array                 ok      ok      ok      no      no      ok      ok      E2BIG
prog_array            ok      no      no      no      no      no      ok      E2BIG
perf_event_array      ok      no      no      no      no      no      ok      E2BIG
percpu_hash           ok      ok      ok      ok      ok      no      ok      E2BIG
percpu_array          ok      ok      ok      no      no      no      ok      E2BIG
stack_trace           ok      no      no      no      no      no      ok      EINVAL
cgroup_array          ok      no      no      no      no      no      ok      E2BIG
lru_hash              ok      ok      ok      ok      ok      no      ok      ok
lru_percpu_hash       ok      ok      ok      ok      ok      no      ok      ok
lpm_trie              ok      ok      ok      ok      no      no      ok      ENOSPC
array_of_maps         ok      ok      ok      no      no      no      ok      E2BIG
hash_of_maps          ok      ok      ok      ok      ok      no      ok      E2BIG
devmap                ok      no      no      no      no      no      ok      E2BIG
sockmap               ok      no      no      no      no      no      ok      E2BIG
cpumap                ok      no      no      no      no      no      ok      E2BIG
xskmap                ok      no      no      no      no      no      ok      E2BIG
sockhash              ok      no      no      no      no      no      ok      E2BIG
cgroup_storage        ok      no      no      no      no      no      ok      ENOENT
reuseport_sockarray   ok      no      no      no      no      no      ok      E2BIG
percpu_cgroup_storage ok      no      no      no      no      no      ok      ENOENT
queue                 EINVAL  no      no      no      no      no      ok      E2BIG
stack                 EINVAL  no      no      no      no      no      ok      E2BIG
sk_storage            no      no      no      no      no      no      ok      ok
devmap_hash           ok      no      no      no      no      no      ok      E2BIG
struct_ops            ok      no      no      no      no      no      no      E2BIG
ringbuf               no      no      no      no      no      ok      ok      no
inode_storage         no      no      no      no      no      no      ok      ok
task_storage          no      no      no      no      no      no      ok      ok
bloom_filter          never   no      no      no      no      no      ok      ok
user_ringbuf          no      no      no      no      no      ok      ok      no
cgrp_storage          no      no      no      no      no      no      ok      ok
arena                 never   no      no      no      no      ok      ok      never
insn_array            ok      no      no      no      no      no      ok      E2BIG
rhash                 ok      ok      ok      ok      ok      no      ok      E2BIG
)";

int errno_of(const std::string& word) {
  if (word == "ok") return 0;
  if (word == "no") return barebpf::ENOTSUPP_kernel;
  if (word == "never") return EOPNOTSUPP;
  for (const barebpf::errno_row& row : barebpf::errno_rows)
    if (word == to_string(row.errno_name)) return row.code;
  FAIL("'" << word << "' is no answer");
  return -1;
}

// The answers of each type, in the order of the columns.
std::map<std::string, std::vector<int>> all_answers() {
  std::map<std::string, std::vector<int>> out;
  for (const char* table : {element_answers, map_answers}) {
    std::istringstream lines(table);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line.starts_with("//")) continue;
      std::istringstream words(line);
      std::string type, word;
      words >> type;
      while (words >> word) out[type].push_back(errno_of(word));
    }
  }
  return out;
}

// What came after 6.12, the first kernel of which the answers hold.
struct newer_cell {
  map_type type;
  u32 bit, first_kernel;
};
constexpr newer_cell newer_cells[] = {
    {map_type::stack_trace, barebpf::can_lookup_and_delete, kernel(6, 18)},
};
bool is_newer(const map_kind& kind, u32 bit) {
  for (const newer_cell& cell : newer_cells)
    if (cell.type == kind.type && cell.bit == bit) return barebpf::running_kernel() < cell.first_kernel;
  return false;
}

// True when there is a map; where the kernel has none of its type, it explains itself.
bool is_made(const live_map& map) {
  if (is_known_here(map.kind())) {
    CHECK(map.answer() >= 0);
    return map.answer() >= 0;
  }
  CHECK(map.answer() == answer_without(map.kind()));
  CHECK(barebpf::explain_refusal(map.attr(), map.answer()) == cause_without(map.kind()));
  return false;
}

constexpr u64 lock = 4, of_one_cpu = 8, of_all_cpus = 16;

// The operations that take flags of elements, each with its bit.
struct flagged {
  const char* name;
  u32 bit;
  long (*act)(live_map& on, u64 flags);
};
constexpr flagged flagged_operations[] = {
    {"lookup", barebpf::can_lookup,
     [](live_map& on, u64 flags) { return on.map().lookup_elem(on.first_key(), on.room(), flags); }},
    {"update", barebpf::can_update,
     [](live_map& on, u64 flags) { return on.map().update_elem(on.first_key(), on.second_value(), flags); }},
    {"lookup_and_delete", barebpf::can_lookup_and_delete,
     [](live_map& on, u64 flags) {
       const abi::map_elem attr{
           .map_fd = on.map().descriptor().raw(), .key = on.first_key(), .value = on.room(), .flags = flags};
       return barebpf::sys_bpf(command::map_lookup_and_delete_elem, attr);
     }},
    {"lookup_batch", barebpf::can_lookup_batch,
     [](live_map& on, u64 flags) { return batch(on, command::map_lookup_batch, flags); }},
    {"update_batch", barebpf::can_update_batch,
     [](live_map& on, u64 flags) { return batch(on, command::map_update_batch, flags); }},
    {"delete_batch", barebpf::can_delete_batch,
     [](live_map& on, u64 flags) { return batch(on, command::map_delete_batch, flags); }},
    {"lookup_and_delete_batch", barebpf::can_lookup_and_delete_batch,
     [](live_map& on, u64 flags) { return batch(on, command::map_lookup_and_delete_batch, flags); }},
};

// The bits that these operations show; the others are those of flags.
constexpr u32 shown_bits() {
  u32 out = 0;
  for (const column& one : columns) out |= one.bit;
  return out;
}

}  // namespace

TEST_CASE("every operation on every map type is answered as the table says", "[operations][needs 5.19]") {
  const auto answers = all_answers();
  const one_cpu pinned;
  std::size_t cells = 0;
  for (const map_kind& kind : barebpf::map_kinds) {
    CAPTURE(name_of(kind));
    REQUIRE(answers.count(name_of(kind)) == 1);
    const std::vector<int>& row = answers.at(name_of(kind));
    REQUIRE(row.size() == std::size(columns));
    u32 legal = 0;
    bool made = true;
    for (std::size_t i = 0; i < row.size(); ++i, ++cells) {
      const column& cell = columns[i];
      CAPTURE(cell.name);
      live_map on(kind);
      made = is_made(on);
      if (!made) continue;
      const long put = cell.has_element ? on.put_first() : 0;  // not each type takes one from here
      CAPTURE(put);
      const long answer = cell.act(on);
      if (is_newer(kind, cell.bit)) {
        CHECK(-answer == barebpf::ENOTSUPP_kernel);
        legal |= cell.bit;
      } else {
        CHECK(-answer == row[i]);
        if (answer == 0) legal |= cell.bit;
      }
    }
    if (made) CHECK(legal == (kind.operations & shown_bits()));
  }
  CHECK(cells == answers.size() * std::size(columns));
  CHECK(cells == 35 * 19);
}

TEST_CASE("no operation takes a flag of elements that its map was not made for", "[operations][needs 5.19]") {
  const bool has_flags_of_cpus = barebpf::running_kernel() >= kernel(7, 0);
  std::size_t cells = 0;
  for (const map_kind& kind : barebpf::map_kinds) {
    for (const u64 flags : {lock, of_one_cpu, of_all_cpus, u64{1} << 40}) {
      for (const flagged& operation : flagged_operations) {
        CAPTURE(name_of(kind), flags, operation.name);
        ++cells;
        live_map on(kind);
        if (!is_made(on)) continue;
        const bool is_of_cpus = flags == of_one_cpu || flags == of_all_cpus;
        if (has_flags_of_cpus && is_of_cpus && (kind.operations & barebpf::can_choose_cpu) != 0) continue;
        const long unflagged = on.put_first();
        const long answer = operation.act(on, flags);
        // What a type does not have it refuses as ever, but the lock is looked for first, and since there are flags of
        // CPUs all others that an update has not.
        const bool is_batch = operation.bit >= barebpf::can_lookup_batch;
        if (is_batch && (kind.operations & operation.bit) == 0)
          CHECK(answer == -barebpf::ENOTSUPP_kernel);
        else if (operation.bit == barebpf::can_update && flags != lock && unflagged < 0 && !has_flags_of_cpus)
          CHECK(answer == unflagged);
        else
          CHECK(answer == -EINVAL);
      }
    }
  }
  CHECK(cells == 35 * 4 * std::size(flagged_operations));
}

TEST_CASE("the lock of a value is taken where its type has one, on the types that may",
          "[operations][needs 6.2]") {
  for (const map_kind& kind : barebpf::map_kinds) {
    CAPTURE(name_of(kind));
    if (!is_known_here(kind) || kind.btf == barebpf::btf_rule::refused) continue;
    if (kind.value != barebpf::value_rule::plain && kind.value != barebpf::value_rule::per_cpu) continue;
    live_map on(kind, element_types::shared().locked);
    if ((kind.operations & barebpf::can_lock) == 0) {
      CHECK(on.answer() == -EOPNOTSUPP);
      continue;
    }
    REQUIRE(on.answer() >= 0);
    REQUIRE(on.put_first() == 0);
    for (const flagged& operation : flagged_operations) {
      CAPTURE(operation.name);
      const long answer = operation.act(on, lock);
      if ((kind.operations & operation.bit) != 0)
        CHECK(answer == 0);
      else
        CHECK(answer < 0);
      static_cast<void>(on.put_first());
    }
    // What holds a lock is neither frozen nor mapped.
    CHECK(on.map().freeze() == -barebpf::ENOTSUPP_kernel);
    CHECK(map_memory(on) == -barebpf::ENOTSUPP_kernel);
  }
}
