// SPDX-License-Identifier: MIT
#include <arpa/inet.h>

#include <cstring>
#include <string>

#include "support/catch.hpp"
#include "support/library.hpp"

using barebpf::cause;
using barebpf::lpm_key;

namespace {

template <size_t Bytes>
std::string written(const lpm_key<Bytes>& what) {
  char buffer[44];
  const barebpf::text out = describe(what, buffer, sizeof buffer);
  return {out.data(), out.size()};
}
std::string written4(const char* from) { return written(barebpf::read_ipv4_prefix(from).value()); }
std::string written6(const char* from) { return written(barebpf::read_ipv6_prefix(from).value()); }

// What inet_pton(3) says of an address, and ours.
void check_against_libc(const std::string& address) {
  CAPTURE(address);
  unsigned char bytes[16] = {};
  const auto four = barebpf::read_ipv4_prefix(address);
  REQUIRE(four.has_value() == (inet_pton(AF_INET, address.c_str(), bytes) == 1));
  if (four) CHECK(std::memcmp(four->data, bytes, 4) == 0);
  const auto six = barebpf::read_ipv6_prefix(address);
  REQUIRE(six.has_value() == (inet_pton(AF_INET6, address.c_str(), bytes) == 1));
  if (!six) return;
  CHECK(std::memcmp(six->data, bytes, 16) == 0);
  char ours[44], theirs[INET6_ADDRSTRLEN];
  describe(*six, ours, sizeof ours);
  const bool is_ipv4_inside =
      std::memcmp(bytes, "\0\0\0\0\0\0\0\0\0\0", 10) == 0;  // written with dots by libc
  if (!is_ipv4_inside)
    CHECK(std::string(ours) == std::string(inet_ntop(AF_INET6, bytes, theirs, sizeof theirs)) + "/128");
}

}  // namespace

TEST_CASE("networks are read by the compiler too", "[prefix]") {
  constexpr auto ten = barebpf::read_ipv4_prefix("10.0.0.0/8");
  static_assert(ten->prefixlen == 8 && ten->data[0] == 10 && ten->data[3] == 0);
  static_assert(sizeof *ten == 8);
  static_assert(*barebpf::read_ipv6_prefix("2001:db8::/32") ==
                *barebpf::read_ipv6_prefix("2001:0DB8:0::/32"));
  static_assert(!barebpf::read_ipv4_prefix("10.0.0.0/33").has_value());
  SUCCEED();
}

TEST_CASE("networks are written as people write them", "[prefix]") {
  CHECK(written4("10.0.0.0/8") == "10.0.0.0/8");
  CHECK(written4("0.0.0.0/0") == "0.0.0.0/0");
  CHECK(written4("192.168.100.200") == "192.168.100.200/32");
  CHECK(written6("::/0") == "::/0");
  CHECK(written6("::1") == "::1/128");
  CHECK(written6("2001:DB8:0:0:0:0:0:0/32") == "2001:db8::/32");
  CHECK(written6("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1/128");
  CHECK(written6("1:0:2:3:4:5:6:7") == "1:0:2:3:4:5:6:7/128");
  CHECK(written6("::ffff:1.2.3.4") == "::ffff:102:304/128");
  CHECK(written6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").size() == 43);
  char small[6];
  CHECK(describe(barebpf::read_ipv4_prefix("10.0.0.0/8").value(), small, sizeof small) == "10.0.");
}

TEST_CASE("what is no network says what is wrong with it", "[prefix]") {
  const auto why = [](const char* text) { return barebpf::read_ipv4_prefix(text).error().why; };
  for (const char* text : {"", "/8", "10", "10.0.0", "10.0.0.0.0", "256.0.0.0", "10.0.0.0x", "10.0.0.0 ",
                           "010.0.0.0", "1e.0.0.0", "-1.0.0.0", "10.0.0.0/8/8", "::1", "10..0.0"})
    CHECK(why(text) == cause::bad_address);
  for (const char* text :
       {"10.0.0.0/", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/1000"})
    CHECK(why(text) == cause::bad_prefix_length);
  for (const char* text : {"10.0.0.1/8", "10.0.0.1/31", "128.0.0.0/0"})
    CHECK(why(text) == cause::bits_behind_prefix);
  const auto six = barebpf::read_ipv6_prefix("2001:db8::1/32").error();
  CHECK(six.why == cause::bits_behind_prefix);
  char sentence[512];
  describe(six, sentence);
  CHECK(std::string(sentence) ==
        "cannot understand the network '2001:db8::1/32': this address has bits behind its prefix, so clear "
        "them, or "
        "give all bits for an address");
}

TEST_CASE("addresses are read as libc reads them", "[prefix]") {
  for (const char* address : {"1.2.3.4",
                              "0.0.0.0",
                              "255.255.255.255",
                              "1.2.3",
                              "1.2.3.4.",
                              ".1.2.3.4",
                              "::",
                              "::1",
                              "1::",
                              "1::2",
                              ":::",
                              "1:2:3:4:5:6:7:8",
                              "1:2:3:4:5:6:7",
                              "1:2:3:4:5:6:7:8:9",
                              "1::2::3",
                              "::2:3:4:5:6:7:8",
                              "1:2:3:4:5:6:7::",
                              "::1:2:3:4:5:6:7:8",
                              "1:2:3:4:5:6:1.2.3.4",
                              "::1.2.3.4",
                              "1.2.3.4::",
                              "::12345",
                              "::g",
                              ":1",
                              "1:",
                              "1:2:",
                              "::ffff:1.2.3.4",
                              "64:ff9b::1.2.3.256",
                              "1:2:3:4:5:6:7:1.2.3.4",
                              "fe80::%1",
                              "2001:db8::0:0:1"})
    check_against_libc(address);
  // Every combination of pieces that addresses are made of.
  const char* const pieces[] = {":", "::", "1", "0", "ab", "1.2.3.4"};
  constexpr int kinds = 6, length = 5;
  int all = 1;
  for (int i = 0; i < length; ++i) all *= kinds;
  for (int i = 0; i < all; ++i) {
    std::string address;
    for (int k = 0, rest = i; k < length; ++k, rest /= kinds) address += pieces[rest % kinds];
    check_against_libc(address);
  }
}
