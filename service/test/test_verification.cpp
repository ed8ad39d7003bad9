// Which answers are stale beyond what they said: the judgement, without a database.

#include "service/control/verification.hpp"
#include "test/core/check.hpp"

using namespace availability::service;

namespace {

using Verdict = Verification::Verdict;

constexpr std::int64_t kSecond = 1000000;
constexpr std::int64_t kAsOf = 1795467185 * kSecond;

Verdict judge(std::int64_t answered, std::int64_t in_row, std::int64_t commit, const char* days = "a") {
    return Verification::judge({answered != 0, answered, kAsOf, kAsOf + kSecond, "a"},
                               {in_row != 0, in_row, commit, days});
}

void agreement() {
    CHECK(judge(kAsOf - kSecond, kAsOf - kSecond, 0) == Verdict::kAgrees);
    CHECK(judge(0, 0, 0) == Verdict::kAgrees);
    CHECK(judge(kAsOf - kSecond, kAsOf - kSecond, 0, "b") == Verdict::kMismatch);
    CHECK(judge(kAsOf, kAsOf - kSecond, 0) == Verdict::kMismatch);
}

void newer_versions() {
    // Made after as_of, or committed after it, however long the transaction was.
    CHECK(judge(kAsOf - kSecond, kAsOf + 1, 0) == Verdict::kNewer);
    CHECK(judge(kAsOf - 9 * kSecond, kAsOf - 5 * kSecond, kAsOf + 1) == Verdict::kNewer);
    CHECK(judge(0, kAsOf + 1, kAsOf + 2) == Verdict::kNewer);
    // It had committed, and others could see it.
    CHECK(judge(kAsOf - 9 * kSecond, kAsOf - 5 * kSecond, kAsOf - kSecond) == Verdict::kMismatch);
    CHECK(judge(0, kAsOf - 5 * kSecond, kAsOf - kSecond) == Verdict::kMismatch);
    // Nobody knows when, or whether others could see it yet.
    CHECK(judge(kAsOf - 9 * kSecond, kAsOf - 5 * kSecond, 0) == Verdict::kUndecided);
    CHECK(judge(kAsOf - 9 * kSecond, kAsOf - 5 * kSecond, kAsOf - 1000) == Verdict::kUndecided);
    // The listing has gone since.
    CHECK(judge(kAsOf - kSecond, 0, 0) == Verdict::kNewer);
}

} // namespace

int main() {
    test::run("verification: what agrees", agreement);
    test::run("verification: newer versions", newer_versions);
    return test::exit_status();
}
