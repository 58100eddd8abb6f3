// SPDX-License-Identifier: MIT
#include "../support/catch.hpp"
#include "../support/library.hpp"
#include "../support/object_builder.hpp"
#include "../support/reading.hpp"

namespace {

using barebpf::cause;

hits_object pinned(std::uint32_t how) {
  hits_object made;
  made.members.push_back({"pinning", made.number(how)});
  made.build();
  return made;
}

}  // namespace

TEST_CASE("a map is pinned by its name or not at all", "[spec/maps]") {
  for (const std::uint32_t how : {0u, 1u}) {
    const hits_object made = pinned(how);
    const reading object(made.image);

    REQUIRE_FALSE(object.fault.failed());
    CHECK(object.map(0).pinning == how);
  }
}

TEST_CASE("any other way of pinning is refused by the member's name", "[spec/maps]") {
  for (const std::uint32_t how : {2u, 3u, 0xffffffffu}) {
    CAPTURE(how);
    const hits_object made = pinned(how);
    const reading object(made.image);

    CHECK(object.fault.why == cause::bad_pinning);
    CHECK(object.fault.section == hits_object::maps_section);
    CHECK(object.fault.offset == made.type_at(made.definition) + 12 + 4 * 12);
    CHECK(subject_of(made.image, object.fault) == "pinning");
  }
}

TEST_CASE("declared maps are marked as such and hold no variables", "[spec/maps]") {
  hits_object made;
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.map(0).origin == barebpf::map_origin::declared);
  CHECK_FALSE(object.map(0).has_content());
  CHECK(object.map(0).variable_count == 0);
}
