// expect: barebpf: the type in the BPF object has no member of this name, so look for a misspelling
// then: no_such_member
#include <barebpf/barebpf.hpp>

#include "two_programs.bpf.hpp"

constexpr barebpf::static_object<two_programs> object;

void use() {
  const auto loaded = object.load();
  const auto calls = loaded->map<"calls_by_process_and_number">();
  decltype(calls)::key_type key;
#ifdef EXPECT_ERROR
  key.set<"pit">(42);
#else
  key.set<"pid">(42);
#endif
  static_cast<void>(calls.lookup_elem(key));
}
