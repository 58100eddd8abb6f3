// SPDX-License-Identifier: MIT
#include <iterator>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

TEST_CASE("kernel versions compare like versions", "[kinds]") {
  static_assert(barebpf::kernel(5, 15) == 0x050f00);

  CHECK(barebpf::kernel(3, 19) < barebpf::kernel(4, 4));
  CHECK(barebpf::kernel(5, 4) < barebpf::kernel(5, 15));
  CHECK(barebpf::kernel(5, 255) < barebpf::kernel(6, 0));
}

TEST_CASE("a hash map can do everything with its elements since Linux 3.19", "[kinds]") {
  const barebpf::map_kind hash = barebpf::kind_of(barebpf::map_type::hash);

  CHECK(to_string(hash.type_name) == "hash");
  CHECK(hash.first_kernel == 0x031300);
  CHECK(hash.operations == 0x1dff);  // all but mmap
  CHECK(hash.flags == 0x1dd);
  CHECK(hash.hashes_the_key());
}

TEST_CASE("an array has slots that cannot be deleted, and may be mapped", "[kinds]") {
  const barebpf::map_kind array = barebpf::kind_of(barebpf::map_type::array);

  CHECK(array.operations == 0x1e6b);
  CHECK((array.operations & barebpf::can_delete) == 0);
  CHECK((array.operations & barebpf::can_mmap) != 0);
  CHECK_FALSE(array.hashes_the_key());
}

TEST_CASE("a map type without a row is not found", "[kinds]") {
  CHECK(barebpf::kind_of(barebpf::map_type::unspec).type_name.empty());
  CHECK(barebpf::kind_of(static_cast<barebpf::map_type>(9999)).type == barebpf::map_type::unspec);
}

TEST_CASE("each of the 35 map types has its row, in the order of their numbers", "[kinds]") {
  CHECK(std::size(barebpf::map_kinds) == 35);
  std::uint32_t number = 1;
  for (const barebpf::map_kind& kind : barebpf::map_kinds) {
    CAPTURE(number);
    CHECK(static_cast<std::uint32_t>(kind.type) == number++);
    CHECK_FALSE(kind.type_name.empty());
  }
}

TEST_CASE("a row does not contradict itself", "[kinds]") {
  using barebpf::map_flag;
  for (const barebpf::map_kind& kind : barebpf::map_kinds) {
    CAPTURE(to_string(kind.type_name));
    CHECK((kind.required_flags & ~kind.flags) == 0);
    CHECK((kind.flags & (map_flag::path_fd | map_flag::token_fd)) == 0);
    const bool has_no_key = kind.key == barebpf::key_rule::none;
    CHECK_FALSE((has_no_key && (kind.operations & barebpf::can_get_next_key) != 0));
    const bool is_mapped = (kind.operations & barebpf::can_mmap) != 0;
    CHECK((!is_mapped || kind.type == barebpf::map_type::array || kind.value == barebpf::value_rule::none));
  }
}

TEST_CASE("a stack has at most 127 places unless somebody raised the limit", "[kinds]") {
  const auto why = [](barebpf::u32 value_size, barebpf::u32 map_flags) {
    return barebpf::why_refused(
        {.map_type = 7, .key_size = 4, .value_size = value_size, .max_entries = 1, .map_flags = map_flags});
  };
  constexpr barebpf::u32 build_id = barebpf::map_flag::stack_build_id;
  CHECK(why(127 * 8, 0) == barebpf::cause::none);
  CHECK(why(128 * 8, 0) == barebpf::cause::deep_stack);
  CHECK(why(127 * 32, build_id) == barebpf::cause::none);
  CHECK(why(128 * 32, build_id) == barebpf::cause::deep_stack);
  CHECK(why(40, build_id) == barebpf::cause::bad_value_size);
  CHECK(why(0, 0) == barebpf::cause::bad_value_size);
}

TEST_CASE("what takes elements out or shares memory needs a descriptor that reads and writes", "[kinds]") {
  using barebpf::map_access;
  constexpr barebpf::u32 reading = operations_of(map_access::read_only);
  constexpr barebpf::u32 writing = operations_of(map_access::write_only);
  constexpr barebpf::u32 all = operations_of(map_access::read_write);

  CHECK((reading & writing) == 0);
  CHECK((all & ~(reading | writing) & 0x7ff) ==
        (barebpf::can_lookup_and_delete | barebpf::can_lookup_and_delete_batch | barebpf::can_mmap));
  CHECK(flag_of(map_access::read_write) == 0);
  CHECK(flag_of(map_access::read_only) == barebpf::map_flag::rdonly);
  CHECK(flag_of(map_access::write_only) == barebpf::map_flag::wronly);
}

TEST_CASE("a flag that came later than the kernel is told apart", "[kinds]") {
  using barebpf::kernel;
  using barebpf::map_flag;
  CHECK(barebpf::lacks_flag(kernel(6, 18), map_flag::rb_overwrite | map_flag::numa_node));
  CHECK_FALSE(barebpf::lacks_flag(kernel(6, 19), map_flag::rb_overwrite));
  CHECK(barebpf::lacks_flag(kernel(5, 4), map_flag::mmapable));
  CHECK_FALSE(barebpf::lacks_flag(kernel(5, 5), map_flag::mmapable));
  CHECK_FALSE(barebpf::lacks_flag(kernel(3, 19), map_flag::no_prealloc));
}
