// SPDX-License-Identifier: MIT
// Fuzzes rooms ringbuf, perfbuf and user_ringbuf: an input as what a kernel and a program do with a ring, one after the
// other. As long as nobody else writes to the memory, records are those of a model; then somebody does, and no record may
// lie outside of it.
#define BAREBPF_LIBC_SYSCALL

#include <barebpf/perfbuf.hpp>
#include <barebpf/ringbuf.hpp>
#include <barebpf/user_ringbuf.hpp>
#include <deque>

#include "fuzz.hpp"
#include "machine.hpp"

namespace {

using barebpf::map_type;
using barebpf::u16;
using barebpf::u32;
using barebpf::u64;
using barebpf::u8;
using content = std::vector<u8>;

constexpr std::size_t page = 4096;
constexpr u32 ring_size = 4096;
constexpr u32 busy = 1u << 31, discarded = 1u << 30;

// One map and its rings; the memory of each stands on the heap in just its size.
class ring_kernel : public machine {
 public:
  ring_kernel(map_type type, u32 flags)
      : info_{.type = static_cast<u32>(type),
              .max_entries = type == map_type::perf_event_array ? 2 : ring_size,
              .map_flags = flags} {}
  ~ring_kernel() override { promise(areas_.empty(), "what was mapped is given back"); }

  long answer(long number, const long* a) override {
    switch (number) {
      case __NR_fcntl:
      case __NR_openat:
      case __NR_epoll_create1:
      case __NR_perf_event_open:
        return add_descriptor();
      case __NR_close:
        return close(a[0]);
      case __NR_msync:
        return static_cast<std::size_t>(a[0]) % page == 0 ? 0 : -EINVAL;
      case __NR_read:
        std::memcpy(reinterpret_cast<void*>(a[1]), "0-1\n", 4);
        return 4;
      case __NR_munmap:
        promise(areas_.erase(a[0]) == 1, "what is given back was mapped");
        return 0;
      case __NR_bpf:
        if (a[0] == 15) tell(*reinterpret_cast<const barebpf::abi::obj_info*>(a[1]));
        return 0;
#ifdef __NR_mmap2
      case __NR_mmap2:
#else
      case __NR_mmap:
#endif
        return map(static_cast<std::size_t>(a[1]));
      default:
        return 0;
    }
  }
  barebpf::fd open_map() { return barebpf::fd::own(add_descriptor()); }

  // The memory of the mapping that was made as number `which`.
  u8* memory(std::size_t which) const { return first_[which]; }
  u64 word(std::size_t which, std::size_t at) const {
    u64 out;
    std::memcpy(&out, first_[which] + at, sizeof out);
    return out;
  }
  void set_word(std::size_t which, std::size_t at, u64 to) {
    std::memcpy(first_[which] + at, &to, sizeof to);
  }
  // Writes behind the first page, where the ring is; it is there `copies` times.
  void write(std::size_t which, u64 at, const void* from, std::size_t size, unsigned copies) {
    for (std::size_t i = 0; i < size; ++i)
      for (unsigned copy = 0; copy < copies; ++copy)
        first_[which][page + (at + i) % ring_size + copy * ring_size] = static_cast<const u8*>(from)[i];
  }

 private:
  long map(std::size_t size) {
    exact<u64> area(size / 8);
    first_.push_back(reinterpret_cast<u8*>(area.data()));
    const auto address = reinterpret_cast<long>(area.data());
    areas_.emplace(address, std::move(area));
    return address;
  }
  void tell(const barebpf::abi::obj_info& attr) {
    void* to = nullptr;
    std::memcpy(&to, &attr.info, sizeof to);
    std::memcpy(to, &info_, sizeof info_);
  }

  barebpf::abi::map_info info_;
  std::map<long, exact<u64>> areas_;
  std::vector<u8*> first_;
};

content make(number_source& numbers, std::size_t size) {
  content out(size);
  const u8 first = numbers.next<u8>();
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<u8>(first + i);
  return out;
}
// Short ones mostly, and all that can be.
u32 next_size(number_source& numbers) {
  const u16 said = numbers.next<u16>();
  return said % 4 != 0 ? said / 4 % 40 : said / 4 % (ring_size + 64);
}
u64 next_position(number_source& numbers, u64 near) {
  return numbers.next<u8>() % 2 == 0 ? numbers.next() : near + numbers.next<u16>() - 0x8000;
}
// Where a ring begins: at 0, or in front of what numbers of 32 or 64 bits can say.
u64 next_start(number_source& numbers) {
  const u64 starts[] = {0, (u64{1} << 32) - 64, ~u64{0} - 63, u64{1} << 63};
  return starts[numbers.next<u8>() % 4];
}

struct sent {
  u64 at;
  content bytes;
  u32 flags;
  u64 room() const { return (bytes.size() + 15) / 8 * 8; }
};

// A ring buffer: the kernel puts records in, finishes them, and the program takes them out. Mapping 0 is the page of the
// consumer, 1 the producer's and the data twice.
void use_ring(number_source& numbers, bool overwrites) {
  ring_kernel kernel(map_type::ringbuf, overwrites ? u32{barebpf::map_flag::rb_overwrite} : 0u);
  {
    const barebpf::fd map = kernel.open_map();
    auto events = barebpf::ringbuf::open(map);
    promise(events.has_value(), "a ring buffer is opened");
    u64 put = next_start(numbers), taken = put, oldest = put, lost = 0;
    std::deque<sent> there;
    bool is_sound = true;
    const auto tell_positions = [&] {
      kernel.set_word(1, 0, put);
      kernel.set_word(1, 16, oldest);
    };
    kernel.set_word(0, 0, taken);
    tell_positions();
    const auto header_of = [](const sent& one) { return static_cast<u32>(one.bytes.size()) | one.flags; };
    while (numbers.left() != 0) switch (numbers.next<u8>() % 8) {
        case 0:
        case 1:
        case 2: {  // a program sends
          sent one{.at = put, .bytes = make(numbers, next_size(numbers)), .flags = 0};
          const u8 flags = numbers.next<u8>();
          one.flags = (flags % 8 == 0 ? busy : 0) | (flags / 8 % 4 == 0 ? discarded : 0);
          const u64 consumer = kernel.word(0, 0);
          if (one.room() > ring_size) break;
          if (overwrites) {
            std::size_t gone = 0;
            u64 free_from = oldest;
            while (put + one.room() - free_from > ring_size && gone < there.size() &&
                   (there[gone].flags & busy) == 0)
              free_from += there[gone++].room();
            if (put + one.room() - free_from > ring_size) break;
            oldest = free_from;
            there.erase(there.begin(), there.begin() + static_cast<std::ptrdiff_t>(gone));
          } else if (put + one.room() - consumer > ring_size) {
            break;
          }
          const u32 header[2] = {header_of(one), 0};
          kernel.write(1, put, header, sizeof header, 2);
          kernel.write(1, put + 8, one.bytes.data(), one.bytes.size(), 2);
          put += one.room();
          there.push_back(std::move(one));
          tell_positions();
          break;
        }
        case 3:  // what is not finished is
          for (sent& one : there) {
            if ((one.flags & busy) == 0) continue;
            one.flags &= ~busy;
            const u32 header = header_of(one);
            kernel.write(1, one.at, &header, sizeof header, 2);
            break;
          }
          break;
        case 4:  // somebody else writes to the consumer's page
          if (numbers.next<u8>() % 4 != 0) break;
          is_sound = false;
          kernel.set_word(0, 0, next_position(numbers, put));
          break;
        case 5: {  // or, through the kernel's, to the data
          if (numbers.next<u8>() % 4 != 0) break;
          is_sound = false;
          const u32 header = numbers.next<u32>();
          kernel.write(1, numbers.next<u16>() % ring_size, &header, sizeof header, 2);
          break;
        }
        default: {
          const u64 at_most = numbers.next<u8>() % 8 == 0 ? numbers.next<u8>() % 4 : ~u64{0};
          std::vector<content> seen;
          std::size_t count = 0;
          const u8* const first = kernel.memory(1) + page;
          const u64 used = events->consume(
              [&](const barebpf::ringbuf::record& one) {
                ++count;
                const bool is_copy = overwrites;  // of which a sanitizer knows where it ends
                promise(is_copy || (one.data() >= first && one.data() + one.size() <= first + 2 * ring_size),
                        "a record lies in the ring");
                seen.emplace_back(one.data(), one.data() + one.size());
              },
              at_most);
          promise(used == count && count <= at_most && count <= ring_size / 8,
                  "there are no more records than fit");
          if (!is_sound) break;
          std::vector<content> expected;
          for (const sent& one : there) {
            if (static_cast<std::int64_t>(one.at - taken) < 0) continue;
            if (expected.size() == at_most || (one.flags & busy) != 0) break;
            lost += one.at - taken;
            taken = one.at + one.room();
            if ((one.flags & discarded) == 0) expected.push_back(one.bytes);
          }
          // The consumer also goes on where the oldest record is when it gets none.
          if (overwrites && at_most != 0 && static_cast<std::int64_t>(oldest - taken) > 0) {
            lost += oldest - taken;
            taken = oldest;
          }
          if (!overwrites)
            while (!there.empty() && static_cast<std::int64_t>(there.front().at - taken) < 0)
              there.pop_front();
          promise(seen == expected, "records come as they were sent, up to one that is not finished");
          promise(events->consumer_position() == taken && events->available() == put - taken,
                  "positions are those of the model");
          promise(events->overwritten() == lost, "what was overwritten is counted");
        }
      }
  }
}

// A perf event array of two CPUs. Mapping 0 is the ring of the first, 1 of the second.
void use_perf_rings(number_source& numbers) {
  constexpr std::size_t head = 1024, tail = 1032;
  ring_kernel kernel(map_type::perf_event_array, 0);
  {
    const barebpf::fd map = kernel.open_map();
    auto events = barebpf::perfbuf::open(map, {.pages = ring_size / page});
    promise(events.has_value() && events->cpus() == 2, "each CPU has a ring");
    struct entry {
      u32 cpu;
      content bytes;
      u64 room;
      u32 type;
      u64 lost;
    };
    std::deque<entry> there[2];
    u64 lost = 0, put[2];
    u32 next_cpu = 0;
    bool is_sound = true;
    for (std::size_t cpu = 0; cpu < 2; ++cpu) {
      put[cpu] = next_start(numbers);
      kernel.set_word(cpu, head, put[cpu]);
      kernel.set_word(cpu, tail, put[cpu]);
    }
    while (numbers.left() != 0) switch (numbers.next<u8>() % 8) {
        case 0:
        case 1:
        case 2: {
          const u32 cpu = numbers.next<u8>() % 2, kind = numbers.next<u8>() % 8;
          entry one{.cpu = cpu,
                    .bytes = {},
                    .room = 24,
                    .type = kind == 0   ? 2u
                            : kind == 1 ? 5u
                                        : 9u,
                    .lost = 0};
          content record(24);
          if (one.type == 9) {
            one.bytes = make(numbers, (next_size(numbers) + 11) / 8 * 8 - 4);
            one.room = 12 + one.bytes.size();
            record.resize(one.room);
            const auto size = static_cast<u32>(one.bytes.size());
            std::memcpy(record.data() + 8, &size, sizeof size);
            std::copy(one.bytes.begin(), one.bytes.end(), record.begin() + 12);
          } else if (one.type == 2) {
            one.lost = numbers.next<u8>();
            std::memcpy(record.data() + 16, &one.lost, sizeof one.lost);
          }
          if (put[cpu] + one.room - kernel.word(cpu, tail) > ring_size) break;
          const auto size = static_cast<u16>(one.room);
          std::memcpy(record.data(), &one.type, sizeof one.type);
          std::memcpy(record.data() + 6, &size, sizeof size);
          kernel.write(cpu, put[cpu], record.data(), record.size(), 1);
          put[cpu] += one.room;
          kernel.set_word(cpu, head, put[cpu]);
          there[cpu].push_back(std::move(one));
          break;
        }
        case 3: {  // somebody else writes to the memory
          if (numbers.next<u8>() % 4 != 0) break;
          is_sound = false;
          const u32 cpu = numbers.next<u8>() % 2, what = numbers.next<u8>() % 4;
          if (what == 0) kernel.set_word(cpu, tail, next_position(numbers, put[cpu]));
          if (what == 1) kernel.set_word(cpu, head, next_position(numbers, put[cpu]));
          const u64 header = numbers.next();
          if (what > 1) kernel.write(cpu, numbers.next<u16>() % ring_size, &header, sizeof header, 1);
          break;
        }
        default: {
          const u64 at_most = numbers.next<u8>() % 8 == 0 ? numbers.next<u8>() % 4 : ~u64{0};
          std::vector<std::pair<u32, content>> seen;
          const u64 used = events->consume(
              [&](const barebpf::perfbuf::sample& one) {
                seen.emplace_back(one.cpu(), content(one.data(), one.data() + one.size()));
              },
              at_most);
          promise(used == seen.size() && used <= at_most && used <= 2 * ring_size / 8,
                  "there are no more samples than fit");
          if (!is_sound) {
            if (at_most == ~u64{0}) promise(!events->is_ready(), "all that is there is taken or passed over");
            break;
          }
          std::vector<std::pair<u32, content>> expected;
          for (u32 i = 0; i < 2 && expected.size() < at_most; ++i) {
            std::deque<entry>& from = there[next_cpu];
            next_cpu = 1 - next_cpu;
            for (; !from.empty() && expected.size() < at_most; from.pop_front()) {
              if (from.front().type == 9) expected.emplace_back(from.front().cpu, from.front().bytes);
              lost += from.front().lost;
            }
          }
          promise(seen == expected, "samples come as they were put out");
          promise(events->lost() == lost, "what found no room is counted");
        }
      }
  }
}

// A ring that the program fills. Mapping 0 is the page of the consumer, 1 the producer's and the data twice.
void use_user_ring(number_source& numbers) {
  ring_kernel kernel(map_type::user_ringbuf, 0);
  {
    const barebpf::fd map = kernel.open_map();
    auto ring = barebpf::user_ringbuf::open(map);
    promise(ring.has_value(), "a user ring buffer is opened");
    u64 put = next_start(numbers), drained = put;
    kernel.set_word(0, 0, put);
    kernel.set_word(1, 0, put);
    bool is_sound = true;
    const u8* const data = kernel.memory(1) + page;
    while (numbers.left() != 0) switch (numbers.next<u8>() % 8) {
        case 0:  // the kernel drains some of it
          drained += (put - drained) / 8 * numbers.next<u8>() / 255 * 8;
          kernel.set_word(0, 0, drained);
          break;
        case 1:
          if (numbers.next<u8>() % 4 != 0) break;
          is_sound = false;
          if (numbers.next<u8>() % 2 == 0)
            kernel.set_word(0, 0, next_position(numbers, drained));
          else
            kernel.set_word(1, 0, next_position(numbers, put));
          break;
        default: {
          const u64 first = kernel.word(1, 0), in_use = first - kernel.word(0, 0);
          const u32 size = numbers.next<u8>() % 16 == 0 ? numbers.next<u32>() : next_size(numbers);
          const u64 room = (u64{size} + 15) / 8 * 8;
          auto got = ring->reserve(size);
          const bool has_room = room <= ring_size - (put - drained);
          promise(!is_sound || got.has_value() == has_room, "there is room where the model has some");
          promise(!got || (first % 8 == 0 && in_use <= ring_size && room <= ring_size - in_use),
                  "nothing is reserved over what was not drained");
          if (!got) {
            promise(got.error().why ==
                        (room > ring_size ? barebpf::cause::record_too_large : barebpf::cause::ring_is_full),
                    "what has no room says why");
            break;
          }
          promise(got->bytes().size() == size && got->bytes().data() >= data + 8 &&
                      got->bytes().data() + size <= data + 2 * ring_size,
                  "a reservation lies in the ring");
          if (size != 0) std::memset(got->bytes().data(), 0x5a, size);
          const u8* const header = got->bytes().data() - 8;
          const auto says = [header] { return barebpf::detail::read_field<u32>(header); };
          promise(says() == (size | busy), "what is reserved is not finished");
          put += room;
          promise(!is_sound || ring->producer_position() == put, "the next record begins behind this one");
          const bool is_submitted = numbers.next<u8>() % 2 == 0;
          if (is_submitted)
            std::move(*got).submit();
          else
            got->discard();
          promise(says() == (size | (is_submitted ? 0 : discarded)), "what is finished says so");
        }
      }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  number_source numbers(data, size);
  switch (numbers.next<u8>() % 4) {
    case 0:
      use_ring(numbers, false);
      break;
    case 1:
      use_ring(numbers, true);
      break;
    case 2:
      use_perf_rings(numbers);
      break;
    default:
      use_user_ring(numbers);
  }
  return 0;
}
