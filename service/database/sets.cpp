#include "service/database/sets.hpp"

#include <charconv>
#include <cstdio>

#include "extension/core/day.hpp"

namespace availability::database {

using reader::OwnedListing;
using reader::SetAnswer;
using reader::SetQuery;

namespace {

// A query whose keys outlive the call.
struct Search {
    SetQuery query;
    std::vector<OwnedListing> among;
    std::optional<OwnedListing> after;
    Clock::time_point deadline;
    std::function<void(SetAnswer)> done;

    void fail(const std::string& reason) const {
        SetAnswer answer;
        answer.reason = reason;
        done(std::move(answer));
    }
};
using SearchPtr = std::shared_ptr<Search>;

std::string date_of(Day day) {
    const CivilDate date = civil_from_day(day);
    char text[32];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d", static_cast<int>(date.year), static_cast<int>(date.month),
                  static_cast<int>(date.day));
    return text;
}

// The statement in its parts. Parameters: 1 from, 2 to, 3 limit, and what the parts add.
class Statement {
  public:
    Statement(const Table& table, const Search& search) : table_(table), search_(search) {
        query_.parameters = {date_of(search.query.from), date_of(search.query.to),
                             std::to_string(search.query.limit + 1)};
        query_.deadline = search.deadline;
        query_.primary_only = true;
    }

    Query by_sets() {
        std::string free = "availability.free_set(" + add(table_.reservations) + "::pg_catalog.regclass, " + kStay;
        if (search_.query.nights > 0)
            free += ", " + add(std::to_string(search_.query.nights)) + "::pg_catalog.int4";
        const std::string is_free = "(SELECT s.free FROM s) OPERATOR(availability.@>) t.ordinal";
        query_.text =
            "WITH s AS MATERIALIZED (SELECT " + free + ") AS free) SELECT " + kNow +
            ", availability.count((SELECT s.free FROM s)), p.listing FROM (SELECT) AS one LEFT JOIN LATERAL (" +
            page("FROM ONLY " + table_.calendar + " AS t WHERE " + is_free) + ") AS p ON true ORDER BY p.key";
        return std::move(query_);
    }

    Query by_calendars() {
        std::string condition;
        if (!search_.among.empty()) {
            std::vector<std::string> keys;
            for (const OwnedListing& listing : search_.among)
                if (const auto key = table_.key_of(listing))
                    keys.push_back(*key);
            condition = "t.listing_id OPERATOR(pg_catalog.=) ANY (" + add(array_of(keys)) + "::" + table_.type_name +
                        "[]) AND ";
        }
        if (search_.query.nights > 0)
            condition += std::string("EXISTS (SELECT FROM availability.gaps(t.booked, ") + kStay + ", " +
                         add(std::to_string(search_.query.nights)) + "::pg_catalog.int4))";
        else
            condition += std::string("availability.is_available(t.booked, ") + kStay + ")";
        query_.text = "WITH f AS MATERIALIZED (SELECT t.listing_id FROM ONLY " + table_.calendar + " AS t WHERE " +
                      condition + ") SELECT " + kNow +
                      ", (SELECT pg_catalog.count(*) FROM f), p.listing FROM (SELECT) AS one LEFT JOIN LATERAL (" +
                      page("FROM f AS t WHERE true") + ") AS p ON true ORDER BY p.key";
        return std::move(query_);
    }

  private:
    static constexpr char kStay[] = "pg_catalog.daterange($1::pg_catalog.date, $2::pg_catalog.date)";
    static constexpr char kNow[] = "(SELECT (extract(epoch FROM pg_catalog.now()) * 1000000)::pg_catalog.int8)";

    // Numbers by value, all else by the bytes of its text; uuids compare as their texts do.
    std::string page(const std::string& from) {
        const bool native = table_.has_numbers() || table_.type == Table::Type::kUuid;
        const std::string key = native ? "t.listing_id" : "t.listing_id::pg_catalog.text COLLATE \"C\"";
        std::string after;
        if (search_.after)
            after = " AND " + key + " OPERATOR(pg_catalog.>) " + add(table_.key_of(*search_.after).value_or("")) +
                    "::" + (native ? table_.type_name : "pg_catalog.text");
        return "SELECT t.listing_id::pg_catalog.text AS listing, " + key + " AS key " + from + after + " ORDER BY " +
               key + " LIMIT $3::pg_catalog.int8";
    }

    std::string add(std::string value) {
        query_.parameters.emplace_back(std::move(value));
        return "$" + std::to_string(query_.parameters.size());
    }

    const Table& table_;
    const Search& search_;
    Query query_;
};

void take(const Search& search, const QueryResult& result) {
    SetAnswer answer;
    for (const auto& row : result.rows) {
        if (row.size() != 3 || !row[0] || !row[1])
            return search.fail("the database answers what was not asked");
        std::from_chars(row[0]->data(), row[0]->data() + row[0]->size(), answer.as_of);
        std::from_chars(row[1]->data(), row[1]->data() + row[1]->size(), answer.count);
        if (row[2])
            answer.listings.push_back(*row[2]);
    }
    answer.available = !result.rows.empty();
    answer.more = answer.listings.size() > search.query.limit;
    if (answer.more)
        answer.listings.resize(search.query.limit);
    search.done(std::move(answer));
}

void ask(Pool& pool, Tables& tables, const SearchPtr& search, bool again) {
    const std::uint16_t number = search->query.table;
    tables.describe(
        number, search->deadline, [&pool, &tables, search, number, again](const Table* table, const QueryError& error) {
            if (table == nullptr)
                return search->fail(error.message);
            if (search->after && !table->key_of(*search->after))
                return search->fail("no listing of the table can have the key to go on after");
            Statement statement(*table, *search);
            const bool by_sets = search->among.empty() && table->has_sets && !table->reservations.empty();
            pool.submit(by_sets ? statement.by_sets() : statement.by_calendars(),
                        [&pool, &tables, search, number, again, generation = table->generation](QueryResult result) {
                            if (!result.error)
                                return take(*search, result);
                            if (again || !Tables::is_other_shape(result.error))
                                return search->fail(result.error.message);
                            tables.doubt(number, generation);
                            ask(pool, tables, search, true);
                        });
        });
}

} // namespace

void Sets::search(SetQuery query, Clock::time_point deadline, std::function<void(SetAnswer)> done) {
    const auto search = std::make_shared<Search>();
    for (const relay::Key& key : query.among)
        search->among.emplace_back(reader::Listing{query.table, key});
    if (!query.after.empty())
        search->after.emplace(reader::Listing{query.table, query.after});
    query.among.clear();
    query.after = {};
    search->query = std::move(query);
    search->deadline = deadline;
    search->done = std::move(done);
    ask(pool_, tables_, search, false);
}

} // namespace availability::database
