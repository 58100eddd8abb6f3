// SPDX-License-Identifier: MIT
// Fuzzes the small rooms: names, section names, the sentences of errors, map kinds, whether C++ types fit, and networks.
// Each is held against a model in std::string, and addresses against libc.
#include <arpa/inet.h>

#include <algorithm>
#include <barebpf/describe.hpp>
#include <barebpf/kinds.hpp>
#include <barebpf/prefix.hpp>
#include <barebpf/spec/record.hpp>
#include <barebpf/type_check.hpp>
#include <limits>
#include <string>
#include <type_traits>

#include "fuzz.hpp"

namespace {

using barebpf::cause;
using barebpf::text;
using barebpf::u16;
using barebpf::u32;
using barebpf::u64;
using barebpf::u8;

std::string to_string(text from) { return {from.data(), from.size()}; }
// A copy on the heap that ends with its last character.
struct heap_text {
  exact<char> characters;
  explicit heap_text(text from) : characters(from.size()) {
    for (std::size_t i = 0; i < from.size(); ++i) characters[i] = from[i];
  }
  operator text() const { return {characters.data(), characters.size()}; }
};

std::string model_kernel_name(std::string of) {
  of = of.substr(0, 15);
  for (char& c : of)
    if (std::string("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.").find(c) ==
        std::string::npos)
      c = '_';
  return of;
}
std::string model_data_map_name(std::string object, const std::string& section) {
  const std::size_t dots = static_cast<std::size_t>(std::count(section.begin(), section.end(), '.'));
  const std::size_t reserved = std::max<std::size_t>(section.size(), 7);
  object = object.substr(0, dots > 1 || reserved >= 15 ? 0 : 15 - reserved);
  return model_kernel_name(object + section);
}
std::string model_object_name(std::string path) {
  if (const std::size_t slash = path.rfind('/'); slash != std::string::npos) path = path.substr(slash + 1);
  path = path.substr(0, path.find('.')).substr(0, 15);
  return path.substr(0, path.find('\0'));  // a kernel name ends at a NUL
}

void check_names(number_source& numbers) {
  const heap_text one(numbers.next_text(numbers.next<u8>() % 40));
  const heap_text other(numbers.next_text(numbers.next<u8>() % 24));
  const text a = one, b = other;
  const std::string sa = to_string(a), sb = to_string(b);
  promise((a == b) == (sa == sb), "texts are the same when their characters are");
  promise(a.starts_with(b) == sa.starts_with(sb), "starts_with compares beginnings");
  const std::size_t cut = numbers.next<u8>();
  promise(to_string(a.without_first(cut)) == (cut < sa.size() ? sa.substr(cut) : ""), "without_first cuts");
  promise(to_string(text::until_nul(a.data(), a.size())) == sa.substr(0, sa.find('\0')),
          "until_nul ends there");
  const auto kept = barebpf::name<8>::cut(a);
  promise(to_string(kept) == sa.substr(0, 7).substr(0, sa.substr(0, 7).find('\0')), "cut keeps what fits");

  const barebpf::kernel_name name = barebpf::to_kernel_name(a);
  promise(to_string(name) == model_kernel_name(sa), "a kernel name is cut and cleaned");
  promise(barebpf::is_kernel_name(name), "the kernel takes a kernel name");
  promise(to_string(barebpf::to_kernel_name(name)) == to_string(name), "a kernel name stays what it is");
  promise(barebpf::is_kernel_name(a) == (model_kernel_name(sa) == sa),
          "what needs no change is a kernel name");
  promise(to_string(barebpf::data_map_name(a, b)) == model_data_map_name(sa, sb),
          "maps of variables have two names");
  promise(barebpf::is_kernel_name(barebpf::data_map_name(a, b)), "the kernel takes the name of such a map");
  promise(to_string(barebpf::object_name_of(a)) == model_object_name(sa),
          "an object has the name of its source");
}

void check_sections(number_source& numbers) {
  const char* const known[] = {"tracepoint", "tp",     "trace", "kprobe", "xdp",
                               "tc",         "fentry", ".text", "socket"};
  std::string called = numbers.next<u8>() % 2 == 0 ? known[numbers.next<u8>() % 9] : "";
  if (numbers.next<u8>() % 2 == 0) called += '/';
  called += to_string(numbers.next_text(numbers.next<u8>() % 24));
  const heap_text name(text{called});
  const barebpf::section_kind kind = barebpf::section_kind_of(name);
  promise(kind.prefix.empty() == (kind.type == barebpf::abi::prog_type::unspec),
          "a known section has a type");
  const std::string prefix = to_string(kind.prefix);
  if (prefix.empty()) return;
  const bool may_go_on = kind.rest != barebpf::section_rest::nothing;
  const bool is_whole = called == prefix || called.starts_with(prefix + "/");
  promise(is_whole || (!may_go_on && called.starts_with(prefix)), "a section is known by its prefix");
  for (const barebpf::section_kind& other : barebpf::section_kinds)
    promise(other.prefix.size() <= prefix.size() ||
                (called != to_string(other.prefix) && !called.starts_with(to_string(other.prefix) + "/")),
            "the longest prefix counts");
  const std::size_t start = barebpf::place_in(name, kind);
  promise(start <= called.size(), "the place lies inside the name");
  promise(called.substr(start) ==
              (!may_go_on || called.size() <= prefix.size() ? "" : called.substr(prefix.size() + 1)),
          "the place is what follows the slash");
}

void check_sentence(number_source& numbers) {
  // On the heap, so that a name without a NUL is followed by what nobody may read.
  const exact<barebpf::error> held(1);
  barebpf::error& what = held[0];
  what.at = static_cast<barebpf::step>(numbers.next<u16>() % 300);
  what.why =
      static_cast<cause>(numbers.next<u8>() % 2 == 0 ? numbers.next<u16>() % 128 : numbers.next<u16>());
  what.code = numbers.next<u8>() % 4 == 0 ? numbers.next<barebpf::s32>() : numbers.next<u8>();
  if (numbers.next<u8>() % 16 == 0) what.code = std::numeric_limits<barebpf::s32>::min();
  what.offset = numbers.next<u8>() % 2 == 0 ? numbers.next<u64>() : 0;
  const text name = numbers.next_text(sizeof what.name);
  std::memcpy(what.name, name.data(), name.size());

  constexpr std::size_t enough = 512;
  const exact<char> whole(enough), twice(enough * 2);
  const std::string sentence = to_string(barebpf::describe(what, whole.data(), enough));
  promise(to_string(barebpf::describe(what, twice.data(), enough * 2)) == sentence,
          "512 bytes are always enough");
  promise(whole[sentence.size()] == '\0', "a sentence ends with a NUL");
  promise(sentence.find('\0') == std::string::npos, "a sentence has no NUL inside");
  promise(sentence.starts_with("cannot "), "a sentence says what was not possible");
  promise(sentence.find(": ") != std::string::npos, "a sentence has a reason, or room for one");

  const std::size_t room = numbers.next<u16>() % 520;
  const exact<char> small(room);
  const std::string part = to_string(barebpf::describe(what, small.data(), room));
  promise(part == sentence.substr(0, room == 0 ? 0 : room - 1), "a small buffer gets the beginning");
  promise(room == 0 || small[part.size()] == '\0', "a cut sentence ends with a NUL too");

  const heap_text subject(numbers.next_text(numbers.next<u8>() % 60));
  const heap_text where(numbers.next_text(numbers.next<u8>() % 60));
  const barebpf::error about = what.about(subject, where);
  std::string expected = to_string(where);
  if (text(where).size() != 0 && text(subject).size() != 0) expected += ':';
  expected = (expected + to_string(subject)).substr(0, sizeof about.name - 1);
  promise(std::string(about.name, expected.size()) == expected && about.name[expected.size()] == '\0' &&
              about.name[sizeof about.name - 1] == '\0',
          "an error is about as much of its subject as fits");
}

enum class small_enum : signed char {};
enum class wide_enum : unsigned long {};
struct plain_pair {
  int a, b;
};

template <class T>
bool sign_fits(barebpf::number_form form) {
  if constexpr (std::is_same_v<T, char> || !(std::is_integral_v<T> || std::is_enum_v<T>)) {
    return true;
  } else {
    bool is_signed = std::is_signed_v<T>;
    if constexpr (std::is_enum_v<T>) is_signed = std::is_signed_v<std::underlying_type_t<T>>;
    return form == barebpf::number_form::no_number ||
           is_signed == (form == barebpf::number_form::signed_number);
  }
}
template <class Key, class Value>
void check_pair(const barebpf::map_spec& map) {
  const cause expected = sizeof(Key) != map.key_size         ? cause::wrong_key_size
                         : sizeof(Value) != map.value_size   ? cause::wrong_value_size
                         : !sign_fits<Key>(map.key_form)     ? cause::wrong_key_sign
                         : !sign_fits<Value>(map.value_form) ? cause::wrong_value_sign
                                                             : cause::none;
  promise(barebpf::compare_types<Key, Value>(map) == expected, "types fit when size and sign do");
}
template <class T>
void check_variable(const barebpf::variable_spec& variable) {
  const cause expected = sizeof(T) != variable.size     ? cause::wrong_variable_size
                         : !sign_fits<T>(variable.form) ? cause::wrong_variable_sign
                                                        : cause::none;
  promise(barebpf::compare_types<T>(variable) == expected, "a type fits a variable when size and sign do");
}

void check_types(number_source& numbers) {
  barebpf::map_spec map;
  map.key_size = numbers.next<u8>() % 18;
  map.value_size = numbers.next<u8>() % 18;
  map.key_form = static_cast<barebpf::number_form>(numbers.next<u8>() % 3);
  map.value_form = static_cast<barebpf::number_form>(numbers.next<u8>() % 3);
  check_pair<char, signed char>(map);
  check_pair<unsigned char, bool>(map);
  check_pair<int, unsigned>(map);
  check_pair<unsigned, long>(map);
  check_pair<small_enum, wide_enum>(map);
  check_pair<plain_pair, double>(map);
  barebpf::variable_spec variable;
  variable.size = map.value_size;
  variable.form = map.value_form;
  check_variable<char>(variable);
  check_variable<small_enum>(variable);
  check_variable<wide_enum>(variable);
  check_variable<plain_pair>(variable);
  check_variable<unsigned long>(variable);
  check_variable<bool>(variable);

  const auto type = static_cast<barebpf::map_type>(numbers.next<u8>());
  const barebpf::map_kind kind = barebpf::kind_of(type);
  promise(kind.type == type || kind.type == barebpf::map_type::unspec,
          "a kind is that of its type, or of none");
  promise((kind.flags & kind.required_flags) == kind.required_flags,
          "a kind takes the flags that it demands");
}

// Whether libc reads the address, and its first bits stand alone, as read_prefix wants it.
template <std::size_t Bytes>
bool model_prefix(const std::string& whole, barebpf::lpm_key<Bytes>& out) {
  const std::size_t slash = whole.find('/');
  const std::string address = whole.substr(0, slash);
  if (whole.find('\0') != std::string::npos) return false;
  if (inet_pton(Bytes == 4 ? AF_INET : AF_INET6, address.c_str(), out.data) != 1) return false;
  out.prefixlen = Bytes * 8;
  if (slash != std::string::npos) {
    const std::string digits = whole.substr(slash + 1);
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0') ||
        digits.find_first_not_of("0123456789") != std::string::npos)
      return false;
    out.prefixlen = static_cast<u32>(std::stoul(digits));
    if (out.prefixlen > Bytes * 8) return false;
  }
  for (std::size_t bit = out.prefixlen; bit < Bytes * 8; ++bit)
    if ((out.data[bit / 8] >> (7 - bit % 8) & 1) != 0) return false;
  return true;
}
template <std::size_t Bytes, class Read>
void check_prefix(const heap_text& whole, Read read) {
  barebpf::lpm_key<Bytes> expected;
  const auto found = read(whole);
  promise(found.has_value() == model_prefix(to_string(whole), expected),
          "a network is one where libc sees an address");
  if (!found) return;
  promise(*found == expected, "a network has the bytes that libc reads");
  char text[44];
  const auto again = read(describe(*found, text, sizeof text));
  promise(again.has_value() && *again == expected, "what is written of a network is read as the same");
}
void check_networks(number_source& numbers) {
  std::string whole = to_string(numbers.next_text(numbers.next<u8>() % 48));
  if (numbers.next<u8>() % 4 != 0)  // mostly of characters that addresses have
    for (char& c : whole) c = "0123456789abcdefF:.:./"[static_cast<u8>(c) % 22];
  const heap_text line(whole);
  check_prefix<4>(line, barebpf::read_ipv4_prefix);
  check_prefix<16>(line, barebpf::read_ipv6_prefix);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  number_source numbers(data, size);
  do {
    switch (numbers.next<u8>() % 5) {
      case 0:
        check_names(numbers);
        break;
      case 1:
        check_sections(numbers);
        break;
      case 2:
        check_sentence(numbers);
        break;
      case 3:
        check_types(numbers);
        break;
      default:
        check_networks(numbers);
    }
  } while (numbers.left() != 0);
  return 0;
}
