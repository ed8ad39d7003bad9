#include "service/database/tables.hpp"

#include <algorithm>
#include <charconv>

#include "relay/source/pg_connection.hpp"

namespace availability::database {

namespace {

// The types that are known, by the numbers that they have in every PostgreSQL.
constexpr char kDescribe[] =
    "SELECT coalesce(nullif(t.typbasetype, 0), t.oid)::pg_catalog.text,"
    " pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), t.oid), -1),"
    " pg_catalog.quote_ident(rn.nspname) || '.' || pg_catalog.quote_ident(r.relname), k.sets IS NOT NULL"
    " FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'listing_id' AND NOT a.attisdropped"
    " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " LEFT JOIN availability.tracked k ON k.calendar = c.oid"
    " LEFT JOIN pg_catalog.pg_class r ON r.oid = k.reservations"
    " LEFT JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace"
    " WHERE c.oid = $1::pg_catalog.regclass AND c.relkind = 'r'";

// Those that availability.track supports.
std::optional<Table::Type> type_of(const std::string& oid) {
    constexpr std::pair<std::string_view, Table::Type> kTypes[] = {
        {"21", Table::Type::kInt2},   {"23", Table::Type::kInt4}, {"20", Table::Type::kInt8},
        {"2950", Table::Type::kUuid}, {"25", Table::Type::kText}, {"1043", Table::Type::kText}};
    for (const auto& [known, type] : kTypes)
        if (oid == known)
            return type;
    return std::nullopt;
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36)
        return false;
    for (std::size_t i = 0; i < text.size(); i++) {
        const char c = text[i];
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

// Of a server's text: UTF-8 without surrogates, overlong forms and NUL.
bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte == 0)
            return false;
        const std::size_t more = byte < 0x80                   ? 0
                                 : byte >= 0xC2 && byte < 0xE0 ? 1
                                 : byte >= 0xE0 && byte < 0xF0 ? 2
                                 : byte >= 0xF0 && byte < 0xF5 ? 3
                                                               : 4;
        if (more == 4 || i + more >= text.size())
            return false;
        for (std::size_t k = 1; k <= more; k++)
            if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80)
                return false;
        const auto second = more > 0 ? static_cast<unsigned char>(text[i + 1]) : 0;
        if ((byte == 0xE0 && second < 0xA0) || (byte == 0xED && second > 0x9F) || (byte == 0xF0 && second < 0x90) ||
            (byte == 0xF4 && second > 0x8F))
            return false;
        i += more + 1;
    }
    return true;
}

} // namespace

std::optional<std::string> Table::key_of(const reader::OwnedListing& listing) const {
    const std::string text = listing.is_text ? listing.text : std::to_string(listing.number);
    switch (type) {
    case Type::kInt2:
    case Type::kInt4:
    case Type::kInt8: {
        std::int64_t number = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        const bool fits = type == Type::kInt8 || (type == Type::kInt4 ? number == static_cast<std::int32_t>(number)
                                                                      : number == static_cast<std::int16_t>(number));
        if (read.ec != std::errc() || !fits || std::to_string(number) != text)
            return std::nullopt;
        return text;
    }
    case Type::kUuid:
        return is_uuid(text) ? std::optional(text) : std::nullopt;
    case Type::kText:
        return is_utf8(text) ? std::optional(text) : std::nullopt;
    }
    return std::nullopt;
}

struct Tables::Impl {
    struct Entry {
        std::string name;
        std::optional<Table> table;
        unsigned generation = 0;
    };

    Pool& pool;
    std::vector<Entry> entries;
};

Tables::Tables(Pool& pool, std::vector<std::string> names) : impl_(new Impl{pool, {}}) {
    for (std::string& name : names)
        impl_->entries.push_back({std::move(name), std::nullopt, 0});
}

const Table* Tables::known(std::uint16_t table) const {
    return table < impl_->entries.size() && impl_->entries[table].table ? &*impl_->entries[table].table : nullptr;
}

std::size_t Tables::size() const {
    return impl_->entries.size();
}

void Tables::doubt(std::uint16_t table, unsigned generation) {
    auto& entry = impl_->entries[table];
    if (entry.table && entry.table->generation == generation)
        entry.table.reset();
}

void Tables::describe(std::uint16_t number, Clock::time_point deadline, Described done) {
    if (const Table* table = known(number)) {
        // What is asked meanwhile may doubt it.
        const Table copy = *table;
        return done(&copy, {});
    }
    QueryError error;
    error.kind = QueryError::Kind::kServer;
    if (number >= impl_->entries.size()) {
        error.message = "there is no such table";
        return done(nullptr, error);
    }
    const std::string quoted = relay::quote_qualified(impl_->entries[number].name);
    if (quoted.empty()) {
        error.message = impl_->entries[number].name + " is no name of a table";
        return done(nullptr, error);
    }
    Query query;
    query.text = kDescribe;
    query.parameters = {quoted};
    query.deadline = deadline;
    impl_->pool.submit(std::move(query), [impl = impl_, number, quoted, done = std::move(done)](QueryResult result) {
        if (result.error)
            return done(nullptr, result.error);
        const bool is_one =
            result.rows.size() == 1 && result.rows[0].size() == 4 && result.rows[0][0] && result.rows[0][1];
        const auto type = is_one ? type_of(*result.rows[0][0]) : std::nullopt;
        if (!type) {
            QueryError none;
            none.kind = QueryError::Kind::kServer;
            none.sqlstate = "42809";
            none.message = quoted + " is no calendar companion";
            return done(nullptr, none);
        }
        auto& row = result.rows[0];
        auto& entry = impl->entries[number];
        Table table;
        table.calendar = quoted;
        table.type = *type;
        table.type_name = *row[1];
        table.reservations = row[2].value_or("");
        table.has_sets = row[3] == "t";
        table.generation = ++entry.generation;
        entry.table = table;
        done(&table, {});
    });
}

bool Tables::is_other_shape(const QueryError& error) {
    // undefined_table, undefined_column, datatype_mismatch, undefined_function, wrong_object_type,
    // feature_not_supported (a prepared statement of another result type), invalid_schema_name,
    // object_not_in_prerequisite_state (sets that were taken away)
    constexpr std::string_view kStates[] = {"42P01", "42703", "42804", "42883", "42809", "0A000", "3F000", "55000"};
    return error.kind == QueryError::Kind::kServer &&
           std::find(std::begin(kStates), std::end(kStates), error.sqlstate) != std::end(kStates);
}

std::string array_of(const std::vector<std::string>& elements) {
    std::string out = "{";
    for (const std::string& element : elements) {
        out += out.size() > 1 ? ",\"" : "\"";
        for (const char c : element) {
            if (c == '"' || c == '\\')
                out += '\\';
            out += c;
        }
        out += '"';
    }
    return out + "}";
}

bool read_hex(std::string_view hex, std::string* bytes) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    bytes->clear();
    if (hex.size() % 2 != 0)
        return false;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = digit(hex[i]), low = digit(hex[i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes->push_back(static_cast<char>(high << 4 | low));
    }
    return true;
}

} // namespace availability::database
