// SPDX-License-Identifier: MIT
// Room 11.0, barebpf: the whole library.
#ifndef BAREBPF_BAREBPF_HPP
#define BAREBPF_BAREBPF_HPP

#include "abi/helper.hpp"
#include "describe.hpp"
#include "map/types.hpp"
#include "object.hpp"
#include "static_object.hpp"

#endif  // BAREBPF_BAREBPF_HPP
