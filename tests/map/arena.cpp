// SPDX-License-Identifier: MIT
#include <sys/syscall.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "../support/catch.hpp"
#include "../support/fake_kernel.hpp"
#include "../support/library.hpp"

using barebpf::arena_map;
using barebpf::cause;
using barebpf::map_arena;
using barebpf::step;
using names = std::vector<std::string>;

namespace {

#ifdef __NR_mmap2
constexpr long nr_mmap = __NR_mmap2;
#else
constexpr long nr_mmap = __NR_mmap;
#endif

// A kernel that has one arena, whose memory is an array here.
class arena_machine {
 public:
  explicit arena_machine(std::uint32_t pages, std::uint64_t address = 0) {
    info.max_entries = pages;
    info.map_extra = address;
  }

  barebpf::abi::map_info info{.type = 33};
  long page = 4096;
  std::string failing;
  int code = 0;
  names calls;
  std::vector<long> asked;  // the arguments of mmap or madvise
  int mapped = 0;

  /// The address that the kernel gives.
  [[nodiscard]] long memory() const { return reinterpret_cast<long>(memory_); }
  [[nodiscard]] arena_map map() const {
    return arena_map(barebpf::untyped_map::borrow(7, barebpf::to_kernel_name("pages")));
  }

 private:
  long enter(const fake_call& call) {
    const auto* const a = call.arguments;
    const std::string name = call.number == __NR_bpf       ? "info"
                             : call.number == __NR_msync   ? "msync"
                             : call.number == nr_mmap      ? "mmap"
                             : call.number == __NR_munmap  ? "munmap"
                             : call.number == __NR_madvise ? "madvise"
                                                           : "another";
    calls.push_back(name);
    if (name == failing) return -code;
    if (name == "info") {
      CHECK(a[0] == 15);  // BPF_OBJ_GET_INFO_BY_FD
      barebpf::abi::obj_info attr;
      std::memcpy(&attr, reinterpret_cast<const void*>(a[1]), sizeof attr);
      CHECK(attr.bpf_fd == 7);
      void* where = nullptr;
      std::memcpy(&where, &attr.info, sizeof where);
      std::memcpy(where, &info, sizeof info);
      return 0;
    }
    if (name == "msync") return a[0] % page == 0 ? 0 : -EINVAL;
    if (name == "munmap") {
      CHECK(a[0] == memory());
      --mapped;
      return 0;
    }
    asked.assign(a, a + (name == "mmap" ? 5 : 3));
    if (name != "mmap") return 0;
    ++mapped;
    return memory();
  }

  alignas(8) unsigned char memory_[2 * 4096] = {};
  fake_kernel kernel_{[this](const fake_call& call) { return enter(call); }};
};

}  // namespace

TEST_CASE("an arena is mapped whole, shared, wherever the kernel finds room", "[map/arena]") {
  arena_machine machine(2);
  {
    const auto pages = map_arena(machine.map());

    REQUIRE(pages);
    CHECK(machine.calls == names{"info", "msync", "mmap"});
    CHECK(machine.asked == std::vector<long>{0, 8192, 3, 1, 7});  // for reading and writing, MAP_SHARED
    CHECK(reinterpret_cast<long>(pages->data()) == machine.memory());
    CHECK(pages->size() == 8192);
    pages->at<std::uint32_t>(4096) = 5;
    CHECK(pages->bytes()[4096] + pages->bytes()[4099] == 5);  // in either byte order
    CHECK(&pages->at<std::uint32_t>(4096) == reinterpret_cast<std::uint32_t*>(pages->data() + 4096));
  }
  CHECK(machine.calls.back() == "munmap");
  CHECK(machine.mapped == 0);
}

TEST_CASE("an arena goes where it was created for, or else where it is asked for, and replaces nothing",
          "[map/arena]") {
  constexpr long fixed = 0x100001;  // MAP_SHARED | MAP_FIXED_NOREPLACE
  // Where this test is compiled for 32 bits, its addresses have no more.
  constexpr long here = static_cast<long>(sizeof(long) == 8 ? 0x100000000000 : 0x10000000);
  constexpr long there = static_cast<long>(sizeof(long) == 8 ? 0x200000000000 : 0x20000000);
  constexpr long below = static_cast<long>(sizeof(long) == 8 ? 0xfffffe000 : 0x7fffe000);
  arena_machine machine(2, here);
  CHECK(map_arena(machine.map()));
  CHECK(machine.asked == std::vector<long>{here, 8192, 3, fixed, 7});
  CHECK(map_arena(machine.map(), there));  // which this kernel does not mind
  CHECK(machine.asked == std::vector<long>{there, 8192, 3, fixed, 7});
  machine.info.map_extra = 0;
  CHECK(map_arena(machine.map(), below));
  CHECK(machine.asked == std::vector<long>{below, 8192, 3, fixed, 7});
  CHECK(machine.mapped == 0);
}

TEST_CASE("an arena across a border of 4 GiB or inside of a page is refused before the kernel moves it",
          "[map/arena]") {
  arena_machine machine(2);
  for (const std::uint64_t address : {0xffffff000ull, 0x1000001ull, 0x1000800ull, ~0xfffull}) {
    CAPTURE(address);
    machine.calls.clear();
    const auto pages = map_arena(machine.map(), address);
    REQUIRE_FALSE(pages);
    CHECK(pages.error().at == step::map_memory);
    CHECK(pages.error().why == cause::misplaced_arena);
    CHECK(pages.error().code == 0);
    CHECK(std::string(pages.error().name) == "pages");
    CHECK(machine.calls.back() == "msync");
  }
}

TEST_CASE("pages of an arena are as large as the machine's", "[map/arena]") {
  arena_machine machine(2);
  machine.page = 65536;
  {
    const auto pages = map_arena(machine.map(), 0x10000);
    REQUIRE(pages);
    CHECK(machine.asked[1] == 131072);
    CHECK(pages->size() == 131072);
  }
  CHECK_FALSE(map_arena(machine.map(), 0x11000));
  if (sizeof(long) == 8) {  // as large as they come
    machine.info.max_entries = 65536;
    CHECK(map_arena(machine.map()));
    CHECK(machine.asked[1] == static_cast<long>(1ull << 32));
  }
  CHECK(machine.mapped == 0);
}

TEST_CASE("what the kernel refuses of an arena is told by its name, and nothing stays mapped",
          "[map/arena]") {
  for (const int code : {EINVAL, EBUSY, E2BIG, EEXIST, EPERM, EACCES, ENOMEM}) {
    CAPTURE(code);
    arena_machine machine(2);
    machine.failing = "mmap";
    machine.code = code;
    const auto pages = map_arena(machine.map());
    REQUIRE_FALSE(pages);
    CHECK(pages.error().at == step::map_memory);
    CHECK(pages.error().code == code);
    CHECK(pages.error().why == (code == EINVAL || code == EBUSY ? cause::arena_elsewhere : cause::none));
    CHECK(std::string(pages.error().name) == "pages");
    CHECK(machine.calls == names{"info", "msync", "mmap"});
  }
  arena_machine machine(2);
  machine.failing = "info";
  machine.code = EBADFD;
  const auto pages = map_arena(machine.map());
  REQUIRE_FALSE(pages);
  CHECK(pages.error().at == step::obj_get_info_by_fd);
  CHECK(std::string(pages.error().name) == "pages");
  CHECK(machine.calls == names{"info"});
}

TEST_CASE("an arena that is moved is unmapped once", "[map/arena]") {
  arena_machine machine(2);
  {
    auto pages = map_arena(machine.map());
    auto other = map_arena(machine.map());
    REQUIRE(pages);
    REQUIRE(other);
    CHECK(machine.mapped == 2);
    auto taken = std::move(*pages);
    CHECK(pages->size() == 0);
    CHECK_FALSE(pages->contains(taken.data()));
    taken = std::move(*other);
    CHECK(machine.mapped == 1);
  }
  CHECK(machine.mapped == 0);
}

TEST_CASE("bringing pages in is one madvise", "[map/arena]") {
  arena_machine machine(2);
  const auto pages = map_arena(machine.map());
  REQUIRE(pages);
  constexpr long populate_write = 23;

  CHECK(pages->fault_in());
  CHECK(machine.asked == std::vector<long>{machine.memory(), 8192, populate_write});
  CHECK(pages->fault_in(4096));
  CHECK(machine.asked == std::vector<long>{machine.memory() + 4096, 4096, populate_write});
  CHECK(pages->fault_in(0, 1));
  CHECK(machine.asked == std::vector<long>{machine.memory(), 1, populate_write});

  machine.failing = "madvise";
  machine.code = EFAULT;
  const auto refused = pages->fault_in();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == step::fault_in);
  CHECK(refused.error().code == EFAULT);
}

TEST_CASE("the table knows where an arena may be created", "[map/arena]") {
  const auto why = [](std::uint64_t address) {
    return barebpf::why_refused(
        {.map_type = 33, .max_entries = 1, .map_flags = 1u << 10, .map_extra = address});
  };
  CHECK(why(0) == cause::none);
  CHECK(why(0x100000000000) == cause::none);
  CHECK(why(0x100000000800) == cause::misplaced_arena);
}
