// SPDX-License-Identifier: MIT
// Every way for a C++ type to have other members than the object's, as a key, as a value and as a variable. One source for
// all of them, because each run of the compiler takes longer than all of these cases: tests/checks/layout_errors.py reads
// the line above each case and looks for its error. Without EXPECT_ERROR each case has the right type.
// A case is `// ROLE of NAME: CAUSE at "MEMBER", {offset, size} and {offset, size} as "NAME"`, with the place in the object
// first and then the one in C++. No two may be the same, or the compiler says it once.
//
// The sentence of each cause, behind the words that say whose type it is:
// other_name: the one at this place has another name, so give it the name that the BPF program uses
// missing_member: the C++ type lacks it, so declare it there too
// extra_member: the BPF program does not have it, so take it out of the C++ type, or make it an array of std::byte where it fills a gap
// other_offset: it lies at another offset, so declare the members in the same order and with the same types
// other_size: it has another size, so give it a type as large as the one that the BPF program uses
// other_sign: one side has a signed number and the other an unsigned one, so give it the sign that the BPF program uses
// other_length: the arrays have different lengths, so give it as many elements as the BPF program does
// other_sort: one side has a number and the other a struct, an array or a pointer, so give it a type like the BPF program's
// no_boolean: a bool is nothing but 0 or 1 and the BPF program keeps a number there, so use an unsigned integer of its size
// other_values: the enums have different values or give a name to different ones, so declare the same enum on both sides
// other_alignment: the unions are aligned differently, so give it alternatives as large as those of the BPF program
// object_bit_field: it is a bit field in the BPF program, so state the layout by hand: specialize barebpf::stated_layout
// nested_too_deep: structs lie in each other 16 times or without end, so the object is damaged: compile it again
// unseen_hidden: C++ does not tell what is in a class with private members, virtual functions or constructors, so state the layout by hand: specialize barebpf::stated_layout
// unseen_base: C++ does not tell what is in a class with a base class, so write the members into one struct, or state the layout by hand: specialize barebpf::stated_layout
// unseen_nameless: C++ does not tell what is in a class that has a struct or union without a name in it, so give its type a name, or state the layout by hand: specialize barebpf::stated_layout
// unseen_many: C++ does not tell what is in a class of more than 70 members, so put some into structs of their own on both sides, or state the layout by hand: specialize barebpf::stated_layout
// unseen_placed: C++ does not tell where members are that are bit fields or packed, or aligned by hand beside pointers or unions, so state the layout by hand: specialize barebpf::stated_layout
#include <array>
#include <cstddef>

#include <barebpf/barebpf.hpp>

#include "layouts.bpf.hpp"

// The types of the object.
enum class states : std::uint32_t { idle, running = 5 };
enum class small_state : std::uint8_t { off, on };
struct port {
  std::uint16_t number;
  bool is_open;
  std::uint8_t kind;
};
struct flow {
  std::uint32_t source;
  std::int32_t change;
  port ports[2];
};
struct traffic {
  std::uint64_t packets;
  std::uint32_t bytes;
  std::uint8_t flag;
  bool is_new;
  small_state small;
  states state;
  char name[12];
  const void* where;
};
union number {
  std::uint64_t whole;
  std::uint8_t parts[8];
};
struct packet {
  std::uint32_t source;
  std::uint8_t version : 4, length : 4;
  std::uint8_t kind;
  std::uint16_t port;
};
template <>
struct barebpf::stated_layout<packet> {
  static constexpr layout_member members[] = {
      member_at<u32>("source", 0), bits_at<u8>("version", 32, 4), bits_at<u8>("length", 36, 4),
      member_at<u8>("kind", 5), member_at<u16>("port", 6)};
};
template <int Depth>
struct nest {
  nest<Depth - 1> in;
};
template <>
struct nest<0> {
  std::uint32_t in;
};
using any_levels = std::array<std::byte, 4>;

// And with one thing otherwise.
struct renamed {
  std::uint32_t origin;
  std::int32_t change;
  port ports[2];
};
struct lacking {
  std::uint32_t source;
  std::int32_t change;
};
struct with_more {
  std::uint32_t source;
  std::int32_t change;
  port ports[2];
  std::uint32_t more;
};
struct swapped {
  std::int32_t change;
  std::uint32_t source;
  port ports[2];
};
struct wider {
  std::uint64_t source;
  std::int32_t change, gap;
  port ports[2];
};
struct other_sign {
  std::uint32_t source;
  std::uint32_t change;
  port ports[2];
};
struct longer {
  std::uint32_t source;
  std::int32_t change;
  port ports[3];
};
struct other_sort {
  std::uint32_t source;
  std::int32_t change;
  std::uint64_t ports;
};
struct other_port {
  std::uint16_t number;
  bool is_open;
  bool kind;
};
struct with_bool {
  std::uint32_t source;
  std::int32_t change;
  other_port ports[2];
};
struct renamed_port {
  std::uint16_t number;
  bool is_open;
  std::uint8_t sort;
};
struct with_renamed_port {
  std::uint32_t source;
  std::int32_t change;
  renamed_port ports[2];
};
struct filled_wrongly {
  std::uint32_t source;
  std::int32_t change;
  std::byte ports[4];
  std::uint32_t ports_behind;
};
enum class fewer_states : std::uint32_t { idle };
enum class moved_states : std::uint32_t { STATE_RUNNING, STATE_IDLE = 5 };
union bytes_only {
  std::uint8_t parts[8];
};
struct plain_packet {
  std::uint32_t source;
  std::uint8_t version;
  std::uint8_t kind;
  std::uint16_t port;
};
class hidden {
 public:
  std::uint32_t source;

 private:
  [[maybe_unused]] std::uint32_t rest_[3];
};
struct head {
  std::uint32_t source;
};
struct derived : head {
  std::uint32_t rest[3];
};
struct nameless {
  std::uint32_t source;
  struct {
    std::uint32_t first, second;
  } both;
  std::uint32_t last;
};
#define TEN(d) m##d##0, m##d##1, m##d##2, m##d##3, m##d##4, m##d##5, m##d##6, m##d##7, m##d##8, m##d##9
struct many {
  std::uint8_t TEN(1), TEN(2), TEN(3), TEN(4), TEN(5), TEN(6), TEN(7), last;
};
struct by_hand {
  std::uint32_t source;
  std::uint32_t rest[3];
} __attribute__((packed));
struct narrow_traffic {
  std::uint32_t packets, gap;
  std::uint32_t bytes;
  std::uint8_t flag;
  bool is_new;
  small_state small;
  states state;
  char name[12];
  const void* where;
};
struct traffic_with_texts {
  std::uint64_t packets;
  std::uint32_t bytes;
  std::uint8_t flag;
  bool is_new;
  small_state small;
  states state;
  char name[12];
  std::int64_t where;
};

struct traffic_in_other_states {
  std::uint64_t packets;
  std::uint32_t bytes;
  std::uint8_t flag;
  bool is_new;
  small_state small;
  moved_states state;
  char name[12];
  const void* where;
};

#ifdef EXPECT_ERROR
#define OTHER(right, wrong) wrong
#else
#define OTHER(right, wrong) right
#endif

constexpr barebpf::static_object<layouts> object;
const auto loaded = object.load();

void use() {
  // key of pairs: other_name at "source", {0, 4} and {0, 4} as "origin"
  static_cast<void>(loaded->map<"pairs", OTHER(flow, renamed), flow>());
  // value of pairs: other_name at "source", {0, 4} and {0, 4} as "origin"
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, renamed)>());
  // variable of last_flow: other_name at "source", {0, 4} and {0, 4} as "origin"
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, renamed)>());
  // key of pairs: missing_member at "ports", {8, 8} and {0, 0}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, lacking), flow>());
  // value of pairs: missing_member at "ports", {8, 8} and {0, 0}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, lacking)>());
  // variable of last_flow: missing_member at "ports", {8, 8} and {0, 0}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, lacking)>());
  // key of pairs: extra_member at "more", {0, 0} and {16, 4}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, with_more), flow>());
  // value of pairs: extra_member at "more", {0, 0} and {16, 4}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, with_more)>());
  // variable of last_flow: extra_member at "more", {0, 0} and {16, 4}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, with_more)>());
  // key of pairs: other_offset at "source", {0, 4} and {4, 4}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, swapped), flow>());
  // value of pairs: other_offset at "source", {0, 4} and {4, 4}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, swapped)>());
  // variable of last_flow: other_offset at "source", {0, 4} and {4, 4}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, swapped)>());
  // key of pairs: other_size at "source", {0, 4} and {0, 8}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, wider), flow>());
  // value of pairs: other_size at "source", {0, 4} and {0, 8}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, wider)>());
  // variable of last_flow: other_size at "source", {0, 4} and {0, 8}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, wider)>());
  // key of pairs: other_sign at "change", {4, 4} and {4, 4}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, other_sign), flow>());
  // value of pairs: other_sign at "change", {4, 4} and {4, 4}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, other_sign)>());
  // variable of last_flow: other_sign at "change", {4, 4} and {4, 4}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, other_sign)>());
  // key of pairs: other_length at "ports", {8, 8} and {8, 12}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, longer), flow>());
  // value of pairs: other_length at "ports", {8, 8} and {8, 12}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, longer)>());
  // variable of last_flow: other_length at "ports", {8, 8} and {8, 12}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, longer)>());
  // key of pairs: other_sort at "ports", {8, 8} and {8, 8}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, other_sort), flow>());
  // value of pairs: other_sort at "ports", {8, 8} and {8, 8}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, other_sort)>());
  // variable of last_flow: other_sort at "ports", {8, 8} and {8, 8}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, other_sort)>());
  // key of pairs: no_boolean at "ports[].kind", {3, 1} and {3, 1}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, with_bool), flow>());
  // value of pairs: no_boolean at "ports[].kind", {3, 1} and {3, 1}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, with_bool)>());
  // variable of last_flow: no_boolean at "ports[].kind", {3, 1} and {3, 1}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, with_bool)>());
  // key of pairs: other_name at "ports[].kind", {3, 1} and {3, 1} as "sort"
  static_cast<void>(loaded->map<"pairs", OTHER(flow, with_renamed_port), flow>());
  // value of pairs: other_name at "ports[].kind", {3, 1} and {3, 1} as "sort"
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, with_renamed_port)>());
  // variable of last_flow: other_name at "ports[].kind", {3, 1} and {3, 1} as "sort"
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, with_renamed_port)>());
  // key of pairs: other_size at "ports", {8, 8} and {8, 4}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, filled_wrongly), flow>());
  // value of pairs: other_size at "ports", {8, 8} and {8, 4}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, filled_wrongly)>());
  // variable of last_flow: other_size at "ports", {8, 8} and {8, 4}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, filled_wrongly)>());
  // key of pairs: unseen_hidden at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, hidden), flow>());
  // value of pairs: unseen_hidden at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, hidden)>());
  // variable of last_flow: unseen_hidden at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, hidden)>());
  // key of pairs: unseen_base at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, derived), flow>());
  // value of pairs: unseen_base at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, derived)>());
  // variable of last_flow: unseen_base at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, derived)>());
  // key of pairs: unseen_nameless at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, nameless), flow>());
  // value of pairs: unseen_nameless at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, nameless)>());
  // variable of last_flow: unseen_nameless at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, nameless)>());
  // key of pairs: unseen_many at "", {0, 16} and {0, 71}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, many), flow>());
  // value of pairs: unseen_many at "", {0, 16} and {0, 71}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, many)>());
  // variable of last_flow: unseen_many at "", {0, 16} and {0, 71}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, many)>());
  // key of pairs: unseen_placed at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->map<"pairs", OTHER(flow, by_hand), flow>());
  // value of pairs: unseen_placed at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->map<"pairs", flow, OTHER(flow, by_hand)>());
  // variable of last_flow: unseen_placed at "", {0, 16} and {0, 16}
  static_cast<void>(loaded->variable<"last_flow", OTHER(flow, by_hand)>());
  // key of states: other_values at "", {0, 4} and {0, 4}
  static_cast<void>(loaded->map<"states", OTHER(states, fewer_states), states>());
  // value of states: other_values at "", {0, 4} and {0, 4}
  static_cast<void>(loaded->map<"states", states, OTHER(states, fewer_states)>());
  // variable of last_state: other_values at "", {0, 4} and {0, 4}
  static_cast<void>(loaded->variable<"last_state", OTHER(states, fewer_states)>());
  // key of states: other_size at "", {0, 4} and {0, 1}
  static_cast<void>(loaded->map<"states", OTHER(states, small_state), states>());
  // value of states: other_size at "", {0, 4} and {0, 1}
  static_cast<void>(loaded->map<"states", states, OTHER(states, small_state)>());
  // variable of last_state: other_size at "", {0, 4} and {0, 1}
  static_cast<void>(loaded->variable<"last_state", OTHER(states, small_state)>());
  // key of numbers: other_alignment at "", {0, 8} and {0, 8}
  static_cast<void>(loaded->map<"numbers", OTHER(number, bytes_only), number>());
  // value of numbers: other_alignment at "", {0, 8} and {0, 8}
  static_cast<void>(loaded->map<"numbers", number, OTHER(number, bytes_only)>());
  // variable of last_number: other_alignment at "", {0, 8} and {0, 8}
  static_cast<void>(loaded->variable<"last_number", OTHER(number, bytes_only)>());
  // key of numbers: other_sort at "", {0, 8} and {0, 16}
  static_cast<void>(loaded->map<"numbers", OTHER(number, flow), number>());
  // value of numbers: other_sort at "", {0, 8} and {0, 16}
  static_cast<void>(loaded->map<"numbers", number, OTHER(number, flow)>());
  // variable of last_number: other_sort at "", {0, 8} and {0, 16}
  static_cast<void>(loaded->variable<"last_number", OTHER(number, flow)>());
  // key of packets: object_bit_field at "version", {4, 1} and {4, 1}
  static_cast<void>(loaded->map<"packets", OTHER(packet, plain_packet), packet>());
  // value of packets: object_bit_field at "version", {4, 1} and {4, 1}
  static_cast<void>(loaded->map<"packets", packet, OTHER(packet, plain_packet)>());
  // variable of last_packet: object_bit_field at "version", {4, 1} and {4, 1}
  static_cast<void>(loaded->variable<"last_packet", OTHER(packet, plain_packet)>());
  // key of nested: nested_too_deep at "in.in.in.in.in.in.in.in.in.in.in.in.in.in.in.in", {0, 4} and {0, 4}
  static_cast<void>(loaded->map<"nested", OTHER(any_levels, nest<15>), any_levels>());
  // value of nested: nested_too_deep at "in.in.in.in.in.in.in.in.in.in.in.in.in.in.in.in", {0, 4} and {0, 4}
  static_cast<void>(loaded->map<"nested", any_levels, OTHER(any_levels, nest<15>)>());
  // variable of nested_levels: nested_too_deep at "in.in.in.in.in.in.in.in.in.in.in.in.in.in.in.in", {0, 4} and {0, 4}
  static_cast<void>(loaded->variable<"nested_levels", OTHER(any_levels, nest<15>)>());
  // value of flows: other_values at "state", {16, 4} and {16, 4}
  static_cast<void>(loaded->map<"flows", flow, OTHER(traffic, traffic_in_other_states)>());
  // value of flows: other_size at "packets", {0, 8} and {0, 4}
  static_cast<void>(loaded->map<"flows", flow, OTHER(traffic, narrow_traffic)>());
  // value of flows: other_sort at "where", {32, 8} and {32, 8}
  static_cast<void>(loaded->map<"flows", flow, OTHER(traffic, traffic_with_texts)>());
  // variable of totals: other_size at "[].packets", {0, 8} and {0, 4}
  static_cast<void>(loaded->variable<"totals", std::array<OTHER(traffic, narrow_traffic), 4>>());
  // variable of totals: other_length at "", {0, 160} and {0, 200}
  static_cast<void>(loaded->variable<"totals", std::array<traffic, OTHER(4, 5)>>());
  // variable of flow_rows: other_name at "[][].source", {0, 4} and {0, 4} as "origin"
  static_cast<void>(loaded->variable<"flow_rows", std::array<std::array<OTHER(flow, renamed), 3>, 2>>());
}
void set(barebpf::static_object<layouts>::first_values& values) {
  // variable of flow_rows: other_sign at "[][].change", {4, 4} and {4, 4}
  static_cast<void>(values.variable<"flow_rows", std::array<std::array<OTHER(flow, other_sign), 3>, 2>>());
}
