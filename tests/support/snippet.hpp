// SPDX-License-Identifier: MIT
// What the snippets of docs/maps.md may use without saying where it comes from.
#ifndef BAREBPF_TESTS_SUPPORT_SNIPPET_HPP
#define BAREBPF_TESTS_SUPPORT_SNIPPET_HPP

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <chrono>
#include <cstdio>
#include <string>

#include <netinet/tcp.h>
#include "catch.hpp"
#include "cgroup.hpp"
#include "execve_counter.bpf.hpp"

#include "live.hpp"
#include "sockets.hpp"

struct surroundings {
  static constexpr barebpf::static_object<execve_counter> object{};
  const barebpf::result<barebpf::static_object<execve_counter>::loaded<>> loaded = object.load();

  const std::pair<barebpf::fd, barebpf::fd> ends = tcp_connection();  // over loopback
  const barebpf::fd &client = ends.first, &server = ends.second;
  const barebpf::fd listener = shared_socket(SOCK_STREAM, 0);

  const char* const path_of_cgroup = cgroup_folder().c_str();

  std::string said{};
  int explain(const barebpf::error& why) {
    said = sentence(why);
    return 1;
  }
};

template <class Snippet>
void run_snippet() {
  Snippet snippet;
  REQUIRE(snippet.loaded.has_value());
  const int outcome = snippet.run();
  INFO(snippet.said);
  CHECK(outcome == 0);
}

#endif
