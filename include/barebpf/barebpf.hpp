// SPDX-License-Identifier: MIT
// Room 11.0, barebpf: the whole library.

// Stands before the guard, so that a second copy of another release is met and not passed over.
#include "version.hpp"

#ifndef BAREBPF_BAREBPF_HPP
#define BAREBPF_BAREBPF_HPP

#include "abi/helper.hpp"
#include "cgroup.hpp"
#include "describe.hpp"
#include "holders.hpp"
#include "iterator.hpp"
#include "layout_words.hpp"
#include "map/arena.hpp"
#include "map/folded.hpp"
#include "map/types.hpp"
#include "object.hpp"
#include "perfbuf.hpp"
#include "ringbuf.hpp"
#include "static_object.hpp"
#include "trace_pipe.hpp"
#include "user_ringbuf.hpp"
#include "xsk.hpp"

#endif  // BAREBPF_BAREBPF_HPP
