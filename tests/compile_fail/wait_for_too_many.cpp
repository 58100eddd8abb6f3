// expect: barebpf: one call waits for 1 to 32 things, so put more of them into a wait_set
#include <barebpf/wait.hpp>

template <std::size_t... Index>
bool use(const barebpf::stopper& one, std::index_sequence<Index...>) {
  return barebpf::wait(barebpf::deadline::now(), (static_cast<void>(Index), one)...).has_value();
}
#ifdef EXPECT_ERROR
bool wait_for(const barebpf::stopper& one) { return use(one, std::make_index_sequence<33>()); }
#else
bool wait_for(const barebpf::stopper& one) { return use(one, std::make_index_sequence<32>()); }
#endif
