// SPDX-License-Identifier: MIT
#include <climits>
#include <cstring>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/reflect.hpp"

namespace {

using barebpf::cause;
using barebpf::error;
using barebpf::step;

const std::vector<enumerator<step>>& all_steps() {
  static const std::vector<enumerator<step>> all = enumerators<step>();
  return all;
}

constexpr struct {
  cause why;
  const char* identifier;
  const char* sentence;
} all_causes[] = {
#define BAREBPF_CAUSE(identifier, sentence) {cause::identifier, #identifier, sentence},
    BAREBPF_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
};

std::string described(const error& what) {
  char buffer[512];
  return to_string(barebpf::describe(what, buffer));
}

}  // namespace

TEST_CASE("every step has words, and no row is for a step that there is not", "[describe]") {
  for (const auto& at : all_steps()) {
    CAPTURE(at.name);
    CHECK_FALSE(barebpf::step_words(at.value).empty());
  }
  CHECK(all_steps().size() == std::size(barebpf::step_rows));
  CHECK(barebpf::step_words(static_cast<step>(999)).empty());
}

TEST_CASE("no table of the sentences has two rows for one thing", "[describe]") {
  std::set<std::pair<step, int>> hints;
  for (const auto& row : barebpf::hint_rows) {
    CAPTURE(to_string(row.sentence));
    CHECK(hints.emplace(row.at, row.code).second);
  }
  for (const auto& row : barebpf::step_rows) CHECK(barebpf::step_words(row.at).data() == row.words.data());
  for (const auto& row : barebpf::errno_rows)
    CHECK(barebpf::errno_name(row.code).data() == row.errno_name.data());
  for (const auto& row : barebpf::hint_rows) {
    CAPTURE(to_string(row.sentence));
    CHECK(barebpf::hint(row.at, row.code).data() == row.sentence.data());
    CHECK_FALSE(barebpf::errno_name(row.code).empty());
    CHECK_FALSE(barebpf::step_words(row.at).empty());
  }
  for (const auto& row : barebpf::any_step_rows) {
    CAPTURE(to_string(row.sentence));
    // No hint row is for this step, so the row for all of them is what is found.
    CHECK(barebpf::hint(step::find, row.code).data() == row.sentence.data());
    CHECK_FALSE(barebpf::errno_name(row.code).empty());
  }
}

TEST_CASE("every sentence is one that can stand behind a colon", "[describe]") {
  const auto check = [](barebpf::text row) {
    const std::string sentence = to_string(row);
    CAPTURE(sentence);
    REQUIRE(sentence.size() >= 10);
    const bool starts_small = sentence[0] >= 'a' && sentence[0] <= 'z';
    CHECK((starts_small || sentence.starts_with("C++ does") || sentence.starts_with("BPF objects") || sentence.starts_with("CPU 0")));
    CHECK(std::string(".,;: ").find(sentence.back()) == std::string::npos);
    CHECK(sentence.find("  ") == std::string::npos);
    CHECK(sentence.find('\n') == std::string::npos);
    CHECK(sentence.size() <= 200);
  };
  for (const auto& row : barebpf::hint_rows) check(row.sentence);
  for (const auto& row : barebpf::any_step_rows) check(row.sentence);
  for (const auto& row : all_causes) check(barebpf::text(row.sentence, std::strlen(row.sentence)));
}

TEST_CASE("every error name has a sentence somewhere", "[describe]") {
  for (const auto& row : barebpf::errno_rows) {
    CAPTURE(to_string(row.errno_name));
    bool is_told = false;
    for (const auto& at : all_steps()) is_told = is_told || !barebpf::hint(at.value, row.code).empty();
    CHECK(is_told);
  }
}

TEST_CASE("every cause has a sentence that says what to do", "[describe]") {
  for (const auto& row : all_causes) {
    CAPTURE(row.identifier);
    const std::string sentence = to_string(barebpf::cause_sentence(row.why));
    CHECK(sentence == row.sentence);
    const bool has_cure =
        sentence.find(", so ") != std::string::npos || sentence.find(": ") != std::string::npos;
    CHECK(has_cure);
    CHECK(sentence.back() != '.');
  }
  CHECK(barebpf::cause_sentence(cause::none).empty());
  CHECK(barebpf::cause_sentence(static_cast<cause>(9999)).empty());
}

TEST_CASE("an errno that is known by name is called by it", "[describe]") {
  CHECK(to_string(barebpf::errno_name(1)) == "EPERM");
  CHECK(to_string(barebpf::errno_name(22)) == "EINVAL");
  CHECK(to_string(barebpf::errno_name(524)) == "ENOTSUPP");
  CHECK(barebpf::errno_name(0).empty());
  CHECK(barebpf::errno_name(4000).empty());
}

TEST_CASE("a refused lookup reads as one sentence", "[describe]") {
  CHECK(described(error{.at = step::map_lookup_elem, .code = ENOENT}.about("hits")) ==
        "cannot look up a key in the map 'hits': the kernel said ENOENT (2): the key is not in the map");
}

TEST_CASE("a damaged file is described with the byte where it is damaged", "[describe]") {
  CHECK(
      described(error{.at = step::read_object, .why = cause::no_symbols, .offset = 4711}.about("x")) ==
      "cannot read the object 'x' at byte 4711: the object has no symbol table, so strip it with llvm-strip "
      "-g at most");
  CHECK(described(error{.at = step::read_object, .why = cause::not_elf}) ==
        "cannot read the object at byte 0: this is not an ELF file, so give the .o that clang -target bpf "
        "wrote");
  CHECK(described(error{.at = step::read_object, .why = cause::not_elf, .offset = ~0ull})
            .starts_with("cannot read the object at byte 18446744073709551615: "));
}

TEST_CASE("a place in the file is told at every step, where there is one", "[describe]") {
  CHECK(described(error{.at = step::find, .why = cause::no_such_map, .offset = 12}.about("hits")) ==
        "cannot use 'hits' at byte 12: the object has no map of this name, so look for a misspelling");
  CHECK(described(error{.at = step::find, .why = cause::no_such_map}.about("hits")) ==
        "cannot use 'hits': the object has no map of this name, so look for a misspelling");
}

TEST_CASE("a cause beats what the errno usually means", "[describe]") {
  CHECK(
      described(error{.at = step::map_create, .why = cause::needs_cap_bpf, .code = EPERM}.about("hits")) ==
      "cannot create the map 'hits': the kernel said EPERM (1): the process lacks CAP_BPF, so run it as root "
      "or give it CAP_BPF");
}

TEST_CASE("the kernel's own error 524 is called by its name", "[describe]") {
  CHECK(described(error{.at = step::prog_load, .code = 524}.about("count")) ==
        "cannot load the program 'count': the kernel said ENOTSUPP (524): the program needs what this kernel "
        "lacks "
        "on this machine, often its JIT, so give load a verifier_log and read it");
}

TEST_CASE("an errno that nobody knows prints its number", "[describe]") {
  CHECK(described(error{.at = step::prog_load, .code = 4000}) ==
        "cannot load the program: the kernel said (4000)");
  CHECK(described(error{.at = step::prog_load, .code = INT_MAX}) ==
        "cannot load the program: the kernel said (2147483647)");
}

TEST_CASE("a negative error number prints as the positive one", "[describe]") {
  CHECK(described(error{.at = step::prog_load, .code = -4000}) ==
        "cannot load the program: the kernel said (4000)");
  CHECK(described(error{.at = step::prog_load, .code = INT_MIN}) ==
        "cannot load the program: the kernel said (2147483648)");
}

TEST_CASE("errors that any step can meet have a hint everywhere", "[describe]") {
  for (const auto& row : barebpf::any_step_rows)
    for (const auto& at : all_steps()) {
      CAPTURE(at.name);
      CHECK_FALSE(barebpf::hint(at.value, row.code).empty());
    }
  CHECK(to_string(barebpf::hint(step::link_create, EMFILE)) ==
        "the process has too many files open, so close some or raise ulimit -n");
  CHECK(barebpf::hint(step::map_lookup_elem, ENXIO).empty());
}

TEST_CASE("what an errno means at one step beats what it means at all of them", "[describe]") {
  CHECK(to_string(barebpf::hint(step::map_create, ENOMEM)) ==
        "the kernel has no memory for so many entries, so ask for fewer");
  CHECK(to_string(barebpf::hint(step::map_lookup_batch, ENOMEM))
            .starts_with("the kernel has no memory for this"));
}

TEST_CASE("512 bytes are enough for the longest sentence there is", "[describe]") {
  const std::string longest_name(47, 'x');
  std::size_t longest = 0;
  char buffer[2048];
  const auto measure = [&](const error& what) {
    const std::size_t size = barebpf::describe(what.about(longest_name), buffer).size();
    if (size > longest) longest = size;
  };

  for (const auto& at : all_steps())
    for (const auto& row : barebpf::errno_rows) {
      measure({.at = at.value, .code = row.code, .offset = ~0ull});
      for (const auto& why : all_causes)
        measure({.at = at.value, .why = why.why, .code = row.code, .offset = ~0ull});
    }

  CHECK(longest > 200);
  CHECK(longest < 512);
}

TEST_CASE("a sentence is cut at the end of a small buffer, which always ends with a NUL", "[describe]") {
  const error what = error{.at = step::map_lookup_elem, .code = ENOENT}.about("hits");
  const std::string whole =
      "cannot look up a key in the map 'hits': the kernel said ENOENT (2): the key is not in the map";

  for (std::size_t size = 1; size < whole.size() + 8; ++size) {
    CAPTURE(size);
    char buffer[128];
    std::memset(buffer, '#', sizeof buffer);
    const barebpf::text written = barebpf::describe(what, buffer, size);

    CHECK(to_string(written) == whole.substr(0, size - 1));
    CHECK(written.data() == buffer);
    CHECK(buffer[written.size()] == '\0');
    CHECK(buffer[size] == '#');
  }
}

TEST_CASE("a buffer without room is not touched", "[describe]") {
  char buffer[1] = {'#'};

  CHECK(barebpf::describe(error{.at = step::find}, buffer, 0).empty());
  CHECK(buffer[0] == '#');
}

TEST_CASE("sentences can be made while the compiler runs", "[describe]") {
  constexpr bool same = [] {
    char buffer[64];
    return barebpf::describe(error{.at = step::find, .code = 524}, buffer) ==
           barebpf::text("cannot use: the kernel said ENOTSUPP (524)");
  }();

  CHECK(same);
}
