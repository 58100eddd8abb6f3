// SPDX-License-Identifier: MIT
// Lets every system call of a scenario fail in turn. The fake machine sees to it that nothing stays open and
// nothing is closed twice; the rows of a test say what each failure must come to.
#ifndef BAREBPF_TESTS_SUPPORT_FAULT_SWEEP_HPP
#define BAREBPF_TESTS_SUPPORT_FAULT_SWEEP_HPP

#include <algorithm>
#include <functional>
#include <optional>

#include "fake_machine.hpp"
#include "library.hpp"

/// Stands for "it works all the same".
inline constexpr std::optional<barebpf::step> works = std::nullopt;

/// One system call of the scenario as it goes when nothing fails.
struct fault_row {
  const char* call;
  std::optional<barebpf::step> alone;  ///< step of the error when only this call fails
  std::optional<barebpf::step> rest;   ///< step of the error when this call and all after it fail
  int forgiven = 0;                    ///< errno for which there is another way
  std::optional<barebpf::step> rest_without_other_way = std::nullopt;  ///< `rest` for the forgiven errno
  const char* about = nullptr;  ///< what the error is about, where its step does not tell
  barebpf::cause unsuitable = barebpf::cause::none;  ///< what EINVAL means where the step is to fill a slot
};

/// Runs `scenario`, which gives the error it met, with a fault at each of `rows`. `subject` tells what errors
/// of a step are about.
inline void sweep(const std::vector<fault_row>& rows, const std::function<void(fake_machine&)>& prepare,
                  const std::function<std::optional<barebpf::error>(fake_machine&)>& scenario,
                  const std::function<std::string(barebpf::step)>& subject) {
  {
    fake_machine machine;
    prepare(machine);
    std::vector<std::string> seen, expected;
    std::size_t count = 0;
    // The scenario asks it before it looks at what it made, where the row of calls ends.
    machine.fault = [&](std::size_t index) {
      count = index + 1;
      return 0;
    };
    CHECK_FALSE(scenario(machine));
    for (std::size_t i = 0; i < count; ++i) seen.push_back(machine.calls[i].name);
    for (const fault_row& row : rows) expected.push_back(row.call);
    REQUIRE(seen == expected);
  }
  for (std::size_t at = 0; at < rows.size(); ++at)
    for (const int code : {EPERM, ENOMEM, EINVAL, EMFILE, EINTR})
      for (const bool all_after : {false, true}) {
        // A signal for every call is none that Linux sends, and reading a file would not end.
        if (all_after && code == EINTR) continue;
        const fault_row& row = rows[at];
        const bool forgiven = row.forgiven == code;
        const std::optional<barebpf::step> expected =
            all_after ? (forgiven ? row.rest_without_other_way : row.rest) : (forgiven ? works : row.alone);
        CAPTURE(at, row.call, code, all_after);
        fake_machine machine;
        prepare(machine);
        const std::vector<std::string> pins_before = machine.pins();
        machine.fault = [&](std::size_t index) {
          return index == at || (all_after && index > at) ? code : 0;
        };

        const std::optional<barebpf::error> failure = scenario(machine);

        machine.fault = nullptr;
        REQUIRE(failure.has_value() == expected.has_value());
        CHECK(machine.left_open() == std::vector<std::string>{});
        // Where nothing works any more, a pin cannot be taken back either.
        if (failure && !all_after) CHECK(machine.pins() == pins_before);
        if (!failure) continue;
        CHECK(failure->at == *expected);
        CHECK(failure->code == code);
        // To EPERM of a pin the kernel has but one reason.
        const bool off_bpffs = failure->at == barebpf::step::obj_pin && code == EPERM;
        const bool is_unsuitable = failure->at == barebpf::step::map_update_elem && code == EINVAL;
        CHECK(failure->why == (off_bpffs       ? barebpf::cause::not_a_bpf_path
                               : is_unsuitable ? row.unsuitable
                                               : barebpf::cause::none));
        CHECK(std::string(failure->name) == (row.about != nullptr ? row.about : subject(*expected)));
      }
}

/// The loads of map addresses in a program as source register and number, repetitions left out.
inline std::vector<std::pair<int, int>> map_loads(const raw_bytes& code) {
  std::vector<std::pair<int, int>> out;
  for (std::size_t at = 0; at < code.size(); at += 8) {
    if (code[at] != 0x18) continue;
    std::int32_t number = 0;
    std::memcpy(&number, code.data() + at + 4, sizeof number);
    const int source = barebpf::host_is_big_endian ? code[at + 1] & 15 : code[at + 1] >> 4;
    if (out.empty() || out.back() != std::pair<int, int>(source, number)) out.emplace_back(source, number);
  }
  return out;
}

/// True when `code` stands in `image` as it is, but for what loads of map addresses name.
inline bool is_code_of(raw_bytes code, const raw_bytes& image) {
  for (std::size_t at = 0; at < code.size(); at += 8) {
    if (code[at] != 0x18) continue;
    code[at + 1] &= barebpf::host_is_big_endian ? 0xf0 : 0x0f;
    std::fill_n(code.begin() + static_cast<std::ptrdiff_t>(at) + 4, 4, static_cast<unsigned char>(0));
  }
  return !code.empty() && std::search(image.begin(), image.end(), code.begin(), code.end()) != image.end();
}

/// The bytes of an embedded object.
template <class Words>
raw_bytes image_of(const Words& words) {
  raw_bytes out(sizeof words);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<unsigned char>(words[i / 8] >> (i % 8 * 8));
  return out;
}

#endif
