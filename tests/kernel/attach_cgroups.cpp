// SPDX-License-Identifier: MIT
// Each section of cgroups: its program is attached, a process in the cgroup does what calls all of them, the counter has
// moved; it is taken out, and the counter stays.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "../support/cgroup.hpp"
#include "../support/live.hpp"
#include "../support/network.hpp"
#include "attach_cgroups.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::step;

constexpr barebpf::static_object<attach_cgroups> object;

struct any_address {
  sockaddr_storage bytes{};
  socklen_t size = sizeof bytes;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
};
any_address loopback(int family) {
  any_address out;
  out.bytes.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&out.bytes)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    out.size = sizeof(sockaddr_in);
  } else if (family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&out.bytes)->sin6_addr = in6addr_loopback;
    out.size = sizeof(sockaddr_in6);
  } else {  // of no file, with a number that the kernel chooses
    out.size = sizeof(sa_family_t);
  }
  return out;
}

// Binds, connects, asks for names, sends and receives, with connections and with datagrams. 0 when all of it worked.
int talk(int family) {
  int failed = 0;
  const auto sure = [&failed](bool truth) { failed += truth ? 0 : 1; };
  const int listener = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0);
  any_address where = loopback(family);
  sure(bind(listener, where.get(), where.size) == 0 && listen(listener, 1) == 0);
  where.size = sizeof where.bytes;
  sure(getsockname(listener, where.get(), &where.size) == 0);
  sure(connect(client, where.get(), where.size) == 0);
  const int server = accept(listener, nullptr, nullptr);
  any_address peer;
  sure(getpeername(client, peer.get(), &peer.size) == 0);
  int one = 1;
  socklen_t size = sizeof one;
  sure(setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one) == 0);
  sure(getsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &one, &size) == 0);
  char byte = 'x';
  sure(write(client, &byte, 1) == 1 && read(server, &byte, 1) == 1);
  for (const int end : {listener, client, server}) close(end);

  const int receiver = socket(family, SOCK_DGRAM, 0), sender = socket(family, SOCK_DGRAM, 0);
  where = loopback(family);
  sure(bind(receiver, where.get(), where.size) == 0);
  any_address own = loopback(family);
  sure(bind(sender, own.get(), own.size) == 0);
  where.size = sizeof where.bytes;
  sure(getsockname(receiver, where.get(), &where.size) == 0);
  sure(sendto(sender, &byte, 1, 0, where.get(), where.size) == 1);
  any_address from;
  sure(recvfrom(receiver, &byte, 1, 0, from.get(), &from.size) == 1);
  close(receiver);
  close(sender);
  return failed;
}
int do_everything() {
  int failed = talk(AF_INET) + talk(AF_INET6) + talk(AF_UNIX);
  const int device = open("/dev/null", O_RDONLY), option = open("/proc/sys/kernel/ostype", O_RDONLY);
  char byte;
  failed += device >= 0 && option >= 0 && read(option, &byte, 1) == 1 ? 0 : 1;
  return failed;
}

// `attach` puts one program in its place.
template <class Loaded, class Attach>
void check(const Loaded& loaded, const test_cgroup& own, const network_namespace& network, unsigned index,
           const char* name, Attach attach) {
  CAPTURE(name);
  const auto calls = must(loaded.template variable<"calls", std::uint64_t[32]>());
  const auto act = [&] { return network.inside([&] { return own.run(do_everything); }); };
  barebpf::link attached = must(attach());
  const std::uint64_t before = (*calls)[index];
  CHECK(act() == 0);
  CHECK((*calls)[index] > before);
  CHECK(attached.info()->type == barebpf::abi::link_type::cgroup);
  attached.detach();
  const std::uint64_t after = (*calls)[index];
  CHECK(act() == 0);
  CHECK((*calls)[index] == after);
}
#define CHECK_SECTION(index, program) \
  check(loaded, own, network, index, program, [&] { return loaded.template attach<program>(place); })

}  // namespace

TEST_CASE("cgroup, each section of packets, sockets, addresses, options and devices") {
  const auto loaded = must(object.load());
  const test_cgroup own("sections");
  const network_namespace network;
  const barebpf::cgroup place(own.descriptor());
  CHECK_SECTION(0, "skb_ingress");
  CHECK_SECTION(1, "skb_egress");
  CHECK_SECTION(2, "skb");
  CHECK_SECTION(3, "sock_create");
  CHECK_SECTION(4, "sock_release");
  CHECK_SECTION(5, "sock");
  CHECK_SECTION(6, "post_bind4");
  CHECK_SECTION(7, "post_bind6");
  CHECK_SECTION(8, "bind4");
  CHECK_SECTION(9, "bind6");
  CHECK_SECTION(10, "connect4");
  CHECK_SECTION(11, "connect6");
  CHECK_SECTION(12, "sendmsg4");
  CHECK_SECTION(13, "sendmsg6");
  CHECK_SECTION(14, "recvmsg4");
  CHECK_SECTION(15, "recvmsg6");
  CHECK_SECTION(16, "getpeername4");
  CHECK_SECTION(17, "getpeername6");
  CHECK_SECTION(18, "getsockname4");
  CHECK_SECTION(19, "getsockname6");
  CHECK_SECTION(20, "sysctl");
  CHECK_SECTION(21, "getsockopt");
  CHECK_SECTION(22, "setsockopt");
  CHECK_SECTION(23, "dev");
  CHECK_SECTION(24, "socket_events");
}

TEST_CASE("cgroup, each section of addresses of Unix sockets", "[needs 6.7]") {
  const barebpf::program_change with[] = {object.change_program<"connect_unix">({.load = true}),
                                          object.change_program<"sendmsg_unix">({.load = true}),
                                          object.change_program<"recvmsg_unix">({.load = true}),
                                          object.change_program<"getpeername_unix">({.load = true}),
                                          object.change_program<"getsockname_unix">({.load = true})};
  const auto loaded = must(object.load({.programs = with}));
  const test_cgroup own("unix");
  const network_namespace network;
  const barebpf::cgroup place(own.descriptor());
  CHECK_SECTION(25, "connect_unix");
  CHECK_SECTION(26, "sendmsg_unix");
  CHECK_SECTION(27, "recvmsg_unix");
  CHECK_SECTION(28, "getpeername_unix");
  CHECK_SECTION(29, "getsockname_unix");
}

TEST_CASE("cgroup, the programs of one place in the order that was asked for") {
  const auto loaded = must(object.load());
  const test_cgroup own("order");
  const barebpf::cgroup place(own.descriptor());
  const auto order = [&] {
    barebpf::u32 ids[4] = {};
    const auto there = must(
        barebpf::query_programs(own.descriptor().raw(), barebpf::abi::attach_type::cgroup_inet_ingress, ids));
    return std::pair(std::vector<barebpf::u32>(ids, ids + there.count), there.revision);
  };
  const barebpf::u32 first = kernel_id(loaded.program<"skb_ingress">()),
                     second = kernel_id(loaded.program<"skb">());
  const barebpf::link one = must(loaded.attach<"skb_ingress">(place));
  {
    auto before = loaded.attach<"skb">(place, barebpf::position::before(one));
    // Linux 6.12.118 has the patch of 6.17, and 6.12.107 has not.
    if (!before && barebpf::running_kernel() < barebpf::kernel(6, 17)) {
      CHECK(before.error().code == EINVAL);
      CHECK(before.error().why == cause::newer_position);
      // A revision alone it does not look at.
      const barebpf::link last = must(loaded.attach<"skb">(place, barebpf::position{.revision = 1}));
      CHECK(order().first == std::vector<barebpf::u32>{first, second});
      return;
    }
    REQUIRE(before.has_value());
    CHECK(order().first == std::vector<barebpf::u32>{second, first});
  }
  const barebpf::link after = must(loaded.attach<"skb">(place, barebpf::position::after(one)));
  CHECK(order().first == std::vector<barebpf::u32>{first, second});
  const auto moved = loaded.attach<"skb_ingress">(place, barebpf::position{.revision = order().second + 1});
  REQUIRE_FALSE(moved.has_value());
  CHECK(is_explained(moved.error(), step::link_create, ESTALE));
}
