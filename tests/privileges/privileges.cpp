// SPDX-License-Identifier: MIT
// privileges BPF_FOLDER [token]: tries one thing after the other with whatever this process may do, and says in one line
// each how it ended: `THING: works`, or `THING: ` and the sentence of the error. With `token` it makes one of the BPF
// file system and loads with that. tests/checks/privileges.py runs it with several sets of capabilities.
#include <net/if.h>

#include <cstdio>
#include <string>

#include <barebpf/barebpf.hpp>

#include "attach_sockets.bpf.hpp"
#include "core_fields.bpf.hpp"
#include "execve_counter.bpf.hpp"
#include "layouts.bpf.hpp"
#include "locks.bpf.hpp"
#include "perf_event_array.bpf.hpp"
#include "replaceable.bpf.hpp"
#include "soak_pins.bpf.hpp"

namespace {

using hash = barebpf::hash_map<std::uint32_t, std::uint64_t>;

constexpr barebpf::static_object<execve_counter> counter;
constexpr barebpf::static_object<layouts> filter;
constexpr barebpf::static_object<replaceable> packets;
constexpr barebpf::static_object<soak_pins> pinned;
constexpr barebpf::static_object<core_fields> fields;
constexpr barebpf::static_object<locks> typed;
constexpr barebpf::static_object<perf_event_array> samples;

int token = -1;

void say(const char* thing, const char* how) { std::printf("%s: %s\n", thing, how); }
template <class T>
bool tried(const char* thing, const barebpf::result<T>& came_to) {
  char words[512];
  if (!came_to) describe(came_to.error(), words);
  say(thing, came_to ? "works" : words);
  return came_to.has_value();
}

// Of a program that does nothing all types are asked for: what the kernel says against it but EPERM is no matter of
// privilege.
void try_type(barebpf::u32 type) {
  constexpr barebpf::u8 move = 0xb7, exit = 0x95;
  const barebpf::abi::insn nothing[] = {{.opcode = move}, {.opcode = exit}};
  barebpf::abi::prog_load attr{.prog_type = type, .insn_cnt = 2, .insns = nothing, .license = "GPL"};
  barebpf::cause why = barebpf::cause::none;
  const long answer = barebpf::load_program(attr, static_cast<barebpf::no_log*>(nullptr), token, why);
  const barebpf::fd loaded = barebpf::fd::own(answer);
  char thing[64], words[512];
  std::snprintf(thing, sizeof thing, "program type %u", type);
  if (answer == -EPERM)
    describe(barebpf::to_whole_error({.answer = answer,
                                      .at = barebpf::step::prog_load,
                                      .why = why,
                                      .needed = barebpf::capabilities_for_program(type)}),
             words);
  say(thing, answer == -EPERM ? words : "works");
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return 2;
  const std::string folder = arguments[1];
  const barebpf::fd root = barebpf::fd::own(barebpf::open_to_read(arguments[1]));
  barebpf::fd made;
  if (count > 2) {
    auto got = barebpf::create_token(root);
    if (tried("token", got)) made = std::move(*got), token = made.number();
  }

  auto map = hash::create({.name = "hits", .max_entries = 8, .token = token});
  if (tried("hash", map)) {
    tried("update", map->update_elem(1, 2));
    const std::string path = folder + "/hits";
    if (tried("pin", map->pin(path))) {
      tried("get pin", hash::get_pinned(path));
      tried("unpin", barebpf::unpin(path));
    }
    const auto info = map->info();
    if (tried("info", info)) tried("map by id", hash::from_id(info->id));
  }
  tried("types", barebpf::task_storage_map<std::uint64_t>::create({.name = "calls", .token = token}));
  tried("device map", barebpf::devmap<>::create({.name = "devices", .max_entries = 4, .token = token}));
  tried("socket map", barebpf::sockmap<>::create({.name = "sockets", .max_entries = 4, .token = token}));
  tried("map of packet sockets",
        barebpf::xskmap::create({.name = "frames", .max_entries = 4, .token = token}));
  tried("processor map", barebpf::cpumap<>::create({.name = "cpus", .max_entries = 1, .token = token}));
  barebpf::all_ids all(barebpf::id_of::program);
  for (const barebpf::u32 id : all) static_cast<void>(id);
  tried("list", all.failed() ? barebpf::result<void>(all.why()) : barebpf::result<void>());
  tried("count runs", barebpf::count_runs());

  for (barebpf::u32 type = 1; type <= static_cast<barebpf::u32>(barebpf::abi::prog_type::netfilter); ++type)
    try_type(type);
  tried("load socket filter", filter.load({.token = token}));
  const auto packet = packets.load({.token = token});
  if (tried("load packet program", packet)) {
    const auto attached = packet->attach<"asks">(barebpf::interface{if_nametoindex("lo")});
    tried("attach packet program", attached);
  }
  const auto raw = pinned.load({.pin_root = folder, .token = token});
  if (tried("load raw tracepoint", raw)) {
    tried("attach raw tracepoint", raw->attach<"soak_looks">());
    static_cast<void>(barebpf::unpin(folder + "/soak_shared"));
  }
  tried("load typed tracepoint", typed.load({.token = token}));
  tried("load with types of the kernel", fields.load({.token = token}));
  const auto events = counter.load({.token = token});
  if (tried("load tracepoint", events)) tried("attach tracepoint", events->attach<"bpf_prog">());
  const auto with_samples = samples.load({.token = token});
  if (tried("load tracepoint with perf events", with_samples))
    tried("perf events", barebpf::perfbuf::open(with_samples->map_descriptor<"events">()));
  tried("trace pipe", barebpf::trace_pipe::open());
  return 0;
}
