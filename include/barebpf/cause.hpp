// SPDX-License-Identifier: MIT
// Room 0.3, cause: every reason that the library can name, each with its one sentence. The same row is a
// compile error of a static_object and the text of an error at run time.
#ifndef BAREBPF_CAUSE_HPP
#define BAREBPF_CAUSE_HPP

#include "word.hpp"

// How a C++ type and a type of the object differ at a member; `Prefix` says whose type it is.
#define BAREBPF_LAYOUT_CAUSES(BAREBPF_CAUSE, Prefix)                                                   \
  BAREBPF_CAUSE(other_name, Prefix                                                                     \
                ": the one at this place has another name, so give it the name that the BPF program "  \
                "uses")                                                                                \
  BAREBPF_CAUSE(missing_member, Prefix ": the C++ type lacks it, so declare it there too")             \
  BAREBPF_CAUSE(extra_member, Prefix                                                                   \
                ": the BPF program does not have it, so take it out of the C++ type, or make it an "   \
                "array of std::byte where it fills a gap")                                             \
  BAREBPF_CAUSE(other_offset, Prefix                                                                   \
                ": it lies at another offset, so declare the members in the same order and with the "  \
                "same types")                                                                          \
  BAREBPF_CAUSE(other_size, Prefix                                                                     \
                ": it has another size, so give it a type as large as the one that the BPF program "   \
                "uses")                                                                                \
  BAREBPF_CAUSE(other_sign, Prefix                                                                     \
                ": one side has a signed number and the other an unsigned one, so give it the sign "   \
                "that the BPF program uses")                                                           \
  BAREBPF_CAUSE(other_length, Prefix                                                                   \
                ": the arrays have different lengths, so give it as many elements as the BPF program " \
                "does")                                                                                \
  BAREBPF_CAUSE(other_sort, Prefix                                                                     \
                ": one side has a number and the other a struct, an array or a pointer, so give it a " \
                "type like the BPF program's")                                                         \
  BAREBPF_CAUSE(no_boolean, Prefix                                                                     \
                ": a bool is nothing but 0 or 1 and the BPF program keeps a number there, so use an "  \
                "unsigned integer of its size")                                                        \
  BAREBPF_CAUSE(other_values, Prefix                                                                   \
                ": the enums have different values or give a name to different ones, so declare the "  \
                "same enum on both sides")                                                             \
  BAREBPF_CAUSE(other_alignment, Prefix                                                                \
                ": the unions are aligned differently, so give it alternatives as large as those of "  \
                "the BPF program")                                                                     \
  BAREBPF_CAUSE(object_bit_field, Prefix                                                               \
                ": it is a bit field in the BPF program, so state the layout by hand: specialize "     \
                "barebpf::stated_layout")                                                              \
  BAREBPF_CAUSE(nested_too_deep, Prefix                                                                \
                ": structs lie in each other 16 times or without end, so the object is damaged: "      \
                "compile it again")
// What C++20 does not tell of a class.
#define BAREBPF_UNSEEN_CAUSES(BAREBPF_CAUSE)                                                         \
  BAREBPF_CAUSE(unseen_hidden,                                                                       \
                "C++ does not tell what is in a class with private members, virtual functions or "   \
                "constructors, so state the layout by hand: specialize barebpf::stated_layout")      \
  BAREBPF_CAUSE(unseen_base,                                                                         \
                "C++ does not tell what is in a class with a base class, so write the members into " \
                "one struct, or state the layout by hand: specialize barebpf::stated_layout")        \
  BAREBPF_CAUSE(unseen_nameless,                                                                     \
                "C++ does not tell what is in a class that has a struct or union without a name in " \
                "it, so give its type a name, or state the layout by hand: specialize "              \
                "barebpf::stated_layout")                                                            \
  BAREBPF_CAUSE(unseen_many,                                                                         \
                "C++ does not tell what is in a class of more than 70 members, so put some into "    \
                "structs of their own on both sides, or state the layout by hand: specialize "       \
                "barebpf::stated_layout")                                                            \
  BAREBPF_CAUSE(                                                                                     \
      unseen_placed,                                                                                 \
      "C++ does not tell where members are that are bit fields or packed, or aligned by "            \
      "hand beside pointers or unions, so state the layout by hand: specialize barebpf::stated_layout")

// One row per cause: BAREBPF_CAUSE(identifier, "fact, so what to do").
// A macro and not an array, because static_assert takes only literals in C++20.
#define BAREBPF_CAUSES(BAREBPF_CAUSE)                                                                        \
  /* the file as a whole */                                                                                  \
  BAREBPF_CAUSE(not_elf, "this is not an ELF file, so give the .o that clang -target bpf wrote")             \
  BAREBPF_CAUSE(not_64_bit,                                                                                  \
                "BPF objects are 64-bit ELF files and this one is not, so compile it with "                  \
                "clang -target bpf")                                                                         \
  BAREBPF_CAUSE(foreign_byte_order,                                                                          \
                "this object has the other byte order than the machine, so compile "                         \
                "it with -target bpfel or bpfeb to match")                                                   \
  BAREBPF_CAUSE(bad_byte_order, "this ELF file has no byte order, so it is damaged: compile it again")       \
  BAREBPF_CAUSE(not_relocatable,                                                                             \
                "this ELF file is a program or a shared library, so give the "                               \
                "relocatable .o instead")                                                                    \
  BAREBPF_CAUSE(not_bpf,                                                                                     \
                "this ELF file holds code of another machine, so compile it with "                           \
                "clang -target bpf")                                                                         \
  BAREBPF_CAUSE(truncated,                                                                                   \
                "the file ends before what it announces, so it was cut or overwritten: "                     \
                "copy or compile it again")                                                                  \
  BAREBPF_CAUSE(too_large, "no BPF object is larger than 1 GiB, so this is another kind of file")            \
  BAREBPF_CAUSE(bad_section_header,                                                                          \
                "a section header of this ELF file contradicts itself, so the "                              \
                "file is damaged: compile it again")                                                         \
  BAREBPF_CAUSE(no_symbols, "the object has no symbol table, so strip it with llvm-strip -g at most")        \
  BAREBPF_CAUSE(bad_symbol,                                                                                  \
                "a relocation names a symbol that is not there, so the file is damaged: "                    \
                "compile it again")                                                                          \
  /* its types */                                                                                            \
  BAREBPF_CAUSE(no_btf,                                                                                      \
                "maps in .maps are described by BTF and the object has none, so compile it "                 \
                "with -g and keep the .BTF section")                                                         \
  BAREBPF_CAUSE(bad_btf_header,                                                                              \
                "the header of .BTF does not fit the section, so the file is damaged: "                      \
                "compile it again")                                                                          \
  BAREBPF_CAUSE(bad_btf_type,                                                                                \
                "a type in .BTF runs past its end or names what is not there, so the "                       \
                "file is damaged: compile it again")                                                         \
  BAREBPF_CAUSE(unknown_btf_kind,                                                                            \
                "this .BTF holds a kind of type that barebpf does not know, so it "                          \
                "was made by a newer compiler: use a newer barebpf")                                         \
  BAREBPF_CAUSE(bad_btf_ext,                                                                                 \
                "a table in .BTF.ext runs past its end, so the file is damaged: compile it "                 \
                "again")                                                                                     \
  /* its maps */                                                                                             \
  BAREBPF_CAUSE(static_map,                                                                                  \
                "a static map cannot be found by name, so take the word static away from "                   \
                "the map in the BPF program")                                                                \
  BAREBPF_CAUSE(map_is_no_struct,                                                                            \
                "every variable in .maps must be a struct that describes a map, so "                         \
                "move other variables elsewhere")                                                            \
  BAREBPF_CAUSE(map_outside_section,                                                                         \
                "a map lies past the end of .maps, so the file is damaged: "                                 \
                "compile it again")                                                                          \
  BAREBPF_CAUSE(unknown_map_member,                                                                          \
                "a map in .maps has a member that is not part of a map "                                     \
                "definition, so look for a misspelling")                                                     \
  BAREBPF_CAUSE(only_declared_type,                                                                          \
                "the struct that is the map's key or value is only declared, so include the header that "    \
                "defines it in the BPF program")                                                             \
  BAREBPF_CAUSE(bad_map_member,                                                                              \
                "a member of a map definition has the wrong form, so write it with "                         \
                "__uint, __ulong, __type or __array")                                                        \
  BAREBPF_CAUSE(two_sizes,                                                                                   \
                "a map gives the size of its key or value twice and differently, so keep "                   \
                "one of them")                                                                               \
  BAREBPF_CAUSE(no_map_type, "a map in .maps has no type, so add __uint(type, BPF_MAP_TYPE_...)")            \
  BAREBPF_CAUSE(bad_pinning,                                                                                 \
                "a map can be pinned by its name (1) or not at all (0), so correct its "                     \
                "member pinning")                                                                            \
  BAREBPF_CAUSE(values_not_wanted,                                                                           \
                "only maps of maps and prog arrays begin with values, so take the member values away")       \
  BAREBPF_CAUSE(wrong_values,                                                                                \
                "the member values describes a map for maps of maps and a function for prog arrays, so "     \
                "write __array(values, struct ...) for the ones and __array(values, int (void *)) for the "  \
                "others")                                                                                    \
  BAREBPF_CAUSE(maps_too_deep, "the kernel takes no map of maps into a map of maps, so give it plain maps")  \
  BAREBPF_CAUSE(pinned_inner_map,                                                                            \
                "the map in the member values is only a pattern that goes when its map is made, so take "    \
                "its pinning away")                                                                          \
  BAREBPF_CAUSE(bad_slot,                                                                                    \
                "a relocation of .maps fills no slot of a member values, or one twice, so the file is "      \
                "damaged: compile it again")                                                                 \
  BAREBPF_CAUSE(slots_need_numbers,                                                                          \
                "the values that a hash of maps begins with have their numbers for keys, so give it keys "   \
                "of 4 bytes or fill it after it was loaded")                                                 \
  BAREBPF_CAUSE(slot_is_no_map,                                                                              \
                "a value of this map of maps is no map of the object, so give the address of one in .maps")  \
  BAREBPF_CAUSE(slot_is_no_program,                                                                          \
                "a value of this prog array is no program of the object, so give the address of a function " \
                "that has a SEC() and is not static")                                                        \
  BAREBPF_CAUSE(operations_are_no_struct,                                                                    \
                "every variable in .struct_ops must be a struct of functions that the kernel "               \
                "knows, so move others elsewhere")                                                           \
  BAREBPF_CAUSE(operations_overlap,                                                                          \
                "two structs of functions lie over each other, so the file is damaged: "                     \
                "compile it again")                                                                          \
  BAREBPF_CAUSE(bad_operation,                                                                               \
                "a relocation of .struct_ops fills no member that points to a function, or "                 \
                "one twice, so the file is damaged: compile it again")                                       \
  BAREBPF_CAUSE(operation_is_no_program,                                                                     \
                "this member of a struct of functions is no program of the object, so give "                 \
                "the address of a function that has SEC(\"struct_ops\") and is not static")                  \
  BAREBPF_CAUSE(no_kernel_operations,                                                                        \
                "the kernel takes no functions of programs in a struct of this name, so look "               \
                "at its name, or use a newer kernel or one that was built with what it "                     \
                "belongs to")                                                                                \
  BAREBPF_CAUSE(no_kernel_operation,                                                                         \
                "the struct in the kernel has no member of this name and the object puts "                   \
                "something there, so leave it zero for this kernel")                                         \
  BAREBPF_CAUSE(operation_bit_field,                                                                         \
                "bit fields have other places in other kernels, so take them out of the "                    \
                "struct in the BPF program")                                                                 \
  BAREBPF_CAUSE(another_operation,                                                                           \
                "this member is of another kind or size in the kernel, so declare it as the "                \
                "kernel does")                                                                               \
  BAREBPF_CAUSE(operation_of_two,                                                                            \
                "a program can be one function of the kernel's and this one is to be two "                   \
                "different ones, so write it twice")                                                         \
  BAREBPF_CAUSE(operation_of_nothing,                                                                        \
                "no struct in .struct_ops has this function, so put its address into one, or "               \
                "leave it out with change_program(name, {.load = false})")                                   \
  BAREBPF_CAUSE(part_of_operations,                                                                          \
                "the kernel calls this program through a struct in .struct_ops, so attach "                  \
                "that: attach_struct_ops(name)")                                                             \
  BAREBPF_CAUSE(not_operations, "this map is no struct in .struct_ops, so give the name of such a variable") \
  BAREBPF_CAUSE(operations_not_linked,                                                                       \
                "this struct has no link to be put into, so put it into "                                    \
                "SEC(\".struct_ops.link\")")                                                                 \
  BAREBPF_CAUSE(                                                                                             \
      bad_legacy_map,                                                                                        \
      "a map in a section of the older form gives no whole definition (type, key_size, "                     \
      "value_size, max_entries, map_flags), or something behind it that no two loaders understand "          \
      "alike, so define it in .maps")                                                                        \
  BAREBPF_CAUSE(variable_outside_section,                                                                    \
                "a global variable lies past the end of its section, so the file is "                        \
                "damaged: compile it again")                                                                 \
  /* its programs */                                                                                         \
  BAREBPF_CAUSE(                                                                                             \
      unknown_section,                                                                                       \
      "the name of this section tells no program type that barebpf knows, so correct the SEC() of "          \
      "the program, or say what it should be: change_program(name, {.section = \"xdp\"})")                   \
  BAREBPF_CAUSE(no_kernel_place,                                                                             \
                "programs of this section are made for one function, tracepoint or list of the kernel, so"   \
                " name it in SEC(), as in SEC(\"fentry/vfs_read\"), or in "                                  \
                "change_program(name, {.section = \"fentry/vfs_read\"})")                                    \
  BAREBPF_CAUSE(bad_program,                                                                                 \
                "a program is not whole instructions inside its section, so the file is "                    \
                "damaged: compile it again")                                                                 \
  BAREBPF_CAUSE(bad_relocation,                                                                              \
                "a relocation does not point at an instruction that loads an address, "                      \
                "so the file is damaged: compile it again")                                                  \
  BAREBPF_CAUSE(relocation_not_loaded_yet,                                                                   \
                "this version of barebpf cannot load a program that refers to this "                         \
                "section, so keep variables in .data, .rodata or .bss")                                      \
  BAREBPF_CAUSE(bad_call, "a call leads to no function, so the file is damaged: compile it again")           \
  BAREBPF_CAUSE(too_many_functions,                                                                          \
                "the kernel takes at most 256 functions in one program, so let the "                         \
                "compiler inline some")                                                                      \
  BAREBPF_CAUSE(bad_core,                                                                                    \
                "a CO-RE relocation names an instruction, a type or a member that is not there, so the "     \
                "file is damaged: compile it again")                                                         \
  BAREBPF_CAUSE(unknown_core_kind,                                                                           \
                "this object has a kind of CO-RE relocation that barebpf does not know, so it was made by "  \
                "a newer compiler: use a newer barebpf")                                                     \
  BAREBPF_CAUSE(core_without_name,                                                                           \
                "types of the kernel are found by their names (CO-RE), so give a name to the type that is "  \
                "declared with preserve_access_index")                                                       \
  BAREBPF_CAUSE(core_ambiguous,                                                                              \
                "several types of the kernel have this name and differ in what is asked for (CO-RE), so "    \
                "declare one more member that only the wanted one has and read that first")                  \
  BAREBPF_CAUSE(core_endless,                                                                                \
                "types that are compared (CO-RE) refer to each other without end, so declare fewer members") \
  BAREBPF_CAUSE(core_other_instruction,                                                                      \
                "a CO-RE relocation does not fit its instruction or what that holds, so the file is "        \
                "damaged: compile it again")                                                                 \
  BAREBPF_CAUSE(core_too_far,                                                                                \
                "the kernel has this member more than 32767 bytes behind the start of its type, which no "   \
                "load reaches (CO-RE), so read it with bpf_core_read")                                       \
  BAREBPF_CAUSE(core_too_wide,                                                                               \
                "the kernel has this bit field where no load of 8 bytes holds all of it (CO-RE), so read "   \
                "the bytes around it")                                                                       \
  BAREBPF_CAUSE(core_missing,                                                                                \
                "the program reads what the running kernel does not have (CO-RE), so ask with "              \
                "bpf_core_field_exists or its siblings before")                                              \
  BAREBPF_CAUSE(core_without_functions,                                                                      \
                "the kernel relocates (CO-RE) only programs whose functions are all in BTF, so compile "     \
                "each of them with -g")                                                                      \
  BAREBPF_CAUSE(core_left_out,                                                                               \
                "the load_policy leaves CO-RE to the kernel, which knows only its own types, so choose "     \
                "core_way::library to give others")                                                          \
  BAREBPF_CAUSE(newer_core,                                                                                  \
                "the running kernel relocates no programs (CO-RE): that came with Linux 5.17, so let "       \
                "barebpf do it")                                                                             \
  BAREBPF_CAUSE(jump_tables,                                                                                 \
                "this program jumps through a table, which kernels before 6.19 cannot load and this "        \
                "version of barebpf does not either, so compile it with -fno-jump-tables")                   \
  BAREBPF_CAUSE(no_arena,                                                                                    \
                "variables with __arena lie in an arena and the object has none, so define a map of type "   \
                "BPF_MAP_TYPE_ARENA")                                                                        \
  BAREBPF_CAUSE(two_arenas,                                                                                  \
                "variables with __arena lie in the one arena of an object and this one has several, so "     \
                "leave one")                                                                                 \
  BAREBPF_CAUSE(bad_kconfig_type,                                                                            \
                "an option of the kernel is a bool, a char, an integer, an enum libbpf_tristate or an array" \
                " of char, so declare the __kconfig variable as one")                                        \
  BAREBPF_CAUSE(kconfig_too_large,                                                                           \
                "the options that this object declares take more than 1 MiB, so shorten its arrays of char") \
  BAREBPF_CAUSE(bad_extern_name,                                                                             \
                "a __ksym or __kconfig variable has a name of 1 to 511 characters, so the file is damaged: " \
                "compile it again")                                                                          \
  BAREBPF_CAUSE(undefined_symbol,                                                                            \
                "the program uses a symbol that the object does not define, so "                             \
                "define it or declare the helper")                                                           \
  /* what the caller asked for */                                                                            \
  BAREBPF_CAUSE(no_such_map, "the object has no map of this name, so look for a misspelling")                \
  BAREBPF_CAUSE(map_left_out,                                                                                \
                "this map was left out when its object was loaded, as a struct is whose section begins "     \
                "with a question mark, so ask for it with change(name, {.create = true})")                   \
  BAREBPF_CAUSE(uses_missing_map,                                                                            \
                "the program uses this map, which was left out, so let a constant of the object keep it "    \
                "from there, or leave the program out as well")                                              \
  BAREBPF_CAUSE(numbered_maps,                                                                               \
                "this load_policy lets instructions name maps by their index, for which all must be there, " \
                "so choose one for a kernel before 5.14 to leave one out")                                   \
  BAREBPF_CAUSE(no_such_program, "the object has no program of this name, so look for a misspelling")        \
  BAREBPF_CAUSE(not_loaded,                                                                                  \
                "this program was left out when its object was loaded, so ask for it with "                  \
                "change_program(name, {.load = true}), or look why the kernel refused it")                   \
  BAREBPF_CAUSE(no_such_variable,                                                                            \
                "the object has no global variable of this name, so look for a misspelling, or give it "     \
                "BTF with -g")                                                                               \
  BAREBPF_CAUSE(wrong_variable_size,                                                                         \
                "the variable in the BPF object has another size than this type, so use the type that the "  \
                "BPF program declares")                                                                      \
  BAREBPF_CAUSE(wrong_variable_sign,                                                                         \
                "the variable in the BPF object and this type differ in signedness, so use the type that "   \
                "the BPF program declares")                                                                  \
  BAREBPF_CAUSE(constant_variable,                                                                           \
                "constants are frozen when the object is loaded, so set them before, and ask for a const "   \
                "type afterwards")                                                                           \
  BAREBPF_CAUSE(hidden_variable,                                                                             \
                "the kernel lets a section be mapped only when one of its variables is not static, so take " \
                "the word static away from this one")                                                        \
  BAREBPF_CAUSE(foreign_data,                                                                                \
                "these first values were made for another object, so make them with data() of this one")     \
  BAREBPF_CAUSE(wrong_map_type,                                                                              \
                "the map is of another type than asked for, so use the class of its "                        \
                "own type")                                                                                  \
  BAREBPF_CAUSE(wrong_key_size,                                                                              \
                "the key type has another size than the key in the BPF object, so use "                      \
                "the type that the BPF program declares")                                                    \
  BAREBPF_CAUSE(wrong_value_size,                                                                            \
                "the value type has another size than the value in the BPF object, "                         \
                "so use the type that the BPF program declares")                                             \
  BAREBPF_CAUSE(wrong_key_sign,                                                                              \
                "the key type and the key in the BPF object differ in signedness, so "                       \
                "use the type that the BPF program declares")                                                \
  BAREBPF_CAUSE(wrong_value_sign,                                                                            \
                "the value type and the value in the BPF object differ in "                                  \
                "signedness, so use the type that the BPF program declares")                                 \
  /* what the table of map types tells of a map that the kernel refused to create */                         \
  BAREBPF_CAUSE(newer_map_type,                                                                              \
                "the kernel is older than this map type, so use a newer kernel or another type")             \
  BAREBPF_CAUSE(newer_map_flag,                                                                              \
                "the kernel is older than one of these map_flags, so use a newer kernel or leave it out")    \
  BAREBPF_CAUSE(no_entries,                                                                                  \
                "a map of this type needs room for at least one element, so give max_entries: in its "       \
                "definition, or by change(name, {.max_entries = 1024}) for a map of an object")              \
  BAREBPF_CAUSE(size_is_given,                                                                               \
                "the object says how large the values of this map are and its programs were compiled for "   \
                "that, so leave value_size as it is")                                                        \
  BAREBPF_CAUSE(entries_not_wanted,                                                                          \
                "a map of this type grows with the objects that it belongs to, so give a max_entries of 0")  \
  BAREBPF_CAUSE(one_entry, "a map of this type holds one element, so give a max_entries of 1")               \
  BAREBPF_CAUSE(bad_ring_size,                                                                               \
                "a ring buffer has max_entries bytes, which must be a power of two and whole pages, so "     \
                "give 4096 or its like")                                                                     \
  BAREBPF_CAUSE(bad_key_size,                                                                                \
                "keys of this map type have a size of their own, so give the key type that the table of "    \
                "map types names")                                                                           \
  BAREBPF_CAUSE(bad_value_size,                                                                              \
                "values of this map type have a size of their own, so give the value type that the table "   \
                "of map types names")                                                                        \
  BAREBPF_CAUSE(missing_map_flag,                                                                            \
                "the kernel wants map_flag::no_prealloc for this map type, and map_flag::mmapable for an "   \
                "arena, so set it")                                                                          \
  BAREBPF_CAUSE(refused_map_flag, "maps of this type do not take one of these map_flags, so leave it out")   \
  BAREBPF_CAUSE(missing_map_types,                                                                           \
                "the kernel wants BTF for the key and the value of this map type, so give both ids")         \
  BAREBPF_CAUSE(missing_inner_map,                                                                           \
                "a map of maps is made after the pattern of one that is in it, so describe that in its "     \
                "member values, or give the descriptor of one: inner_map_fd to create, "                     \
                "change(name, {.inner = ...}) to an object")                                                 \
  BAREBPF_CAUSE(                                                                                             \
      deep_stack,                                                                                            \
      "the kernel keeps at most kernel.perf_event_max_stack places of a stack, 127 if nobody raised "        \
      "it, so keep fewer or raise it")                                                                       \
  BAREBPF_CAUSE(stack_of_build_ids,                                                                          \
                "map_flag::stack_build_id makes the kernel keep build ids and offsets, so use "              \
                "stack_build_ids as value type with this flag, and stack_addresses without it")              \
  BAREBPF_CAUSE(misplaced_arena,                                                                             \
                "an arena begins at a page and does not cross a border of 4 GiB in the address space, so "   \
                "choose another address for it")                                                             \
  BAREBPF_CAUSE(arena_elsewhere,                                                                             \
                "an arena has one address and one size in all processes and this one was mapped "            \
                "differently before, so give the address where it is mapped whole")                          \
  BAREBPF_CAUSE(arena_without_address,                                                                       \
                "the kernel loads programs only after their arena has an address, so give the arena "        \
                "map_extra in the BPF program, or create and map one and give it as replacement")            \
  BAREBPF_CAUSE(bad_name,                                                                                    \
                "the kernel takes names of at most 15 letters, digits, underscores and dots, "               \
                "so choose such a name")                                                                     \
  BAREBPF_CAUSE(another_map,                                                                                 \
                "this map is not the one that the C++ types describe, so look at the differences")           \
  BAREBPF_CAUSE(not_a_bpf_path,                                                                              \
                "maps are pinned on the BPF file system only, so choose a path below /sys/fs/bpf and mount " \
                "it: mount -t bpf bpf /sys/fs/bpf")                                                          \
  BAREBPF_CAUSE(dot_in_a_pin,                                                                                \
                "the BPF file system takes no dots in names, and maps are pinned on it alone, so choose "    \
                "names without dots below /sys/fs/bpf")                                                      \
  BAREBPF_CAUSE(not_a_map,                                                                                   \
                "this is a program, a link or something else and no map, so look at what the path or the "   \
                "descriptor belongs to")                                                                     \
  BAREBPF_CAUSE(no_such_slot,                                                                                \
                "this index is past the end of the array, so stay below its max_entries or create it with "  \
                "more")                                                                                      \
  /* what the table of map types tells of an element that the kernel refused */                              \
  BAREBPF_CAUSE(empty_slot,                                                                                  \
                "nothing is in this slot or it is past the end, so put something in before, and "            \
                "stay below max_entries")                                                                    \
  BAREBPF_CAUSE(no_such_stack,                                                                               \
                "no stack has this number any more, so look up the numbers that bpf_get_stackid "            \
                "gave, and soon")                                                                            \
  BAREBPF_CAUSE(unfit_program,                                                                               \
                "an array of programs takes those of one type, which the first program decides, "            \
                "and no freplace programs, so put in another one")                                           \
  BAREBPF_CAUSE(unfit_inner_map,                                                                             \
                "a map of maps takes only those that are like its pattern in type, sizes and flags, and "    \
                "arrays also in max_entries unless both have map_flag::inner_map, so make them alike")       \
  BAREBPF_CAUSE(not_an_event,                                                                                \
                "the descriptor is closed or of no perf event, so put in what perf_event_open "              \
                "gave")                                                                                      \
  BAREBPF_CAUSE(unfit_event, "a map takes no event that children inherit, so open it without inherit")       \
  BAREBPF_CAUSE(not_a_cgroup,                                                                                \
                "this is no folder in cgroup2, so open one below its mount, /sys/fs/cgroup "                 \
                "or /sys/fs/cgroup/unified")                                                                 \
  BAREBPF_CAUSE(cgroup_version_1,                                                                            \
                "this cgroup belongs to a controller of cgroup version 1, which BPF does not know, so take " \
                "one of version 2, below /sys/fs/cgroup/unified on machines that have both")                 \
  BAREBPF_CAUSE(unfit_device,                                                                                \
                "no interface has this index here, or the program beside it was not loaded for devmaps, so " \
                "look at its name, and put the program into SEC(\"xdp/devmap\")")                            \
  BAREBPF_CAUSE(unfit_cpu_program,                                                                           \
                "the program was not loaded for cpumaps, or the kernel has no memory for the queue, so put " \
                "the program into SEC(\"xdp/cpumap\")")                                                      \
  BAREBPF_CAUSE(unfit_socket,                                                                                \
                "a map takes bound UDP sockets, TCP sockets that listen or are connected, and "              \
                "connected Unix sockets, so put it in later, or another one")                                \
  BAREBPF_CAUSE(not_in_a_group,                                                                              \
                "the map takes bound sockets of a group, so set SO_REUSEPORT before bind, and "              \
                "listen where it is TCP")                                                                    \
  BAREBPF_CAUSE(socket_in_use,                                                                               \
                "a socket is in one reuseport_sockarray at a time, and where programs are attached in one "  \
                "slot of one map, so take it out there before")                                              \
  BAREBPF_CAUSE(unfit_xsk, "the map takes AF_XDP sockets that can receive, so put in what xsk::open gives")  \
  BAREBPF_CAUSE(wrong_owner,                                                                                 \
                "the descriptor in the key is closed or of another kind than the map's, so give "            \
                "that of a socket, a file, a process (pidfd) or a cgroup")                                   \
  BAREBPF_CAUSE(nothing_of_owner,                                                                            \
                "the owner that this descriptor stands for has no value in this storage or has ended, so "   \
                "store one while it lives")                                                                  \
  BAREBPF_CAUSE(long_prefix,                                                                                 \
                "the prefix has more bits than the address behind it, so give at most 8 for each "           \
                "of its bytes")                                                                              \
  BAREBPF_CAUSE(not_at_this_cgroup,                                                                          \
                "no program that uses this map is attached to this cgroup, so attach one, and "              \
                "the kernel makes the element")                                                              \
  BAREBPF_CAUSE(registered_already,                                                                          \
                "the operations in this map are registered already, and that only once, so "                 \
                "create another map for them")                                                               \
  BAREBPF_CAUSE(not_attachable,                                                                              \
                "the section of this program does not tell where to attach it, so "                          \
                "complete the name in SEC(), as in SEC(\"tracepoint/group/event\"), or give it as "          \
                "named_place")                                                                               \
  BAREBPF_CAUSE(bad_address,                                                                                 \
                "this is no address of its kind, so write 10.0.0.0/8 for IPv4 and 2001:db8::/32 for IPv6")   \
  BAREBPF_CAUSE(bad_prefix_length,                                                                           \
                "behind the slash stands the number of bits, so write at most 32 for IPv4 and 128 for IPv6") \
  BAREBPF_CAUSE(bits_behind_prefix,                                                                          \
                "this address has bits behind its prefix, so clear them, or give all bits for an address")   \
  BAREBPF_CAUSE(                                                                                             \
      hidden_addresses,                                                                                      \
      "the kernel shows zeros in place of its addresses, so run it as root or with CAP_SYSLOG, and "         \
      "set kernel.kptr_restrict to 1 at most")                                                               \
  BAREBPF_CAUSE(bad_proc_line,                                                                               \
                "a line of this file is none that the kernel writes there, so look what the path leads to")  \
  BAREBPF_CAUSE(no_such_process,                                                                             \
                "there is no process of this number any more, or it has no memory of its own, so read what " \
                "it has mapped while it runs")                                                               \
  BAREBPF_CAUSE(attached_elsewhere,                                                                          \
                "programs of this section are put into a map or an action of tc, or are only "               \
                "run, so do that with the program's descriptor")                                             \
  BAREBPF_CAUSE(takes_no_target,                                                                             \
                "the section of this program names the place to attach to, so give nothing but perhaps a "   \
                "cookie")                                                                                    \
  BAREBPF_CAUSE(takes_named_place,                                                                           \
                "programs of this section attach to a place that has a name, so give nothing, "              \
                "or a cookie, or the name as named_place")                                                   \
  BAREBPF_CAUSE(takes_functions,                                                                             \
                "programs of this section attach to functions of the kernel, so give nothing, or a "         \
                "cookie, or a pattern as named_place, or a function_list")                                   \
  BAREBPF_CAUSE(lists_no_target,                                                                             \
                "the kernel lists this by itself, or the elements of a map, the tasks or the cgroups that"   \
                " are asked for, so give nothing or one of those")                                           \
  BAREBPF_CAUSE(needs_perf_event,                                                                            \
                "this program runs when a perf event does, so give perf_event with an event that is open")   \
  BAREBPF_CAUSE(needs_interface,                                                                             \
                "this program attaches to a network interface, so give interface with its index")            \
  BAREBPF_CAUSE(needs_cgroup,                                                                                \
                "this program attaches to a cgroup, so give cgroup with a descriptor of its folder")         \
  BAREBPF_CAUSE(needs_netns,                                                                                 \
                "this program attaches to a network namespace, so give netns with its descriptor, or "       \
                "nothing for the one of this process")                                                       \
  BAREBPF_CAUSE(needs_sockmap, "this program attaches to a map of sockets, so give sockets_in with the map") \
  BAREBPF_CAUSE(needs_socket, "this program attaches to a socket, so give socket with its descriptor")       \
  BAREBPF_CAUSE(needs_netfilter_hook, "this program attaches to the packet filter, so give netfilter_hook")  \
  BAREBPF_CAUSE(needs_traffic_filter,                                                                        \
                "this program attaches to an interface as a filter of tc, so give "                          \
                "traffic_filter with its index")                                                             \
  BAREBPF_CAUSE(needs_route,                                                                                 \
                "this program sees packets on a route, so give route_to with the network and "               \
                "the interface")                                                                             \
  BAREBPF_CAUSE(needs_infrared_receiver,                                                                     \
                "this program hears a remote control, so give infrared_receiver with a "                     \
                "descriptor of /dev/lirc0")                                                                  \
  BAREBPF_CAUSE(bad_page_count,                                                                              \
                "the samples of a CPU go round in a power of two of pages, so ask for 8 or its like")        \
  BAREBPF_CAUSE(ring_is_full,                                                                                \
                "the ring buffer has no room for this record, so wait until a program has drained it, or "   \
                "create it larger")                                                                          \
  BAREBPF_CAUSE(record_too_large,                                                                            \
                "a record and its header of 8 bytes must fit into the whole ring buffer, so send less at "   \
                "once, or create it larger")                                                                 \
  BAREBPF_CAUSE(no_free_frame,                                                                               \
                "all frames for packets on their way out are in use, so flush and try again, or open the "   \
                "socket with more tx_frames")                                                                \
  BAREBPF_CAUSE(packet_too_large,                                                                            \
                "a packet must fit into one frame, so send less at once, or open the socket with a larger "  \
                "frame_size")                                                                                \
  /* what an object wants of the kernel by name */                                                           \
  BAREBPF_CAUSE(bad_kconfig_line,                                                                            \
                "this line sets no option as a kernel's configuration does, so write CONFIG_NAME=y, =m, =n," \
                " =250 or =\"text\"")                                                                        \
  BAREBPF_CAUSE(kconfig_module,                                                                              \
                "the kernel has this option as a module (m), which a bool cannot say, so declare it as an "  \
                "enum libbpf_tristate")                                                                      \
  BAREBPF_CAUSE(kconfig_yes_or_no,                                                                           \
                "the kernel has y, n or m for this option, so declare it as a bool or an enum "              \
                "libbpf_tristate")                                                                           \
  BAREBPF_CAUSE(kconfig_text, "the kernel has a text for this option, so declare it as an array of char")    \
  BAREBPF_CAUSE(kconfig_not_a_number,                                                                        \
                "the kernel has a number for this option, so declare it as an integer")                      \
  BAREBPF_CAUSE(kconfig_range,                                                                               \
                "the number that the kernel has for this option does not fit the variable, so declare it "   \
                "as a larger integer, or with another sign")                                                 \
  BAREBPF_CAUSE(no_kernel_config,                                                                            \
                "the configuration of this kernel is neither in /boot nor in /proc/config.gz, so give its "  \
                "file with load_options::kconfig_file or the options as text with load_options::kconfig")    \
  BAREBPF_CAUSE(bad_kernel_config,                                                                           \
                "this file is no whole file of gzip, so give the kernel's configuration as it is, packed or" \
                " not")                                                                                      \
  BAREBPF_CAUSE(no_kernel_option,                                                                            \
                "the kernel's configuration does not set this option, so declare it __weak to have zero "    \
                "then, or give it with load_options::kconfig")                                               \
  BAREBPF_CAUSE(unknown_kernel_fact,                                                                         \
                "a __kconfig variable is CONFIG_ and an option, LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE " \
                "or LINUX_HAS_SYSCALL_WRAPPER, so correct the name, or declare it __weak to have zero")      \
  BAREBPF_CAUSE(no_kernel_symbol,                                                                            \
                "the kernel lists nothing of this name in /proc/kallsyms, so correct it, or declare it "     \
                "__weak to have zero where a kernel lacks it")                                               \
  BAREBPF_CAUSE(ambiguous_symbol,                                                                            \
                "the kernel lists this name at several addresses in /proc/kallsyms, so choose one that the " \
                "kernel has once")                                                                           \
  BAREBPF_CAUSE(no_kernel_variable,                                                                          \
                "neither the kernel nor a module has a variable of this name among its types, where are "    \
                "those of each CPU alone, so declare it const void to have its address, or __weak")          \
  BAREBPF_CAUSE(no_kfunc,                                                                                    \
                "neither the kernel nor a module has a function of this name for programs, so use a newer "  \
                "kernel, or declare it __weak and ask bpf_ksym_exists before it is called")                  \
  BAREBPF_CAUSE(another_type,                                                                                \
                "the kernel has this name with another type, so declare it as the kernel's vmlinux.h does")  \
  BAREBPF_CAUSE(calls_missing_kfunc,                                                                         \
                "the program calls this function, which the kernel does not have, so let it ask "            \
                "bpf_ksym_exists before")                                                                    \
  BAREBPF_CAUSE(too_many_modules,                                                                            \
                "instructions can name 32767 modules and this object needs more, so split it")               \
  BAREBPF_CAUSE(arena_too_small,                                                                             \
                "the variables with __arena do not fit into the arena, so give it more max_entries, which "  \
                "are pages")                                                                                 \
  BAREBPF_CAUSE(kernel_decides,                                                                              \
                "the value of a __kconfig variable is the kernel's, so change what the kernel says with "    \
                "load_options::kconfig")                                                                     \
  BAREBPF_CAUSE(not_in_arena,                                                                                \
                "this variable does not lie in this arena, so ask for it by its name alone, or give the "    \
                "arena of this object, mapped whole")                                                        \
  BAREBPF_CAUSE(lies_in_arena,                                                                               \
                "this variable lies in an arena, so map that with map_arena and give it beside the name")    \
  /* what a look at the kernel found out after it refused */                                                 \
  BAREBPF_CAUSE(needs_cap_bpf, "the process lacks CAP_BPF, so run it as root or give it CAP_BPF")            \
  BAREBPF_CAUSE(needs_cap_perfmon,                                                                           \
                "the process lacks CAP_PERFMON, which tracing programs need beside "                         \
                "CAP_BPF, so run it as root or give it both")                                                \
  BAREBPF_CAUSE(needs_cap_net_admin,                                                                         \
                "the process lacks CAP_NET_ADMIN, which programs and maps of the network need beside "       \
                "CAP_BPF, so run it as root or give it both")                                                \
  BAREBPF_CAUSE(in_user_namespace,                                                                           \
                "in a user namespace capabilities alone allow nothing here, so give a token, made by "       \
                "create_token of a BPF file system mounted with delegate_cmds, delegate_maps, "              \
                "delegate_progs, delegate_attachs")                                                          \
  BAREBPF_CAUSE(no_kernel_function,                                                                          \
                "the kernel has no function of this name that programs can attach to, so look for it in "    \
                "/proc/kallsyms, and for one that was not inlined")                                          \
  BAREBPF_CAUSE(untraceable_function,                                                                        \
                "ftrace does not reach this function, because the compiler put it into others or it is "     \
                "not to be traced, so choose another, or give a pattern, which names only those that it "    \
                "reaches")                                                                                   \
  BAREBPF_CAUSE(unfit_function,                                                                              \
                "the kernel runs no program of this section there: not at varargs or structs by value, "     \
                "not at the end of what never returns, and none that may sleep outside of system calls, "    \
                "so choose another function")                                                                \
  BAREBPF_CAUSE(bad_function_list,                                                                           \
                "a list of functions has names, or ids of functions in the kernel's types, each of them "    \
                "once, and as many cookies or none, so correct it")                                          \
  BAREBPF_CAUSE(no_such_module, "no module of this name is loaded that has types (BTF), so load it before")  \
  BAREBPF_CAUSE(loaded_for_others,                                                                           \
                "the program was loaded for functions of the kernel itself, or of another module, so "       \
                "name the module in its section, as in SEC(\"fentry.multi/veth:veth_*\"), or in "            \
                "change_program")                                                                            \
  BAREBPF_CAUSE(no_kernel_tracepoint,                                                                        \
                "the kernel has no tracepoint of this name, so look for its name under "                     \
                "/sys/kernel/tracing/events, without the group")                                             \
  BAREBPF_CAUSE(no_kernel_iterator,                                                                          \
                "the kernel cannot list this, so choose one of the words that follow bpf_iter_ in "          \
                "/proc/kallsyms")                                                                            \
  BAREBPF_CAUSE(no_kernel_hook,                                                                              \
                "the kernel has no security hook of this name, so choose one of the words that follow "      \
                "bpf_lsm_ in /proc/kallsyms")                                                                \
  BAREBPF_CAUSE(no_program_to_replace,                                                                       \
                "programs of this section replace a function of another program, so give the descriptor of " \
                "that one as load_options::replaced")                                                        \
  BAREBPF_CAUSE(no_program_types,                                                                            \
                "the program whose function is to be replaced was loaded without types, so load it with "    \
                "btf_choice::needed or all, and compile it with -g")                                         \
  BAREBPF_CAUSE(no_replaced_function,                                                                        \
                "the other program has no function of this name, so look for a misspelling, and for one "    \
                "that was inlined: it must be neither static nor inline")                                    \
  BAREBPF_CAUSE(bad_place,                                                                                   \
                "these are not the words for a place of this kind, so write them as they stand "             \
                "in section names, such as path:function for a uprobe")                                      \
  BAREBPF_CAUSE(nothing_fits,                                                                                \
                "nothing has a name that fits this pattern, so look at the names that there "                \
                "are, and for a misspelling")                                                                \
  BAREBPF_CAUSE(no_such_binary,                                                                              \
                "no program or library of this name is where distributions put them, so give "               \
                "its path, with a slash")                                                                    \
  BAREBPF_CAUSE(not_a_binary,                                                                                \
                "this file is neither a program nor a shared library, so give the path of one "              \
                "that is")                                                                                   \
  BAREBPF_CAUSE(damaged_binary,                                                                              \
                "this file says of itself what it does not hold, so it was cut, or is being "                \
                "replaced: try again when that is done")                                                     \
  BAREBPF_CAUSE(no_function_names,                                                                           \
                "this file was stripped of all names of functions, so install the one with "                 \
                "them, or give the place as bytes from the start of the file: path:0x1234")                  \
  BAREBPF_CAUSE(no_such_function,                                                                            \
                "the file has no function of this name, or it was inlined everywhere, so look "              \
                "at what nm -D and nm list")                                                                 \
  BAREBPF_CAUSE(ambiguous_function,                                                                          \
                "the file has several functions of this name, none of which is shown to others,"             \
                " so give the place as bytes from the start of the file: path:0x1234")                       \
  BAREBPF_CAUSE(no_usdt,                                                                                     \
                "this file brings no trace points, so it was built without them, or another "                \
                "file of its package has them")                                                              \
  BAREBPF_CAUSE(no_such_usdt,                                                                                \
                "the file has no trace point of this provider and name, so look at what readelf"             \
                " -n lists under stapsdt")                                                                   \
  BAREBPF_CAUSE(no_usdt_specs,                                                                               \
                "programs on trace points need the maps of <bpf/usdt.bpf.h>, so include it "                 \
                "where the program is written")                                                              \
  BAREBPF_CAUSE(unknown_usdt_argument,                                                                       \
                "this version of barebpf does not know this way to say where an argument is, or"             \
                " not for this machine, so attach a uprobe there instead")                                   \
  BAREBPF_CAUSE(several_places,                                                                              \
                "the file passes this trace point at several places, for which this kernel has "             \
                "no single link (6.6), so give its name as named_place to get an attachment")                \
  BAREBPF_CAUSE(newer_attach_way,                                                                            \
                "the kernel is older than this way to attach, so take one that has it: kprobe.multi "        \
                "5.18, lsm_cgroup 6.0, netfilter 6.4, tcx and uprobe.multi 6.6, netkit 6.7, sessions "       \
                "6.10 to 7.0, fentry.multi 7.2")                                                             \
  BAREBPF_CAUSE(newer_position,                                                                              \
                "cgroups take a position since Linux 6.17 and in late releases of 6.12, so attach without "  \
                "one, and the program comes last")                                                           \
  BAREBPF_CAUSE(no_interface, "this network namespace has no interface of this index, so look at its name")  \
  BAREBPF_CAUSE(not_a_link,                                                                                  \
                "this is a map, a program or something else and no link, so look at what the path belongs"   \
                " to")                                                                                       \
  BAREBPF_CAUSE(refused_by_verifier,                                                                         \
                "the kernel's verifier refused the program, so read its log: the "                           \
                "last lines name the instruction and the reason")                                            \
  BAREBPF_CAUSE(log_cut,                                                                                     \
                "the verifier refused the program and its log is larger than the buffer that "               \
                "was given, so give a larger one or let verifier_log grow")                                  \
  BAREBPF_CAUSE(lock_in_such_a_map,                                                                          \
                "the kernel keeps no lock, timer or pointer like this one in values of this map type, so "   \
                "use a hash or an array")                                                                    \
  BAREBPF_CAUSE(no_types_loaded,                                                                             \
                "the object's types were not loaded, so load it with btf_choice::needed or all in its "      \
                "policy, or name the map's types")                                                           \
  BAREBPF_CAUSE(no_such_member,                                                                              \
                "the type in the BPF object has no member of this name, so look for a misspelling")          \
  BAREBPF_CAUSE(bad_field_path,                                                                              \
                "this names no field, so write members with a dot between them and elements by their "       \
                "number: ports[1].source")                                                                   \
  BAREBPF_CAUSE(                                                                                             \
      element_past_end,                                                                                      \
      "the array in the BPF object has fewer elements, so count from 0 to one less than its length")         \
  BAREBPF_CAUSE(needs_value_type,                                                                            \
                "what goes into this map comes out of it as something else, so give the types of its key "   \
                "and value, as its alias in map/map.hpp has them")                                           \
  BAREBPF_CAUSE(needs_kernel_type,                                                                           \
                "what is in this map is the kernel's own struct, which may be larger elsewhere, so give "    \
                "types for the key and for that: map<name, unsigned, type>()")                               \
  /* C++ types and the object's */                                                                           \
  BAREBPF_LAYOUT_CAUSES(BAREBPF_CAUSE, "this C++ type and the type in the BPF object disagree at a member")  \
  BAREBPF_UNSEEN_CAUSES(BAREBPF_CAUSE)

namespace barebpf::inline BAREBPF_ABI {

/// Why something failed, as far as the library knows; `none` where only the kernel's errno is known.
enum class cause : u16 {
  none = 0,
#define BAREBPF_CAUSE(identifier, sentence) identifier,
  BAREBPF_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
};

/// What a reader found: nothing wrong, or the cause, the place in the file and what it is about. A plain
/// value without a destructor, so that the compiler carries it cheaply through its evaluations.
struct [[nodiscard]] verdict {
  cause why = cause::none;
  u32 section = 0;  ///< index of the ELF section, 0 for the file as a whole
  u64 offset = 0;   ///< bytes from the start of the file
  u64 subject = 0;  ///< where in the file the name of the map, member or program stands; 0 for none

  [[nodiscard]] constexpr bool failed() const noexcept { return why != cause::none; }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CAUSE_HPP
