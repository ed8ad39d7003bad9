#include "service/control/verification.hpp"

#include <algorithm>
#include <charconv>

#include <spdlog/spdlog.h>

#include "relay/clock.hpp"
#include "relay/dead_letters.hpp"

namespace availability::service {

using reader::Answer;

namespace {

constexpr std::int64_t kCommitGrace = 50000; // microseconds
constexpr std::chrono::seconds kDeadline(5);

std::int64_t number_of(const std::optional<std::string>& text) {
    std::int64_t number = 0;
    if (text)
        std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

} // namespace

Verification::Verdict Verification::judge(const Given& given, const Row& row) {
    if (!row.found)
        return given.found ? Verdict::kNewer : Verdict::kAgrees; // when it was deleted, nobody knows any more
    if (given.found && given.version == row.version)
        return given.booked == row.booked ? Verdict::kAgrees : Verdict::kMismatch;
    if (given.found && given.version > row.version)
        return Verdict::kMismatch;
    if (row.version > given.as_of || row.commit > given.as_of)
        return Verdict::kNewer;
    return row.commit != 0 && row.commit < given.as_of - kCommitGrace ? Verdict::kMismatch : Verdict::kUndecided;
}

void Verification::sample(const reader::OwnedListing& listing, const Answer& answer) {
    if (answer.outcome == Answer::Outcome::kUnavailable)
        return;
    const database::Table* table = tables_.known(listing.table);
    const auto key = table != nullptr ? table->key_of(listing) : std::nullopt;
    if (!key || waiting_ >= max_waiting_) {
        ++counters_.left_out;
        return;
    }
    Given given;
    given.found = answer.outcome == Answer::Outcome::kFound;
    given.version = answer.version;
    given.as_of = answer.as_of;
    given.at = relay::now_us();
    given.booked = std::string(answer.booked);
    database::Query query;
    query.text = "SELECT t.version, pg_catalog.encode(t.booked::pg_catalog.bytea, 'hex'),"
                 " CASE WHEN pg_catalog.current_setting('track_commit_timestamp')::pg_catalog.bool THEN"
                 " (extract(epoch FROM pg_catalog.pg_xact_commit_timestamp(t.xmin)) * 1000000)::pg_catalog.int8 END"
                 " FROM ONLY " +
                 table->calendar + " AS t WHERE t.listing_id OPERATOR(pg_catalog.=) $1::" + table->type_name;
    query.parameters = {*key};
    query.deadline = database::Clock::now() + kDeadline;
    query.primary_only = true;
    ++waiting_;
    pool_.submit(std::move(query), [this, listing, given = std::move(given)](const database::QueryResult& result) {
        --waiting_;
        compare(listing, given, result);
    });
}

void Verification::compare(const reader::OwnedListing& listing, const Given& given,
                           const database::QueryResult& result) {
    if (result.error) {
        ++counters_.failed;
        return;
    }
    Row row;
    row.found = !result.rows.empty() && result.rows[0].size() == 3;
    if (row.found) {
        row.version = number_of(result.rows[0][0]);
        row.commit = number_of(result.rows[0][2]);
        if (!result.rows[0][1] || !database::read_hex(*result.rows[0][1], &row.booked)) {
            ++counters_.failed;
            return;
        }
    }
    const Verdict verdict = judge(given, row);
    const std::int64_t changed = row.commit != 0 ? row.commit : row.version;
    if (verdict != Verdict::kAgrees && row.found)
        metrics_.observe_verification("verification_newer_seconds",
                                      static_cast<double>(std::max<std::int64_t>(0, given.at - changed)) / 1e6);
    switch (verdict) {
    case Verdict::kAgrees:
        ++counters_.agrees;
        break;
    case Verdict::kNewer:
        ++counters_.newer;
        break;
    case Verdict::kUndecided:
        ++counters_.undecided;
        break;
    case Verdict::kMismatch:
        ++counters_.mismatch;
        metrics_.observe_verification("verification_mismatch_seconds",
                                      static_cast<double>(std::max<std::int64_t>(0, given.as_of - changed)) / 1e6);
        spdlog::error("verification: listing {} of table {} was answered as version {} as of {}; the database has "
                      "version {}, committed at {}",
                      relay::json_string(listing.view().key.str()), listing.table, given.version, given.as_of,
                      row.version, row.commit);
    }
}

} // namespace availability::service
