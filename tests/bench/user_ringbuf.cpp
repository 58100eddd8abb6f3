// SPDX-License-Identifier: MIT
// What does it cost to send a record to a program through a user ring buffer? The library, libbpf, and a loop by hand, on
// the same ring, which a program empties after each turn: by itself, and with the program's part in the time.
#include <sys/mman.h>

#include "bench.hpp"
#include "user_ringbuf.bpf.hpp"

using namespace bench;

namespace {

constexpr barebpf::static_object<user_ringbuf> object;

// The loop that whoever needs no library would write.
struct by_hand {
  const unsigned char* consumer;
  unsigned char* producer;
  unsigned char* data;
  u64 mask;

  by_hand(int map, std::size_t size) : mask(size - 1) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const theirs = mmap(nullptr, page, PROT_READ, MAP_SHARED, map, 0);
    void* const own =
        mmap(nullptr, page + 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, map, static_cast<off_t>(page));
    must_be(own != MAP_FAILED && theirs != MAP_FAILED, "mmap");
    consumer = static_cast<const unsigned char*>(theirs);
    producer = static_cast<unsigned char*>(own);
    data = producer + page;
  }
  [[nodiscard]] bool send(const void* record, u32 size) const {
    const u64 drained = __atomic_load_n(reinterpret_cast<const u64*>(consumer), __ATOMIC_ACQUIRE);
    const u64 at = *reinterpret_cast<const u64*>(producer);
    const u64 room = (u64{size} + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
    if (room > mask + 1 - (at - drained)) return false;
    unsigned char* const header = data + (at & mask);
    std::memcpy(header + BPF_RINGBUF_HDR_SZ, record, size);
    // Nobody else sends, so a record needs no mark that it is not ready: it is there when the position says so.
    __atomic_store_n(reinterpret_cast<u32*>(header), size, __ATOMIC_RELAXED);
    __atomic_store_n(reinterpret_cast<u64*>(producer), at + room, __ATOMIC_RELEASE);
    return true;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const settings how = arguments(argc, argv);
  stay_on_one_processor();
  constexpr u32 ring = 256 * 1024;
  auto data = object.data();
  data.variable<"only_process", u32>() = static_cast<u32>(getpid());
  const barebpf::map_change larger[] = {object.change<"commands">({.max_entries = ring})};
  const auto loaded = must(object.load({.maps = larger, .data = data.view()}));
  const auto drains = must(loaded.attach<"drains">());
  const barebpf::fd& map = loaded.map_descriptor<"commands">();
  auto ours = must(barebpf::user_ringbuf::open(map));
  const by_hand bare(map.number(), ring);
  user_ring_buffer* const theirs = user_ring_buffer__new(map.number(), nullptr);
  must_be(theirs != nullptr, "user_ring_buffer__new");
  const auto drained = must(loaded.variable<"drained", u64>());
  const auto sum = must(loaded.variable<"sum", u64>());

  for (const u32 bytes : {16u, 64u, 256u, 1024u}) {
    const settings here{how.rounds, std::min<u64>(how.count, (ring - 1) / (bytes + 8))};
    std::vector<u64> record(bytes / sizeof(u64));
    const auto drain = [&] { static_cast<void>(getpgid(0)); };
    // What the turn before sent must be there, all of it.
    u64 expected = 0;
    const auto prepare = [&] {
      drain();
      must_be(*drained == expected && *sum == expected * (expected == 0 ? 0 : here.count - 1) / 2,
              "the program did not get what was sent");
      *drained = *sum = 0;
      expected = here.count;
    };
    const auto send_all = [&](auto&& send) {
      u64 sent = 0;
      for (u64 i = 0; i < here.count; ++i) {
        record[0] = i;
        sent += send();
      }
      return sent;
    };
    const auto send_ours = [&] {
      return send_all([&]() -> u64 {
        auto got = ours.reserve(bytes);
        if (!got) return 0;
        std::memcpy(got->bytes().data(), record.data(), bytes);
        std::move(*got).submit();
        return 1;
      });
    };
    const auto send_theirs = [&] {
      return send_all([&]() -> u64 {
        void* const got = user_ring_buffer__reserve(theirs, bytes);
        if (got == nullptr) return 0;
        std::memcpy(got, record.data(), bytes);
        user_ring_buffer__submit(theirs, got);
        return 1;
      });
    };
    const auto send_by_hand = [&] {
      return send_all([&]() -> u64 { return bare.send(record.data(), bytes); });
    };
    char question[64];
    std::snprintf(question, sizeof question, "records of %u bytes", bytes);
    ask(question, here, {{"barebpf", send_ours}, {"libbpf", send_theirs}, {"by hand", send_by_hand}},
        prepare);
    const auto with_program = [&](const auto& send) {
      return [&] {
        const u64 sent = send();
        drain();
        return sent;
      };
    };
    std::snprintf(question, sizeof question, "records of %u bytes, drained", bytes);
    ask(question, here,
        {{"barebpf", with_program(send_ours)},
         {"libbpf", with_program(send_theirs)},
         {"by hand", with_program(send_by_hand)}},
        prepare);
    drain();
    *drained = *sum = 0;
  }
  user_ring_buffer__free(theirs);
  return 0;
}
