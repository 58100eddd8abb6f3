// SPDX-License-Identifier: MIT
// Walks over a kernel that has no batches, that fails in the middle, or that never comes to an end.
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

#include "../support/catch.hpp"
#include "../support/fake_kernel.hpp"
#include "../support/library.hpp"

namespace {

namespace abi = barebpf::abi;
using keys_seen = std::vector<std::uint32_t>;

// A hash map of the fake kernel. Addresses in a record are opaque to C++, so they are read as bytes.
struct fake_map {
  std::map<std::uint32_t, std::uint64_t> elements;
  long batch_answer = -barebpf::ENOTSUPP_kernel;
  std::uint32_t max_entries = 8;
  int failing_command = -1;  // answers EIO instead
  bool forgets = false;      // knows no key, so each next key is the first

  static unsigned char* at(const fake_call& call, std::size_t offset) {
    std::uintptr_t address = 0;
    std::memcpy(&address, reinterpret_cast<const unsigned char*>(call.arguments[1]) + offset, sizeof address);
    return reinterpret_cast<unsigned char*>(address);
  }
  long operator()(const fake_call& call) {
    if (call.number != __NR_bpf) return 0;  // close
    if (call.arguments[0] == failing_command) return -EIO;
    std::uint32_t key = 0;
    switch (static_cast<abi::command>(call.arguments[0])) {
      case abi::command::map_lookup_batch:
        return batch_answer;
      case abi::command::obj_get_info_by_fd: {
        abi::map_info info{.max_entries = max_entries};
        std::memcpy(at(call, 8), &info, sizeof info);
        return 0;
      }
      case abi::command::map_get_next_key: {
        auto next = elements.begin();
        if (const unsigned char* given = at(call, 8); given != nullptr && !forgets) {
          std::memcpy(&key, given, sizeof key);
          if (elements.count(key) != 0) next = elements.upper_bound(key);
        }
        if (next == elements.end()) return -ENOENT;
        std::memcpy(at(call, 16), &next->first, sizeof key);
        return 0;
      }
      case abi::command::map_lookup_elem: {
        std::memcpy(&key, at(call, 8), sizeof key);
        const auto found = elements.find(key);
        if (found == elements.end()) return -ENOENT;
        std::memcpy(at(call, 16), &found->second, sizeof found->second);
        return 0;
      }
      default:
        return -EINVAL;
    }
  }
};

barebpf::hash_map<std::uint32_t, std::uint64_t> some_map() {
  return barebpf::hash_map<std::uint32_t, std::uint64_t>(
      barebpf::untyped_map::borrow(5, barebpf::to_kernel_name("some")));
}

template <class Range>
keys_seen walk(Range& range) {
  keys_seen out;
  for (auto [key, value] : range) {
    CHECK(value == key * 10);
    out.push_back(key);
  }
  return out;
}

}  // namespace

TEST_CASE("on a kernel without batches a walk goes from key to key", "[entries]") {
  fake_map map{.elements = {{1, 10}, {2, 20}, {7, 70}}};
  for (const long answer : {-static_cast<long>(barebpf::ENOTSUPP_kernel), -static_cast<long>(EINVAL)}) {
    map.batch_answer = answer;
    fake_kernel kernel([&map](const fake_call& call) { return map(call); });
    const auto some = some_map();
    auto range = some.entries();

    CHECK(walk(range) == keys_seen{1, 2, 7});
    CHECK(range.error() == nullptr);
    CHECK(walk(range) == keys_seen{1, 2, 7});
  }
}

TEST_CASE("a walk ends at the first failure and tells which call it was", "[entries]") {
  const auto fails_at = [](abi::command command) {
    fake_map map{.elements = {{1, 10}}, .failing_command = static_cast<int>(command)};
    fake_kernel kernel([&map](const fake_call& call) { return map(call); });
    const auto some = some_map();
    auto range = some.entries();
    CHECK(walk(range).empty());
    REQUIRE(range.error() != nullptr);
    CHECK(range.error()->code == EIO);
    CHECK(std::string(range.error()->name) == "some");
    return range.error()->at;
  };

  CHECK(fails_at(abi::command::map_lookup_batch) == barebpf::step::map_lookup_batch);
  CHECK(fails_at(abi::command::map_get_next_key) == barebpf::step::map_get_next_key);
  CHECK(fails_at(abi::command::map_lookup_elem) == barebpf::step::map_lookup_elem);
  CHECK(fails_at(abi::command::obj_get_info_by_fd) == barebpf::step::obj_get_info_by_fd);
}

TEST_CASE("a walk ends although the kernel gives the first key again and again", "[entries]") {
  fake_map map{.elements = {{1, 10}}, .max_entries = 2, .forgets = true};
  fake_kernel kernel([&map](const fake_call& call) { return map(call); });
  const auto some = some_map();
  auto range = some.entries();

  const keys_seen seen = walk(range);

  CHECK(seen.size() == 48);  // sixteen times the entries, and sixteen more
  REQUIRE(range.error() != nullptr);
  CHECK(range.error()->code == EAGAIN);
}

TEST_CASE("a walk begun again forgets how the last one ended", "[entries]") {
  fake_map map{.elements = {{1, 10}, {2, 20}}};
  fake_kernel kernel([&map](const fake_call& call) { return map(call); });
  const auto some = some_map();
  auto range = some.entries();
  map.failing_command = static_cast<int>(abi::command::map_get_next_key);
  CHECK(walk(range).empty());
  REQUIRE(range.error() != nullptr);

  map.failing_command = -1;

  CHECK(walk(range) == keys_seen{1, 2});
  CHECK(range.error() == nullptr);
}

TEST_CASE("a walk that is over stays over", "[entries]") {
  fake_map map{.elements = {{1, 10}}};
  fake_kernel kernel([&map](const fake_call& call) { return map(call); });
  const auto some = some_map();
  auto range = some.entries();
  auto at = range.begin();
  CHECK_FALSE(at == range.end());
  CHECK_FALSE(range.at_end());
  ++at;
  CHECK(at == range.end());
  CHECK(range.at_end());

  const std::size_t calls = kernel.calls.size();
  ++at;

  CHECK(at == range.end());
  CHECK(kernel.calls.size() == calls);
}
