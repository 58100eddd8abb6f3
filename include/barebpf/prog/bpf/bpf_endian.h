/* SPDX-License-Identifier: MIT
 * Numbers in the byte order of the network and in that of the machine, under the names that the field uses. Which order
 * the machine has, the compiler knows: -target bpf is that of the machine that compiles, bpfel and bpfeb are one of the
 * two. Of a constant the result is a constant, also in a case label or in the first value of a global. The guard is the
 * one that libbpf uses.
 */
#ifndef __BPF_ENDIAN__
#define __BPF_ENDIAN__

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BAREBPF_BIG_16(x) __builtin_bswap16(x)
#define BAREBPF_BIG_32(x) __builtin_bswap32(x)
#define BAREBPF_BIG_64(x) __builtin_bswap64(x)
#else
#define BAREBPF_BIG_16(x) ((unsigned short)(x))
#define BAREBPF_BIG_32(x) ((unsigned int)(x))
#define BAREBPF_BIG_64(x) ((unsigned long long)(x))
#endif

#define bpf_htons(x) BAREBPF_BIG_16(x)
#define bpf_ntohs(x) BAREBPF_BIG_16(x)
#define bpf_htonl(x) BAREBPF_BIG_32(x)
#define bpf_ntohl(x) BAREBPF_BIG_32(x)
#define bpf_cpu_to_be64(x) BAREBPF_BIG_64(x)
#define bpf_be64_to_cpu(x) BAREBPF_BIG_64(x)

/* Names for one of two cases that are one here. */
#define __bpf_htons(x) BAREBPF_BIG_16(x)
#define __bpf_ntohs(x) BAREBPF_BIG_16(x)
#define __bpf_htonl(x) BAREBPF_BIG_32(x)
#define __bpf_ntohl(x) BAREBPF_BIG_32(x)
#define __bpf_cpu_to_be64(x) BAREBPF_BIG_64(x)
#define __bpf_be64_to_cpu(x) BAREBPF_BIG_64(x)
#define __bpf_constant_htons(x) BAREBPF_BIG_16(x)
#define __bpf_constant_ntohs(x) BAREBPF_BIG_16(x)
#define __bpf_constant_htonl(x) BAREBPF_BIG_32(x)
#define __bpf_constant_ntohl(x) BAREBPF_BIG_32(x)
#define __bpf_constant_cpu_to_be64(x) BAREBPF_BIG_64(x)
#define __bpf_constant_be64_to_cpu(x) BAREBPF_BIG_64(x)
#define ___bpf_swab16(x) __builtin_bswap16(x)
#define ___bpf_swab32(x) __builtin_bswap32(x)
#define ___bpf_swab64(x) __builtin_bswap64(x)

#endif
