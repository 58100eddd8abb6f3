// SPDX-License-Identifier: MIT
// What does it cost to take a record out of a ring buffer? The library, libbpf, and a loop by hand, on the same ring,
// which a program fills before each turn.
#include <sys/mman.h>

#include "bench.hpp"
#include "ringbuf.bpf.hpp"

using namespace bench;

namespace {

constexpr barebpf::static_object<ringbuf> object;
using record = barebpf::ringbuf::record;

// What everybody does with a record: its first word and its length.
struct sums {
  u64 sum = 0;
  u64 count = 0;
  void add(const void* data, std::size_t size) {
    u64 word;
    std::memcpy(&word, data, sizeof word);
    sum += word ^ size;
    ++count;
  }
};

// The loop that whoever needs no library would write.
struct by_hand {
  unsigned char* consumer;
  const unsigned char* producer;
  const unsigned char* data;
  u64 mask;

  by_hand(int map, std::size_t size) : mask(size - 1) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* const own = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
    void* const theirs = mmap(nullptr, page + 2 * size, PROT_READ, MAP_SHARED, map, static_cast<off_t>(page));
    must_be(own != MAP_FAILED && theirs != MAP_FAILED, "mmap");
    consumer = static_cast<unsigned char*>(own);
    producer = static_cast<const unsigned char*>(theirs);
    data = producer + page;
  }
  u64 operator()() const {
    sums seen;
    u64 at = *reinterpret_cast<const u64*>(consumer);
    for (;;) {
      const u64 end = __atomic_load_n(reinterpret_cast<const u64*>(producer), __ATOMIC_ACQUIRE);
      if (at == end) return seen.sum;
      while (at != end) {
        const unsigned char* const header = data + (at & mask);
        const u32 length = __atomic_load_n(reinterpret_cast<const u32*>(header), __ATOMIC_ACQUIRE);
        if ((length & BPF_RINGBUF_BUSY_BIT) != 0) return seen.sum;
        const u32 size = length & ~u32{BPF_RINGBUF_DISCARD_BIT};
        if (size == length) seen.add(header + BPF_RINGBUF_HDR_SZ, size);
        at += (u64{size} + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
        __atomic_store_n(reinterpret_cast<u64*>(consumer), at, __ATOMIC_RELEASE);
      }
    }
  }
};

int add(void* context, void* data, std::size_t size) {
  static_cast<sums*>(context)->add(data, size);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const settings how = arguments(argc, argv);
  stay_on_one_processor();
  // KiB of the ring, and bytes of a record, at least and at most.
  struct {
    u32 ring, least, most;
  } const fillings[] = {{256, 16, 16},     {256, 64, 64},   {256, 256, 256},
                        {256, 1024, 1024}, {256, 16, 1024}, {8192, 1024, 1024}};
  for (const auto& [ring, least, most] : fillings) {
    const u32 bytes = ring * 1024;
    const settings here{how.rounds, std::min<u64>(how.count, (bytes - 1) / (most + 8))};
    auto data = object.data();
    data.variable<"only_process", u32>() = static_cast<u32>(getpid());
    const barebpf::map_change larger[] = {object.change<"events">({.max_entries = bytes})};
    const auto loaded = must(object.load({.maps = larger, .data = data.view()}));
    const auto sends = must(loaded.attach<"sends_words">());

    const barebpf::fd& map = loaded.map_descriptor<"events">();
    auto ours = must(barebpf::ringbuf::open(map));
    const by_hand bare(map.number(), bytes);
    sums seen;
    ring_buffer* const theirs = ring_buffer__new(map.number(), add, &seen, nullptr);
    must_be(theirs != nullptr, "ring_buffer__new");

    char question[64];
    if (least == most)
      std::snprintf(question, sizeof question, "%u KiB, records of %u bytes", ring, most);
    else
      std::snprintf(question, sizeof question, "%u KiB, records of %u to %u bytes", ring, least, most);
    const auto sent = must(loaded.variable<"sent", u64>());
    const auto size = must(loaded.variable<"size", u32>());
    const auto prepare = [&] {
      must_be(ours.available() == 0, "somebody left records in the ring");
      *sent = 0;
      std::mt19937 dice;
      std::uniform_int_distribution<u32> bytes_of(least, most);
      for (u64 i = 0; i < here.count; ++i) {
        *size = bytes_of(dice);
        static_cast<void>(getsid(0));
      }
      must_be(*sent == here.count, "the ring is too small");
    };
    ask(question, here,
        {{"barebpf",
          [&] {
            sums own;
            ours.consume([&](record r) { own.add(r.data(), r.size()); });
            return own.sum;
          }},
         {"libbpf",
          [&] {
            seen = {};
            must_be(ring_buffer__consume(theirs) >= 0, "ring_buffer__consume");
            return seen.sum;
          }},
         {"by hand", bare}},
        prepare);
    ring_buffer__free(theirs);
  }
  return 0;
}
