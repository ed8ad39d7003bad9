// Calendars from the database: the rows of the calendar companions, by primary key, for many listings at once.
//
// What an answer's as_of means. It is the time at which the statement's transaction began (now()), by the server's own
// clock. The statement takes its snapshot after that: now() is the time of the transaction's first message, while
// statement_timestamp() would be that of the message Execute, which in the extended protocol comes after Bind has taken
// the snapshot. So every transaction that had become visible to others by as_of is in the answer: in particular each
// one whose COMMIT was acknowledged to its client by then. That, and not the time that stands in the commit record, is
// what "committed up to as_of" says here: a commit notes its time, writes and perhaps replicates its WAL, and only then
// becomes visible and is acknowledged, so that one which has noted a time before as_of may not be in the answer yet. No
// one can know of such a commit by then.
//
// Only a primary can say so: a standby's clock runs while its snapshots lag. One that answers is an error, whatever the
// conninfo says (Query::primary_only).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "service/database/tables.hpp"
#include "service/reader/tier.hpp"

namespace availability::database {

class Calendars final : public reader::CalendarSource {
  public:
    // Both outlive it.
    Calendars(boost::asio::io_context& io, Pool& pool, Tables& tables);

    // One statement for each table that is asked for. Listings that the table's type does not admit are kNoListing.
    // What the server gives is validated: a calendar that is no day set fails, alone.
    void read(std::vector<reader::OwnedListing> listings, Clock::time_point deadline,
              reader::TierAnswered done) override;
    bool usable() const override;

  private:
    boost::asio::io_context& io_;
    Pool& pool_;
    Tables& tables_;
};

} // namespace availability::database
