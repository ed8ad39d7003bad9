#include "service/database/calendars.hpp"

#include <algorithm>
#include <charconv>

#include <boost/asio/post.hpp>

#include "extension/core/dayset_validate.hpp"
#include "relay/clock.hpp"

namespace availability::database {

using reader::OwnedListing;
using reader::TierAnswer;

namespace {

// The rows of one table, as asked for by one call.
struct Part {
    std::uint16_t table = 0;
    std::vector<std::size_t> places; // in the call's answers
};

struct Batch : std::enable_shared_from_this<Batch> {
    Batch(boost::asio::io_context& io, Pool& pool, Tables& tables) : io(io), pool(pool), tables(tables) {}

    void start(Part part) {
        parts_left++;
        describe(std::move(part), false);
    }

    void describe(Part part, bool again) {
        const std::uint16_t number = part.table;
        tables.describe(number, deadline,
                        [self = shared_from_this(), part = std::move(part), again](const Table* table,
                                                                                   const QueryError& error) mutable {
                            if (table == nullptr)
                                return self->part_failed(part, error.message);
                            self->ask(*table, std::move(part), again);
                        });
    }

    void ask(const Table& table, Part part, bool again) {
        std::vector<std::string> keys;
        std::vector<std::size_t> asked;
        for (const std::size_t place : part.places) {
            const auto key = table.key_of(listings[place]);
            if (!key) {
                answers[place].kind = TierAnswer::Kind::kNoListing;
                answers[place].as_of = relay::now_us(); // there never will be one
                continue;
            }
            asked.push_back(place);
            keys.push_back(*key);
        }
        part.places = std::move(asked);
        if (part.places.empty())
            return part_done();
        Query query;
        query.name = "availability_calendars_" + std::to_string(part.table) + "_" + std::to_string(table.generation);
        // OFFSET 0: the row of each listing by the primary key, whatever the planner thinks of the table.
        query.text = "SELECT k.n, (SELECT (extract(epoch FROM pg_catalog.now()) * 1000000)::pg_catalog.int8),"
                     " c.listing, c.version, c.booked FROM pg_catalog.unnest($1::" +
                     table.type_name +
                     "[]) WITH ORDINALITY AS k(listing, n)"
                     " LEFT JOIN LATERAL (SELECT t.listing_id::pg_catalog.text AS listing, t.version,"
                     " pg_catalog.encode(t.booked::pg_catalog.bytea, 'hex') AS booked FROM ONLY " +
                     table.calendar +
                     " AS t WHERE t.listing_id OPERATOR(pg_catalog.=) k.listing OFFSET 0) AS c ON true";
        query.parameters = {array_of(keys)};
        query.deadline = deadline;
        query.primary_only = true;
        pool.submit(std::move(query), [self = shared_from_this(), part = std::move(part), keys = std::move(keys),
                                       generation = table.generation, again](QueryResult result) mutable {
            if (!result.error)
                return self->take(part, keys, result);
            if (Tables::is_other_shape(result.error) && !again) {
                self->tables.doubt(part.table, generation);
                return self->describe(std::move(part), true);
            }
            self->part_failed(part, result.error.message);
        });
    }

    void take(const Part& part, const std::vector<std::string>& keys, const QueryResult& result) {
        for (const auto& row : result.rows) {
            std::size_t n = 0;
            std::int64_t as_of = 0;
            if (row.size() != 5 || !read(row[0], &n) || !read(row[1], &as_of) || n < 1 || n > part.places.size())
                continue;
            TierAnswer& answer = answers[part.places[n - 1]];
            if (answer.kind == TierAnswer::Kind::kFound)
                continue;
            answer.as_of = as_of;
            // Equal for the column's collation is not the same listing.
            if (row[2] != keys[n - 1])
                answer.kind = TierAnswer::Kind::kNoListing;
            else
                take_calendar(row, &answer);
        }
        part_done();
    }

    // Of what the table's owner has put there, nothing is believed.
    static void take_calendar(const std::vector<std::optional<std::string>>& row, TierAnswer* answer) {
        DaysetView view;
        bool canonical = false;
        answer->reason = "the row of the calendar can't be read";
        if (!read(row[3], &answer->version) || answer->version <= 0 || !row[4] || !read_hex(*row[4], &answer->booked))
            return;
        if (const char* problem = validate(answer->booked.data(), answer->booked.size(), &view, &canonical)) {
            answer->reason = std::string("the calendar can't be read: ") + problem;
            return;
        }
        answer->kind = TierAnswer::Kind::kFound;
        answer->reason.clear();
    }

    template <typename Number>
    static bool read(const std::optional<std::string>& text, Number* number) {
        if (!text)
            return false;
        const auto end = text->data() + text->size();
        const auto result = std::from_chars(text->data(), end, *number);
        return result.ec == std::errc() && result.ptr == end;
    }

    void part_failed(const Part& part, const std::string& reason) {
        for (const std::size_t place : part.places)
            answers[place].reason = reason;
        part_done();
    }

    // The answer comes after the call has returned, even if nothing had to be asked.
    void part_done() {
        if (--parts_left > 0)
            return;
        boost::asio::post(io, [self = shared_from_this()] {
            for (TierAnswer& answer : self->answers)
                if (answer.kind == TierAnswer::Kind::kFailed && answer.reason.empty())
                    answer.reason = "the database did not answer for this listing";
            self->done(std::move(self->answers));
        });
    }

    boost::asio::io_context& io;
    Pool& pool;
    Tables& tables;
    std::vector<OwnedListing> listings;
    std::vector<TierAnswer> answers;
    Clock::time_point deadline;
    reader::TierAnswered done;
    std::size_t parts_left = 0;
};

} // namespace

Calendars::Calendars(boost::asio::io_context& io, Pool& pool, Tables& tables) : io_(io), pool_(pool), tables_(tables) {}

void Calendars::read(std::vector<OwnedListing> listings, Clock::time_point deadline, reader::TierAnswered done) {
    const auto batch = std::make_shared<Batch>(io_, pool_, tables_);
    batch->listings = std::move(listings);
    batch->answers.resize(batch->listings.size());
    batch->deadline = deadline;
    batch->done = std::move(done);
    std::vector<Part> parts;
    for (std::size_t i = 0; i < batch->listings.size(); i++) {
        const std::uint16_t table = batch->listings[i].table;
        auto part = std::find_if(parts.begin(), parts.end(), [&](const Part& each) { return each.table == table; });
        if (part == parts.end())
            part = parts.insert(parts.end(), {table, {}});
        part->places.push_back(i);
    }
    batch->parts_left = 1; // this call
    for (Part& part : parts)
        batch->start(std::move(part));
    batch->part_done();
}

bool Calendars::usable() const {
    return pool_.usable();
}

} // namespace availability::database
