// Which listings are free, asked of the database: by set search (docs/set_search.md) where the table has sets, else,
// and among listings that are given, by their calendars.
//
// Without sets a search reads every calendar: a tenth of a second and more for a million. Its deadline ends it.
#pragma once

#include "service/database/tables.hpp"
#include "service/reader/tier.hpp"

namespace availability::database {

class Sets final : public reader::SetSource {
  public:
    // Both outlive it.
    Sets(Pool& pool, Tables& tables) : pool_(pool), tables_(tables) {}
    // as_of as in calendars.hpp.
    void search(reader::SetQuery query, Clock::time_point deadline,
                std::function<void(reader::SetAnswer)> done) override;

  private:
    Pool& pool_;
    Tables& tables_;
};

} // namespace availability::database
