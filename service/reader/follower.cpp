#include "service/reader/follower.hpp"

#include <utility>

#include "relay/source/pg_connection.hpp"
#include "service/reader/replica.hpp"

namespace availability::reader {

using relay::Event;
using relay::EventKind;
using relay::Position;
using wire::FrameReader;
using wire::SnapshotReader;

Follower::Follower(const std::vector<std::string>& tables, Replica* replica, Events& events)
    : tables_(tables), replica_(replica), events_(events), event_reader_(tables) {}

Follower::Next Follower::broken(std::string reason) {
    ++counters_.broken_frames;
    reason_ = std::move(reason);
    has_position_ = false;
    greeted_ = false;
    return Next::kBroken;
}

// --- the snapshot ----------------------------------------------------------------------------------------------------

void Follower::begin_snapshot() {
    snapshot_ = SnapshotReader();
    has_position_ = false;
    greeted_ = false;
}

Follower::Next Follower::header() {
    table_of_.assign(snapshot_.tables.size(), -1);
    for (std::size_t table = 0; table < tables_.size(); ++table) {
        std::size_t number = 0;
        while (number < snapshot_.tables.size() &&
               relay::quote_qualified(snapshot_.tables[number]) != relay::quote_qualified(tables_[table]))
            ++number;
        if (number == snapshot_.tables.size()) {
            reason_ = "the relay does not have table " + tables_[table];
            return Next::kBroken;
        }
        table_of_[number] = static_cast<int>(table);
    }
    replica_->begin_load();
    caught_up_ = false;
    events_.loading();
    return Next::kMore;
}

Follower::Next Follower::take_snapshot(std::string_view bytes) {
    snapshot_.feed(bytes);
    for (;;) {
        switch (snapshot_.next()) {
        case SnapshotReader::Item::kMore:
            return Next::kMore;
        case SnapshotReader::Item::kHeader:
            if (header() == Next::kBroken)
                return Next::kBroken;
            epoch_ = snapshot_.epoch;
            position_ = {snapshot_.lsn, wire::kWholeCommit};
            break;
        case SnapshotReader::Item::kRecord:
            if (const int table = table_of_[snapshot_.table]; table >= 0)
                replica_->apply({static_cast<std::uint16_t>(table), snapshot_.listing}, snapshot_.version,
                                snapshot_.booked);
            break;
        case SnapshotReader::Item::kUnknown:
            if (const int table = table_of_[snapshot_.table]; table >= 0)
                replica_->forget({static_cast<std::uint16_t>(table), snapshot_.listing});
            break;
        case SnapshotReader::Item::kEnd:
            replica_->end_load();
            snapshot_lsn_ = snapshot_.lsn;
            has_position_ = true;
            ++counters_.snapshots;
            snapshot_ = SnapshotReader(); // its memory
            return Next::kStream;
        case SnapshotReader::Item::kBroken:
            return broken("the snapshot can't be read");
        }
    }
}

// --- the stream ------------------------------------------------------------------------------------------------------

void Follower::begin_stream() {
    frames_ = FrameReader();
    greeted_ = false;
    went_on_ = false;
}

Follower::Next Follower::take_stream(std::string_view bytes) {
    frames_.feed(bytes);
    for (;;) {
        const FrameReader::Item item = frames_.next();
        if (item == FrameReader::Item::kMore)
            return Next::kMore;
        if (item == FrameReader::Item::kBroken)
            return broken("a frame can't be read");
        if (item == FrameReader::Item::kEnd) {
            reason_ = std::string(frames_.message);
            return Next::kEnd;
        }
        if (greeted_ == (item == FrameReader::Item::kHello))
            return broken(greeted_ ? "a stream began amid another" : "a stream began without its beginning");
        const char* problem = nullptr;
        if (item == FrameReader::Item::kHello)
            problem = hello() ? nullptr : "another position than was asked for";
        else if (item == FrameReader::Item::kEvent)
            problem = event();
        else
            problem = progress();
        if (problem != nullptr)
            return broken(problem);
    }
}

bool Follower::hello() {
    const wire::StreamFrom& from = frames_.from;
    if (has_position_ && (from.epoch != epoch_ || !(from.position == position_)))
        return false;
    greeted_ = true;
    ++counters_.streams;
    if (!has_position_) {
        // From now: what was before is not known.
        epoch_ = from.epoch;
        position_ = from.position;
        has_position_ = true;
        caught_up_ = true;
        events_.replaced();
    }
    return true;
}

const char* Follower::event() {
    const Event event = event_reader_.read(frames_.message);
    // The relay may have more tables than we. Where that event stands is not known; the next one of ours tells.
    if (event_reader_.is_of_other_table())
        return nullptr;
    if (event.position.lsn == 0 || event.position.seq == 0)
        return "an event can't be read";
    if (event.position <= position_)
        return went_on_ ? "events are out of order" : nullptr; // comes again
    if (event.kind > EventKind::kUnreadable)
        return "an event is of a kind that is none of a calendar";
    went_on_ = true;
    position_ = event.position;
    return take(event);
}

// An unreadable event without a listing is of one that has no key: nobody can ask for it.
const char* Follower::take(const Event& event) {
    Change change;
    change.kind = event.kind;
    change.listing = {event.table, event.listing};
    change.position = event.position;
    change.at = event.at;
    ++counters_.events;
    if (event.kind == EventKind::kUnreadable) {
        ++counters_.unreadable;
        if (replica_ != nullptr && !event.listing.empty())
            replica_->forget(change.listing);
    } else {
        change.version = event.version;
        change.booked = event.booked;
        if (replica_ != nullptr && event.kind == EventKind::kDropped)
            replica_->drop(change.listing, event.version);
        else if (replica_ != nullptr)
            replica_->apply(change.listing, event.version, event.booked);
    }
    events_.changed(change);
    return nullptr;
}

const char* Follower::progress() {
    if (frames_.lsn < position_.lsn)
        return went_on_ ? "progress goes back" : nullptr; // of before the position
    const Position whole{frames_.lsn, wire::kWholeCommit};
    went_on_ = went_on_ || position_ < whole;
    position_ = whole;
    if (!caught_up_ && frames_.lsn >= snapshot_lsn_) {
        caught_up_ = true;
        events_.replaced();
    }
    if (caught_up_ && frames_.as_of > 0)
        events_.progress(frames_.as_of);
    return nullptr;
}

} // namespace availability::reader
