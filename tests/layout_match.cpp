// SPDX-License-Identifier: MIT
#include <array>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/stated_types.hpp"

namespace {

using barebpf::btf;
using barebpf::cause;
using barebpf::layout;
using barebpf::layout_difference;
using barebpf::layout_of;
using barebpf::text;
using lines = std::vector<std::string>;

std::string name_of(cause why) {
  switch (why) {
#define BAREBPF_CAUSE(identifier, sentence) \
  case cause::identifier:                   \
    return #identifier;
    BAREBPF_LAYOUT_CAUSES(BAREBPF_CAUSE, "")
    BAREBPF_UNSEEN_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
    default:
      return "?";
  }
}
// "other_offset ports[].source: 4 at 8, 4 at 12 as origin"
std::string line_of(const layout_difference& found) {
  const auto place = [](unsigned size, unsigned at) {
    return size == 0 ? "none" : std::to_string(size) + " at " + std::to_string(at);
  };
  std::string out = name_of(found.why) + " " + to_string(found.member) + ": ";
  out += place(found.in_object.size, found.in_object.offset) + ", ";
  out += place(found.in_cxx.size, found.in_cxx.offset);
  if (!text(found.cxx_member).empty()) out += " as " + to_string(found.cxx_member);
  return out;
}

// The types of an object, and what most of them are made of.
struct object_types {
  btf_builder made;
  std::uint32_t u8 = made.integer("unsigned char", 1, 0);
  std::uint32_t u16 = made.integer("unsigned short", 2, 0);
  std::uint32_t u32 = made.integer("unsigned int", 4, 0);
  std::uint32_t u64 = made.integer("unsigned long long", 8, 0);
  std::uint32_t s32 = made.integer("int", 4, 1);
  std::uint32_t character = made.integer("char", 1, 1);
  std::uint32_t boolean = made.integer("_Bool", 1, 4);
  std::uint32_t nothing = made.pointer(0);

  std::uint32_t structure(std::uint32_t size, const std::vector<btf_builder::member>& members) {
    return made.structure("", size, members);
  }
  std::uint32_t array(std::uint32_t element, std::uint32_t length) {
    return made.array(element, u32, length);
  }
  // One with bit fields: the width stands on top of the bit.
  std::uint32_t bits(std::uint32_t size, std::vector<btf_builder::member> members,
                     const std::vector<std::uint32_t>& widths) {
    for (std::size_t i = 0; i < members.size(); ++i) members[i].bit |= widths.at(i) << 24;
    return made.flagged(structure(size, members));
  }

  // What is told of the type `id` and a C++ type, at most so many lines.
  lines told(std::uint32_t id, const layout& cxx, std::size_t most = 20) const {
    const file_image image = made.content();
    btf types;
    REQUIRE_FALSE(btf::open(window_on_numbers(image), 0, image.size(), types).failed());
    std::vector<barebpf::u32> index(types.index_size());
    types.build_index(index.data());
    lines out;
    barebpf::each_difference(types, id, cxx, [&](const layout_difference& found) {
      out.push_back(line_of(found));
      return out.size() < most;
    });
    const layout_difference first = barebpf::first_difference(types, id, cxx);
    CHECK((first.why == cause::none) == out.empty());
    if (!out.empty()) CHECK(line_of(first) == out[0]);
    return out;
  }
  template <class T>
  lines told(std::uint32_t id) const {
    return told(id, layout_of<T>);
  }
};
const lines none;

struct port {
  std::uint16_t number;
  bool is_open;
};
struct host {
  std::uint32_t source;
  std::int32_t change;
  port ports[2];
};
struct deep_host {
  host one;
  std::uint64_t count;
};

std::uint32_t add_host(object_types& object) {
  const std::uint32_t port = object.structure(4, {{"number", object.u16}, {"is_open", object.boolean, 16}});
  return object.structure(
      16, {{"source", object.u32}, {"change", object.s32, 32}, {"ports", object.array(port, 2), 64}});
}

}  // namespace

TEST_CASE("structs with the same members agree, however deep they lie", "[layout_match]") {
  object_types object;
  const std::uint32_t host_type = add_host(object);
  const std::uint32_t deep = object.structure(24, {{"one", host_type}, {"count", object.u64, 128}});

  CHECK(object.told<host>(host_type) == none);
  CHECK(object.told<deep_host>(deep) == none);
  CHECK(object.told<const host>(host_type) == none);
  CHECK(object.told<std::array<host, 3>>(object.array(host_type, 3)) == none);
  CHECK(object.told<host[3]>(object.array(host_type, 3)) == none);
}

TEST_CASE("names, qualifiers and typedefs of types do not count", "[layout_match]") {
  object_types object;
  const std::uint32_t number = object.made.const_type(object.made.type_definition("__u32", object.u32));
  const std::uint32_t wrapped = object.made.type_definition(
      "host_t", object.made.volatile_type(object.made.structure("other", 4, {{"number", number}})));
  struct mine {
    std::uint32_t number;
  };

  CHECK(object.told<mine>(wrapped) == none);
}

TEST_CASE("a member of another name is told with both names", "[layout_match]") {
  struct renamed {
    std::uint32_t origin;
    std::int32_t change;
    port ports[2];
  };
  struct cut {
    std::uint32_t source;
    port ports[3];
  };
  object_types object;
  const std::uint32_t host_type = add_host(object);

  CHECK(object.told<renamed>(host_type) == lines{"other_name source: 4 at 0, 4 at 0 as origin"});
  CHECK(object.told<cut>(host_type) ==
        lines{"missing_member change: 4 at 4, none", "other_offset ports: 8 at 8, 12 at 4"});
}

TEST_CASE("a member that one side lacks is told with its place on the other", "[layout_match]") {
  struct shorter {
    std::uint32_t source;
    std::int32_t change;
  };
  struct longer {
    host all;
    std::uint32_t more;
  };
  object_types object;
  const std::uint32_t host_type = add_host(object);
  const std::uint32_t one = object.structure(16, {{"all", host_type}});

  CHECK(object.told<shorter>(host_type) ==
        lines{"missing_member ports: 8 at 8, none", "other_size : 16 at 0, 8 at 0"});
  CHECK(object.told<longer>(one) ==
        lines{"extra_member more: none, 4 at 16", "other_size : 16 at 0, 20 at 0"});
}

TEST_CASE("members in another order lie at other offsets", "[layout_match]") {
  struct swapped {
    std::int32_t change;
    std::uint32_t source;
    port ports[2];
  };
  object_types object;

  CHECK(object.told<swapped>(add_host(object)) ==
        lines{"other_offset source: 4 at 0, 4 at 4", "other_offset change: 4 at 4, 4 at 0"});
}

TEST_CASE("numbers have a size and a sign, and bool is none", "[layout_match]") {
  struct numbers {
    std::uint64_t count;
    std::int32_t change;
    std::uint8_t flag;
  };
  struct unsigned_numbers {
    std::uint64_t count;
    std::uint32_t change;
    bool flag;
  };
  struct short_numbers {
    std::uint32_t count, gap;
    std::int32_t change;
    std::int8_t flag;
  };
  object_types object;
  const std::uint32_t type =
      object.structure(16, {{"count", object.u64}, {"change", object.s32, 64}, {"flag", object.u8, 96}});

  CHECK(object.told<numbers>(type) == none);
  CHECK(object.told<unsigned_numbers>(type) ==
        lines{"other_sign change: 4 at 8, 4 at 8", "no_boolean flag: 1 at 12, 1 at 12"});
  CHECK(object.told<short_numbers>(type) == lines{"other_size count: 8 at 0, 4 at 0",
                                                  "other_sign flag: 1 at 12, 1 at 12",
                                                  "extra_member gap: none, 4 at 4"});
}

TEST_CASE("bool is a number of one byte to who wants a number, and char has any sign", "[layout_match]") {
  struct wanted {
    std::uint8_t is_open;
    char tag;
  };
  struct strict {
    std::int8_t is_open;
    signed char tag;
  };
  object_types object;
  const std::uint32_t type = object.structure(2, {{"is_open", object.boolean}, {"tag", object.character, 8}});
  const std::uint32_t other = object.structure(2, {{"is_open", object.boolean}, {"tag", object.u8, 8}});

  CHECK(object.told<wanted>(type) == none);
  CHECK(object.told<wanted>(other) == none);
  CHECK(object.told<strict>(type) == lines{"other_sign is_open: 1 at 0, 1 at 0"});
  CHECK(object.told<strict>(other) ==
        lines{"other_sign is_open: 1 at 0, 1 at 0", "other_sign tag: 1 at 1, 1 at 1"});
}

TEST_CASE("a number is no pointer but the one of 64 bits, and no float", "[layout_match]") {
  if (!lays_out_as_bpf) return;
  struct as_pointer {
    void* where;
  };
  struct as_number {
    std::uint64_t where;
  };
  struct as_signed {
    std::int64_t where;
  };
  struct as_half {
    std::uint32_t where, gap;
  };
  struct as_float {
    double where;
  };
  object_types object;
  const std::uint32_t type = object.structure(8, {{"where", object.nothing}});
  const std::uint32_t number = object.structure(8, {{"where", object.u64}});
  const std::uint32_t weight = object.structure(8, {{"where", object.made.floating("double", 8)}});

  CHECK(object.told<as_pointer>(type) == none);
  CHECK(object.told<as_number>(type) == none);
  CHECK(object.told<as_float>(weight) == none);
  CHECK(object.told<as_signed>(type) == lines{"other_sort where: 8 at 0, 8 at 0"});
  CHECK(object.told<as_half>(type)[0] == "other_size where: 8 at 0, 4 at 0");
  CHECK(object.told<as_pointer>(number) == lines{"other_sort where: 8 at 0, 8 at 0"});
  CHECK(object.told<as_float>(number) == lines{"other_sort where: 8 at 0, 8 at 0"});
  CHECK(object.told<as_number>(weight) == lines{"other_sort where: 8 at 0, 8 at 0"});
}

TEST_CASE("arrays have elements and a length, and differ in one of them", "[layout_match]") {
  struct three {
    std::uint16_t row[3];
  };
  struct three_signed {
    std::int16_t row[3];
  };
  struct one {
    std::uint16_t row;
  };
  struct grid {
    std::array<std::array<std::uint16_t, 3>, 2> row;
  };
  object_types object;
  const std::uint32_t four = object.structure(8, {{"row", object.array(object.u16, 4)}});
  const std::uint32_t rows = object.structure(12, {{"row", object.array(object.array(object.u16, 3), 2)}});
  const std::uint32_t others = object.structure(12, {{"row", object.array(object.array(object.u16, 2), 3)}});

  CHECK(object.told<three>(four)[0] == "other_length row: 8 at 0, 6 at 0");
  CHECK(object.told<three_signed>(four)[0] == "other_sign row[]: 2 at 0, 2 at 0");
  CHECK(object.told<one>(four)[0] == "other_sort row: 8 at 0, 2 at 0");
  CHECK(object.told<grid>(rows) == none);
  CHECK(object.told<grid>(others) == lines{"other_length row[]: 4 at 0, 6 at 0"});
}

TEST_CASE("a difference in a struct of an array is told with its path", "[layout_match]") {
  struct other_port {
    std::uint16_t number;
    std::uint8_t is_open;
    std::uint8_t more;
  };
  struct other_host {
    std::uint32_t source;
    std::int32_t change;
    other_port ports[2];
  };
  object_types object;
  const std::uint32_t host_type = add_host(object);
  const std::uint32_t all = object.structure(32, {{"hosts", object.array(host_type, 2)}});
  struct hosts_of_others {
    other_host hosts[2];
  };

  CHECK(object.told<other_host>(host_type) == lines{"extra_member ports[].more: none, 1 at 3"});
  CHECK(object.told<hosts_of_others>(all) == lines{"extra_member hosts[].ports[].more: none, 1 at 3"});
  CHECK(object.told<other_host[2]>(object.array(host_type, 2)) ==
        lines{"extra_member [].ports[].more: none, 1 at 3"});
}

TEST_CASE("bytes fill gaps and stand for anything of their size", "[layout_match]") {
  struct filled {
    std::uint8_t tag;
    std::byte gap[3];
    std::uint32_t number;
  };
  struct named {
    std::uint8_t tag;
    std::uint8_t gap[3];
    std::uint32_t number;
  };
  struct covered {
    std::uint8_t tag;
    std::byte gap[3];
    std::byte number[4];
  };
  struct over {
    std::byte tag[4];
    std::uint32_t number;
  };
  object_types object;
  const std::uint32_t type = object.structure(8, {{"tag", object.u8}, {"number", object.u32, 32}});

  CHECK(object.told<filled>(type) == none);
  CHECK(object.told<named>(type) == lines{"extra_member gap: none, 3 at 1"});
  CHECK(object.told<covered>(type) == none);
  CHECK(object.told<over>(type) == lines{"other_size tag: 1 at 0, 4 at 0"});
  CHECK(object.told<std::byte[8]>(type) == none);
  CHECK(object.told<std::array<std::byte, 9>>(type) == lines{"other_size : 8 at 0, 9 at 0"});
  CHECK(object.told<stated::opaque>(type) == lines{"other_size : 8 at 0, 16 at 0"});
}

TEST_CASE("enums have the same values, whatever style their names have", "[layout_match]") {
  enum class state : std::uint32_t { idle, running = 5 };
  enum class exact : std::uint32_t { STATE_IDLE, STATE_RUNNING = 5 };
  enum class fewer : std::uint32_t { idle };
  enum class more : std::uint32_t { idle, running = 5, stopped = 6 };
  enum class swapped : std::uint32_t { STATE_RUNNING, STATE_IDLE = 5 };
  enum class narrow : std::uint8_t { idle, running = 5 };
  enum class is_signed : std::int32_t { idle, running = 5 };
  enum class empty : std::uint32_t {};
  object_types object;
  const std::uint32_t type = object.made.enumeration("state", 4, {{"STATE_IDLE", 0}, {"STATE_RUNNING", 5}});

  CHECK(object.told<state>(type) == none);
  CHECK(object.told<exact>(type) == none);
  CHECK(object.told<is_signed>(type) == none);
  CHECK(object.told<fewer>(type) == lines{"other_values : 4 at 0, 4 at 0"});
  CHECK(object.told<more>(type) == lines{"other_values : 4 at 0, 4 at 0"});
  CHECK(object.told<swapped>(type) == lines{"other_values : 4 at 0, 4 at 0"});
  CHECK(object.told<empty>(type) == none);
  CHECK(object.told<narrow>(type) == lines{"other_size : 4 at 0, 1 at 0"});
  CHECK(object.told<std::uint32_t>(type) == none);
  CHECK(object.told<std::int32_t>(type) == none);
  CHECK(object.told<state>(object.u32) == none);
  CHECK(object.told<state>(object.s32) == none);
  CHECK(object.told<state>(object.u64) == lines{"other_size : 8 at 0, 4 at 0"});
  CHECK(object.told<state>(object.nothing) == lines{"other_sort : 8 at 0, 4 at 0"});
  CHECK(object.told<bool>(object.made.enumeration("yes", 1, {{"NO", 0}})) ==
        lines{"no_boolean : 1 at 0, 1 at 0"});
}

TEST_CASE("values that nobody looks for are not missed", "[layout_match]") {
  enum class state : std::uint32_t { idle, large = 1000 };
  enum class other : std::uint32_t { idle };
  object_types object;
  const std::uint32_t type = object.made.enumeration("state", 4, {{"IDLE", 0}, {"LARGE", 1000}});
  const std::uint32_t far = object.made.enumeration("state", 4, {{"IDLE", 0}, {"FAR", 0x80000000}});

  CHECK(object.told<state>(type) == none);
  CHECK(object.told<other>(type) == none);
  CHECK(object.told<other>(far) == lines{"other_values : 4 at 0, 4 at 0"});
}

TEST_CASE("negative values are the same with and without the flag of newer kernels", "[layout_match]") {
  enum class mood : std::int32_t { bad = -1, good = 1 };
  enum class unsigned_mood : std::uint32_t { bad = 0xffffffff, good = 1 };
  enum class better : std::int32_t { bad = -1, good = 2 };
  enum class short_mood : std::int16_t { bad = -1, good = 1 };
  enum class only_good : std::uint32_t { good = 1 };
  enum class only_small : std::int32_t { small = 1 };
  object_types object;
  const std::vector<btf_builder::enumerator> values{{"BAD", 0xffffffff}, {"GOOD", 1}};
  const std::uint32_t plain = object.made.enumeration("mood", 4, values);
  const std::uint32_t flagged = object.made.flagged(object.made.enumeration("mood", 4, values));
  const std::uint32_t far = object.made.enumeration("far", 4, {{"FAR", 0x80000000}, {"SMALL", 1}});
  const std::uint32_t half = object.made.flagged(object.made.enumeration("mood", 2, values));

  CHECK(object.told<mood>(plain) == none);
  CHECK(object.told<mood>(flagged) == none);
  CHECK(object.told<unsigned_mood>(plain) == none);
  CHECK(object.told<unsigned_mood>(flagged) == none);
  CHECK(object.told<short_mood>(half) == none);
  for (const std::uint32_t id : {plain, flagged})
    CHECK(object.told<only_good>(id) == lines{"other_values : 4 at 0, 4 at 0"});
  CHECK(object.told<only_small>(far) == lines{"other_values : 4 at 0, 4 at 0"});
  CHECK(object.told<better>(flagged) == lines{"other_values : 4 at 0, 4 at 0"});
}

TEST_CASE("enums of 64 bits have the same values too", "[layout_match]") {
  enum class distance : std::uint64_t { near = 1, far = 0x7000000007 };
  enum class nearer : std::uint64_t { near = 2 };
  enum class small : std::uint32_t { near = 1 };
  enum class below : std::int64_t { under = -1 };
  object_types object;
  const std::uint32_t type = object.made.enumeration64("distance", {{"NEAR", 1}, {"FAR", 0x7000000007}});
  const std::uint32_t negative = object.made.flagged(object.made.enumeration64("below", {{"UNDER", ~0ull}}));

  CHECK(object.told<distance>(type) == none);
  CHECK(object.told<below>(negative) == none);
  CHECK(object.told<nearer>(type) == lines{"other_values : 8 at 0, 8 at 0"});
  CHECK(object.told<small>(type) == lines{"other_size : 8 at 0, 4 at 0"});
}

TEST_CASE("unions are compared by size and alignment", "[layout_match]") {
  if (!lays_out_as_bpf) return;
  union same {
    std::uint64_t anything;
    unsigned char bytes[12];
  };
  union larger {
    std::uint64_t anything;
    unsigned char bytes[20];
  };
  union narrower {
    unsigned char bytes[16];
  };
  struct no_union {
    std::uint64_t number, more;
  };
  object_types object;
  const std::uint32_t type =
      object.made.union_of("", 16, {{"number", object.u64}, {"bytes", object.array(object.u8, 12)}});
  const std::uint32_t of_structs = object.made.union_of(
      "", 8, {{"both", object.structure(8, {{"a", object.u32}, {"b", object.u32, 32}})}});
  union with_struct {
    std::uint32_t words[2];
  };

  CHECK(object.told<same>(type) == none);
  CHECK(object.told<with_struct>(of_structs) == none);
  CHECK(object.told<larger>(type) == lines{"other_size : 16 at 0, 24 at 0"});
  CHECK(object.told<narrower>(type) == lines{"other_alignment : 16 at 0, 16 at 0"});
  CHECK(object.told<no_union>(type) == lines{"other_sort : 16 at 0, 16 at 0"});
  CHECK(object.told<same>(object.structure(16, {{"number", object.u64}})) ==
        lines{"other_sort : 16 at 0, 16 at 0"});
}

TEST_CASE("members of a struct without a name are the struct's own", "[layout_match]") {
  struct flat {
    std::uint32_t before, inside, more;
  };
  struct lacking {
    std::uint32_t before, inside;
  };
  object_types object;
  const std::uint32_t inner = object.structure(4, {{"more", object.u32}});
  const std::uint32_t middle = object.structure(8, {{"inside", object.u32}, {"", inner, 32}});
  const std::uint32_t type = object.structure(12, {{"before", object.u32}, {"", middle, 32}});

  CHECK(object.told<flat>(type) == none);
  CHECK(object.told<lacking>(type) ==
        lines{"missing_member more: 4 at 8, none", "other_size : 12 at 0, 8 at 0"});
}

TEST_CASE("a union without a name fits one with any, at its place", "[layout_match]") {
  union either {
    std::uint32_t v4;
    unsigned char v6[16];
  };
  union small_union {
    std::uint32_t v4;
  };
  struct address {
    std::uint32_t family;
    either where;
  };
  struct small_address {
    std::uint32_t family;
    small_union where;
  };
  struct lacking {
    std::uint32_t family;
  };
  struct elsewhere {
    either where;
    std::uint32_t family;
  };
  object_types object;
  const std::uint32_t inner =
      object.made.union_of("", 16, {{"v4", object.u32}, {"v6", object.array(object.u8, 16)}});
  const std::uint32_t type = object.structure(20, {{"family", object.u32}, {"", inner, 32}});

  CHECK(object.told<address>(type) == none);
  CHECK(object.told<small_address>(type)[0] == "other_size (union): 16 at 4, 4 at 4");
  CHECK(object.told<lacking>(type)[0] == "missing_member (union): 16 at 4, none");
  CHECK(object.told<elsewhere>(type)[0] == "other_offset family: 4 at 0, 4 at 16");
  // Where the layout is stated, its alternatives have names.
  CHECK(object.told<stated::address>(type) == none);
}

TEST_CASE("of a stated layout what is stated is compared, and no more", "[layout_match]") {
  if (!lays_out_as_bpf) return;
  object_types object;
  const std::uint32_t guarded = object.structure(16, {{"first", object.u32}, {"second", object.u64, 64}});
  const std::uint32_t other = object.structure(16, {{"first", object.s32}, {"third", object.u64, 64}});
  const std::uint32_t message = object.structure(8, {{"kind", object.u32}, {"size", object.u32, 32}});
  const std::uint32_t packed = object.structure(5, {{"tag", object.u8}, {"value", object.u32, 8}});
  const std::uint32_t wide = object.structure(8, {{"tag", object.u8}, {"value", object.u32, 32}});
  const std::uint32_t number = object.made.union_of("", 4, {{"word", object.u32}, {"half", object.u16}});
  const std::uint32_t other_number = object.made.union_of("", 4, {{"word", object.s32}});
  const std::uint32_t longer =
      object.structure(24, {{"first", object.u32}, {"second", object.u64, 64}, {"third", object.u64, 128}});

  CHECK(object.told<stated::guarded>(guarded) == none);
  CHECK(object.told<stated::guarded>(other) ==
        lines{"other_sign first: 4 at 0, 4 at 0", "extra_member second: none, 8 at 8"});
  CHECK(object.told<stated::guarded>(longer) == lines{"other_size : 24 at 0, 16 at 0"});
  CHECK(object.told<stated::message>(message) == none);
  CHECK(object.told<stated::packed>(packed) == none);
  CHECK(object.told<stated::packed>(wide)[0] == "other_offset value: 4 at 4, 4 at 1");
  CHECK(object.told<stated::number>(number) == none);
  CHECK(object.told<stated::number>(other_number) == lines{"other_sign word: 4 at 0, 4 at 0"});
}

TEST_CASE("bit fields are compared where they are stated", "[layout_match]") {
  struct plain {
    std::uint32_t source;
    std::uint8_t version;
    std::uint8_t kind;
    std::uint16_t port;
  };
  object_types object;
  const auto packet = [&object](std::uint32_t type, std::uint32_t first, std::uint32_t second) {
    return object.bits(8,
                       {{"source", object.u32},
                        {"version", type, 32},
                        {"length", type, 32 + first},
                        {"kind", object.u8, 40},
                        {"port", object.u16, 48}},
                       {0, first, second, 0, 0});
  };

  CHECK(object.told<stated::packet>(packet(object.u8, 4, 4)) == none);
  // The type that a bit field is declared with has a sign, and its size does not matter.
  CHECK(object.told<stated::packet>(packet(object.u32, 4, 4)) == none);
  CHECK(object.told<stated::packet>(packet(object.s32, 4, 4))[0] == "other_sign version: 1 at 4, 1 at 4");
  CHECK(object.told<stated::packet>(packet(object.u8, 3, 5)) ==
        lines{"other_size version: 1 at 4, 1 at 4", "other_offset length: 1 at 4, 1 at 4"});
  CHECK(object.told<plain>(packet(object.u8, 4, 4)) ==
        lines{"object_bit_field version: 1 at 4, 1 at 4", "missing_member length: 1 at 4, none"});
}

TEST_CASE("a class that tells nothing is refused, where it is a member too", "[layout_match]") {
  struct with_bits {
    std::uint32_t low : 4;
  };
  struct around {
    std::uint32_t before;
    with_bits bits;
  };
  object_types object;
  const std::uint32_t type = object.structure(8, {{"before", object.u32}, {"bits", object.u32, 32}});

  CHECK(object.told<with_bits>(object.u32) == lines{"unseen_placed : 4 at 0, 4 at 0"});
  CHECK(object.told<around>(type) == lines{"unseen_placed bits: 4 at 4, 4 at 4"});
}

TEST_CASE("a struct may point to itself", "[layout_match]") {
  if (!lays_out_as_bpf) return;
  struct node {
    node* next;
    std::uint64_t number;
  };
  object_types object;
  const std::uint32_t type =
      object.structure(16, {{"next", object.made.pointer(object.nothing + 2)}, {"number", object.u64, 64}});
  REQUIRE(type == object.nothing + 2);

  CHECK(object.told<node>(type) == none);
}

namespace {
template <int Depth>
struct nest {
  nest<Depth - 1> in;
};
template <>
struct nest<0> {
  std::uint32_t in;
};
TEST_CASE("a machine of 32 bits is told where it lays 64-bit numbers out otherwise", "[layout_match]") {
  struct plain {
    std::uint32_t first;
    std::uint64_t second;
  };
  struct aligned {
    std::uint32_t first;
    alignas(8) std::uint64_t second;
  };
  object_types object;
  const std::uint32_t type = object.structure(16, {{"first", object.u32}, {"second", object.u64, 64}});
  const std::vector<std::string> told = object.told<plain>(type);
  CHECK(told.empty() == (sizeof(plain) == 16));
  if (!told.empty()) CHECK(told[0] == "other_offset second: 8 at 8, 8 at 4");
  CHECK(object.told<aligned>(type).empty());
}

}  // namespace

TEST_CASE("structs lie in each other up to 16 times", "[layout_match]") {
  object_types object;
  std::uint32_t type = object.structure(4, {{"in", object.u32}});
  for (int i = 0; i < 14; ++i) type = object.structure(4, {{"in", type}});
  const std::uint32_t deeper = object.structure(4, {{"in", type}});

  CHECK(object.told<nest<14>>(type) == none);
  CHECK(object.told<nest<15>>(deeper) ==
        lines{"nested_too_deep in.in.in.in.in.in.in.in.in.in.in.in.in.in.in.in: 4 at 0, 4 at 0"});
}

TEST_CASE("a type that is not there, is no value or never ends differs", "[layout_match]") {
  object_types object;
  const std::uint32_t forward = object.made.forward("later");
  const std::uint32_t itself = object.made.type_definition("loop", forward + 1);
  const std::uint32_t within = object.structure(8, {{"in", itself + 1}, {"", itself + 1}});
  REQUIRE(within == itself + 1);

  for (const std::uint32_t id : {forward, itself, 1000u, 0u}) {
    CHECK(object.told<host>(id) == lines{"other_sort : none, 16 at 0"});
    CHECK(object.told<std::byte[16]>(id) == lines{"other_size : none, 16 at 0"});
  }
  CHECK(object.told<nest<14>>(within).size() == 20);
}

TEST_CASE("structs without a name that never end are no long walk", "[layout_match]") {
  if (!lays_out_as_bpf) return;
  object_types object;
  std::vector<btf_builder::member> members;
  for (int i = 0; i < 64; ++i) members.push_back({"", object.nothing + 1});
  const std::uint32_t within = object.structure(8, members);
  REQUIRE(within == object.nothing + 1);
  const std::uint32_t both = object.made.union_of("", 8, {{"first", within}, {"second", within}});
  union either {
    std::uint64_t number;
  };

  CHECK_FALSE(object.told<host>(within).empty());
  CHECK_FALSE(object.told<either>(both).empty());
}

TEST_CASE("names that are none in C++ are told as they stand", "[layout_match]") {
  struct mine {
    std::uint32_t number;
  };
  object_types object;
  const std::uint32_t type = object.structure(4, {{"a b-\xc3\xa4", object.u32}});
  const std::string name(100, 'x');
  const std::uint32_t lengthy = object.structure(4, {{name, object.u32}});

  CHECK(object.told<mine>(type) == lines{"other_name a b-\xc3\xa4: 4 at 0, 4 at 0 as number"});
  CHECK(object.told<mine>(lengthy) ==
        lines{"other_name " + std::string(63, 'x') + ": 4 at 0, 4 at 0 as number"});
}

TEST_CASE("types that are cut short at any byte are read to no harm", "[layout_match]") {
  object_types object;
  const std::uint32_t type = add_host(object);
  const file_image whole = object.made.content();

  for (std::size_t size = 0; size < whole.size(); ++size) {
    const file_image cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    btf types;
    if (btf::open(window_on_numbers(cut), 0, cut.size(), types).failed()) continue;
    std::vector<barebpf::u32> index(types.index_size());
    types.build_index(index.data());
    CHECK(barebpf::first_difference(types, type, layout_of<host>).why != cause::none);
  }
  // Each byte another one: whatever is found, it comes to an end.
  for (std::size_t at = 24; at < whole.size(); ++at)
    for (const unsigned bits : {0x01u, 0x80u, 0xffu}) {
      file_image damaged = whole;
      damaged[at] = static_cast<unsigned char>(damaged[at] ^ bits);
      btf types;
      if (btf::open(window_on_numbers(damaged), 0, damaged.size(), types).failed()) continue;
      std::vector<barebpf::u32> index(types.index_size());
      types.build_index(index.data());
      static_cast<void>(barebpf::first_difference(types, type, layout_of<host>));
    }
}
