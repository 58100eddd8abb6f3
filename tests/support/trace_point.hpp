// SPDX-License-Identifier: MIT
// Trace points as systemtap's sys/sdt.h makes them: an instruction that does nothing, and a note of where it is and where
// the compiler has the arguments.
#ifndef BAREBPF_TESTS_SUPPORT_TRACE_POINT_HPP
#define BAREBPF_TESTS_SUPPORT_TRACE_POINT_HPP

// An operand without `$` or `#` in front of a constant is what all assemblers agree on for the note's text.
#if defined(__x86_64__)
#define TRACE_POINT_WORD ".8byte"
#define TRACE_POINT_OPERAND "nor"
#elif defined(__i386__)
#define TRACE_POINT_WORD ".4byte"
#define TRACE_POINT_OPERAND "nor"
#elif defined(__aarch64__)
#define TRACE_POINT_WORD ".8byte"
#define TRACE_POINT_OPERAND "nr"
#else
#define TRACE_POINT_WORD ".8byte"
#define TRACE_POINT_OPERAND "nr"
#endif

/// The note, with the address of a semaphore and the text of the arguments.
#define TRACE_POINT_NOTE(provider, name, semaphore, arguments)                \
  "990: nop\n"                                                               \
  ".pushsection .note.stapsdt,\"\",\"note\"\n"                               \
  ".balign 4\n"                                                              \
  ".4byte 992f-991f, 994f-993f, 3\n"                                         \
  "991: .asciz \"stapsdt\"\n"                                                \
  "992: .balign 4\n"                                                         \
  "993: " TRACE_POINT_WORD " 990b\n" TRACE_POINT_WORD " _.stapsdt.base\n"     \
  TRACE_POINT_WORD " " semaphore "\n"                                        \
  ".asciz \"" provider "\"\n.asciz \"" name "\"\n.asciz \"" arguments "\"\n"   \
  "994: .balign 4\n.popsection\n"                                            \
  ".ifndef _.stapsdt.base\n"                                                 \
  ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"    \
  ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n"                           \
  "_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n.popsection\n.endif\n"

#endif
