// SPDX-License-Identifier: MIT
// Catch2, whichever of its two major versions the distribution ships.
#ifndef BAREBPF_TESTS_SUPPORT_CATCH_HPP
#define BAREBPF_TESTS_SUPPORT_CATCH_HPP

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#endif
