// SPDX-License-Identifier: MIT
// Room 6.14, netlink: requests to the network stack that have no system call of their own.
#ifndef BAREBPF_NETLINK_HPP
#define BAREBPF_NETLINK_HPP

#include "fd.hpp"
#include "outcome.hpp"

namespace barebpf::inline BAREBPF_ABI::detail {

// One request of NETLINK_ROUTE, as it is built and sent.
// Source: netlink(7), rtnetlink(7); struct nlmsghdr in include/uapi/linux/netlink.h at v6.12.
class netlink_request {
 public:
  static constexpr u16 wants_answer = 1 | 4;                    // NLM_F_REQUEST | NLM_F_ACK
  static constexpr u16 excl = 0x200, create = 0x400, echo = 8;  // NLM_F_EXCL and its siblings

  netlink_request() noexcept = default;
  template <class Body>
  netlink_request(u16 type, u16 flags, const Body& body) noexcept {
    put_number(u32{0});
    put_number(type);
    put_number(static_cast<u16>(flags | wants_answer));
    put_number(u64{0});  // sequence and port
    put(&body, sizeof body);
  }
  void add(u16 type, const void* value, size_t size) noexcept {
    put_number(static_cast<u16>(size + 4));
    put_number(type);
    put(value, size);
  }
  template <class Number>
  void add(u16 type, Number value) noexcept {
    add(type, &value, sizeof value);
  }
  // At most 63 characters.
  void add_text(u16 type, const char* value) noexcept {
    char cut[64] = {};
    for (size_t i = 0; i + 1 < sizeof cut && value[i] != '\0'; ++i) cut[i] = value[i];
    add(type, cut, __builtin_strlen(cut) + 1);
  }
  // Attributes that are added until `end` lie in this one.
  [[nodiscard]] size_t begin(u16 type) noexcept {
    const size_t at = size_;
    put_number(u16{0});
    put_number(type);
    return at;
  }
  void end(size_t at) noexcept {
    const auto size = static_cast<u16>(size_ - at);
    __builtin_memcpy(bytes_ + at, &size, sizeof size);
  }

  // Sends it through `socket` and waits for what the kernel says. With NLM_F_ECHO the body of what was made comes back.
  // Shape: 0, or negative errno.
  template <class Body>
  [[nodiscard]] long send(const fd& socket, Body& made) noexcept {
    const auto size = static_cast<u32>(size_);
    __builtin_memcpy(bytes_, &size, sizeof size);
    long answer = system_call(__NR_sendto, socket.number(), bytes_, size_, 0, nullptr, 0);
    while (answer >= 0) {
      alignas(8) unsigned char reply[8192];
      answer = system_call(__NR_recvfrom, socket.number(), reply, sizeof reply, 0, nullptr, nullptr);
      if (answer == -EINTR) {
        answer = 0;
        continue;
      }
      const size_t end = answer < 0 ? 0 : static_cast<size_t>(answer);
      for (size_t at = 0; end - at >= header_size;) {
        u32 length;
        u16 type;
        __builtin_memcpy(&length, reply + at, sizeof length);
        __builtin_memcpy(&type, reply + at + 4, sizeof type);
        if (length < header_size || length > end - at) return -EPROTO;
        constexpr u16 is_error = 2;  // NLMSG_ERROR, which an acknowledgement is too
        if (type == is_error) {
          s32 code;
          __builtin_memcpy(&code, reply + at + header_size, sizeof code);
          return code;
        }
        if (length >= header_size + sizeof made)
          __builtin_memcpy(&made, reply + at + header_size, sizeof made);
        const size_t next = (size_t{length} + 3) & ~size_t{3};
        at += next < end - at ? next : end - at;
      }
    }
    return answer;
  }
  [[nodiscard]] long send(const fd& socket) noexcept {
    u32 nothing;
    return send(socket, nothing);
  }
  // Shape: its descriptor, or a negative errno in its place.
  [[nodiscard]] static fd open_socket() noexcept {
    constexpr int family = 16, raw_close_on_exec = 3 | 02000000;  // AF_NETLINK; SOCK_RAW | SOCK_CLOEXEC
    return fd::own(move_away(system_call(__NR_socket, family, raw_close_on_exec, 0)));
  }

 private:
  static constexpr size_t header_size = 16;
  void put(const void* from, size_t size) noexcept {
    const size_t end = (size_ + size + 3) & ~size_t{3};
    if (end > sizeof bytes_) __builtin_trap();  // none that is made here is as long
    __builtin_memcpy(bytes_ + size_, from, size);
    size_ = end;
  }
  // Two of 16 bits come one behind the other.
  template <class Number>
  void put_number(Number number) noexcept {
    __builtin_memcpy(bytes_ + size_, &number, sizeof number);
    size_ += sizeof number;
  }

  alignas(8) unsigned char bytes_[256] = {};
  size_t size_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI::detail

#endif  // BAREBPF_NETLINK_HPP
