// SPDX-License-Identifier: MIT
// A network of the test's own: namespaces with pairs of virtual Ethernet interfaces between them, made by rtnetlink and
// gone with their last descriptor. Whoever enters one does so with one thread; no other process sees anything of it.
#ifndef BAREBPF_TESTS_SUPPORT_NETWORK_HPP
#define BAREBPF_TESTS_SUPPORT_NETWORK_HPP

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "library.hpp"

/// A descriptor of a test.
using owned_fd = barebpf::fd;

/// One network namespace.
class network_namespace {
 public:
  /// A new one, in which only loopback is, up.
  network_namespace() {
    const owned_fd before = own_namespace();
    REQUIRE(unshare(CLONE_NEWNET) == 0);
    file_ = own_namespace();
    set_up("lo");
    REQUIRE(setns(before.number(), CLONE_NEWNET) == 0);
  }
  const owned_fd& descriptor() const { return file_; }

  /// Does `act` inside and comes back.
  template <class Function>
  auto inside(Function act) const {
    struct way_back {
      owned_fd before = own_namespace();
      ~way_back() { setns(before.number(), CLONE_NEWNET); }
    };
    const way_back back;
    REQUIRE(setns(file_.number(), CLONE_NEWNET) == 0);
    return act();
  }
  /// The index of the interface called `name`, or 0.
  unsigned index_of(const std::string& name) const {
    return inside([&] { return if_nametoindex(name.c_str()); });
  }
  /// Gives the interface an IPv4 address, "10.0.0.1", in a network of 24 bits, and sets it up.
  void add_address(const std::string& name, const std::string& address) const {
    inside([&] {
      request message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
      message.add(ifaddrmsg{.ifa_family = AF_INET,
                            .ifa_prefixlen = 24,
                            .ifa_flags = 0,
                            .ifa_scope = 0,
                            .ifa_index = if_nametoindex(name.c_str())});
      const std::uint32_t number = inet_addr(address.c_str());
      message.attribute(IFA_LOCAL, &number, sizeof number);
      message.attribute(IFA_ADDRESS, &number, sizeof number);
      message.send();
      set_up(name);
    });
  }
  /// Removes an interface; of a pair both ends go.
  void remove(const std::string& name) const {
    inside([&] {
      request message(RTM_DELLINK, 0);
      message.add(header_of(name));
      message.send();
    });
  }

 private:
  friend void connect_by_veth(const network_namespace&, const std::string&, const network_namespace&,
                              const std::string&);
  friend void connect_by_netkit(const network_namespace&, const std::string&, const network_namespace&,
                                const std::string&);

  // A message of rtnetlink, and its answer.
  class request {
   public:
    request(unsigned type, unsigned flags) : bytes_(sizeof(nlmsghdr)) {
      head().nlmsg_type = static_cast<std::uint16_t>(type);
      head().nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    }
    template <class Record>
    void add(const Record& record) {
      append(&record, sizeof record);
    }
    void attribute(unsigned type, const void* content, std::size_t size) {
      const rtattr head{.rta_len = static_cast<unsigned short>(RTA_LENGTH(size)),
                        .rta_type = static_cast<unsigned short>(type)};
      bytes_.resize(bytes_.size() + sizeof head);
      std::memcpy(bytes_.data() + bytes_.size() - sizeof head, &head, sizeof head);
      append(content, size);
    }
    void attribute(unsigned type, const std::string& name) { attribute(type, name.c_str(), name.size() + 1); }
    /// What `fill` adds goes into an attribute.
    template <class Function>
    void nest(unsigned type, Function fill) {
      const std::size_t start = bytes_.size();
      attribute(type, nullptr, 0);
      fill();
      const auto size = static_cast<unsigned short>(bytes_.size() - start);
      std::memcpy(bytes_.data() + start, &size, sizeof size);
    }
    void send() {
      head().nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
      const owned_fd door = owned_fd::own(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
      REQUIRE(::send(door.number(), bytes_.data(), bytes_.size(), 0) == static_cast<long>(bytes_.size()));
      struct {
        nlmsghdr head;
        nlmsgerr said;
        char rest[4096];
      } answer = {};
      REQUIRE(recv(door.number(), &answer, sizeof answer, 0) > 0);
      REQUIRE(answer.head.nlmsg_type == NLMSG_ERROR);
      INFO("rtnetlink: " << strerror(-answer.said.error));
      REQUIRE(answer.said.error == 0);
    }

   private:
    nlmsghdr& head() { return *reinterpret_cast<nlmsghdr*>(bytes_.data()); }
    void append(const void* content, std::size_t size) {
      const std::size_t start = bytes_.size();
      bytes_.resize((start + size + 3) / 4 * 4);
      if (size != 0) std::memcpy(bytes_.data() + start, content, size);
    }
    std::vector<char> bytes_;
  };

  static owned_fd own_namespace() {
    return owned_fd::own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  }
  static ifinfomsg header_of(const std::string& name) {
    ifinfomsg out{};
    out.ifi_index = static_cast<int>(if_nametoindex(name.c_str()));
    return out;
  }
  static void set_up(const std::string& name) {
    request message(RTM_NEWLINK, 0);
    ifinfomsg head = header_of(name);
    head.ifi_flags = head.ifi_change = IFF_UP;
    message.add(head);
    message.send();
  }

  owned_fd file_;
};

/// Makes a pair of virtual Ethernet interfaces, one end in each namespace. They are down until they get an address.
inline void connect_by_veth(const network_namespace& here, const std::string& name,
                            const network_namespace& there, const std::string& peer) {
  here.inside([&] {
    network_namespace::request message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    message.add(ifinfomsg{});
    message.attribute(IFLA_IFNAME, name);
    message.nest(IFLA_LINKINFO, [&] {
      message.attribute(IFLA_INFO_KIND, "veth", 4);
      message.nest(IFLA_INFO_DATA, [&] {
        message.nest(VETH_INFO_PEER, [&] {
          message.add(ifinfomsg{});
          message.attribute(IFLA_IFNAME, peer);
          const int other = there.descriptor().number();
          message.attribute(IFLA_NET_NS_FD, &other, sizeof other);
        });
      });
    });
    message.send();
  });
}

/// The same of netkit, whose first interface is `name`.
inline void connect_by_netkit(const network_namespace& here, const std::string& name,
                              const network_namespace& there, const std::string& peer) {
  constexpr unsigned peer_info = 1;  // IFLA_NETKIT_PEER_INFO, which older headers lack
  here.inside([&] {
    network_namespace::request message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    message.add(ifinfomsg{});
    message.attribute(IFLA_IFNAME, name);
    message.nest(IFLA_LINKINFO, [&] {
      message.attribute(IFLA_INFO_KIND, "netkit", 6);
      message.nest(IFLA_INFO_DATA, [&] {
        message.nest(peer_info, [&] {
          message.add(ifinfomsg{});
          message.attribute(IFLA_IFNAME, peer);
          const int other = there.descriptor().number();
          message.attribute(IFLA_NET_NS_FD, &other, sizeof other);
        });
      });
    });
    message.send();
  });
}

/// A UDP socket of the namespace it is made in, bound to `address` and `port`, 0 for any; reads wait a second at most.
inline owned_fd udp_socket(const std::string& address, std::uint16_t port) {
  owned_fd out = owned_fd::own(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval second{.tv_sec = 1, .tv_usec = 0};
  REQUIRE(setsockopt(out.number(), SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) == 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = inet_addr(address.c_str());
  REQUIRE(bind(out.number(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  return out;
}
/// Sends `size` bytes from a UDP socket; true when the kernel took them.
inline bool send_to(const owned_fd& from, const std::string& address, std::uint16_t port, std::size_t size) {
  const std::vector<char> content(size, 'x');
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = inet_addr(address.c_str());
  return sendto(from.number(), content.data(), size, 0, reinterpret_cast<const sockaddr*>(&where),
                sizeof where) == static_cast<long>(size);
}
/// True when a packet arrived; waits as long as the socket does.
inline bool receives(const owned_fd& at) {
  char content[2048];
  return recv(at.number(), content, sizeof content, 0) >= 0;
}
/// Two ends of a TCP connection over loopback.
inline std::pair<owned_fd, owned_fd> tcp_connection() {
  const owned_fd listener = owned_fd::own(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  owned_fd client = owned_fd::own(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  auto* const address = reinterpret_cast<sockaddr*>(&where);
  REQUIRE(bind(listener.number(), address, sizeof where) == 0);
  REQUIRE(listen(listener.number(), 1) == 0);
  REQUIRE(getsockname(listener.number(), address, &size) == 0);
  REQUIRE(connect(client.number(), address, sizeof where) == 0);
  owned_fd server = owned_fd::own(accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(server.is_open());
  const timeval second{.tv_sec = 1, .tv_usec = 0};
  for (const owned_fd* end : {&client, &server})
    REQUIRE(setsockopt(end->number(), SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) == 0);
  return {std::move(client), std::move(server)};
}

/// Two namespaces with a veth between them: packets go from "left", 10.77.0.1, to "right", 10.77.0.2.
struct two_hosts {
  static constexpr std::uint16_t test_port = 4711;
  network_namespace left, right;
  owned_fd sender, receiver;

  two_hosts() {
    connect_by_veth(left, "left0", right, "right0");
    left.add_address("left0", "10.77.0.1");
    right.add_address("right0", "10.77.0.2");
    sender = left.inside([] { return udp_socket("10.77.0.1", 0); });
    receiver = right.inside([] { return udp_socket("10.77.0.2", test_port); });
    // A new veth may drop packets for a second, and a neighbour that was asked for in vain is asked for again later.
    bool is_ready = false;
    for (int tries = 0; tries < 8 && !is_ready; ++tries) is_ready = arrives();
    REQUIRE(is_ready);
    usleep(20000);
    char late[64];
    while (recv(receiver.number(), late, sizeof late, MSG_DONTWAIT) >= 0) {
    }
  }
  bool arrives() const { return send_to(sender, "10.77.0.2", test_port, 64) && receives(receiver); }
};

#endif
