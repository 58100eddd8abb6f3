// SPDX-License-Identifier: MIT
// AF_XDP sockets in an xskmap, on virtual Ethernet: what comes in and what goes out is compared byte by byte.
#include <sys/resource.h>
#include <sys/syscall.h>

#include <set>
#include <span>
#include <thread>

#include "../support/catch.hpp"
#include "../support/frames.hpp"
#include "../support/live.hpp"
#include "xdp_maps.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::deadline;
using barebpf::result;
using barebpf::step;
using barebpf::xdp_mode;
using barebpf::xsk;

constexpr barebpf::static_object<xdp_maps> programs;

template <class T>
bool is_refused(const result<T>& answer, step at, int code) {
  if (answer) return false;
  INFO(sentence(answer.error()));
  CHECK(is_explained(answer.error(), at, code));
  return true;
}
deadline in_seconds(std::uint64_t count) { return deadline::after_nanoseconds(count * 1'000'000'000); }

// A wire from "far0" to "near0", where the sockets are.
struct wired_hosts {
  network_namespace far, near;
  barebpf::u32 index = 0;

  wired_hosts() {
    connect_by_veth(far, "far0", near, "near0");
    far.add_address("far0", "10.77.1.1");
    near.add_address("near0", "10.77.1.2");
    index = near.index_of("near0");
    wait_for_wire(wire_end(far, "far0"), wire_end(near, "near0"));
  }
  result<xsk> open(const barebpf::xsk_options& options = {}) const {
    return near.inside([&] { return xsk::open(index, options); });
  }
  // After another socket has gone, whose queue the kernel gives free a moment later.
  xsk open_again() const {
    for (const deadline end = in_seconds(5); end.left() != 0; usleep(1000))
      if (auto opened = open()) return std::move(*opened);
    return must(open());
  }
};

// The next `count` frames that come into `socket`, or fewer when no more come.
std::vector<frame> receive(xsk& socket, std::size_t count) {
  std::vector<frame> out;
  while (out.size() < count) {
    const auto ready = must(barebpf::wait(in_seconds(5), socket));
    if (!ready) break;
    socket.receive([&](std::span<unsigned char> bytes) { out.emplace_back(bytes.begin(), bytes.end()); },
                   static_cast<std::uint32_t>(count - out.size()));
  }
  return out;
}

// Gives up what `capability` allows, of this process alone.
void drop(unsigned capability) {
  std::uint32_t header[2] = {0x20080522, 0}, sets[6] = {};
  syscall(SYS_capget, header, sets);
  for (unsigned set = 0; set < 3; ++set) sets[capability / 32 * 3 + set] &= ~(1u << capability % 32);
  syscall(SYS_capset, header, sets);
}

}  // namespace

TEST_CASE("xskmap: frames come into the socket of their slot, byte for byte", "[xskmap]") {
  const xdp_mode mode = GENERATE(xdp_mode::drv, xdp_mode::skb);
  CAPTURE(static_cast<unsigned>(mode));
  const wired_hosts hosts;
  const wire_end far(hosts.far, "far0"), near(hosts.near, "near0");
  const auto loaded = must(programs.load());
  auto sockets = loaded.map<"sockets", std::uint32_t, barebpf::xsk_fd>();
  auto socket = must(hosts.open({.rx_frames = 64, .tx_frames = 0}));
  REQUIRE(sockets.update_elem(2, socket).has_value());
  const barebpf::link attached = hosts.near.inside(
      [&] { return must(loaded.attach<"to_socket">(barebpf::interface{hosts.index}, mode)); });

  // Many times around the rings, in frames of many sizes.
  for (unsigned round = 0; round < 20; ++round) {
    std::vector<frame> sent;
    for (unsigned i = 0; i < 32; ++i) {
      sent.push_back(frame_of(2, round * 32 + i, 60 + round * 40 + i));
      far.send(sent.back());
    }
    REQUIRE((receive(socket, sent.size()) == sent));
  }
  CHECK(socket.available() == 0);
  CHECK(*must(loaded.variable<"seen", std::uint64_t>()) == 640);
  CHECK(*must(loaded.variable<"unplaced", std::uint64_t>()) == 0);
  CHECK(near.is_silent());
  CHECK_FALSE(must(socket.is_zero_copy()));
  const auto statistics = must(socket.statistics());
  CHECK(statistics.rx_dropped == 0);
  CHECK(statistics.rx_invalid_descs == 0);
}

TEST_CASE("xskmap: a slot is emptied by hand, and by the end of its socket", "[xskmap]") {
  const wired_hosts hosts;
  const wire_end far(hosts.far, "far0");
  const auto loaded = must(programs.load());
  auto sockets = loaded.map<"sockets", std::uint32_t, barebpf::xsk_fd>();
  auto socket = must(hosts.open());
  const barebpf::link attached =
      hosts.near.inside([&] { return must(loaded.attach<"to_socket">(barebpf::interface{hosts.index})); });
  const auto unplaced = must(loaded.variable<"unplaced", std::uint64_t>());

  REQUIRE(sockets.update_elem(0, socket, barebpf::update::noexist).has_value());
  const auto other = must(hosts.near.inside([] { return xsk::open(1); }));
  CHECK(is_refused(sockets.update_elem(0, other, barebpf::update::noexist), step::map_update_elem, EEXIST));
  CHECK(sockets.update_elem(1, other, barebpf::update::exist).error().code == ENOENT);
  REQUIRE(sockets.update_elem(1, socket).has_value());
  REQUIRE(sockets.delete_elem(0).has_value());
  far.send(frame_of(0, 1));
  far.send(frame_of(1, 2));
  CHECK((receive(socket, 1) == std::vector<frame>{frame_of(1, 2)}));
  CHECK(*unplaced == 1);

  { const xsk gone = std::move(socket); }
  socket = hosts.open_again();
  REQUIRE(sockets.update_elem(1, socket, barebpf::update::noexist).has_value());
  far.send(frame_of(1, 3));
  CHECK((receive(socket, 1) == std::vector<frame>{frame_of(1, 3)}));
}

TEST_CASE("xskmap: what is sent arrives at the other end, from frames that come back", "[xskmap]") {
  const wired_hosts hosts;
  const wire_end far(hosts.far, "far0");
  auto socket = must(hosts.open({.rx_frames = 0, .tx_frames = 16}));
  std::vector<frame> sent, arrived;
  for (unsigned i = 0; i < 300; ++i) {
    sent.push_back(frame_of(0, i, 60 + i));
    auto stored = socket.submit(sent.back());
    for (int tries = 0; !stored && tries < 1000; ++tries) {
      REQUIRE(stored.error().why == cause::no_free_frame);
      REQUIRE(socket.flush().has_value());
      while (arrived.size() < i) arrived.push_back(far.receive());
      stored = socket.submit(sent.back());
    }
    REQUIRE(stored.has_value());
  }
  REQUIRE(socket.flush().has_value());
  CHECK(socket.unsent() == 0);
  while (arrived.size() < sent.size()) arrived.push_back(far.receive());
  CHECK((arrived == sent));
  CHECK(must(socket.statistics()).tx_invalid_descs == 0);
}

TEST_CASE("xskmap: one flush sends all, and what comes in goes out again", "[xskmap][needs 6.1]") {
  const wired_hosts hosts;
  const wire_end far(hosts.far, "far0");
  const auto loaded = must(programs.load());
  auto sockets = loaded.map<"sockets", std::uint32_t, barebpf::xsk_fd>();
  auto socket = must(hosts.open());
  REQUIRE(sockets.update_elem(0, socket).has_value());
  const barebpf::link attached =
      hosts.near.inside([&] { return must(loaded.attach<"to_socket">(barebpf::interface{hosts.index})); });

  std::vector<frame> sent, echoed;
  for (unsigned i = 0; i < 80; ++i) {
    sent.push_back(frame_of(0, i));
    far.send(sent.back());
  }
  for (std::size_t count = 0; count < sent.size();) {
    REQUIRE(must(barebpf::wait(in_seconds(5), socket)));
    count += socket.receive([&](std::span<unsigned char> bytes) {
      bytes[15] = 0x42;
      CHECK(socket.submit(bytes).has_value());
    });
  }
  REQUIRE(socket.flush().has_value());
  CHECK(socket.unsent() == 0);
  for (frame& one : sent) {
    one = marked(one);
    echoed.push_back(far.receive());
  }
  CHECK((echoed == sent));
}

TEST_CASE("xskmap: one thread receives while another sends", "[xskmap]") {
  const wired_hosts hosts;
  const wire_end far(hosts.far, "far0");
  const auto loaded = must(programs.load());
  auto sockets = loaded.map<"sockets", std::uint32_t, barebpf::xsk_fd>();
  auto socket = must(hosts.open());
  REQUIRE(sockets.update_elem(0, socket).has_value());
  const barebpf::link attached =
      hosts.near.inside([&] { return must(loaded.attach<"to_socket">(barebpf::interface{hosts.index})); });

  constexpr unsigned count = 500;
  unsigned refused = 0;
  std::thread sender([&] {
    for (unsigned i = 0; i < count; ++i)
      for (const deadline end = in_seconds(5); end.left() != 0; usleep(100)) {
        if (socket.submit(frame_of(1, i, 100 + i)) && socket.flush()) break;
        ++refused;
      }
  });
  bool are_equal = true;
  std::set<frame> sent, arrived;
  for (unsigned i = 0; i < count; ++i) {
    far.send(frame_of(0, i));
    const auto in = receive(socket, 1);
    are_equal = are_equal && in.size() == 1 && in[0] == frame_of(0, i);
    sent.insert(frame_of(1, i, 100 + i));
    arrived.insert(far.receive());
  }
  sender.join();
  CHECK(are_equal);
  // A wait sends too, from another CPU, so one packet may overtake another.
  CHECK((arrived == sent));
  CHECK(refused == 0);
}

TEST_CASE("xskmap: what nobody receives in time is dropped and counted", "[xskmap]") {
  const wired_hosts hosts;
  const wire_end far(hosts.far, "far0");
  const auto loaded = must(programs.load());
  auto sockets = loaded.map<"sockets", std::uint32_t, barebpf::xsk_fd>();
  auto socket = must(hosts.open({.rx_frames = 4, .tx_frames = 0}));
  REQUIRE(sockets.update_elem(0, socket).has_value());
  const barebpf::link attached =
      hosts.near.inside([&] { return must(loaded.attach<"to_socket">(barebpf::interface{hosts.index})); });
  std::vector<frame> sent;
  for (unsigned i = 0; i < 7; ++i) {
    sent.push_back(frame_of(0, i));
    far.send(sent.back());
  }
  const auto dropped = [&] {
    const auto counts = must(socket.statistics());
    return counts.rx_dropped + counts.rx_ring_full;
  };
  const deadline end = in_seconds(5);
  while (dropped() < 3 && end.left() != 0) {
  }
  CHECK(dropped() == 3);
  CHECK(socket.available() == 4);
  sent.resize(4);
  CHECK((receive(socket, 4) == sent));
  far.send(frame_of(0, 9));
  CHECK((receive(socket, 1) == std::vector<frame>{frame_of(0, 9)}));
}

TEST_CASE("xskmap: a wait for frames ends by its deadline or a stopper", "[xskmap]") {
  const wired_hosts hosts;
  const auto socket = must(hosts.open());
  CHECK_FALSE(must(barebpf::wait(deadline::after_nanoseconds(1'000'000), socket)));
  const auto stop = must(barebpf::stopper::make());
  stop.stop();
  const auto ready = must(barebpf::wait(deadline::never(), socket, stop));
  CHECK_FALSE(ready[0]);
  CHECK(ready[1]);
}

TEST_CASE("xskmap: an interface that goes is noticed", "[xskmap]") {
  const wired_hosts hosts;
  auto socket = must(hosts.open());
  CHECK(socket.check().has_value());
  REQUIRE(socket.submit(frame_of(0, 1)).has_value());
  hosts.far.remove("far0");
  CHECK(is_refused(socket.check(), step::check_xsk, ENXIO));
  CHECK(is_refused(socket.flush(), step::send_packets, ENXIO));
  CHECK_FALSE(must(barebpf::wait(deadline::now(), socket)));
}

TEST_CASE("xskmap: what the kernel says against a socket is explained", "[xskmap]") {
  const wired_hosts hosts;
  const auto socket = must(hosts.open());
  const auto refused = [&](const barebpf::xsk_options& options, step at, int code) {
    const int before = open_descriptors();
    const auto opened = hosts.open(options);
    REQUIRE_FALSE(opened.has_value());
    INFO(sentence(opened.error()));
    CHECK(is_explained(opened.error(), at, code));
    CHECK(open_descriptors() == before);
  };
  refused({}, step::bind_xsk, EBUSY);
  refused({.queue = 9}, step::bind_xsk, EINVAL);
  refused({.frame_size = 1024}, step::make_frames, EINVAL);
  refused({.frame_size = 3000}, step::make_frames, EINVAL);
  refused({.rx_frames = 0, .tx_frames = 0}, step::make_frames, EINVAL);
  refused({.rx_frames = 1000}, step::make_xsk_rings, EINVAL);

  const auto nowhere = hosts.near.inside([] { return xsk::open(12345); });
  CHECK(is_refused(nowhere, step::bind_xsk, ENODEV));
  const auto loopback =
      hosts.near.inside([] { return xsk::open(1, {.mode = barebpf::xsk_mode::zero_copy}); });
  CHECK(is_refused(loopback, step::bind_xsk, EOPNOTSUPP));

  CHECK(in_child([&] {
          drop(13);  // CAP_NET_RAW
          const auto opened = hosts.open();
          return !opened && is_explained(opened.error(), step::open_xsk, EPERM) ? 0 : 1;
        }) == 0);
  CHECK(in_child([&] {
          drop(14);  // CAP_IPC_LOCK
          const rlimit little{.rlim_cur = 4096, .rlim_max = 4096};
          setrlimit(RLIMIT_MEMLOCK, &little);
          const auto opened = xsk::open(1);
          return !opened && is_explained(opened.error(), step::make_frames, ENOBUFS) ? 0 : 1;
        }) == 0);

  auto sockets = must(barebpf::xskmap::create({.name = "sockets", .max_entries = 1}));
  const owned_fd other = udp_socket("127.0.0.1", 0);
  CHECK(sockets.update_elem(0, other).error().code == EOPNOTSUPP);
  CHECK(is_refused(sockets.update_elem(0, barebpf::xsk_fd(0)), step::map_update_elem, ENOTSOCK));
  CHECK(sockets.update_elem(1, socket).error().why == cause::no_such_slot);
}
