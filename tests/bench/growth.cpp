// SPDX-License-Identifier: MIT
// How does the time grow with the object? Takes object files, of which each has more of one thing than the one before,
// and reads each, cuts its types to what the kernel needs, opens it with libbpf and, if told so, loads it.
#include <sys/resource.h>

#include <iterator>
#include <memory>

#include "bench.hpp"

using namespace bench;

namespace {

struct file {
  std::string path;
  std::size_t size = 0;
  std::unique_ptr<unsigned char[]> content;
  std::vector<std::vector<double>> times;

  explicit file(const char* from) : path(from), times(5) {
    std::FILE* const in = std::fopen(from, "rb");
    must_be(in != nullptr && std::fseek(in, 0, SEEK_END) == 0, from);
    size = static_cast<std::size_t>(std::ftell(in));
    content = std::make_unique_for_overwrite<unsigned char[]>(size);
    std::rewind(in);
    must_be(std::fread(content.get(), 1, size, in) == size, from);
    std::fclose(in);
  }
  [[nodiscard]] barebpf::bytes image() const { return {content.get(), size}; }
};

u64 size_of_all(const barebpf::object_spec& spec) {
  return spec.maps().size() + spec.programs().size() + spec.references().size() + spec.types().count();
}
u64 reads(const file& of) { return size_of_all(must(barebpf::object_spec::read(of.image()))); }

u64 reads_and_prunes(const file& of) {
  const auto spec = must(barebpf::object_spec::read(of.image()));
  const auto tables = spec.tables();
  auto storage = must(barebpf::buffer<u32>::of(
      barebpf::pruned_btf::storage_size(tables.types.count(), tables.core_count, tables.types.types_size())));
  barebpf::btf_pruner types(tables, storage.data());
  types.keep_object();
  std::vector<u32> image((types.number() + 3) / 4);
  types.write(image.data(), reinterpret_cast<barebpf::u8*>(image.data() + types.head_words()));
  return size_of_all(spec) + types.count();
}

u64 opens_by_libbpf(const file& of) {
  bpf_object* const object = bpf_object__open_mem(of.content.get(), of.size, nullptr);
  must_be(object != nullptr, "bpf_object__open_mem");
  bpf_object__close(object);
  return 1;
}

u64 loads(const file& of) {
  const auto object = must(barebpf::object::open(of.content.get(), of.size));
  const auto loaded = must(object.load());
  return 1;
}
u64 loads_by_libbpf(const file& of) {
  bpf_object* const object = bpf_object__open_mem(of.content.get(), of.size, nullptr);
  must_be(object != nullptr && bpf_object__load(object) == 0, "bpf_object__load");
  bpf_object__close(object);
  return 1;
}

struct {
  const char* name;
  u64 (*run)(const file&);
} const ways[] = {{"read", reads},
                  {"read and prune", reads_and_prunes},
                  {"libbpf, open", opens_by_libbpf},
                  {"load", loads},
                  {"libbpf, open and load", loads_by_libbpf}};

// So often that the clock's own steps count for nothing, but once at least.
void measure(std::size_t way, file& of, bool matters) {
  constexpr u64 long_enough = 200000;
  const u64 begin = processor_nanoseconds();
  u64 end = begin, times = 0;
  for (; end - begin < long_enough; end = processor_nanoseconds(), ++times)
    must_be(ways[way].run(of) != 0, of.path.c_str());
  if (matters) of.times[way].push_back(static_cast<double>(end - begin) / static_cast<double>(times));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "--times") == 0) {  // for who counts the instructions
    const file of(argv[3]);
    for (u64 i = std::strtoull(argv[2], nullptr, 10); i != 0; --i) reads(of);
    return 0;
  }
  const bool with_loading = argc > 4 && std::strcmp(argv[3], "--load") == 0;
  const int first = with_loading ? 4 : 3;
  if (argc <= first)
    give_up(std::string("usage: ") + argv[0] + " --rounds N [--load] OBJECT..., or --times N OBJECT");
  const settings how = arguments(3, argv);
  libbpf_set_print(nullptr);
  rlimit descriptors{};
  must_be(getrlimit(RLIMIT_NOFILE, &descriptors) == 0, "getrlimit");
  descriptors.rlim_cur = descriptors.rlim_max;
  must_be(setrlimit(RLIMIT_NOFILE, &descriptors) == 0, "setrlimit");
  stay_on_one_processor();
  std::vector<file> files(argv + first, argv + argc);
  const std::size_t way_count = with_loading ? std::size(ways) : 3;
  std::vector<std::size_t> order(files.size() * way_count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937 dice;
  for (u64 round = 0; round <= how.rounds; ++round) {
    std::shuffle(order.begin(), order.end(), dice);
    for (const std::size_t turn : order) measure(turn % way_count, files[turn / way_count], round != 0);
  }
  for (const file& of : files) {
    std::printf("{\"question\": \"%s\", \"count\": 1, \"saw\": %llu, \"ns\": {", of.path.c_str(),
                static_cast<unsigned long long>(reads(of)));
    for (std::size_t way = 0; way < way_count; ++way) {
      std::printf("%s\"%s\": [", way == 0 ? "" : ", ", ways[way].name);
      for (std::size_t i = 0; i < of.times[way].size(); ++i)
        std::printf("%s%.0f", i == 0 ? "" : ", ", of.times[way][i]);
      std::printf("]");
    }
    std::printf("}}\n");
  }
  return 0;
}
