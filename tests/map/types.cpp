// SPDX-License-Identifier: MIT
// The BTF of a map as the kernel gives it: read whole, refused when it is damaged, and closed however it ends.
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>

#include "../support/catch.hpp"
#include "../support/fake_kernel.hpp"
#include "../support/library.hpp"
#include "../support/object_builder.hpp"

namespace {

namespace abi = barebpf::abi;
using hits = barebpf::hash_map<int, std::int64_t>;
using sort = barebpf::element_shape::sort;

constexpr int map_number = 5, types_number = 6;

// A kernel with one map, whose BTF is a file image.
struct typed_map {
  file_image content{};
  std::uint32_t key = 0, value = 0;
  int fails_at = -1;         // the call to answer with EINTR
  std::size_t grows_by = 0;  // bytes that the BTF is longer by than it was when it was asked first
  std::set<long> open{map_number};
  int calls = 0;

  template <class T>
  static T read(long from, std::size_t at) {
    T out{};
    std::memcpy(&out, reinterpret_cast<const unsigned char*>(from) + at, sizeof out);
    return out;
  }
  template <class T>
  static void write(std::uint64_t to, const T& what) {
    std::memcpy(reinterpret_cast<void*>(static_cast<std::uintptr_t>(to)), &what, sizeof what);
  }
  long operator()(const fake_call& call) {
    if (call.number == __NR_close) return open.erase(call.arguments[0]) == 1 ? 0 : -EBADF;
    if (calls++ == fails_at) return -EINTR;
    if (static_cast<abi::command>(call.arguments[0]) == abi::command::btf_get_fd_by_id) {
      CHECK(read<std::uint32_t>(call.arguments[1], 0) == 7);
      open.insert(types_number);
      return types_number;
    }
    const auto number = read<std::uint32_t>(call.arguments[1], 0);
    const auto info = read<std::uint64_t>(call.arguments[1], 8);
    if (number == map_number) {
      write(info, abi::map_info{.type = 1,
                                .key_size = 4,
                                .value_size = 8,
                                .name = barebpf::to_kernel_name("hits"),
                                .btf_id = 7,
                                .btf_key_type_id = key,
                                .btf_value_type_id = value});
      return 0;
    }
    const auto where = read<std::uint64_t>(static_cast<long>(info), 0);
    const auto room = read<std::uint32_t>(static_cast<long>(info), 8);
    const std::size_t size = content.size() - (room == 0 ? grows_by : 0);
    if (room != 0)
      std::memcpy(reinterpret_cast<void*>(static_cast<std::uintptr_t>(where)), content.data(),
                  std::min<std::size_t>(room, size));
    write(info + 8, static_cast<std::uint32_t>(size));
    return 0;
  }
};

typed_map of_int_and_long() {
  btf_builder types;
  typed_map out;
  out.key = types.integer("int", 4, 1);
  out.value = types.integer("long", 8, 1);
  out.content = types.content();
  return out;
}

barebpf::result<hits> adopt(typed_map& machine) {
  fake_kernel kernel([&machine](const fake_call& call) { return machine(call); });
  return hits::from_fd<barebpf::identity_and_btf>(map_number);
}

}  // namespace

TEST_CASE("the types of a map are read whole, though they be longer than they said", "[map/types]") {
  for (const std::size_t more : {0u, 1u, 40u}) {
    typed_map machine = of_int_and_long();
    machine.grows_by = more;

    CHECK(adopt(machine).has_value());

    CHECK(machine.open == std::set<long>{map_number});
    CHECK(machine.calls == (more == 0 ? 4 : 5));
  }
}

TEST_CASE("wherever a look at the types is interrupted, the map is not adopted and nothing stays open",
          "[map/types]") {
  for (int at = 0; at < 4; ++at) {
    typed_map machine = of_int_and_long();
    machine.fails_at = at;

    const auto refused = adopt(machine);

    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == EINTR);
    CHECK(refused.error().at ==
          (at == 0 ? barebpf::step::obj_get_info_by_fd : barebpf::step::btf_get_fd_by_id));
    CHECK(machine.open == std::set<long>{map_number});
  }
}

TEST_CASE("damaged types are refused with their fault, and no map is adopted by them", "[map/types]") {
  const file_image whole = of_int_and_long().content;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    CAPTURE(size);
    typed_map machine = of_int_and_long();
    machine.content.resize(size);

    const auto refused = adopt(machine);

    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().at == barebpf::step::btf_get_fd_by_id);
    CHECK(refused.error().why == barebpf::cause::bad_btf_header);
    CHECK(machine.open == std::set<long>{map_number});
  }
}

TEST_CASE("a type that is not in the BTF is not compared", "[map/types]") {
  typed_map machine = of_int_and_long();
  machine.key = 77;
  machine.value = 0;

  CHECK(adopt(machine).has_value());
}

TEST_CASE("which shapes stand for which", "[map/types]") {
  using barebpf::element_shape;
  const auto fits = [](sort wanted, sort found) { return element_shape{wanted, 4}.fits({found, 4}); };
  for (const sort same : {sort::signed_integer, sort::unsigned_integer, sort::floating})
    CHECK(fits(same, same));
  for (int found = 0; found <= static_cast<int>(sort::pointer); ++found) {
    CHECK(fits(sort::other, static_cast<sort>(found)));
    CHECK(fits(sort::unknown, static_cast<sort>(found)));
  }
  CHECK(fits(sort::either_integer, sort::unsigned_integer));
  CHECK(fits(sort::unsigned_integer, sort::either_enum));
  CHECK(fits(sort::unsigned_integer, sort::other));
  CHECK_FALSE(fits(sort::unsigned_integer, sort::signed_integer));
  CHECK_FALSE(fits(sort::unsigned_integer, sort::signed_enum));
  CHECK_FALSE(fits(sort::floating, sort::either_enum));
  CHECK_FALSE(fits(sort::unsigned_integer, sort::pointer));
  CHECK_FALSE(element_shape{sort::other, 4}.fits({sort::structure, 8}));
  CHECK(element_shape{sort::other, 4}.fits({}));
}

TEST_CASE("what a type of BTF is for a key or a value", "[map/types]") {
  btf_builder made;
  const auto number = made.integer("int", 4, 1);
  const auto address = made.pointer(number);
  const auto variable = made.variable("x", number, 1);
  const auto section = made.data_section(".data", 24, {{variable, 0, 4}});
  const auto call = made.function_prototype(number);
  const file_image content = made.content();
  barebpf::btf types;
  REQUIRE_FALSE(barebpf::btf::open(window_on_numbers(content), 0, content.size(), types).failed());
  std::vector<barebpf::u32> index(types.index_size());
  types.build_index(index.data());
  const auto is = [&](std::uint32_t id, sort what, std::uint64_t size) {
    const barebpf::element_shape found = shape_of(types, id);
    return found.is == what && found.size == size;
  };

  CHECK(is(address, sort::pointer, 8));
  CHECK(is(section, sort::other, 24));
  CHECK(is(call, sort::unknown, 0));
}

TEST_CASE("each shape has its words", "[map/types]") {
  const auto said = [](barebpf::element_shape found) {
    barebpf::btf_differences both;
    both.expected_value = {sort::floating, 4};
    both.found_value = found;
    char buffer[512];
    const barebpf::text line = describe(both, buffer, sizeof buffer);
    return std::string(line.data(), line.size());
  };

  CHECK(said({sort::signed_integer, 8}).ends_with("a signed 64-bit integer"));
  CHECK(said({sort::either_integer, 1}).ends_with("a 8-bit integer"));
  CHECK(said({sort::signed_enum, 4}).ends_with("a signed enum of 4 bytes"));
  CHECK(said({sort::either_enum, 4}).ends_with("an enum of 4 bytes"));
  CHECK(said({sort::structure, 16}).ends_with("a struct of 16 bytes"));
  CHECK(said({sort::union_type, 16}).ends_with("a union of 16 bytes"));
  CHECK(said({sort::array, 12}).ends_with("an array of 12 bytes"));
  CHECK(said({sort::pointer, 8}).ends_with("a pointer of 8 bytes"));

  barebpf::btf_differences both;
  both.expected_value = {sort::other, 24};
  both.found_value = {sort::signed_integer, 4};
  char buffer[512];
  CHECK(to_string(describe(both, buffer, sizeof buffer)).find("a type of 24 bytes") != std::string::npos);
}

TEST_CASE("the longest list of differences fits into 512 bytes", "[map/types]") {
  constexpr barebpf::u32 most = 0xfffffffe;
  barebpf::btf_differences both;
  both.expected = {most, most, most, most, most};
  both.found = {most - 1, most - 1, most - 1, most - 1, most - 1};
  both.expected_key = both.expected_value = {sort::floating, most};
  both.found_key = both.found_value = {sort::unsigned_integer, most};
  char buffer[513];

  const barebpf::text said = describe(both, buffer, sizeof buffer);

  CHECK(said.size() < 512);
  CHECK(std::string(buffer).substr(said.size() - 12) == "-bit integer");
}
