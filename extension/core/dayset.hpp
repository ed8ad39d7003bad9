// Dayset: a day set that can be changed, on CRoaring. Reads go through DaysetView.
#pragma once

#include <cstddef>
#include <cstdint>

// Never inside extern "C": from 0.3 on the header opens namespaces of its own and leaves its names
// in the global one by using-directives, so that plain names serve every version.
#include <roaring/roaring.h>

#include "extension/core/dayset_view.hpp"

namespace availability {

// Owns memory of the C heap: nothing of PostgreSQL may be called while one is alive on the stack,
// since ereport(ERROR) runs no destructor. Spans given to add() must be of supported days; remove()
// and keep() take any. Throws only std::bad_alloc.
class Dayset {
  public:
    Dayset();
    explicit Dayset(const DaysetView& view);
    Dayset(const Dayset& other);
    Dayset(Dayset&& other) noexcept;
    Dayset& operator=(Dayset other) noexcept;
    ~Dayset();

    void add(DaySpan span);
    void remove(DaySpan span);
    void keep(DaySpan span); // intersection with the span

    void unite(const Dayset& other);
    void intersect(const Dayset& other);
    void subtract(const Dayset& other);

    bool empty() const;
    std::uint32_t count() const;

    // The canonical stored bytes: stored_size() says how many, write() writes exactly as many (at
    // most kMaxStoredSize) and returns that number.
    std::size_t stored_size() const;
    std::size_t write(void* bytes) const;

  private:
    roaring_bitmap_t* bitmap_;
};

// Writes the canonical bytes (at most kMaxStoredSize) of a set after the days of one span are removed and those of
// another, which must be supported, are added; returns how many. From one run container to another it copies runs,
// which is what each booking does. Throws only std::bad_alloc.
std::size_t write_changed(const DaysetView& set, DaySpan removed, DaySpan added, void* bytes);

} // namespace availability
