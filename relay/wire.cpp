#include "relay/wire.hpp"

#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "extension/core/dayset_validate.hpp"
#include "relay/source/lsn.hpp"

namespace availability::wire {

namespace {

enum RecordType : char { kSnapshotEnd = 0, kNumber = 1, kText = 2, kUnknownNumber = 3, kUnknownText = 4 };
enum FrameType : char { kHelloFrame = 1, kEventFrame = 2, kProgressFrame = 3, kEndFrame = 4 };

template <typename T>
void put(T value, std::string* out) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
        out->push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
}

void put_varint(std::uint64_t value, std::string* out) {
    for (; value >= 0x80; value >>= 7)
        out->push_back(static_cast<char>(value | 0x80));
    out->push_back(static_cast<char>(value));
}

std::uint64_t zigzag(std::int64_t value) {
    return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
}

// Takes values off the front of bytes. `more`: they end too early; `broken`: they can't be right.
struct Cursor {
    std::string_view bytes;
    bool more = false;
    bool broken = false;

    bool ok() const { return !more && !broken; }
    std::string_view take(std::uint64_t size) {
        if (!ok() || size > bytes.size()) {
            more = !broken;
            return {};
        }
        const std::string_view taken = bytes.substr(0, size);
        bytes.remove_prefix(size);
        return taken;
    }
    template <typename T>
    T get() {
        const std::string_view taken = take(sizeof(T));
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < taken.size(); ++i)
            value |= std::uint64_t{static_cast<unsigned char>(taken[i])} << (8 * i);
        return static_cast<T>(value);
    }
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            const auto byte = get<std::uint8_t>();
            if (!ok())
                return 0;
            value |= std::uint64_t{byte & 0x7fU} << shift;
            if (byte < 0x80) {
                broken = shift == 63 && byte > 1;
                return value;
            }
        }
        broken = true;
        return 0;
    }
    // A size of something that can't be larger than a frame.
    std::string_view sized() {
        const std::uint64_t size = varint();
        if (ok() && size > kMaxFrame)
            broken = true;
        return take(size);
    }
};

void put_listing(RecordType number, RecordType text, std::uint16_t table, const Key& listing, std::string* out) {
    const bool is_number = listing.kind == Key::Kind::kNumber;
    out->push_back(is_number ? number : text);
    put_varint(table, out);
    if (is_number) {
        put_varint(zigzag(listing.number), out);
    } else {
        put_varint(listing.text.size(), out);
        out->append(listing.text);
    }
}

void append_frame(FrameType type, std::string_view payload, std::string* out) {
    put(static_cast<std::uint32_t>(payload.size() + 1), out);
    out->push_back(type);
    out->append(payload);
}

bool parse_number(std::string_view text, std::uint64_t* value) {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), *value);
    return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

// Forgets what has been read, now and then: views of it are no longer used.
void compact(std::string* buffer, std::size_t* at) {
    if (*at < 65536 && *at < buffer->size())
        return;
    buffer->erase(0, *at);
    *at = 0;
}

} // namespace

std::string format_from(const StreamFrom& from) {
    const std::string seq = from.position.seq == kWholeCommit ? "*" : std::to_string(from.position.seq);
    return fmt::format("{},{},{}", from.epoch, relay::format_lsn(from.position.lsn), seq);
}

std::optional<StreamFrom> parse_from(std::string_view text) {
    const std::size_t first = text.find(',');
    const std::size_t second = first == std::string_view::npos ? first : text.find(',', first + 1);
    if (second == std::string_view::npos)
        return std::nullopt;
    StreamFrom from;
    const std::string_view seq = text.substr(second + 1);
    if (!parse_number(text.substr(0, first), &from.epoch) ||
        !relay::parse_lsn(text.substr(first + 1, second - first - 1), &from.position.lsn))
        return std::nullopt;
    if (seq == "*")
        from.position.seq = kWholeCommit;
    else if (!parse_number(seq, &from.position.seq))
        return std::nullopt;
    return from;
}

void append_snapshot_header(Epoch epoch, std::uint64_t lsn, const std::vector<std::string>& tables, std::string* out) {
    out->append(kSnapshotMagic);
    put(epoch, out);
    put(lsn, out);
    put_varint(tables.size(), out);
    for (const std::string& table : tables) {
        put_varint(table.size(), out);
        out->append(table);
    }
}

void append_snapshot_record(std::uint16_t table, const Key& listing, std::int64_t version, std::string_view booked,
                            std::string* out) {
    put_listing(kNumber, kText, table, listing, out);
    put(version, out);
    put_varint(booked.size(), out);
    out->append(booked);
}

void append_snapshot_unknown(std::uint16_t table, const Key& listing, std::string* out) {
    put_listing(kUnknownNumber, kUnknownText, table, listing, out);
}

void append_snapshot_end(std::uint64_t records, std::uint64_t lsn, std::string* out) {
    out->push_back(kSnapshotEnd);
    put(records, out);
    put(lsn, out);
}

void append_hello(const StreamFrom& from, std::string* out) {
    std::string payload(1, static_cast<char>(kVersion));
    put(from.epoch, &payload);
    put(from.position.lsn, &payload);
    put(from.position.seq, &payload);
    append_frame(kHelloFrame, payload, out);
}

void append_event(std::string_view message, std::string* out) {
    append_frame(kEventFrame, message, out);
}

void append_progress(std::uint64_t lsn, std::int64_t as_of, std::string* out) {
    put(std::uint32_t{17}, out);
    out->push_back(kProgressFrame);
    put(lsn, out);
    put(as_of, out);
}

void append_end(std::string_view reason, std::string* out) {
    append_frame(kEndFrame, reason, out);
}

SnapshotReader::Item SnapshotReader::next() {
    if (ended_)
        return Item::kBroken;
    compact(&buffer_, &at_);
    const Item item = has_header_ ? record() : header();
    ended_ = item == Item::kEnd || item == Item::kBroken;
    return item;
}

SnapshotReader::Item SnapshotReader::header() {
    Cursor cursor{std::string_view(buffer_).substr(at_)};
    const std::string_view magic = cursor.bytes.substr(0, std::min(cursor.bytes.size(), kSnapshotMagic.size()));
    if (magic != kSnapshotMagic.substr(0, magic.size()))
        return Item::kBroken;
    cursor.take(kSnapshotMagic.size());
    epoch = cursor.get<std::uint64_t>();
    lsn = cursor.get<std::uint64_t>();
    const std::uint64_t count = cursor.varint();
    if (count > UINT16_MAX)
        return Item::kBroken;
    tables.clear();
    for (std::uint64_t i = 0; i < count && cursor.ok(); ++i)
        tables.emplace_back(cursor.sized());
    if (!cursor.ok())
        return cursor.broken ? Item::kBroken : Item::kMore;
    at_ = buffer_.size() - cursor.bytes.size();
    has_header_ = true;
    return Item::kHeader;
}

SnapshotReader::Item SnapshotReader::record() {
    Cursor cursor{std::string_view(buffer_).substr(at_)};
    const auto type = cursor.get<char>();
    if (cursor.ok() && type == kSnapshotEnd) {
        const auto count = cursor.get<std::uint64_t>();
        const auto last = cursor.get<std::uint64_t>();
        if (!cursor.ok())
            return Item::kMore;
        if (count != records_ || last < lsn || !cursor.bytes.empty())
            return Item::kBroken;
        lsn = last;
        return Item::kEnd;
    }
    if (cursor.ok() && (type < kNumber || type > kUnknownText))
        return Item::kBroken;
    const bool unknown = type == kUnknownNumber || type == kUnknownText;
    const std::uint64_t number = cursor.varint();
    if (type == kNumber || type == kUnknownNumber)
        listing = Key::of(unzigzag(cursor.varint()));
    else
        listing = Key::of(cursor.sized());
    if (!unknown) {
        version = cursor.get<std::int64_t>();
        booked = cursor.sized();
    }
    if (!cursor.ok())
        return cursor.broken ? Item::kBroken : Item::kMore;
    DaysetView view;
    bool canonical = false;
    if (number >= tables.size() || (!unknown && validate(booked.data(), booked.size(), &view, &canonical) != nullptr))
        return Item::kBroken;
    table = static_cast<std::uint16_t>(number);
    at_ = buffer_.size() - cursor.bytes.size();
    ++records_;
    return unknown ? Item::kUnknown : Item::kRecord;
}

FrameReader::Item FrameReader::next() {
    if (ended_)
        return Item::kBroken;
    for (;;) {
        compact(&buffer_, &at_);
        Cursor cursor{std::string_view(buffer_).substr(at_)};
        const auto size = cursor.get<std::uint32_t>();
        if (cursor.ok() && (size == 0 || size > kMaxFrame)) {
            ended_ = true;
            return Item::kBroken;
        }
        Cursor frame{cursor.take(size)};
        if (!cursor.ok())
            return Item::kMore;
        at_ = buffer_.size() - cursor.bytes.size();
        Item item = Item::kMore;
        switch (frame.get<char>()) {
        case kHelloFrame:
            item = frame.get<std::uint8_t>() == kVersion ? Item::kHello : Item::kBroken;
            from.epoch = frame.get<std::uint64_t>();
            from.position.lsn = frame.get<std::uint64_t>();
            from.position.seq = frame.get<std::uint64_t>();
            break;
        case kEventFrame:
            item = Item::kEvent;
            message = frame.bytes;
            break;
        case kProgressFrame:
            item = Item::kProgress;
            lsn = frame.get<std::uint64_t>();
            as_of = frame.get<std::int64_t>();
            break;
        case kEndFrame:
            item = Item::kEnd;
            message = frame.bytes;
            break;
        default:
            continue;
        }
        if (!frame.ok())
            item = Item::kBroken;
        ended_ = item == Item::kEnd || item == Item::kBroken;
        return item;
    }
}

} // namespace availability::wire
