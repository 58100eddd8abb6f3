// SPDX-License-Identifier: MIT
// Catch2, whichever of its two major versions the distribution ships.
#ifndef BAREBPF_TESTS_SUPPORT_CATCH_HPP
#define BAREBPF_TESTS_SUPPORT_CATCH_HPP

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

// An assertion of Catch2's own is the expression three times over, and a dozen calls in a handler of exceptions. Of these
// one is a call with the same parts of Catch2, which the compiler is done with in less time. What is left out is to name
// the assertion in which an expression throws, which none of this library does.
namespace barebpf_tests {

/// Where an assertion stands, and what it says.
struct assertion {
  const char* macro;
  const char* file;
  unsigned line;
  const char* words;
  int disposition;
};
/// Tells Catch2; does not come back when the assertion is one that ends its test.
void decide(const assertion& about, const Catch::ITransientExpression& expression);
template <class T>
void decide(const assertion& about, const Catch::ExprLhs<T>& expression) {
  decide(about, expression.makeUnaryExpr());
}

}  // namespace barebpf_tests

// `Decomposer() <= a == b` is meant to be without parentheses.
#pragma GCC diagnostic ignored "-Wparentheses"
#undef CHECK
#undef CHECK_FALSE
#undef REQUIRE
#undef REQUIRE_FALSE
#define BAREBPF_TEST_THAT(macro, disposition, ...)                                \
  ::barebpf_tests::decide({macro, __FILE__, __LINE__, #__VA_ARGS__, disposition}, \
                          ::Catch::Decomposer() <= __VA_ARGS__)
#define CHECK(...) BAREBPF_TEST_THAT("CHECK", ::Catch::ResultDisposition::ContinueOnFailure, __VA_ARGS__)
#define CHECK_FALSE(...)                                                                                   \
  BAREBPF_TEST_THAT("CHECK_FALSE",                                                                         \
                    ::Catch::ResultDisposition::ContinueOnFailure | ::Catch::ResultDisposition::FalseTest, \
                    __VA_ARGS__)
#define REQUIRE(...) BAREBPF_TEST_THAT("REQUIRE", ::Catch::ResultDisposition::Normal, __VA_ARGS__)
#define REQUIRE_FALSE(...)           \
  BAREBPF_TEST_THAT("REQUIRE_FALSE", \
                    ::Catch::ResultDisposition::Normal | ::Catch::ResultDisposition::FalseTest, __VA_ARGS__)

#endif
