# SPDX-License-Identifier: MIT
# Sourced by quickstart, check and bench: installs by the distribution's package manager what is missing, and says so.

# The package that has a command, on this distribution; empty where it has none of that name.
package_of() {
  case "$1:$2" in
    apt:clang-bpf) echo clang ;;
    apt:c++) echo g++ ;;
    apt:ninja) echo ninja-build ;;
    apt:catch2) echo catch2 ;;
    apt:musl-gcc) echo musl-tools ;;
    apt:kernel-headers) echo linux-libc-dev ;;
    apt:setpriv | apt:unshare | apt:mountpoint) echo util-linux ;;
    apt:ip | apk:ip | pacman:ip) echo iproute2 ;;
    apt:readelf | apt:nm) echo binutils ;;
    apt:clang++-14) echo clang-14 ;;
    apt:sanitizers-14) echo libclang-rt-14-dev ;;
    apt:libc++-14) echo libc++-14-dev libc++abi-14-dev ;;
    apt:clang++-19) echo clang-19 ;;
    apt:sanitizers-19) echo libclang-rt-19-dev ;;
    # Not g++-multilib, which conflicts with the compiler for arm64.
    apt:g++-multilib) echo "g++-$(g++ -dumpversion | cut -d. -f1)-multilib" ;;
    apt:libfuzzer) echo clang-14 libclang-rt-14-dev ;;
    apt:clang-tidy) echo clang-tidy-14 ;;
    apt:qemu-system-x86_64) echo qemu-system-x86 ;;
    apt:qemu-system-aarch64) echo qemu-system-arm ;;
    apt:qemu-system-s390x) echo qemu-system-misc ;;
    apt:aarch64-linux-gnu-g++) echo g++-aarch64-linux-gnu ;;
    apt:s390x-linux-gnu-g++) echo g++-s390x-linux-gnu ;;
    apt:libbpf) echo libbpf-dev libelf-dev zlib1g-dev ;;
    dnf:clang-tidy | apk:clang-tidy) echo clang-tools-extra ;;
    pacman:clang-tidy) echo clang ;;
    dnf:clang-bpf) echo clang ;;
    dnf:c++) echo gcc-c++ ;;
    dnf:ninja) echo ninja-build ;;
    dnf:catch2) echo catch-devel ;;
    dnf:kernel-headers) echo kernel-headers ;;
    dnf:ip) echo iproute ;;
    dnf:setpriv | dnf:unshare | dnf:mountpoint) echo util-linux ;;
    dnf:readelf | dnf:nm) echo binutils ;;
    dnf:pkg-config) echo pkgconf-pkg-config ;;
    dnf:musl-gcc) echo musl-gcc ;;
    dnf:libfuzzer) echo clang compiler-rt ;;
    dnf:libbpf) echo libbpf-devel libbpf-static elfutils-libelf-devel-static zlib-static glibc-static libstdc++-static ;;
    dnf:g++-multilib) echo glibc-devel.i686 libstdc++-devel.i686 ;;
    # Where there are no kernels of Debian, there is nothing to boot.
    dnf:qemu-system-* | apk:qemu-system-* | pacman:qemu-system-*) ;;
    dnf:libc++-14 | dnf:sanitizers-* | dnf:clang++-* | dnf:*-linux-gnu-g++) ;;
    apk:clang-bpf) echo clang llvm ;;
    apk:c++) echo g++ ;;
    apk:ninja) echo samurai ;;
    apk:catch2) echo catch2-3 ;;
    apk:kernel-headers) echo linux-headers musl-dev ;;
    apk:setpriv) echo setpriv ;;
    apk:unshare | apk:mountpoint) echo util-linux-misc ;;
    apk:readelf | apk:nm) echo binutils ;;
    apk:pkg-config) echo pkgconf ;;
    apk:libfuzzer) echo clang compiler-rt ;;
    apk:libbpf) echo libbpf-dev libelf-static zlib-static zstd-static ;;
    apk:musl-gcc | apk:g++-multilib | apk:libc++-14 | apk:sanitizers-* | apk:clang++-* | apk:*-linux-gnu-g++) ;;
    pacman:clang-bpf) echo clang ;;
    pacman:c++) echo gcc ;;
    pacman:python3) echo python ;;
    pacman:catch2) echo catch2 ;;
    pacman:kernel-headers) echo linux-api-headers ;;
    pacman:setpriv | pacman:unshare | pacman:mountpoint) echo util-linux ;;
    pacman:readelf | pacman:nm) echo binutils ;;
    pacman:pkg-config) echo pkgconf ;;
    pacman:bpftool) echo bpf ;;
    pacman:libbpf) echo libbpf ;;
    pacman:musl-gcc) echo musl ;;
    pacman:libfuzzer) echo clang compiler-rt ;;
    pacman:g++-multilib) echo lib32-gcc-libs lib32-glibc ;;
    pacman:libc++-14 | pacman:sanitizers-* | pacman:clang++-*) ;;
    pacman:aarch64-linux-gnu-g++) echo aarch64-linux-gnu-gcc ;;
    *) echo "$2" ;;
  esac
}

# True when a thing that the build needs is there.
is_there() {
  case "$1" in
    clang-bpf) echo 'int x;' | clang -target bpf -x c -c -o /dev/null - 2>/dev/null ;;
    catch2) pkg-config --exists catch2-with-main 2>/dev/null || pkg-config --exists catch2 2>/dev/null ;;
    libbpf) pkg-config --exists libbpf 2>/dev/null ;;
    clang-tidy) command -v clang-tidy-14 >/dev/null || command -v clang-tidy >/dev/null ;;
    sanitizers-14) [ -e "$(clang++-14 -print-file-name=libclang_rt.asan-$(uname -m).a 2>/dev/null)" ] ;;
    sanitizers-19) echo 'int main() {}' | clang++-19 -fsanitize=thread -x c++ -o /dev/null - 2>/dev/null ;;
    libc++-14) echo '#include <new>' | clang++-14 -stdlib=libc++ -x c++ -fsyntax-only - 2>/dev/null ;;
    g++-multilib) printf '#include <new>\nint main() {}\n' | g++ -m32 -x c++ -o /dev/null - 2>/dev/null ;;
    kernel-headers) [ -e /usr/include/linux/bpf.h ] ;;
    libfuzzer)
      local clang
      for clang in clang++-14 clang++ clang++-19; do
        echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' |
          "$clang" -fsanitize=fuzzer,address,undefined -x c++ -o /dev/null - 2>/dev/null && return 0
      done
      return 1
      ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

# need THING...: installs what of these is missing; fails where that cannot be done.
need() {
  local manager thing missing=() packages=()
  for thing in "$@"; do is_there "$thing" || missing+=("$thing"); done
  [ ${#missing[@]} -eq 0 ] && return 0
  for manager in apt-get dnf apk pacman ''; do command -v "$manager" >/dev/null 2>&1 && break; done
  if [ -z "$manager" ]; then
    echo "missing: ${missing[*]}, and no apt-get, dnf, apk or pacman to install them with" >&2
    return 1
  fi
  for thing in "${missing[@]}"; do
    # Word splitting is wanted: a thing may need two packages.
    # shellcheck disable=SC2207
    packages+=($(package_of "${manager%-get}" "$thing"))
  done
  [ ${#packages[@]} -eq 0 ] && return 0
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  echo "installing with $manager: ${packages[*]}"
  case "$manager" in
    apt-get)
      "${as_root[@]}" apt-get update -qq
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
      ;;
    dnf) "${as_root[@]}" dnf install -y -q "${packages[@]}" ;;
    apk) "${as_root[@]}" apk add -q "${packages[@]}" ;;
    pacman) "${as_root[@]}" pacman -Sy --noconfirm --needed "${packages[@]}" >/dev/null ;;
  esac
}
