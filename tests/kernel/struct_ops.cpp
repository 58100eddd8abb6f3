// SPDX-License-Identifier: MIT
// Functions that the running kernel calls through a struct: TCP congestion controls of programs, chosen for connections
// over loopback in a network namespace of the test's own, which carry bytes and are counted.
#include <netinet/tcp.h>

#include "../support/both_forms.hpp"
#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/sockets.hpp"
#include "congestion.bpf.hpp"
#include "congestion_faults.bpf.hpp"
#include "congestion_links.bpf.hpp"

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
  in_both_forms<congestion>([](const auto& object) {
    in_own_network([&] {
      const auto loaded = must(object.load());
      CHECK_FALSE(is_there("bare_reno"));
      const auto inits = must(loaded.template variable<"inits", u64>()),
                 growths = must(loaded.template variable<"growths", u64>()),
                 acked = must(loaded.template variable<"acked_packets", u64>());
      {
        auto attached = must(loaded.template attach_struct_ops<"bare_reno">());
        CHECK(attached.is_attached());
        CHECK_FALSE(attached.is_link());
        const carried connection("bare_reno");
        CHECK(*inits == 2);
        CHECK(*growths > 0);
        CHECK(*acked > 0);
        const u64 before = *growths;
        connection.carry();
        CHECK(*growths > before);

        const auto again = loaded.template attach_struct_ops<"bare_reno">();
        REQUIRE_FALSE(again.has_value());
        CHECK(is_explained(again.error(), step::register_operations, EBUSY));
        CHECK(sentence(again.error()).find("'bare_reno'") != std::string::npos);

        // Another object may not give the name too, and fails whole.
        const auto second = must(object.load());
        const auto refused = second.template attach_struct_ops<"bare_reno">();
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
      CHECK_FALSE(loaded.template attach_struct_ops<"bare_reno">().has_value());
    });
  });
}

TEST_CASE("struct_ops: the same under a policy that compiles less", "[needs 5.17][needs trampolines]") {
  constexpr barebpf::load_policy small{.oldest_kernel = barebpf::kernel(5, 17),
                                       .btf = barebpf::btf_choice::none,
                                       .core = barebpf::core_way::kernel};
  in_both_forms<congestion, small>([](const auto& object) {
    in_own_network([&] {
      const auto loaded = must(object.load());
      const auto attached = must(loaded.template attach_struct_ops<"bare_reno">());
      const auto inits = must(loaded.template variable<"inits", u64>());
      const carried connection("bare_reno");
      CHECK(*inits == 2);
    });
    CHECK(goes("bare_reno"));
  });
}

namespace {

// The value of a struct of functions whatever its size, and how large it is: one of the sizes is the kernel's.
template <std::size_t Size>
struct sized_value {
  unsigned char bytes[Size];
};
template <class Loaded, std::size_t... Step>
std::string value_of_reno(const Loaded& loaded, u32 size, std::index_sequence<Step...>) {
  std::string out;
  const auto try_size = [&](auto value) {
    const auto map =
        loaded.template map<"bare_reno", barebpf::struct_ops_map<sized_value<sizeof value.bytes>>>();
    REQUIRE(map.has_value() == (sizeof value.bytes == size));
    if (!map) {
      CHECK(map.error().why == cause::wrong_value_size);
      return;
    }
    const auto found = must(map->lookup_elem(0));
    out.assign(std::begin(found.bytes), std::end(found.bytes));
  };
  (try_size(sized_value<(Step + 1) * 64>{}), ...);
  return out;
}

}  // namespace

TEST_CASE("struct_ops: the map has the kernel's form of the struct", "[needs trampolines]") {
  in_both_forms<congestion>([](const auto& object) {
    const auto loaded = must(object.load());
    const auto& map = loaded.template map_descriptor<"bare_reno">();
    barebpf::abi::map_info info;
    barebpf::abi::obj_info attr{.bpf_fd = map.raw(), .info_len = sizeof info, .info = &info};
    REQUIRE(barebpf::sys_bpf(barebpf::abi::command::obj_get_info_by_fd, attr) >= 0);
    CHECK(info.type == static_cast<u32>(barebpf::map_type::struct_ops));
    CHECK(info.btf_vmlinux_value_type_id != 0);
    CHECK(info.value_size > 60);  // which is what the object's own struct has
    CHECK(std::string(info.name.characters) == "bare_reno");
    CHECK(info.map_flags == 0);
    for (const barebpf::fd* program :
         {&loaded.template program<"bare_init">(), &loaded.template program<"bare_undo_cwnd">()})
      CHECK(program->is_open());

    // What is registered can be read: the name that the struct gives stands somewhere in it.
    const auto attached = must(loaded.template attach_struct_ops<"bare_reno">());
    const std::string value = value_of_reno(loaded, info.value_size, std::make_index_sequence<12>{});
    CHECK(value.find("bare_reno") != std::string::npos);
  });
}

TEST_CASE("struct_ops: by a link, and another in its place while connections last",
          "[needs 6.4][needs trampolines]") {
  in_both_forms<congestion_links>([](const auto& object) {
    in_own_network([&] {
      const auto loaded = must(object.load());
      const auto first = must(loaded.template variable<"first_calls", u64>()),
                 second = must(loaded.template variable<"second_calls", u64>());
      for (int round = 0; round < 2; ++round) {  // such a map can be registered again
        auto attached = must(loaded.template attach_struct_ops<"first">());
        CHECK(attached.is_link());
        *first = *second = 0;
        const carried connection("bare_link");
        CHECK(*first > 0);
        CHECK(*second == 0);
        must(loaded.template update_struct_ops<"second">(attached));
        *first = 0;
        const carried another("bare_link");
        CHECK(*first == 0);
        CHECK(*second > 0);

        const auto not_there = loaded.template update_struct_ops<"third">(attached);
        REQUIRE_FALSE(not_there.has_value());
        CHECK(not_there.error().why == cause::map_left_out);
        attached.detach();
        CHECK(goes("bare_link"));
        // Nothing is there whose place could be taken.
        CHECK(loaded.template update_struct_ops<"second">(attached).error().why ==
              cause::operations_not_linked);
      }
      // What no struct that is made needs is not loaded, and neither is what the kernel has no member for.
      CHECK_FALSE(loaded.template program<"third_cong_avoid">().is_open());
      CHECK_FALSE(loaded.template program<"of_no_kernel">().is_open());
      CHECK(loaded.template program<"link_undo_cwnd">().is_open());
      CHECK_FALSE(loaded.template map_descriptor<"third">().is_open());
      CHECK(loaded.template attach_struct_ops<"third">().error().why == cause::map_left_out);
      CHECK(loaded.template map<"third", barebpf::struct_ops_map<sized_value<64>>>().error().why ==
            cause::map_left_out);
    });
  });
}

// Of the other form the compiler says the same: see tests/compile_fail.
TEST_CASE("struct_ops: names that stand for something else are refused", "[needs 6.4][needs trampolines]") {
  const auto object = must(barebpf::object::open(congestion_links, sizeof congestion_links));
  const auto loaded = must(object.load());
  CHECK(loaded.attach_struct_ops("fourth").error().why == cause::no_such_map);
  CHECK(loaded.attach_struct_ops(".bss").error().why == cause::not_operations);
  CHECK(loaded.attach("first_cong_avoid").error().why == cause::part_of_operations);
  CHECK(loaded.program("third_cong_avoid").error().why == cause::not_loaded);
}

TEST_CASE("struct_ops: a link that is pinned keeps what it registered", "[needs 6.4][needs trampolines]") {
  in_both_forms<congestion_links>([](const auto& object) {
    const std::string path = bpf_folder() + "/bare_link";
    static_cast<void>(barebpf::unpin(path));
    {
      const auto loaded = must(object.load());
      auto attached = must(loaded.template attach_struct_ops<"first">());
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
  });
}

TEST_CASE("struct_ops: a struct that is made for those who ask", "[needs 6.4][needs trampolines]") {
  in_both_forms<congestion_links>([](const auto& object) {
    in_own_network([&] {
      const barebpf::map_change asked[] = {object.template change<"third">({})};
      const auto loaded = must(object.load({.maps = asked}));
      const auto calls = must(loaded.template variable<"third_calls", u64>());
      auto attached = must(loaded.template attach_struct_ops<"third">());
      const carried connection("bare_third");
      CHECK(*calls > 0);
      // Of another name than the one that is there.
      const auto other = loaded.template update_struct_ops<"second">(attached);
      REQUIRE_FALSE(other.has_value());
      CHECK(is_explained(other.error(), step::register_operations, EINVAL));
    });
  });
}

TEST_CASE("struct_ops: attach_all hands over every struct that is made", "[needs 6.4][needs trampolines]") {
  constexpr barebpf::static_object<congestion_links> object;
  in_own_network([&] {
    // Both give one name, so of both together one is refused, and the other is given back.
    {
      const auto loaded = must(object.load());
      const auto attached = loaded.attach_all();
      REQUIRE_FALSE(attached.has_value());
      CHECK(is_explained(attached.error(), step::register_operations, EEXIST));
      CHECK(std::string(attached.error().name) == "second");
      CHECK(goes("bare_link"));
    }
    const barebpf::map_change asked[] = {object.change<"second">({.create = false}),
                                         object.change<"third">({})};
    const auto loaded = must(object.load({.maps = asked}));
    auto attached = must(loaded.attach_all());
    int links = 0;
    for (const barebpf::attachment& one : attached.list) links += one.is_link();
    CHECK(links == 2);
    CHECK(attached.list[object.program_count].is_link());  // behind the programs, in the order of the maps
    CHECK_FALSE(attached.list[object.program_count + 1].is_attached());
    CHECK(attached.list[object.program_count + 2].is_link());
    const carried connection("bare_link"), another("bare_third");
    CHECK(*must(loaded.variable<"first_calls">()) > 0);
    CHECK(*must(loaded.variable<"third_calls">()) > 0);
  });
  CHECK(goes("bare_link"));
  CHECK(goes("bare_third"));
}

namespace {

template <barebpf::name Map, class Object>
void check_fault(const Object& object, cause why, const std::string& name) {
  CAPTURE(Map.characters);
  const int before = open_descriptors();
  const barebpf::map_change asked[] = {object.template change<Map>({})};
  const auto loaded = object.load({.maps = asked});
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().at == step::fit_operations);
  CHECK(loaded.error().why == why);
  CHECK(loaded.error().offset != 0);
  CHECK(std::string(loaded.error().name) == "?.struct_ops:" + name);
  CHECK(open_descriptors() == before);
}

}  // namespace

TEST_CASE("struct_ops: what a struct cannot be in this kernel is said of its member", "[needs trampolines]") {
  in_both_forms<congestion_faults>([](const auto& object) {
    require(object.load());  // none of them is made
    check_fault<"more">(object, cause::no_kernel_operation, "of_no_kernel");
    check_fault<"bits">(object, cause::operation_bit_field, "flags");
    check_fault<"wide">(object, cause::another_operation, "flags");
    check_fault<"kind">(object, cause::another_operation, "name");
    check_fault<"twice">(object, cause::operation_of_two, "undo_cwnd");
    check_fault<"number">(object, cause::operation_is_no_program, "ssthresh");
    check_fault<"weather">(object, cause::no_kernel_operations, "weather_ops");
    // The kernel itself wants more functions.
    const barebpf::map_change asked[] = {object.template change<"few">({})};
    const auto loaded = must(object.load({.maps = asked}));
    const auto refused = loaded.template attach_struct_ops<"few">();
    REQUIRE_FALSE(refused.has_value());
    CHECK(is_explained(refused.error(), step::register_operations, EINVAL));
  });
}

TEST_CASE("struct_ops: a program that was left out leaves its member empty", "[needs trampolines]") {
  in_both_forms<congestion>([](const auto& object) {
    const barebpf::program_change without[] = {object.template change_program<"bare_init">({.load = false})};
    in_own_network([&] {
      const auto loaded = must(object.load({.programs = without}));
      const auto inits = must(loaded.template variable<"inits", u64>());
      const auto attached = must(loaded.template attach_struct_ops<"bare_reno">());
      const carried connection("bare_reno");
      CHECK(*inits == 0);
    });
    CHECK(goes("bare_reno"));
  });
}
