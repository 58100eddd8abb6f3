// SPDX-License-Identifier: MIT
#include <string>

#include "support/catch.hpp"
#include "support/library.hpp"

using barebpf::fits_pattern;
using barebpf::nearest_name;

TEST_CASE("a name fits a pattern when stars and question marks can stand for the rest of it", "[pattern]") {
  struct {
    const char* name;
    const char* pattern;
    bool fits;
  } const rows[] = {
      {"tcp_sendmsg", "tcp_*", true},
      {"tcp_sendmsg", "*msg", true},
      {"tcp_sendmsg", "*_*", true},
      {"tcp_sendmsg", "tcp_sendmsg", true},
      {"tcp_sendmsg", "*", true},
      {"", "*", true},
      {"", "", true},
      {"a", "", false},
      {"", "?", false},
      {"ab", "?b", true},
      {"ab", "a?", true},
      {"ab", "a??", false},
      {"aab", "*ab", true},
      {"abab", "*ab", true},
      {"abac", "*ab", false},
      {"abcabd", "a*b?", true},
      {"tcp", "tcp*?", false},
      {"tcpx", "tcp*?", true},
      {"xtcp", "tcp*", false},
      {"aXbXc", "a*b*c", true},
      {"aXbX", "a*b*c", false},
      {"a", "**", true},
      {"abc", "a**c", true},
      {"mississippi", "m*iss*pi", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name, row.pattern);
    CHECK(fits_pattern(row.name, row.pattern) == row.fits);
  }
  CHECK(barebpf::is_pattern("a*"));
  CHECK(barebpf::is_pattern("?"));
  CHECK_FALSE(barebpf::is_pattern("tcp_sendmsg"));
  // Many stars take no longer than the product of the lengths.
  CHECK_FALSE(fits_pattern(std::string(3000, 'a'), std::string(200, '*') + "b"));
}

TEST_CASE("the name most like a wanted one is found among many", "[pattern]") {
  const auto nearest = [](const char* wanted, std::initializer_list<const char*> names) {
    nearest_name out(wanted);
    for (const char* name : names) out.see(name);
    return std::string(out.found().data(), out.found().size());
  };
  CHECK(nearest("mallok", {"free", "malloc", "calloc"}) == "malloc");
  CHECK(nearest("malloc", {"mallox", "malloq"}) == "mallox");  // the first of those that are as near
  CHECK(nearest("sys_enter_opn", {"sys_enter_open", "sys_exit_open"}) == "sys_enter_open");
  CHECK(nearest("abc", {"xyz", "abcdefgh", ""}).empty());
  CHECK(nearest("a", {"b"}).empty());  // all of it would have to change
  CHECK(nearest("", {"abc"}).empty());
  CHECK(nearest("abcdef", {}).empty());
  const std::string longest(100, 'x');
  CHECK(nearest(longest.c_str(), {longest.c_str()}) == std::string(64, 'x'));
}
