// SPDX-License-Identifier: MIT
// Prints the table of docs/attaching.md from the one that the loaders read: which sections there are, what `attach` takes
// for them and gives, and which kernel came with it.
#include <cstdio>
#include <string>
#include <vector>

#include "../support/library.hpp"

namespace {

using barebpf::attach_way;

std::string to_string(barebpf::text from) { return {from.data(), from.size()}; }

struct words {
  attach_way way;
  const char* takes;
  const char* gives;
};
constexpr const char *link = "`link`", *attachment = "`attachment`";
constexpr const char* named = "nothing, `cookie`, or `named_place`";
constexpr words rows[] = {
    {attach_way::none, "load it by a longer name, which says where to", ""},
    {attach_way::elsewhere, "put it into a map, or run it by `test_run`", ""},
    {attach_way::tracepoint, named, link},
    {attach_way::raw_tracepoint, named, link},
    {attach_way::tracing, "nothing, or `cookie`", link},
    {attach_way::iterator, "nothing, `elements_of`, `tasks_of` or `cgroups_of`", link},
    {attach_way::perf_event, "`perf_event`", link},
    {attach_way::xdp, "`interface`, and perhaps `xdp_mode`", link},
    {attach_way::tcx, "`interface`, and perhaps `position`", link},
    {attach_way::cgroup, "`cgroup`, and perhaps `position`", link},
    {attach_way::netns, "nothing, or `netns`", link},
    {attach_way::sockmap, "`sockets_in`", attachment},
    {attach_way::socket, "`socket`", attachment},
    {attach_way::reuseport, "`socket`", attachment},
    {attach_way::kprobe, named, link},
    {attach_way::kretprobe, named, link},
    {attach_way::ksyscall, named, link},
    {attach_way::kretsyscall, named, link},
    {attach_way::kprobe_multi, named, link},
    {attach_way::kretprobe_multi, named, link},
    {attach_way::kprobe_session, named, link},
    {attach_way::uprobe, named, link},
    {attach_way::uretprobe, named, link},
    {attach_way::uprobe_multi, named, link},
    {attach_way::uretprobe_multi, named, link},
    {attach_way::uprobe_session, named, link},
    {attach_way::usdt, named, "`link`, or `attachment` for `named_place`"},
    {attach_way::lsm_cgroup, "`cgroup`, and perhaps `position`", link},
    {attach_way::struct_ops, "`attach_struct_ops` with the name of the struct", attachment},
    {attach_way::netfilter, "`netfilter_hook`", link},
    {attach_way::netkit, "`interface`, and perhaps `position`", link},
    {attach_way::infrared, "`infrared_receiver`", attachment},
    {attach_way::traffic, "`traffic_filter`", attachment},
    {attach_way::route, "`route_to`", attachment},
    {attach_way::tracing_multi, "nothing, `cookie`, `named_place`, or `function_list`", link},
};
static_assert(sizeof rows / sizeof rows[0] == barebpf::attach_ways, "each way to attach has its words");

}  // namespace

int main() {
  std::puts("| section | `attach` takes | and gives | since |\n|---|---|---|---|");
  for (const words& row : rows) {
    // Sections of one way that came with one kernel share a line.
    std::vector<barebpf::u32> kernels;
    for (const barebpf::section_kind& kind : barebpf::section_kinds) {
      bool is_known = kind.attach != row.way;
      for (const barebpf::u32 seen : kernels) is_known = is_known || seen == kind.since;
      if (!is_known) kernels.push_back(kind.since);
    }
    for (const barebpf::u32 since : kernels) {
      std::string sections;
      for (const barebpf::section_kind& kind : barebpf::section_kinds)
        if (kind.attach == row.way && kind.since == since)
          sections += (sections.empty() ? "`" : ", `") + to_string(kind.prefix) + "`";
      const std::string version =
          since == 0 ? std::string() : std::to_string(since >> 16) + "." + std::to_string(since >> 8 & 255);
      std::printf("| %s | %s | %s | %s |\n", sections.c_str(), row.takes, row.gives, version.c_str());
    }
  }
}
