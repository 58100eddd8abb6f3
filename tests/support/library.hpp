// SPDX-License-Identifier: MIT
// The library under test: the tree, or with BAREBPF_TEST_SINGLE the single header and nothing else.
#ifndef BAREBPF_TESTS_SUPPORT_LIBRARY_HPP
#define BAREBPF_TESTS_SUPPORT_LIBRARY_HPP

#ifdef BAREBPF_TEST_SINGLE
#include <barebpf.hpp>
#else
#include <barebpf/barebpf.hpp>
#endif

#endif
