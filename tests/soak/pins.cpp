// SPDX-License-Identifier: MIT
// One name, and several processes that pin under it, open it and remove it at once.
#include <sched.h>

#include <string>
#include <utility>

#include "soak.hpp"
#include "soak_pins.bpf.hpp"

namespace soak {

namespace {

using hash = barebpf::hash_map<std::uint32_t, std::uint64_t>;
using barebpf::cause;
using barebpf::error;
using barebpf::step;

constexpr barebpf::static_object<soak_pins> object;
constexpr std::uint32_t entries = 8;

std::string path() { return bpf_folder() + "/soak_shared"; }
std::string id_of_map(std::uint32_t id) { return "map " + std::to_string(id); }

hash create(std::uint32_t max_entries = entries) {
  return must(hash::create({.name = "soak_shared", .max_entries = max_entries}));
}
std::uint32_t id(const hash& of) { return must(of.info()).id; }
// A map that was got must do what maps do.
void demand_working(hash& map, std::uint32_t key) {
  const std::uint64_t value = std::uint64_t{key} + 1000;
  must(map.update_elem(key, value));
  demand(must(map.lookup_elem(key)) == value, "a map that was got does not keep its elements",
         "it is another map than the library took it for");
}

// --- Two at once ---

enum class form : std::uint32_t { pin, pin_program, get_or_create, other_size, load, unpin, count };
constexpr const char* words[] = {"pin a map",           "pin a program",
                                 "get or create a map", "get or create maps of two sizes",
                                 "load an object",      "unpin"};

struct answer {
  bool got;
  std::uint32_t id;  // of the map
  error why;
};
answer refused(const error& why) { return {false, 0, why}; }
answer got(hash& map, std::uint32_t who) {
  demand_working(map, who);
  return {true, id(map), {}};
}

struct table {
  std::atomic<std::uint32_t> round{0}, arrived{0}, done{0};
  std::atomic<form> now{form::pin};
  std::atomic<bool> is_over{false};
  answer answers[2];
};

answer act(form now, std::uint32_t who, const barebpf::fd& program) {
  switch (now) {
    case form::pin: {
      hash mine = create();
      const auto pinned = mine.pin(path());
      return pinned ? got(mine, who) : refused(pinned.error());
    }
    case form::pin_program: {
      const auto pinned = barebpf::pin(program, path());
      return pinned ? answer{true, 0, {}} : refused(pinned.error());
    }
    case form::get_or_create:
    case form::other_size: {
      const std::uint32_t more = now == form::other_size ? who : 0;
      auto map = hash::get_or_create(path(), {.name = "soak_shared", .max_entries = entries + more});
      return map ? got(*map, who) : refused(map.error());
    }
    case form::load: {
      const std::string root = bpf_folder();
      const auto loaded = object.load({.pin_root = root});
      if (!loaded) return refused(loaded.error());
      auto map = loaded->map<"soak_shared", std::uint32_t, std::uint64_t>();
      return got(map, who);
    }
    default: {
      const auto gone = barebpf::unpin(path());
      return gone ? answer{true, 0, {}} : refused(gone.error());
    }
  }
}

void take_part(table& on, std::uint32_t who, const barebpf::fd& program) {
  dice random(who + 1);
  steady self;
  for (std::uint32_t round = 1;; ++round) {
    while (on.round != round) {
      if (on.is_over) return self.demand_steady();
      sched_yield();
    }
    // Both run now, so that neither is done before the other begins.
    ++on.arrived;
    for (std::uint32_t turns = 0; on.arrived != 2; ++turns)
      if (turns % 256 == 255) sched_yield();
    spin(random.below(1000));
    on.answers[who] = act(on.now, who, program);
    self.look();
    ++on.done;
  }
}

void demand_answers(const table& on, form now) {
  const std::string what = words[static_cast<std::uint32_t>(now)];
  const answer &first = on.answers[0], &second = on.answers[1];
  const bool for_both = now == form::get_or_create || now == form::load;
  const int winners = first.got + second.got, wanted = for_both ? 2 : 1;
  const answer& loser = first.got ? second : first;
  demand(winners == wanted,
         "two processes " + what + " at once, and " + std::to_string(winners) + " succeed" +
             (winners == 2 ? "" : ": " + sentence(loser.why)),
         "exactly " + std::to_string(wanted) + " must");
  if (for_both)
    demand(
        first.id == second.id,
        "two processes " + what + " at once and get " + id_of_map(first.id) + " and " + id_of_map(second.id),
        "both must get the same");
  if (winners == 1) {
    const error& why = loser.why;
    const bool told = now == form::unpin        ? why.at == step::unpin && why.code == ENOENT
                      : now == form::other_size ? why.why == cause::another_map
                                                : why.at == step::obj_pin && why.code == EEXIST;
    demand(told, "two processes " + what + " at once, and the second one is told: " + sentence(why),
           "it must be told that somebody was faster");
  }
  if (now == form::unpin || now == form::pin_program) return;
  const std::uint32_t more = now == form::other_size && second.got ? 1 : 0;
  const auto pinned = must(hash::get_pinned(path(), {.max_entries = entries + more}));
  demand(id(pinned) == (first.got ? first.id : second.id),
         id_of_map(id(pinned)) + " is pinned after two processes " + what,
         "whoever was first got another one");
  for (std::uint32_t who = 0; who < 2; ++who)
    if (on.answers[who].got) static_cast<void>(must(pinned.lookup_elem(who)));
}

}  // namespace

std::string pins(double seconds) {
  table& on = make_shared_by_processes<table>();
  const auto own = must(object.load({.pin_root = bpf_folder()}));
  must(barebpf::unpin(path()));
  const barebpf::fd& program = own.program<"soak_looks">();
  process first([&] { take_part(on, 0, program); }), second([&] { take_part(on, 1, program); });
  steady self;
  std::uint32_t rounds = 0, first_wins = 0;
  for (const timer time(seconds); !time.is_over();) {
    const form now = static_cast<form>(rounds % static_cast<std::uint32_t>(form::count));
    if (now == form::unpin) must(create().pin(path()));
    on.now = now;
    on.done = on.arrived = 0;
    on.round = ++rounds;
    for (std::uint32_t turns = 0; on.done != 2; ++turns) {
      sleep_microseconds(20);  // leaves the CPUs to the two
      if (turns % 1024 == 1023) first.demand_running(), second.demand_running();
    }
    demand_answers(on, now);
    first_wins += on.answers[0].got && !on.answers[1].got;
    if (now != form::unpin) {
      const std::string names = names_in_bpf_folder();
      demand(names == "soak_shared", "the folder then has: " + names,
             "only the name of the map may be there");
      must(barebpf::unpin(path()));
    }
    demand(names_in_bpf_folder().empty(), "a name is left after it was removed",
           "something was pinned under two names");
    self.look();
  }
  on.is_over = true;
  first.join();
  second.join();
  self.demand_steady();
  return std::to_string(rounds) + " rounds, the first process alone won " + std::to_string(first_wins);
}

std::string killed(double seconds) {
  dice random(7);
  steady self;
  std::uint32_t rounds = 0, there = 0;
  for (const timer time(seconds); !time.is_over(); ++rounds) {
    {
      process victim([root = bpf_folder()] {
        for (std::uint32_t turn = 0;; ++turn) {
          if (turn % 2 == 0) {
            auto map = must(hash::get_or_create(path(), {.name = "soak_shared", .max_entries = entries}));
            demand_working(map, 1);
          } else {
            static_cast<void>(must(object.load({.pin_root = root})));
          }
          must(barebpf::unpin(path()));
        }
      });
      sleep_microseconds(random.below(4000));
      victim.demand_running();
    }
    const std::string names = names_in_bpf_folder();
    demand(names.empty() || names == "soak_shared", "a process that was killed left: " + names,
           "only the name of the map may be there");
    there += !names.empty();
    {
      auto map = must(hash::get_or_create(path(), {.name = "soak_shared", .max_entries = entries}));
      demand_working(map, 2);
    }
    must(barebpf::unpin(path()));
    self.look();
  }
  self.demand_steady();
  return std::to_string(rounds) + " processes killed, a pin was there after " + std::to_string(there);
}

// --- A name that comes and goes ---

std::string vanishing(double seconds) {
  struct counts {
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> pinned{0};
  };
  counts& of_other = make_shared_by_processes<counts>();
  process other([&] {
    dice random(3);
    steady self;
    for (; !of_other.is_over; self.look()) {
      const hash mine = create(random.below(4) == 0 ? entries + 1 : entries);
      const auto pinned = mine.pin(path());
      if (pinned) ++of_other.pinned;
      demand_only(pinned, EEXIST, "it may only be told of another pin");
      spin(random.below(4000));
      const auto gone = barebpf::unpin(path());
      demand_only(gone, ENOENT, "it may only be told that nothing is there");
      spin(random.below(4000));
    }
    self.demand_steady();
  });
  const std::string root = bpf_folder();
  steady self;
  std::uint32_t rounds = 0, got = 0, absent = 0, others = 0, given_up = 0;
  const auto judge = [&](const error& why, bool may_be_absent) {
    if (why.why == cause::another_map) return ++others;
    if (may_be_absent && why.at == step::obj_get && why.code == ENOENT) return ++absent;
    // What was there each time it was pinned, and gone each time it was to be got.
    if (!may_be_absent && why.at == step::obj_pin && why.code == EEXIST) return ++given_up;
    broken(sentence(why),
           "where a pin comes and goes, nothing may be told but that it is there, or not, or another map");
  };
  for (const timer time(seconds); !time.is_over(); ++rounds) {
    switch (rounds % 4) {
      case 0: {
        auto map = hash::get_pinned(path(), {.max_entries = entries});
        if (map)
          demand_working(*map, 3), ++got;
        else
          judge(map.error(), true);
        break;
      }
      case 1: {
        auto map = hash::get_or_create(path(), {.name = "soak_shared", .max_entries = entries});
        if (map)
          demand_working(*map, 4), ++got;
        else
          judge(map.error(), false);
        break;
      }
      case 2: {
        const auto loaded = object.load({.pin_root = root});
        if (loaded) {
          auto map = loaded->map<"soak_shared", std::uint32_t, std::uint64_t>();
          demand_working(map, 5), ++got;
        } else {
          judge(loaded.error(), false);
        }
        break;
      }
      default: {
        const auto map = hash::read_only::get_pinned(path(), {.max_entries = entries});
        if (!map) {
          judge(map.error(), true);
          break;
        }
        const auto nothing = map->lookup_elem(7);
        demand(!nothing && nothing.error().code == ENOENT, "a key is in the map that nobody puts in",
               "it is another map than the library took it for");
        ++got;
      }
    }
    self.look();
    if (rounds % 256 == 0) other.demand_running();
  }
  of_other.is_over = true;
  other.join();
  static_cast<void>(barebpf::unpin(path()));
  self.demand_steady();
  demand(got != 0 && absent != 0 && others != 0,
         "in " + std::to_string(rounds) + " rounds a pin was found " + std::to_string(got) +
             " times, absent " + std::to_string(absent) + " times and another map's " +
             std::to_string(others) + " times",
         "each must happen, or nothing was tried, so give it more seconds");
  return std::to_string(rounds) + " rounds beside " + std::to_string(of_other.pinned) +
         " pins: " + std::to_string(got) + " got, " + std::to_string(absent) + " absent, " +
         std::to_string(others) + " of another map, " + std::to_string(given_up) + " given up";
}

}  // namespace soak
