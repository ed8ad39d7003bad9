// What the database says of the calendar companions that are read: the type of their keys, and whose they are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "service/database/pool.hpp"
#include "service/reader/tier.hpp"

namespace availability::database {

struct Table {
    enum class Type : std::uint8_t { kInt2, kInt4, kInt8, kUuid, kText };

    std::string calendar; // schema.table, quoted
    Type type = Type::kText;
    std::string type_name;    // of the key, for a cast; that of its domain's base
    std::string reservations; // schema.table, quoted; empty if the table is not tracked any more
    bool has_sets = false;
    unsigned generation = 0; // a statement's name has it: what was prepared for another shape is of no use

    bool has_numbers() const { return type <= Type::kInt8; }
    // The key's text as the server would write it; nothing if no listing of this table can have it. There is one text
    // for each listing, as in Redis and in the replica: what the server would read in the same way ("042", a uuid in
    // capitals) is not a listing.
    std::optional<std::string> key_of(const reader::OwnedListing& listing) const;
};

class Tables {
  public:
    // The table or why not. The table is valid during the call.
    using Described = std::function<void(const Table*, const QueryError&)>;

    // `names`: the calendar companions as schema.table, by their numbers. The pool outlives it.
    Tables(Pool& pool, std::vector<std::string> names);

    // At once if it is known, else later. `done` is called once.
    void describe(std::uint16_t table, Clock::time_point deadline, Described done);
    // It has another shape than what is known: the next one to ask learns anew. `generation` is of what was known.
    void doubt(std::uint16_t table, unsigned generation);
    // Null if it is not known yet.
    const Table* known(std::uint16_t table) const;
    std::size_t size() const;

    // Whether an error says that a table is not what it was taken for.
    static bool is_other_shape(const QueryError& error);

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

// An array of texts, for a parameter.
std::string array_of(const std::vector<std::string>& elements);
// Of what stands between \x and the end; false if it is no hexadecimal.
bool read_hex(std::string_view hex, std::string* bytes);

} // namespace availability::database
