// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

using barebpf::cause;
using barebpf::load_program;
using barebpf::verifier_log;
using names = std::vector<std::string>;
using numbers = std::vector<std::uint32_t>;

namespace {

constexpr int no_token = -1;

// r0 = 0; exit
constexpr barebpf::abi::insn do_nothing[] = {{.opcode = 0xb7}, {.opcode = 0x95}};

barebpf::abi::prog_load nothing() {
  return {.prog_type = 5,
          .insn_cnt = 2,
          .insns = do_nothing,
          .license = "GPL",
          .prog_name = barebpf::to_kernel_name("nothing")};
}

// What prog_load is told of a program without a log.
record plain_record(const barebpf::abi::prog_load& attr) {
  std::uint64_t license = 0;
  std::memcpy(&license, reinterpret_cast<const unsigned char*>(&attr) + 16, sizeof license);
  return record(144).u32(0, 5).u32(4, 2).pointer(8, do_nothing).u64(16, license).text(48, "nothing");
}

// The sizes of the logs that were offered, 0 for none.
numbers log_sizes(const fake_machine& machine) {
  numbers out;
  for (const seen_call& call : machine.all("prog_load")) {
    CHECK(call.u32(24) == (call.u32(28) == 0 ? 0u : 1u));  // log_level
    CHECK((call.u64(32) == 0) == (call.u32(28) == 0));     // log_buf
    CHECK(call.u32(140) == 0);                             // log_true_size, which the kernel writes
    out.push_back(call.u32(28));
  }
  return out;
}

// A machine whose verifier refuses everything with a log of so many characters.
void refuse(fake_machine& machine, std::size_t characters, int code = EACCES) {
  machine.verifier_refuses = code;
  machine.verifier_says = std::string(characters - 1, 'x') + "!";
}

}  // namespace

TEST_CASE("a program is loaded with one call of 144 bytes", "[program]") {
  fake_machine machine;
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;

  const long loaded = load_program(attr, static_cast<barebpf::no_log*>(nullptr), no_token, why);

  CHECK(loaded == 3);
  CHECK(why == cause::none);
  REQUIRE(machine.names() == names{"prog_load"});
  CHECK(machine.calls[0].arguments[2] == 144);
  CHECK(machine.calls[0].attr == plain_record(attr));
  CHECK(machine.calls[0].license == "GPL");
  machine.forget(loaded);
}

TEST_CASE("no log is made of a program that loads", "[program]") {
  fake_machine machine;
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  const long loaded = load_program(attr, &log, no_token, why);

  CHECK(loaded == 3);
  REQUIRE(machine.names() == names{"prog_load"});
  CHECK(machine.calls[0].attr == plain_record(attr));
  CHECK(log.said().empty());
  CHECK(log.is_whole());
  machine.forget(loaded);
}

TEST_CASE("a loaded program is moved away from the standard streams", "[program]") {
  fake_machine machine;
  machine.close_streams();
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;

  CHECK(load_program(attr, static_cast<barebpf::no_log*>(nullptr), no_token, why) == 3);

  CHECK(machine.names() == names{"prog_load", "fcntl", "close"});
  machine.forget(3);
}

TEST_CASE("without a log a refusal is final", "[program]") {
  for (const int code : {EPERM, EACCES, EINVAL, E2BIG, ENOMEM, EMFILE, EINTR}) {
    CAPTURE(code);
    fake_machine machine;
    machine.refusals["prog_load"] = {code};
    barebpf::abi::prog_load attr = nothing();
    cause why = cause::none;

    CHECK(load_program(attr, static_cast<barebpf::no_log*>(nullptr), no_token, why) == -code);
    machine.refusals["prog_load"] = {code};
    CHECK(load_program(attr, static_cast<verifier_log*>(nullptr), no_token, why) == -code);

    CHECK(machine.names() == names{"prog_load", "prog_load"});
    CHECK(why == cause::none);
  }
}

TEST_CASE("EAGAIN is tried again until the fifth time", "[program]") {
  fake_machine machine;
  machine.refusals["prog_load"] = {EAGAIN, EAGAIN, EAGAIN, EAGAIN, 0};
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;

  CHECK(load_program(attr, static_cast<barebpf::no_log*>(nullptr), no_token, why) == 3);

  CHECK(machine.names() == names{"prog_load", "prog_load", "prog_load", "prog_load", "prog_load"});
  for (const seen_call& call : machine.calls) CHECK(call.attr == plain_record(attr));
  machine.forget(3);
}

TEST_CASE("EAGAIN for the fifth time is handed on", "[program]") {
  fake_machine machine;
  machine.refusals["prog_load"] = {EAGAIN, EAGAIN, EAGAIN, EAGAIN, EAGAIN};
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;

  CHECK(load_program(attr, static_cast<barebpf::no_log*>(nullptr), no_token, why) == -11);

  CHECK(machine.calls.size() == 5);
}

TEST_CASE("EAGAIN is tried again while the log is made, too", "[program]") {
  fake_machine machine;
  refuse(machine, 10);
  machine.refusals["prog_load"] = {EACCES, EAGAIN, EAGAIN, 0};
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, no_token, why) == -13);

  CHECK(log_sizes(machine) == numbers{0, 65536, 65536, 65536});
  CHECK(log.said() == "xxxxxxxxx!");
}

TEST_CASE("a refused program is offered again to fill the log", "[program]") {
  for (const int code : {EACCES, EINVAL, E2BIG}) {
    CAPTURE(code);
    fake_machine machine;
    refuse(machine, 70, code);
    barebpf::abi::prog_load attr = nothing();
    cause why = cause::none;
    verifier_log log;

    CHECK(load_program(attr, &log, no_token, why) == -code);

    CHECK(log_sizes(machine) == numbers{0, 65536});
    CHECK(why == cause::refused_by_verifier);
    CHECK(log.is_whole());
    CHECK(log.said().size() == 70);
    CHECK(log.said()[69] == '!');
  }
}

TEST_CASE("EPERM comes before the verifier, so no log is asked for", "[program]") {
  fake_machine machine;
  refuse(machine, 70, EPERM);
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, no_token, why) == -1);

  CHECK(log_sizes(machine) == numbers{0});
  CHECK(why == cause::none);
  CHECK(log.said().empty());
}

TEST_CASE("a refusal without a word has no cause", "[program]") {
  fake_machine machine;
  machine.refusals["prog_load"] = {EINVAL, EINVAL};
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, no_token, why) == -22);

  CHECK(log_sizes(machine) == numbers{0, 65536});
  CHECK(why == cause::none);
  CHECK(log.said().empty());
  CHECK(log.is_whole());
}

TEST_CASE("a program that loads the second time is loaded", "[program]") {
  fake_machine machine;
  machine.refusals["prog_load"] = {ENOMEM, 0};
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, no_token, why) == 3);

  CHECK(log_sizes(machine) == numbers{0, 65536});
  CHECK(why == cause::none);
  machine.forget(3);
}

TEST_CASE("a log grows once to the size that the kernel tells", "[program]") {
  fake_machine machine;
  refuse(machine, 100000);
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, no_token, why) == -13);

  CHECK(log_sizes(machine) == numbers{0, 65536, 100001});
  CHECK(why == cause::refused_by_verifier);
  CHECK(log.is_whole());
  CHECK(log.said().size() == 100000);
  CHECK(log.said()[99999] == '!');
}

TEST_CASE("a log of exactly the room there is stays whole", "[program]") {
  fake_machine machine;
  refuse(machine, 65535);
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, no_token, why) == -13);

  CHECK(log_sizes(machine) == numbers{0, 65536});
  CHECK(log.is_whole());
  CHECK(log.said().size() == 65535);
}

TEST_CASE("a log doubles where the kernel does not tell its size", "[program]") {
  fake_machine machine;
  refuse(machine, 300000);
  machine.verifier_tells_true_size = false;
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, no_token, why) == -13);

  CHECK(log_sizes(machine) == numbers{0, 65536, 131072, 262144, 524288});
  CHECK(log.is_whole());
  CHECK(log.said().size() == 300000);
}

TEST_CASE("a log stops growing at 16 MiB and says that it was cut", "[program]") {
  fake_machine machine;
  refuse(machine, 20000000);
  machine.verifier_tells_true_size = false;
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, no_token, why) == -28);  // ENOSPC

  CHECK(log_sizes(machine) ==
        numbers{0, 65536, 131072, 262144, 524288, 1048576, 2097152, 4194304, 8388608, 16777216});
  CHECK(why == cause::log_cut);
  CHECK_FALSE(log.is_whole());
  CHECK(log.said().size() == 16777215);
  CHECK(log.said()[16777214] == '!');
}

TEST_CASE("a log that is known to exceed 16 MiB is cut after one growth", "[program]") {
  fake_machine machine;
  refuse(machine, 20000000);
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, no_token, why) == -28);  // ENOSPC

  CHECK(log_sizes(machine) == numbers{0, 65536, 16777216});
  CHECK(why == cause::log_cut);
  CHECK_FALSE(log.is_whole());
}

TEST_CASE("a lent buffer is used and never exceeded", "[program]") {
  fake_machine machine;
  refuse(machine, 70);
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  char lent[80];
  std::memset(lent, '#', sizeof lent);
  verifier_log log(lent, 71);

  CHECK(load_program(attr, &log, no_token, why) == -13);

  CHECK(log_sizes(machine) == numbers{0, 71});
  CHECK(machine.calls[1].u64(32) == reinterpret_cast<std::uintptr_t>(lent));
  CHECK(why == cause::refused_by_verifier);
  CHECK(log.is_whole());
  CHECK(log.said().data() == lent);
  CHECK(log.said().size() == 70);
  CHECK(std::string(lent + 71, 9) == "#########");
}

TEST_CASE("a lent buffer that is too small gives the last part and says that it was cut", "[program]") {
  fake_machine machine;
  refuse(machine, 70);
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  char lent[16];
  verifier_log log(lent, sizeof lent);

  CHECK(load_program(attr, &log, no_token, why) == -28);  // ENOSPC

  CHECK(log_sizes(machine) == numbers{0, 16});
  CHECK(why == cause::log_cut);
  CHECK_FALSE(log.is_whole());
  CHECK(log.said() == "xxxxxxxxxxxxxx!");
}

TEST_CASE("a lent buffer that an old kernel does not take is too small, and the first answer stays",
          "[program]") {
  for (const std::uint32_t size : {127u, 128u}) {
    CAPTURE(size);
    fake_machine machine;
    machine.refusals["prog_load"] = {EACCES, EINVAL};
    barebpf::abi::prog_load attr = nothing();
    cause why = cause::none;
    char lent[128];
    verifier_log log(lent, size);

    CHECK(load_program(attr, &log, no_token, why) == (size < 128 ? -EACCES : -EINVAL));

    CHECK(why == (size < 128 ? cause::log_cut : cause::none));
    CHECK(log.is_whole() == (size >= 128));
    CHECK(log.said().empty());
  }
}

TEST_CASE("a lent buffer of no bytes is as good as none", "[program]") {
  fake_machine machine;
  refuse(machine, 70);
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  char lent[1] = {'#'};
  verifier_log log(lent, 0);

  CHECK(load_program(attr, &log, no_token, why) == -13);

  CHECK(log_sizes(machine) == numbers{0});
  CHECK(log.said().empty());
  CHECK(lent[0] == '#');
}

TEST_CASE("a log can be used again, and forgets what it said before", "[program]") {
  fake_machine machine;
  barebpf::abi::prog_load first = nothing(), second = nothing();
  cause why = cause::none;
  verifier_log log;
  refuse(machine, 100000);
  CHECK(load_program(first, &log, no_token, why) == -13);
  refuse(machine, 5);

  CHECK(load_program(second, &log, no_token, why) == -13);

  CHECK(log_sizes(machine) == numbers{0, 65536, 100001, 0, 100001});
  CHECK(log.said() == "xxxx!");
  CHECK(log.is_whole());
}

TEST_CASE("a log that was never used says nothing and is whole", "[program]") {
  const verifier_log log;

  CHECK(log.said().empty());
  CHECK(log.is_whole());
}

TEST_CASE("a program that comes with a token names it in eight bytes more, and nothing else changes",
          "[program]") {
  fake_machine machine;
  const int token = machine.open("token");
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, token, why) == 4);

  REQUIRE(machine.names() == names{"prog_load"});
  raw_bytes expected = plain_record(attr);
  expected.resize(152);
  CHECK(machine.calls[0].u32(44) == 1u << 16);
  CHECK(machine.calls[0].u32(144) == static_cast<std::uint32_t>(token));
  raw_bytes seen = machine.calls[0].attr;
  std::memset(seen.data() + 44, 0, 4);
  std::memset(seen.data() + 144, 0, 4);
  CHECK(seen == expected);
  CHECK(attr.prog_flags == 0);
  machine.forget(4);
  machine.forget(token);
}

TEST_CASE("with a token a log grows to the size that the kernel tells, too", "[program]") {
  fake_machine machine;
  const int token = machine.open("token");
  refuse(machine, 100000);
  barebpf::abi::prog_load attr = nothing();
  cause why = cause::none;
  verifier_log log;

  CHECK(load_program(attr, &log, token, why) == -13);

  CHECK(log_sizes(machine) == numbers{0, 65536, 100001});
  for (const seen_call& call : machine.calls) CHECK(call.attr.size() == 152);
  CHECK(log.said().size() == 100000);
  CHECK(log.is_whole());
  machine.forget(token);
}

TEST_CASE("the last call of what the kernel does not have is found in the log", "[program]") {
  const auto in = [](const char* log) {
    const barebpf::unknown_call found = barebpf::last_unknown_call(log);
    return std::pair(found.instruction, found.number);
  };
  const std::pair nothing(barebpf::unknown_call::none, 0u);

  CHECK(in("0: (b7) r1 = 0\n12: (85) call unknown#195896080\ninvalid func unknown#195896080\n") ==
        std::pair(12u, 195896080u));
  CHECK(in("3: (85) call unknown#7\n40: (85) call unknown#2002000001") == std::pair(40u, 2002000001u));
  CHECK(in("") == nothing);
  CHECK(in("invalid func unknown#195896080\n") == nothing);
  CHECK(in(": (85) call unknown#195896080\n") == nothing);
  CHECK(in("x12: (85) call unknown#195896080\n") == nothing);
  CHECK(in("12: (85) call unknown#") == nothing);
  CHECK(in("12: (85) call unknown#7x\n") == std::pair(12u, 7u));
}
