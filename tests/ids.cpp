// SPDX-License-Identifier: MIT
// What is asked of the kernel about programs, and tokens, which only user namespaces have.
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "support/catch.hpp"
#include "support/fake_kernel.hpp"
#include "support/library.hpp"

using barebpf::step;

TEST_CASE("a token is created of a folder and closed once", "[ids]") {
  constexpr int folder = 5, token = 9;
  int closed = 0;
  long answer = token;
  fake_kernel kernel([&](const fake_call& call) -> long {
    if (call.number == __NR_close) return ++closed, call.arguments[0] == token ? 0 : -EBADF;
    CHECK(call.arguments[0] == 36);  // BPF_TOKEN_CREATE
    std::uint32_t words[2];
    std::memcpy(words, reinterpret_cast<const void*>(call.arguments[1]), sizeof words);
    CHECK(words[0] == 0);
    CHECK(words[1] == folder);
    return answer;
  });
  barebpf::fd root = barebpf::fd::own(folder);
  {
    const auto made = create_token(root);
    REQUIRE(made);
    CHECK(made->number() == token);
    CHECK(closed == 0);
  }
  CHECK(closed == 1);
  answer = -EPERM;
  const auto refused = create_token(root);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == step::token_create);
  CHECK(refused.error().code == EPERM);
  CHECK(closed == 1);
  static_cast<void>(root.release());
}

TEST_CASE("what the kernel does not tell of a program is its errno", "[ids]") {
  fake_kernel kernel([](const fake_call&) -> long { return -EBADF; });
  barebpf::fd program = barebpf::fd::own(7);

  const auto told = program_info(program);

  REQUIRE_FALSE(told);
  CHECK(told.error().at == step::ask_about);
  CHECK(told.error().code == EBADF);
  static_cast<void>(program.release());
}
