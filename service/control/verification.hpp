// Compares a sample of the answers with the database afterwards: what the real rate of stale answers is.
//
// An answer says: everything that committed up to `as_of` is in me. What the database's row says a moment later decides
// between these:
//
//   agrees       the same version with the same days, or no listing in both
//   newer        the database has a newer version, which was made or committed after as_of: the answer said how old it
//                was, and that was true
//   mismatch     it committed before as_of; or the same version has other days; or the answer has a version that the
//                database has not reached
//   undecided    the newer version was made before as_of, and when it committed is not known: the server tells only
//                with track_commit_timestamp on. Or it committed within 50 ms before as_of: a commit notes its time
//                before others can see it.
//   failed       the database could not be asked
//
// When a version was made is the version itself: microseconds of the clock, in the trigger (docs/tracking.md). So
// without commit times a mismatch shows as undecided only where a transaction was open across as_of, or something is
// wrong; both are worth a look. For those that are not `agrees` the time for which they had been out of date when they
// were given is measured.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "service/database/tables.hpp"
#include "service/metrics.hpp"
#include "service/reader/answer.hpp"

namespace availability::service {

class Verification {
  public:
    struct Counters {
        std::uint64_t agrees = 0, newer = 0, mismatch = 0, undecided = 0, failed = 0, left_out = 0;
    };

    Verification(database::Pool& pool, database::Tables& tables, Metrics& metrics)
        : pool_(pool), tables_(tables), metrics_(metrics) {}

    void set(double share, std::size_t max_waiting) {
        share_ = share;
        max_waiting_ = max_waiting;
    }
    double share() const { return share_; }
    // Whether the answer to come is one of the sample.
    bool wants() { return share_ > 0 && std::uniform_real_distribution<double>()(random_) < share_; }
    // One that has been given just now.
    void sample(const reader::OwnedListing& listing, const reader::Answer& answer);
    const Counters& counters() const { return counters_; }

    // What was answered, and what the row says. `commit`: 0 if it is not known.
    struct Given {
        bool found = false;
        std::int64_t version = 0;
        std::int64_t as_of = 0;
        std::int64_t at = 0; // when it was given
        std::string booked;
    };
    struct Row {
        bool found = false;
        std::int64_t version = 0;
        std::int64_t commit = 0;
        std::string booked;
    };
    enum class Verdict { kAgrees, kNewer, kMismatch, kUndecided };
    static Verdict judge(const Given& given, const Row& row);

  private:
    void compare(const reader::OwnedListing& listing, const Given& given, const database::QueryResult& result);

    database::Pool& pool_;
    database::Tables& tables_;
    Metrics& metrics_;
    double share_ = 0;
    std::size_t max_waiting_ = 100;
    std::size_t waiting_ = 0;
    std::mt19937_64 random_{std::random_device()()};
    Counters counters_;
};

} // namespace availability::service
