// SPDX-License-Identifier: MIT
// Precompiled for every test program: what nearly each of their units parses. Nothing of the library is here,
// so each unit still proves that what it includes is enough.
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../support/catch.hpp"
