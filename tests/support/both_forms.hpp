// SPDX-License-Identifier: MIT
// An object in both forms, one that the program reads and one that the compiler has read, asked in the same words, so that
// a test of what they have in common is written once.
#ifndef BAREBPF_TESTS_SUPPORT_BOTH_FORMS_HPP
#define BAREBPF_TESTS_SUPPORT_BOTH_FORMS_HPP

#include <utility>

#include "catch.hpp"
#include "library.hpp"

/// What was loaded of an object that the program has read.
class loaded_by_program {
 public:
  explicit loaded_by_program(barebpf::loaded_object loaded) : loaded_(std::move(loaded)) {}

  template <barebpf::name Name>
  auto attach_struct_ops() const {
    return loaded_.attach_struct_ops(Name.characters);
  }
  template <barebpf::name Name>
  auto update_struct_ops(const barebpf::attachment& attached) const {
    return loaded_.update_struct_ops(attached, Name.characters);
  }
  template <barebpf::name Name, class T>
  auto variable() const {
    return loaded_.variable<T>(Name.characters);
  }
  template <barebpf::name Name, class Map>
  barebpf::result<Map> map() const {
    return loaded_.map<Map>(Name.characters);
  }
  template <barebpf::name Name>
  const barebpf::fd& map_descriptor() const {
    const auto found = loaded_.map_descriptor(Name.characters);
    return found ? **found : nothing_;
  }
  template <barebpf::name Name>
  const barebpf::fd& program() const {
    const auto found = loaded_.program(Name.characters);
    return found ? **found : nothing_;
  }

 private:
  barebpf::loaded_object loaded_;
  barebpf::fd nothing_;
};

/// The same of one that the compiler has read.
template <class Loaded>
class loaded_by_compiler {
 public:
  explicit loaded_by_compiler(Loaded loaded) : loaded_(std::move(loaded)) {}

  template <barebpf::name Name>
  auto attach_struct_ops() const {
    return loaded_.template attach_struct_ops<Name>();
  }
  template <barebpf::name Name>
  auto update_struct_ops(const barebpf::attachment& attached) const {
    return loaded_.template update_struct_ops<Name>(attached);
  }
  template <barebpf::name Name, class T>
  auto variable() const {
    return loaded_.template variable<Name, T>();
  }
  template <barebpf::name Name, class Map>
  barebpf::result<Map> map() const {
    return loaded_.template map<Name, typename Map::key_type, typename Map::mapped_type>();
  }
  template <barebpf::name Name>
  const barebpf::fd& map_descriptor() const {
    return loaded_.template map_descriptor<Name>();
  }
  template <barebpf::name Name>
  const barebpf::fd& program() const {
    return loaded_.template program<Name>();
  }

 private:
  Loaded loaded_;
};

template <const auto& Image, barebpf::load_policy Policy>
class read_by_program {
 public:
  static constexpr const char* form = "read by the program";

  barebpf::result<loaded_by_program> load(const barebpf::load_options& options = {}) const {
    return object_.load<Policy>(options).transform(
        [](barebpf::loaded_object&& loaded) { return loaded_by_program(std::move(loaded)); });
  }
  template <barebpf::name Name>
  barebpf::map_change change(const barebpf::map_settings& settings) const {
    return *object_.change(Name.characters, settings);
  }
  template <barebpf::name Name>
  barebpf::program_change change_program(const barebpf::program_settings& settings) const {
    return *object_.change_program(Name.characters, settings);
  }

 private:
  barebpf::object object_ = std::move(*barebpf::object::open(Image, sizeof Image));
};

template <const auto& Image, barebpf::load_policy Policy>
class read_by_compiler {
  static constexpr barebpf::static_object<Image> object{};
  using loaded = typename barebpf::static_object<Image>::template loaded<Policy>;

 public:
  static constexpr const char* form = "read by the compiler";

  // Without options less is compiled, so that is a case of its own.
  barebpf::result<loaded_by_compiler<loaded>> load() const { return wrapped(object.template load<Policy>()); }
  barebpf::result<loaded_by_compiler<loaded>> load(const barebpf::load_options& options) const {
    return wrapped(object.template load<Policy>(options));
  }
  template <barebpf::name Name>
  barebpf::map_change change(const barebpf::map_settings& settings) const {
    return object.template change<Name>(settings);
  }
  template <barebpf::name Name>
  barebpf::program_change change_program(const barebpf::program_settings& settings) const {
    return object.template change_program<Name>(settings);
  }

 private:
  static auto wrapped(barebpf::result<loaded> from) {
    return std::move(from).transform(
        [](loaded&& whole) { return loaded_by_compiler<loaded>(std::move(whole)); });
  }
};

/// Runs `test(object)` for the object in `Image` in each form, loaded under `Policy`.
template <const auto& Image, barebpf::load_policy Policy = barebpf::load_policy{}, class Test>
void in_both_forms(Test test) {
  const auto run = [&test](const auto& object) {
    INFO(object.form);
    test(object);
  };
  run(read_by_program<Image, Policy>());
  run(read_by_compiler<Image, Policy>());
}

#endif
