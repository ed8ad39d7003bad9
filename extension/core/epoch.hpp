// Between the Unix epoch, by which day sets and versions count, and PostgreSQL's, 2000-01-01.
#pragma once

#include <cstdint>

namespace availability {

inline constexpr std::int32_t kPostgresEpochDay = 10957;
inline constexpr std::int64_t kPostgresEpochMicroseconds = std::int64_t{kPostgresEpochDay} * 86400 * 1000000;

} // namespace availability
