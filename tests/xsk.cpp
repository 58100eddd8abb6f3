// SPDX-License-Identifier: MIT
#include <linux/if_xdp.h>
#include <sys/socket.h>

#include <map>
#include <set>
#include <span>

#include "support/catch.hpp"
#include "support/fake_kernel.hpp"
#include "support/library.hpp"

using barebpf::cause;
using barebpf::step;
using barebpf::xsk;

namespace {

using packet = std::vector<unsigned char>;
namespace abi = barebpf::abi;

// A Linux that has one AF_XDP socket and plays the driver of its interface. What is closed or unmapped twice, or never,
// fails the test that did it.
class xsk_machine {
 public:
  xsk_machine() : kernel_([this](const fake_call& call) { return enter(call); }) {}
  ~xsk_machine() {
    CHECK(open_ == 0);
    CHECK(mapped_.empty());
  }
  xsk_machine(const xsk_machine&) = delete;
  xsk_machine& operator=(const xsk_machine&) = delete;

  // What the machine is like.
  bool before_5_4 = false;  // rings have no flags
  long largest_send = 32;   // packets of one sendto
  std::size_t failing_call = ~std::size_t{0};
  int failing_code = EIO;
  std::map<std::string, int> refusals;

  // What it has seen.
  std::vector<std::string> names;
  abi::xdp_umem_reg memory{};
  abi::sockaddr_xdp bound_to{};
  std::map<unsigned, std::uint32_t> sizes;  // of the rings, by their option
  std::vector<packet> sent;

  // A packet comes in. Shape: false when there is no frame for it.
  bool deliver(const packet& content) {
    if (word(fill, 0) == word(fill, 1)) return false;
    const std::uint64_t frame = entry<std::uint64_t>(fill, word(fill, 1));
    ++word(fill, 1);
    const std::uint64_t at = frame + 256;  // XDP_PACKET_HEADROOM
    std::copy(content.begin(), content.end(), frame_at(at));
    entry<abi::xdp_desc>(rx, word(rx, 0)) = {.addr = at, .len = static_cast<std::uint32_t>(content.size())};
    ++word(rx, 0);
    return true;
  }
  // The interface takes packets that are to be sent. Shape: how many it took.
  std::uint32_t transmit(long at_most) {
    std::uint32_t taken = 0;
    for (; at_most != 0 && word(tx, 0) != word(tx, 1); --at_most, ++taken) {
      const auto& what = entry<abi::xdp_desc>(tx, word(tx, 1));
      sent.emplace_back(frame_at(what.addr), frame_at(what.addr) + what.len);
      in_flight_.push_back(what.addr);
      ++word(tx, 1);
    }
    return taken;
  }
  // What is on its way has left.
  void complete() {
    for (const std::uint64_t frame : in_flight_) {
      entry<std::uint64_t>(completion, word(completion, 0)) = frame;
      ++word(completion, 0);
    }
    in_flight_.clear();
  }
  std::uint32_t frames_to_fill() { return word(fill, 0) - word(fill, 1); }
  void set_wakeup(unsigned ring, bool wanted) { word(ring, 2) = wanted ? 1 : 0; }
  std::size_t count(const std::string& name) const {
    return static_cast<std::size_t>(std::count(names.begin(), names.end(), name));
  }

  static constexpr unsigned rx = XDP_RX_RING, tx = XDP_TX_RING, fill = XDP_UMEM_FILL_RING,
                            completion = XDP_UMEM_COMPLETION_RING;

 private:
  // Of each ring: the producer, the consumer and the flags in lines of their own, and behind them the entries.
  static constexpr std::size_t line = 64, entries_at = 4 * line;

  std::uint32_t& word(unsigned ring, std::size_t which) {
    return *reinterpret_cast<std::uint32_t*>(rings_.at(ring).data() + which * line);
  }
  template <class Entry>
  Entry& entry(unsigned ring, std::uint32_t at) {
    auto* const first = reinterpret_cast<Entry*>(rings_.at(ring).data() + entries_at);
    return first[at & (sizes.at(ring) - 1)];
  }
  unsigned char* frame_at(std::uint64_t offset) { return frames_.data() + offset; }

  static std::string name_of(const fake_call& call) {
    static const std::map<long, std::string> known{
        {__NR_socket, "socket"},
        {__NR_fcntl, "fcntl"},
        {__NR_setsockopt, "setsockopt"},
        {__NR_getsockopt, "getsockopt"},
        {__NR_bind, "bind"},
        {__NR_sendto, "sendto"},
        {barebpf::detail::nr_ppoll, "ppoll"},
#ifdef __NR_mmap2
        {__NR_mmap2, "mmap"},
#else
        {__NR_mmap, "mmap"},
#endif
    };
    const auto found = known.find(call.number);
    return found == known.end() ? "call " + std::to_string(call.number) : found->second;
  }

  long enter(const fake_call& call) {
    const auto* const a = call.arguments;
    if (call.number == __NR_close) {
      CHECK(open_-- > 0);
      return 0;
    }
    if (call.number == __NR_munmap) {
      CHECK(mapped_.erase({a[0], a[1]}) == 1);
      return 0;
    }
    const std::string name = name_of(call);
    names.push_back(name);
    if (names.size() - 1 == failing_call) return -failing_code;
    if (const auto refusal = refusals.find(name); refusal != refusals.end()) return -refusal->second;
    if (name == "socket") {
      CHECK(a[0] == AF_XDP);
      ++open_;
      return 10;
    }
    if (name == "mmap") return map_memory(a);
    if (name == "ppoll") return 0;
    CHECK(a[0] == 10);
    if (name == "setsockopt") return set_option(a);
    if (name == "getsockopt") return get_option(a);
    if (name == "bind") {
      std::memcpy(&bound_to, reinterpret_cast<const void*>(a[1]), sizeof bound_to);
      CHECK(a[2] == sizeof(sockaddr_xdp));
      return 0;
    }
    if (name == "sendto") {
      transmit(largest_send);
      return word(tx, 0) == word(tx, 1) ? 0 : -EAGAIN;
    }
    return -ENOSYS;
  }

  long set_option(const long* a) {
    CHECK(a[1] == SOL_XDP);
    const auto option = static_cast<unsigned>(a[2]);
    const auto* const value = reinterpret_cast<const void*>(a[3]);
    if (option == XDP_UMEM_REG) {
      CHECK(a[4] == sizeof memory);
      std::memcpy(&memory, value, sizeof memory);
      CHECK(reinterpret_cast<unsigned char*>(static_cast<std::uintptr_t>(memory.addr)) == frames_.data());
      CHECK(memory.len == frames_.size() * 8);
      return 0;
    }
    std::uint32_t size = 0;
    CHECK(a[4] == sizeof size);
    std::memcpy(&size, value, sizeof size);
    if (size == 0 || (size & (size - 1)) != 0) return -EINVAL;
    CHECK(sizes.insert({option, size}).second);
    return 0;
  }
  long get_option(const long* a) {
    CHECK(a[1] == SOL_XDP);
    auto* const value = reinterpret_cast<void*>(a[3]);
    auto* const size = reinterpret_cast<std::uint32_t*>(a[4]);
    if (a[2] == XDP_MMAP_OFFSETS) {
      CHECK(*size == sizeof(xdp_mmap_offsets));
      std::uint64_t words[16] = {};
      const unsigned each = before_5_4 ? 3 : 4;
      for (unsigned ring = 0; ring < 4; ++ring) {
        const std::uint64_t at[] = {0, line, entries_at, 2 * line};
        std::copy(at, at + each, words + ring * each);
      }
      *size = 4 * each * 8;
      std::memcpy(value, words, *size);
      return 0;
    }
    if (a[2] == XDP_STATISTICS) {
      const std::uint64_t words[] = {1, 2, 3, 4, 5, 6};
      *size = before_5_4 ? 24 : 48;
      std::memcpy(value, words, *size);
      return 0;
    }
    CHECK(a[2] == XDP_OPTIONS);
    const std::uint32_t flags = XDP_OPTIONS_ZEROCOPY;
    std::memcpy(value, &flags, sizeof flags);
    return 0;
  }

  long map_memory(const long* a) {
    const auto bytes = static_cast<std::size_t>(a[1]);
    unsigned char* memory_at = nullptr;
    if (a[4] < 0) {
      CHECK(a[3] == 0x21);  // MAP_SHARED | MAP_ANONYMOUS
      if (bytes == 0) return -EINVAL;
      frames_.resize(bytes);
      memory_at = frames_.data();
    } else {
#ifdef __NR_mmap2
      const std::uint64_t place = static_cast<std::uint64_t>(a[5]) * 4096;
#else
      const auto place = static_cast<std::uint64_t>(a[5]);
#endif
      static const std::map<std::uint64_t, unsigned> places{{XDP_PGOFF_RX_RING, rx},
                                                            {XDP_PGOFF_TX_RING, tx},
                                                            {XDP_UMEM_PGOFF_FILL_RING, fill},
                                                            {XDP_UMEM_PGOFF_COMPLETION_RING, completion}};
      const unsigned ring = places.at(place);
      CHECK(bytes == entries_at + sizes.at(ring) * (ring == rx || ring == tx ? 16 : 8));
      rings_[ring].resize(bytes);
      memory_at = rings_[ring].data();
      if (ring == tx && !before_5_4) word(tx, 2) = 1;  // as copying drivers always have it
    }
    const auto address = reinterpret_cast<long>(memory_at);
    mapped_.insert({address, a[1]});
    return address;
  }

  // Bytes at an address that words may lie at.
  class area {
   public:
    void resize(std::size_t bytes) { words_.resize((bytes + 7) / 8); }
    unsigned char* data() { return reinterpret_cast<unsigned char*>(words_.data()); }
    std::size_t size() const { return words_.size(); }

   private:
    std::vector<std::uint64_t> words_;
  };

  int open_ = 0;
  std::set<std::pair<long, long>> mapped_;
  area frames_;
  std::map<unsigned, area> rings_;
  std::vector<std::uint64_t> in_flight_;
  fake_kernel kernel_;
};

std::vector<packet> take_packets(xsk& socket, std::uint32_t at_most = 64) {
  std::vector<packet> out;
  socket.receive([&](std::span<unsigned char> bytes) { out.emplace_back(bytes.begin(), bytes.end()); },
                 at_most);
  return out;
}
packet packet_of(unsigned char first, std::size_t size = 60) {
  packet out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(first + i);
  return out;
}

}  // namespace

TEST_CASE("the layouts of AF_XDP are those of the machine's header", "[xsk]") {
  static_assert(sizeof(abi::sockaddr_xdp) == sizeof(sockaddr_xdp));
  static_assert(offsetof(abi::sockaddr_xdp, queue_id) == offsetof(sockaddr_xdp, sxdp_queue_id));
  // A kernel of 64 bits takes the larger one, which the header's is only there.
  static_assert(sizeof(long) != 8 || sizeof(abi::xdp_umem_reg) == sizeof(xdp_umem_reg));
  static_assert(offsetof(abi::xdp_umem_reg, flags) == offsetof(xdp_umem_reg, flags));
  static_assert(sizeof(abi::xdp_ring_offset) == sizeof(xdp_ring_offset));
  static_assert(offsetof(abi::xdp_ring_offset, flags) == offsetof(xdp_ring_offset, flags));
  static_assert(sizeof(abi::xdp_desc) == sizeof(xdp_desc));
  static_assert(offsetof(abi::xdp_desc, len) == offsetof(xdp_desc, len));
  static_assert(sizeof(abi::xdp_statistics) == sizeof(xdp_statistics));
  static_assert(offsetof(abi::xdp_statistics, rx_ring_full) == offsetof(xdp_statistics, rx_ring_full));
  CHECK(abi::af_xdp == AF_XDP);
  CHECK(abi::sol_xdp == SOL_XDP);
  CHECK(abi::xdp_option::mmap_offsets == XDP_MMAP_OFFSETS);
  CHECK(abi::xdp_option::umem_reg == XDP_UMEM_REG);
  CHECK(abi::xdp_option::statistics == XDP_STATISTICS);
  CHECK(abi::xdp_option::options == XDP_OPTIONS);
  CHECK(abi::xdp_copy == XDP_COPY);
  CHECK(abi::xdp_zerocopy == XDP_ZEROCOPY);
  CHECK(abi::xdp_use_need_wakeup == XDP_USE_NEED_WAKEUP);
  CHECK(abi::xdp_ring_need_wakeup == XDP_RING_NEED_WAKEUP);
  CHECK(abi::xdp_options_zerocopy == XDP_OPTIONS_ZEROCOPY);
}

TEST_CASE("an AF_XDP socket is bound with all its frames to be filled", "[xsk]") {
  xsk_machine machine;
  const auto socket = xsk::open(
      7, {.queue = 3, .frame_size = 4096, .rx_frames = 4, .tx_frames = 2, .mode = barebpf::xsk_mode::copy});
  REQUIRE(socket.has_value());
  CHECK(machine.memory.len == 6 * 4096);
  CHECK(machine.memory.chunk_size == 4096);
  CHECK(machine.sizes ==
        std::map<unsigned, std::uint32_t>{
            {XDP_RX_RING, 4}, {XDP_TX_RING, 2}, {XDP_UMEM_FILL_RING, 4}, {XDP_UMEM_COMPLETION_RING, 2}});
  CHECK(machine.bound_to.family == AF_XDP);
  CHECK(machine.bound_to.ifindex == 7);
  CHECK(machine.bound_to.queue_id == 3);
  CHECK(machine.bound_to.flags == (XDP_COPY | XDP_USE_NEED_WAKEUP));
  CHECK(machine.frames_to_fill() == 4);
  CHECK(machine.names.size() == 13);
  CHECK(socket->statistics()->rx_ring_full == 4);
  CHECK(socket->is_zero_copy().value());
}

TEST_CASE("each step of opening an AF_XDP socket can fail and leaves nothing", "[xsk]") {
  const std::map<std::string, step> steps{{"socket", step::open_xsk}, {"bind", step::bind_xsk}};
  std::size_t at = 0;
  for (;; ++at) {
    xsk_machine machine;
    machine.failing_call = at;
    const auto socket = xsk::open(1, {.rx_frames = 2, .tx_frames = 2});
    if (at >= machine.names.size()) {
      CHECK(socket.has_value());
      break;
    }
    CAPTURE(at);
    INFO(machine.names.back());
    REQUIRE_FALSE(socket.has_value());
    CHECK(machine.names.size() == at + 1);
    CHECK(socket.error().code == EIO);
    const auto known = steps.find(machine.names.back());
    CHECK(socket.error().at == (known != steps.end() ? known->second
                                : at < 3             ? step::make_frames
                                                     : step::make_xsk_rings));
  }
  CHECK(at == 13);
}

TEST_CASE("sizes that no AF_XDP socket can have are refused", "[xsk]") {
  xsk_machine machine;
  CHECK(xsk::open(1, {.rx_frames = 3}).error().at == step::make_xsk_rings);
  machine.sizes.clear();
  CHECK(xsk::open(1, {.tx_frames = 3}).error().at == step::make_xsk_rings);
  CHECK(xsk::open(1, {.rx_frames = 0, .tx_frames = 0}).error().at == step::make_frames);
  const auto huge = xsk::open(1, {.frame_size = ~0u, .rx_frames = ~0u, .tx_frames = ~0u});
  CHECK(huge.error().at == step::make_frames);
  CHECK(huge.error().code == ENOMEM);
}

TEST_CASE("packets are received in their order, and their frames are filled again", "[xsk]") {
  xsk_machine machine;
  auto socket = xsk::open(1, {.rx_frames = 4, .tx_frames = 1});
  REQUIRE(socket.has_value());
  CHECK(take_packets(*socket).empty());
  // More than once around the rings.
  for (unsigned char round = 0; round < 5; ++round) {
    for (unsigned char i = 0; i < 4; ++i)
      CHECK(machine.deliver(packet_of(static_cast<unsigned char>(round * 4 + i), 60 + i)));
    CHECK_FALSE(machine.deliver(packet_of(0)));
    CHECK(socket->available() == 4);
    const auto first = take_packets(*socket, 3);
    REQUIRE(first.size() == 3);
    for (unsigned char i = 0; i < 3; ++i)
      CHECK(first[i] == packet_of(static_cast<unsigned char>(round * 4 + i), 60 + i));
    CHECK(machine.frames_to_fill() == 3);
    CHECK(take_packets(*socket) ==
          std::vector<packet>{packet_of(static_cast<unsigned char>(round * 4 + 3), 63)});
    CHECK(machine.frames_to_fill() == 4);
  }
  CHECK(machine.count("ppoll") == 0);
}

TEST_CASE("a batch ends where the callable says so or throws, and that packet is done with", "[xsk]") {
  xsk_machine machine;
  auto socket = xsk::open(1, {.rx_frames = 4, .tx_frames = 1});
  REQUIRE(socket.has_value());
  for (unsigned char i = 0; i < 4; ++i) machine.deliver(packet_of(i));
  CHECK(socket->receive([](std::span<unsigned char>) { return false; }) == 1);
  CHECK(machine.frames_to_fill() == 1);
  CHECK_THROWS_AS(socket->receive([](std::span<unsigned char> bytes) -> void { throw bytes[0]; }),
                  unsigned char);
  CHECK(machine.frames_to_fill() == 2);
  CHECK(take_packets(*socket) == std::vector<packet>{packet_of(2), packet_of(3)});
}

TEST_CASE("a driver that sleeps for want of frames is woken", "[xsk]") {
  xsk_machine machine;
  auto socket = xsk::open(1, {.rx_frames = 4, .tx_frames = 1});
  REQUIRE(socket.has_value());
  machine.set_wakeup(machine.fill, true);
  CHECK(socket->receive([](std::span<unsigned char>) {}) == 0);
  CHECK(machine.count("ppoll") == 1);
}

TEST_CASE("packets are sent from frames that come back", "[xsk]") {
  xsk_machine machine;
  auto socket = xsk::open(1, {.rx_frames = 1, .tx_frames = 4});
  REQUIRE(socket.has_value());
  std::vector<packet> expected;
  for (unsigned char round = 0; round < 5; ++round) {
    for (unsigned char i = 0; i < 4; ++i) {
      expected.push_back(packet_of(static_cast<unsigned char>(round * 4 + i), 60 + i));
      CHECK(socket->submit(expected.back()).has_value());
    }
    const auto full = socket->submit(packet_of(0));
    CHECK(full.error().at == step::send_packets);
    CHECK(full.error().why == cause::no_free_frame);
    CHECK(socket->unsent() == 4);
    CHECK(socket->flush().has_value());
    CHECK(socket->unsent() == 0);
    CHECK(socket->submit(packet_of(0)).error().why == cause::no_free_frame);
    machine.complete();
  }
  CHECK(machine.sent == expected);
  CHECK(machine.count("sendto") == 5);
}

TEST_CASE("a packet is written where it is sent from, or not at all", "[xsk]") {
  xsk_machine machine;
  auto socket = xsk::open(1, {.rx_frames = 1, .tx_frames = 1});
  REQUIRE(socket.has_value());
  CHECK(socket->submit([](std::span<unsigned char> frame) { return frame.size() + 1; }).error().why ==
        cause::packet_too_large);
  CHECK(socket->submit(packet(2049)).error().why == cause::packet_too_large);
  CHECK(socket->submit([](std::span<unsigned char>) { return std::size_t{0}; }).has_value());
  CHECK(socket->unsent() == 0);
  CHECK(socket
            ->submit([](std::span<unsigned char> frame) {
              std::fill(frame.begin(), frame.end(), static_cast<unsigned char>(9));
              return frame.size();
            })
            .has_value());
  CHECK(socket->flush().has_value());
  CHECK(machine.sent == std::vector<packet>{packet(2048, 9)});
}

TEST_CASE("flushing goes on until all is sent, and says what stops it", "[xsk]") {
  xsk_machine machine;
  machine.largest_send = 3;
  auto socket = xsk::open(1, {.rx_frames = 1, .tx_frames = 8});
  REQUIRE(socket.has_value());
  CHECK(socket->flush().has_value());
  CHECK(machine.count("sendto") == 0);
  for (unsigned char i = 0; i < 8; ++i) CHECK(socket->submit(packet_of(i)).has_value());
  SECTION("in parts") {
    CHECK(socket->flush().has_value());
    CHECK(machine.count("sendto") == 3);
    CHECK(machine.sent.size() == 8);
  }
  SECTION("when the kernel takes nothing") {
    machine.largest_send = 0;
    CHECK(socket->flush().error().code == EAGAIN);
    CHECK(socket->unsent() == 8);
  }
  SECTION("when the interface is down") {
    machine.refusals["sendto"] = ENETDOWN;
    CHECK(socket->flush().error().code == ENETDOWN);
    CHECK(socket->flush().error().at == step::send_packets);
  }
  SECTION("not at all when the driver is awake") {
    machine.set_wakeup(machine.tx, false);
    CHECK(socket->flush().has_value());
    CHECK(machine.count("sendto") == 0);
  }
}

TEST_CASE("an AF_XDP socket may only receive, or only send", "[xsk]") {
  xsk_machine machine;
  SECTION("only receive") {
    auto socket = xsk::open(1, {.rx_frames = 2, .tx_frames = 0});
    REQUIRE(socket.has_value());
    CHECK(machine.sizes.count(machine.tx) == 0);
    CHECK(machine.deliver(packet_of(1)));
    CHECK(take_packets(*socket).size() == 1);
    CHECK(socket->submit(packet_of(1)).error().why == cause::no_free_frame);
    CHECK(socket->unsent() == 0);
    CHECK(socket->flush().has_value());
    machine.refusals["sendto"] = ENOBUFS;  // there is nothing to send from
    CHECK(socket->check().has_value());
  }
  SECTION("only send") {
    auto socket = xsk::open(1, {.rx_frames = 0, .tx_frames = 2});
    REQUIRE(socket.has_value());
    CHECK(machine.sizes.count(machine.rx) == 0);
    CHECK(machine.frames_to_fill() == 0);
    CHECK(take_packets(*socket).empty());
    CHECK(socket->available() == 0);
    CHECK(socket->submit(packet_of(1)).has_value());
    CHECK(socket->check().has_value());
    CHECK(machine.sent.size() == 1);
  }
}

TEST_CASE("before Linux 5.4 the driver is woken for each packet, without being asked", "[xsk]") {
  xsk_machine machine;
  machine.before_5_4 = true;
  auto socket = xsk::open(1, {.rx_frames = 2, .tx_frames = 2});
  REQUIRE(socket.has_value());
  CHECK(machine.bound_to.flags == 0);
  CHECK(machine.deliver(packet_of(1)));
  CHECK(take_packets(*socket) == std::vector<packet>{packet_of(1)});
  CHECK(machine.count("ppoll") == 0);
  CHECK(socket->submit(packet_of(2)).has_value());
  CHECK(socket->flush().has_value());
  CHECK(machine.sent == std::vector<packet>{packet_of(2)});
  CHECK(socket->statistics()->tx_invalid_descs == 3);
  CHECK(socket->statistics()->rx_ring_full == 0);
}

TEST_CASE("an AF_XDP socket whose interface is gone says so", "[xsk]") {
  xsk_machine machine;
  auto socket = xsk::open(1, {.rx_frames = 2, .tx_frames = 2});
  REQUIRE(socket.has_value());
  CHECK(socket->check().has_value());
  machine.refusals["sendto"] = ENXIO;
  CHECK(socket->check().error().at == step::check_xsk);
  CHECK(socket->check().error().code == ENXIO);
  machine.refusals["getsockopt"] = EBADF;
  CHECK(socket->statistics().error().at == step::check_xsk);
  CHECK(socket->is_zero_copy().error().at == step::check_xsk);
}

TEST_CASE("a moved AF_XDP socket goes on, and nothing is left where it was", "[xsk]") {
  xsk_machine machine;
  auto first = xsk::open(1, {.rx_frames = 2, .tx_frames = 2});
  REQUIRE(first.has_value());
  xsk second = std::move(*first);
  CHECK(machine.deliver(packet_of(1)));
  CHECK(take_packets(*first).empty());
  CHECK(first->submit(packet_of(2)).error().why == cause::no_free_frame);
  CHECK(first->unsent() == 0);
  CHECK_FALSE(first->descriptor().is_open());
  CHECK(take_packets(second) == std::vector<packet>{packet_of(1)});
  CHECK(second.submit(packet_of(2)).has_value());
  CHECK(second.flush().has_value());
  CHECK(machine.sent == std::vector<packet>{packet_of(2)});
}
