// SPDX-License-Identifier: MIT
// The main of a fuzz target that is built without libFuzzer: looks at each file that is named, and at each
// file in a folder that is. Of the files in the folder `found`, only those of the room, which is the
// program's own name.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz.hpp"

namespace {

void replay(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "cannot read %s\n", file.c_str());
    std::exit(1);
  }
  const std::vector<char> content{std::istreambuf_iterator<char>(in), {}};
  std::fprintf(stderr, "%s\n",
               file.filename().c_str());  // the last line names the input that broke a promise
  // Every beginning of a small file is another input, and a bad one.
  for (std::size_t size = content.size(); size > 0; size = size > 64 ? size / 2 : 0)
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content.data()), size);
  LLVMFuzzerTestOneInput(nullptr, 0);
}

}  // namespace

int main(int count, char** arguments) {
  std::string room = std::filesystem::path(arguments[0]).filename();
  room = room.substr(room.find('_') + 1) + '-';  // the program is called fuzz_<room>
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < count; ++i) {
    const std::filesystem::path given = arguments[i];
    if (!std::filesystem::is_directory(given)) {
      files.push_back(given);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(given))
      if (given.filename() != "found" || entry.path().filename().string().starts_with(room))
        files.push_back(entry.path());
  }
  if (files.empty()) {
    std::fprintf(stderr, "usage: %s FILE-OR-FOLDER...\n", arguments[0]);
    return 2;
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) replay(file);
  std::printf("%zu inputs\n", files.size());
}
