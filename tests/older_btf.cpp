// SPDX-License-Identifier: MIT
#include <deque>
#include <set>

#include "newer_kinds.bpf.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"
#include "support/newer_kinds.hpp"
#include "support/object_builder.hpp"

namespace {

using barebpf::btf;
using barebpf::kernel;
using barebpf::abi::btf_kind;

constexpr std::uint32_t ages[] = {kernel(6, 15), kernel(6, 0), kernel(5, 17), kernel(5, 16), kernel(5, 13)};

// Types that were written anew, or the old ones.
struct rewritten {
  file_image image;
  btf types;
  std::vector<std::uint32_t> index;

  explicit rewritten(file_image from) : image(std::move(from)) {
    REQUIRE_FALSE(btf::open(window(image), 0, image.size(), types).failed());
    index.resize(types.index_size());
    types.build_index(index.data());
  }
  rewritten(const rewritten&) = delete;
  rewritten& operator=(const rewritten&) = delete;

  std::string name(std::uint32_t id) const {
    return reinterpret_cast<const char*>(image.data()) + types.type(id).name;
  }
};

}  // namespace

TEST_CASE("each age of the kernel gets types in its own words", "[older_btf]") {
  const newer_kinds_types made;
  const file_image before = made.types.content();
  const struct {
    std::uint32_t since;
    std::set<std::uint32_t> changed;  // by it and by those before it
  } rows[] = {{kernel(6, 15), {made.flagged_type_tag, made.flagged_tag}},
              {kernel(6, 0), {made.wide, made.negative}},
              {kernel(5, 17), {made.type_tag}},
              {kernel(5, 16), {made.tag}},
              {kernel(5, 13), {made.weight}}};
  std::set<std::uint32_t> changed;
  for (const auto& row : rows) {
    CAPTURE(row.since);
    changed.insert(row.changed.begin(), row.changed.end());
    const rewritten old(before), now(write_older(before, row.since));
    REQUIRE(now.types.count() == old.types.count());
    CHECK(now.types.strings_size() == old.types.strings_size());
    for (std::uint32_t id = 1; id <= now.types.count(); ++id) {
      CAPTURE(id);
      const barebpf::btf_type was = old.types.type(id), is = now.types.type(id);
      if (changed.count(id) == 0) {
        CHECK(now.name(id) == old.name(id));
        const auto record = [&](const rewritten& of, const barebpf::btf_type& type) {
          const auto at = of.image.begin() + static_cast<std::ptrdiff_t>(type.at);
          return file_image(at, at + static_cast<std::ptrdiff_t>(btf::extent_of(type)));
        };
        CHECK(record(now, is) == record(old, was));
        continue;
      }
      CHECK_FALSE(now.types.is_flagged(is));
      switch (was.kind) {
        case btf_kind::type_tag:
          CHECK(is.kind == btf_kind::const_type);
          CHECK(is.size_or_type == was.size_or_type);
          CHECK(now.name(id).empty());
          break;
        case btf_kind::declaration_tag:
          CHECK(is.kind == btf_kind::integer);
          CHECK(is.size_or_type == 1);
          CHECK(window(now.image).read32(is.tail()) == 8);  // bits
          CHECK(now.name(id).empty());
          break;
        case btf_kind::floating:
          CHECK(is.kind == btf_kind::structure);
          CHECK(is.size_or_type == 8);
          CHECK(is.members == 0);
          CHECK(now.name(id).empty());
          break;
        default:
          CHECK(is.kind == btf_kind::enumeration);
          CHECK(is.size_or_type == was.size_or_type);
          CHECK(now.name(id) == old.name(id));
          REQUIRE(is.members == 2);
          CHECK(window(now.image).read32(is.tail() + 12) == (was.kind == btf_kind::enumeration ? 1 : 7));
          CHECK(window(now.image).string_is(now.types.strings() + window(now.image).read32(is.tail() + 8),
                                            "GOOD"));
      }
    }
  }
}

TEST_CASE("an age that lacks nothing of some types changes nothing", "[older_btf]") {
  btf_builder types;
  types.integer("int", 4, 1);
  types.floating("double", 8);
  const file_image before = types.content();
  for (const std::uint32_t since : ages)
    CHECK(write_older(before, since).empty() == (since != kernel(5, 13)));
}

TEST_CASE("a kernel that refuses types gets older ones, until it takes them", "[older_btf]") {
  static constexpr barebpf::static_object<newer_kinds> compiled;
  const auto opened = barebpf::object::open(newer_kinds, sizeof newer_kinds);
  REQUIRE(opened);
  const auto load = [&](bool by_compiler) {
    return by_compiler ? compiled.load().has_value() : opened->load().has_value();
  };
  for (const bool by_compiler : {false, true}) {
    CAPTURE(by_compiler);
    std::vector<file_image> forms;  // clang 14 knows no signed enum, and writes 64 bits as an enum of 8 bytes
    {
      fake_machine machine;
      REQUIRE(load(by_compiler));
      REQUIRE(machine.all("btf_load").size() == 1);
      forms = {machine.all("btf_load")[0].payload};
    }
    for (const std::uint32_t since : ages)
      if (file_image older = write_older(forms[0], since); !older.empty()) forms.push_back(std::move(older));
    REQUIRE(forms.size() >= 4);
    {
      fake_machine machine;
      machine.refusals["btf_load"] = std::deque<int>(forms.size() - 1, EINVAL);
      REQUIRE(load(by_compiler));
      const auto seen = machine.all("btf_load");
      REQUIRE(seen.size() == forms.size());
      for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i].payload == forms[i]);
    }
    {
      fake_machine machine;
      machine.refusals["btf_load"] = std::deque<int>(forms.size(), EINVAL);
      CHECK_FALSE(load(by_compiler));  // the lock needs types
      CHECK(machine.all("btf_load").size() == forms.size());
      CHECK(machine.left_open() == std::vector<std::string>{});
    }
    {
      fake_machine machine;
      machine.refusals["btf_load"] = {EPERM};
      CHECK_FALSE(load(by_compiler));
      CHECK(machine.all("btf_load").size() == 1);
    }
  }
}

TEST_CASE("what came with one kernel is taken back at once", "[older_btf]") {
  hits_object made;
  const auto mood = made.types.flagged(made.types.enumeration("mood", 4, {{"BAD", 0xffffffff}, {"GOOD", 1}}));
  const auto distance = made.types.enumeration64("distance", {{"NEAR", 1}, {"FAR", 0x7000000007}});
  const auto note = made.types.structure("note", 16, {{"mood", mood, 0}, {"distance", distance, 64}});
  made.members.at(2) = {"value", made.types.pointer(note)};
  const file_image image = made.build();
  const auto opened = barebpf::object::open(image.data(), image.size());
  REQUIRE(opened);
  fake_machine machine;
  machine.refusals["btf_load"] = std::deque<int>(9, EINVAL);
  REQUIRE(opened->load());  // without types in the end
  const auto seen = machine.all("btf_load");
  REQUIRE(seen.size() == 2);
  CHECK(seen[1].payload == write_older(seen[0].payload, kernel(6, 0)));
}
