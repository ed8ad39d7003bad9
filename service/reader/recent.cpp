#include "service/reader/recent.hpp"

#include <algorithm>
#include <utility>

namespace availability::reader {

Recent::Told& Recent::Memory::at(std::uint64_t hash) {
    const std::size_t mask = places.size() - 1;
    std::size_t place = hash & mask;
    while (places[place].version != 0 && places[place].hash != hash)
        place = (place + 1) & mask;
    return places[place];
}

void Recent::Memory::clear() {
    std::fill(places.begin(), places.end(), Told());
    used = 0;
    floor = INT64_MAX;
}

Recent::Recent(std::size_t listings) : listings_(std::max<std::size_t>(listings, 1)) {
    std::size_t places = 2;
    while (places < listings_ * 2)
        places *= 2;
    newer_.places.resize(places);
    older_.places.resize(places);
}

void Recent::replaced() {
    ended_[stretch_ % kEnded] = as_of_;
    ++stretch_;
    as_of_ = 0;
    newer_.clear();
    older_.clear();
}

void Recent::changed(std::uint64_t hash, std::int64_t version, bool gone) {
    version = std::max<std::int64_t>(version, 1);
    if (newer_.used >= listings_ && newer_.at(hash).version == 0) {
        std::swap(newer_, older_);
        newer_.clear();
    }
    Told& told = newer_.at(hash);
    newer_.used += told.version == 0;
    // Events come again after a break of the stream; a change after an unreadable one is of a known version again.
    if (told.version == INT64_MAX || version > told.version)
        told = {hash, version, gone};
}

void Recent::progress(std::int64_t as_of) {
    as_of_ = std::max(as_of_, as_of);
    if (newer_.floor == INT64_MAX && as_of != 0)
        newer_.floor = as_of;
}

bool Recent::outdated(std::uint64_t hash, std::int64_t version, bool no_listing) const {
    // The newer memory has the later word of the two.
    const Told& newer = newer_.at(hash);
    const Told& told = newer.version != 0 ? newer : older_.at(hash);
    return told.version > version && !(told.gone && no_listing);
}

bool Recent::covers(std::uint64_t hash, std::int64_t version, bool no_listing, std::int64_t state_as_of) const {
    return as_of_ != 0 && state_as_of >= std::min(newer_.floor, older_.floor) && !outdated(hash, version, no_listing);
}

std::int64_t Recent::as_of(Stretch stretch) const {
    if (stretch == stretch_)
        return as_of_;
    return stretch != 0 && stretch < stretch_ && stretch_ - stretch < kEnded ? ended_[stretch % kEnded] : 0;
}

} // namespace availability::reader
