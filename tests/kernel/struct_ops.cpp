// SPDX-License-Identifier: MIT
// Functions that the running kernel calls through a struct: TCP congestion controls of programs, chosen for connections
// over loopback in a network namespace of the test's own, which carry bytes and are counted.
#include <netinet/tcp.h>

#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/sockets.hpp"

namespace {

using barebpf::cause;
using barebpf::step;
using barebpf::u32;
using barebpf::u64;

// 0, or the errno of choosing the congestion control called `name` for a socket.
int choose(const owned_fd& of, const std::string& name) {
  const auto size = static_cast<socklen_t>(name.size());
  return setsockopt(of.number(), IPPROTO_TCP, TCP_CONGESTION, name.data(), size) == 0 ? 0 : errno;
}
std::string chosen(const owned_fd& of) {
  char name[16] = {};
  socklen_t size = sizeof name;
  REQUIRE(getsockopt(of.number(), IPPROTO_TCP, TCP_CONGESTION, name, &size) == 0);
  return name;
}
bool is_there(const std::string& name) {
  const owned_fd any = owned_fd::own(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int answer = choose(any, name);
  REQUIRE((answer == 0 || answer == ENOENT));
  return answer == 0;
}
// Who is the last to use it ends a moment later.
bool goes(const std::string& name) {
  return comes_true([&] { return !is_there(name); });
}

barebpf::object open_object(const std::string& name) {
  return must(barebpf::object::open((BAREBPF_TEST_OBJECTS "/" + name + ".bpf.o").c_str()));
}

constexpr std::size_t some = 1 << 20;  // bytes

// A connection both ends of which have chosen `name`, and that carries bytes.
struct carried {
  std::pair<owned_fd, owned_fd> ends = tcp_connection();

  explicit carried(const std::string& name) {
    for (const owned_fd* end : {&ends.first, &ends.second}) {
      wait_at_most(*end, 10);
      REQUIRE(choose(*end, name) == 0);
      CHECK(chosen(*end) == name);
    }
    carry();
  }
  void carry() const { CHECK(passes(ends.first, ends.second, letters(some))); }
};

}  // namespace

TEST_CASE("struct_ops: a congestion control of a program carries connections until its attachment goes",
          "[needs trampolines]") {
  in_own_network([] {
    const auto object = open_object("congestion");
    const auto loaded = must(object.load());
    CHECK_FALSE(is_there("bare_reno"));
    const auto inits = must(loaded.variable<u64>("inits")), growths = must(loaded.variable<u64>("growths")),
               acked = must(loaded.variable<u64>("acked_packets"));
    {
      auto attached = must(loaded.attach_struct_ops("bare_reno"));
      CHECK(attached.is_attached());
      CHECK_FALSE(attached.is_link());
      const carried connection("bare_reno");
      CHECK(*inits == 2);
      CHECK(*growths > 0);
      CHECK(*acked > 0);
      const u64 before = *growths;
      connection.carry();
      CHECK(*growths > before);

      const auto again = loaded.attach_struct_ops("bare_reno");
      REQUIRE_FALSE(again.has_value());
      CHECK(is_explained(again.error(), step::register_operations, EBUSY));
      CHECK(sentence(again.error()).find("'bare_reno'") != std::string::npos);

      // Another object may not give the name too, and fails whole.
      const auto second = must(object.load());
      const auto refused = second.attach_struct_ops("bare_reno");
      REQUIRE_FALSE(refused.has_value());
      CHECK(is_explained(refused.error(), step::register_operations, EEXIST));
      CHECK(is_there("bare_reno"));

      attached.detach();
      CHECK_FALSE(attached.is_attached());
      CHECK(goes("bare_reno"));
      connection.carry();  // who has chosen it keeps it
      CHECK(chosen(connection.ends.first) == "bare_reno");
    }
    CHECK_FALSE(is_there("bare_reno"));
    // What was taken back cannot be given again by this map.
    CHECK_FALSE(loaded.attach_struct_ops("bare_reno").has_value());
  });
}

TEST_CASE("struct_ops: the map has the kernel's form of the struct", "[needs jit]") {
  const auto object = open_object("congestion");
  const barebpf::object_spec& spec = object.spec();
  const barebpf::map_spec& own = spec.maps()[spec.find_map("bare_reno")];
  const auto loaded = must(object.load());
  const auto& map = *must(loaded.map_descriptor("bare_reno"));
  barebpf::abi::map_info info;
  barebpf::abi::obj_info attr{.bpf_fd = map.raw(), .info_len = sizeof info, .info = &info};
  REQUIRE(barebpf::sys_bpf(barebpf::abi::command::obj_get_info_by_fd, attr) >= 0);
  CHECK(info.type == static_cast<u32>(barebpf::map_type::struct_ops));
  CHECK(info.btf_vmlinux_value_type_id != 0);
  CHECK(info.value_size > own.image_size);
  CHECK(std::string(info.name.characters) == "bare_reno");
  CHECK(info.map_flags == 0);
}

TEST_CASE("struct_ops: by a link, and another in its place while connections last",
          "[needs 6.4][needs trampolines]") {
  in_own_network([] {
    const auto object = open_object("congestion_links");
    const auto loaded = must(object.load());
    const auto first = must(loaded.variable<u64>("first_calls")),
               second = must(loaded.variable<u64>("second_calls"));
    for (int round = 0; round < 2; ++round) {  // such a map can be registered again
      auto attached = must(loaded.attach_struct_ops("first"));
      CHECK(attached.is_link());
      *first = *second = 0;
      const carried connection("bare_link");
      CHECK(*first > 0);
      CHECK(*second == 0);
      must(loaded.update_struct_ops(attached, "second"));
      *first = 0;
      const carried another("bare_link");
      CHECK(*first == 0);
      CHECK(*second > 0);

      const auto not_there = loaded.update_struct_ops(attached, "third");
      REQUIRE_FALSE(not_there.has_value());
      CHECK(not_there.error().why == cause::map_left_out);
      attached.detach();
      CHECK(goes("bare_link"));
    }
    // What no struct that is made needs is not loaded, and neither is what the kernel has no member for.
    CHECK(loaded.program("third_cong_avoid").error().why == cause::not_loaded);
    CHECK(loaded.program("of_no_kernel").error().why == cause::not_loaded);
    CHECK(loaded.attach_struct_ops("third").error().why == cause::map_left_out);
    CHECK(loaded.attach_struct_ops("fourth").error().why == cause::no_such_map);
    CHECK(loaded.attach_struct_ops(".bss").error().why == cause::not_operations);
    CHECK(loaded.attach("first_cong_avoid").error().why == cause::part_of_operations);
  });
}

TEST_CASE("struct_ops: a link that is pinned keeps what it registered", "[needs 6.4][needs trampolines]") {
  const std::string path = bpf_folder() + "/bare_link";
  static_cast<void>(barebpf::unpin(path));
  {
    const auto loaded = must(open_object("congestion_links").load());
    auto attached = must(loaded.attach_struct_ops("first"));
    const barebpf::link pinned = attached.to_link();
    CHECK_FALSE(attached.is_attached());
    must(pinned.pin(path));
  }
  CHECK(is_there("bare_link"));
  {
    const auto link = must(barebpf::link::get_pinned(path));
    CHECK(must(link.info()).type == barebpf::abi::link_type::struct_ops);
  }
  must(barebpf::unpin(path));
  CHECK(goes("bare_link"));
}

TEST_CASE("struct_ops: a struct that is made for those who ask", "[needs 6.4][needs trampolines]") {
  in_own_network([] {
    const auto object = open_object("congestion_links");
    const barebpf::map_change asked[] = {must(object.change("third", {}))};
    const auto loaded = must(object.load({.maps = asked}));
    const auto calls = must(loaded.variable<u64>("third_calls"));
    auto attached = must(loaded.attach_struct_ops("third"));
    const carried connection("bare_third");
    CHECK(*calls > 0);
    // Of another name than the one that is there.
    const auto other = loaded.update_struct_ops(attached, "second");
    REQUIRE_FALSE(other.has_value());
    CHECK(is_explained(other.error(), step::register_operations, EINVAL));
  });
}

TEST_CASE("struct_ops: what a struct cannot be in this kernel is said of its member", "[needs trampolines]") {
  const auto object = open_object("congestion_faults");
  require(object.load());  // none of them is made
  struct row {
    const char* map;
    cause why;
    const char* name;
  };
  const auto* const section = "?.struct_ops:";
  for (const row& fault :
       {row{"more", cause::no_kernel_operation, "of_no_kernel"},
        row{"bits", cause::operation_bit_field, "flags"}, row{"wide", cause::another_operation, "flags"},
        row{"kind", cause::another_operation, "name"}, row{"twice", cause::operation_of_two, "undo_cwnd"},
        row{"number", cause::operation_is_no_program, "ssthresh"},
        row{"weather", cause::no_kernel_operations, "weather_ops"}}) {
    CAPTURE(fault.map);
    const int before = open_descriptors();
    const barebpf::map_change asked[] = {must(object.change(fault.map, {}))};
    const auto loaded = object.load({.maps = asked});
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().at == step::fit_operations);
    CHECK(loaded.error().why == fault.why);
    CHECK(loaded.error().offset != 0);
    CHECK(std::string(loaded.error().name) == section + std::string(fault.name));
    CHECK(open_descriptors() == before);
  }
  // The kernel itself wants more functions.
  const barebpf::map_change asked[] = {must(object.change("few", {}))};
  const auto loaded = must(object.load({.maps = asked}));
  const auto refused = loaded.attach_struct_ops("few");
  REQUIRE_FALSE(refused.has_value());
  CHECK(is_explained(refused.error(), step::register_operations, EINVAL));
}

TEST_CASE("struct_ops: a program that was left out leaves its member empty", "[needs trampolines]") {
  const auto object = open_object("congestion");
  const barebpf::program_change without[] = {must(object.change_program("bare_init", {.load = false}))};
  in_own_network([&] {
    const auto loaded = must(object.load({.programs = without}));
    const auto inits = must(loaded.variable<u64>("inits"));
    const auto attached = must(loaded.attach_struct_ops("bare_reno"));
    const carried connection("bare_reno");
    CHECK(*inits == 0);
  });
  CHECK(goes("bare_reno"));
}
