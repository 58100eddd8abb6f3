// SPDX-License-Identifier: MIT
// The main function of every test program. Exit code 77 says that a program did not run, and why.
#define CATCH_CONFIG_RUNNER
#include <cstdio>

#include "catch.hpp"

/// A program that needs more than a compiler may define this: why it cannot run here, or a null pointer.
extern "C" [[gnu::weak]] const char* reason_to_skip();
/// And these two, to be asked before the first test and after the last: what there is now that was not there before, or a
/// null pointer.
extern "C" [[gnu::weak]] void remember_what_is_there();
extern "C" [[gnu::weak]] const char* what_is_left();

void barebpf_tests::decide(const assertion& about, const Catch::ITransientExpression& expression) {
  Catch::AssertionHandler handler(about.macro, {about.file, about.line}, about.words,
                                  static_cast<Catch::ResultDisposition::Flags>(about.disposition));
  handler.handleExpr(expression);
  handler.complete();
}

int main(int count, char** arguments) {
  if (reason_to_skip != nullptr) {
    if (const char* const reason = reason_to_skip(); reason != nullptr) {
      std::printf("skipped: %s\n", reason);
      return 77;
    }
  }
  Catch::Session session;
  if (const int wrong = session.applyCommandLine(count, arguments); wrong != 0) return wrong;
#if !defined(CATCH_VERSION_MAJOR) || CATCH_VERSION_MAJOR < 3
  // Whoever names tests that there are not is told so; later versions do it by themselves.
  session.configData().warnings =
      static_cast<Catch::WarnAbout::What>(session.configData().warnings | Catch::WarnAbout::NoTests);
#endif
  if (remember_what_is_there != nullptr) remember_what_is_there();
  const int outcome = session.run();
  if (what_is_left == nullptr) return outcome;
  const char* const left = what_is_left();
  if (left == nullptr) return outcome;
  std::printf("left behind: %s\n", left);
  return 1;
}
