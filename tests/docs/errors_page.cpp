// SPDX-License-Identifier: MIT
// Prints docs/errors.md from the tables that `describe` reads, so that the page says what the library says.
#include <cstdio>
#include <string>

#include "../support/library.hpp"
#include "../support/reflect.hpp"

namespace {

using barebpf::step;

std::string markdown(barebpf::text from) {
  std::string out;
  for (const char c : from) {
    if (c == '|' || c == '<' || c == '*') out += '\\';
    out += c;
  }
  return out;
}

std::string example() {
  char sentence[512];
  const auto what = barebpf::error{.at = step::map_update_elem, .code = E2BIG}.about("hits");
  return describe(what, sentence).data();
}

constexpr struct {
  const char* identifier;
  const char* sentence;
} causes[] = {
#define BAREBPF_CAUSE(identifier, sentence) {#identifier, sentence},
    BAREBPF_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
};

}  // namespace

int main() {
  std::printf(
      "<!-- Made by tools/pages from the rows of include/barebpf/describe.hpp and cause.hpp; do not edit. "
      "-->\n"
      "# What went wrong, and what can you do?\n"
      "\n"
      "You have an error and want to know what it means. Let it say so itself:\n"
      "\n"
      "```cpp\n"
      "auto hits = barebpf::hash_map<int, long>::create({.name = \"hits\", .max_entries = 1});\n"
      "if (!hits) return explain(hits.error());\n"
      "if (auto put = hits->update_elem(1, 10); !put) {\n"
      "  char sentence[512];  // always enough\n"
      "  std::puts(describe(put.error(), sentence).data());\n"
      "}\n"
      "```\n"
      "\n"
      "> %s\n"
      "\n"
      "A sentence has four parts: what was tried (`error.at`), on what (`error.name`), the number that the "
      "kernel\n"
      "gave (`error.code`, an errno), and what that means **there**. The same number means another thing at "
      "another\n"
      "step, so look it up under its step. Where the library itself knows the reason, it names a\n"
      "[cause](#causes) (`error.why`), and that beats what the number usually means.\n"
      "\n"
      "524 is ENOTSUPP: a number that the kernel keeps to itself, that bpf(2) lets out all the same, and "
      "that\n"
      "`strerror` does not know.\n"
      "\n"
      "## Steps\n",
      markdown(barebpf::text(example().c_str())).c_str());

  const auto names = enumerators<step>();
  for (const auto& row : barebpf::step_rows) {
    std::string name;
    for (const auto& one : names)
      if (one.value == row.at) name = one.name;
    std::printf("\n### cannot %s\n\n`step::%s`", std::string(row.words.data(), row.words.size()).c_str(),
                name.c_str());
    if (static_cast<unsigned>(row.at) < 256)
      std::printf(", command %u of bpf(2)", static_cast<unsigned>(row.at));
    bool is_first = true;
    for (const auto& hint : barebpf::hint_rows) {
      if (hint.at != row.at) continue;
      if (is_first) std::printf("\n\n| errno | what it means here |\n|---|---|");
      is_first = false;
      std::printf("\n| %s | %s |", markdown(barebpf::errno_name(hint.code)).c_str(),
                  markdown(hint.sentence).c_str());
    }
    std::printf("%s\n", is_first ? ", where no system call fails: a cause says why." : "");
  }

  std::printf("\n### At any step\n\n| errno | what it means where no row above says more |\n|---|---|\n");
  for (const auto& row : barebpf::any_step_rows)
    std::printf("| %s | %s |\n", markdown(barebpf::errno_name(row.code)).c_str(),
                markdown(row.sentence).c_str());

  std::printf(
      "\n## Causes\n"
      "\n"
      "What the library finds out by itself. For a `static_object` the same sentence is a compile error.\n"
      "\n"
      "| cause | what it means |\n|---|---|\n");
  for (const auto& row : causes)
    std::printf("| `%s` | %s |\n", row.identifier, markdown(barebpf::text(row.sentence)).c_str());
}
