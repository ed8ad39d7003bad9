#include "relay/probe.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "relay/clock.hpp"

namespace availability::relay {

namespace {

constexpr std::chrono::milliseconds kAgain(20);
// What the probe itself and the machine may take beyond the lag that is told.
constexpr std::int64_t kTolerance = 500000;
constexpr std::int64_t kGiveUp = 3000000;

// "{1,2,3}", of quoted elements.
std::string array_of(const std::vector<ListingName>& names) {
    std::string out = "{";
    for (const ListingName& name : names) {
        out += out.size() > 1 ? ",\"" : "\"";
        for (const char c : name.key().str()) {
            if (c == '"' || c == '\\')
                out += '\\';
            out += c;
        }
        out += '"';
    }
    return out + "}";
}

// The bytes of \x…; what is no hexadecimal digit can't come from the server.
std::string bytes_of(std::string_view hex) {
    std::string bytes;
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 2; i + 1 < hex.size(); i += 2)
        bytes.push_back(static_cast<char>(digit(hex[i]) << 4 | digit(hex[i + 1])));
    return bytes;
}

} // namespace

Probe::Probe(boost::asio::io_context& io, const Settings& settings, const Store& store, Hooks hooks)
    : io_(io), settings_(settings), store_(store), hooks_(std::move(hooks)), reader_(io, settings), timer_(io),
      random_(static_cast<std::uint64_t>(now_us())) {}

void Probe::stop() {
    stopped_ = true;
    timer_.cancel();
    reader_.stop();
    if (database_ != nullptr)
        database_->close();
}

void Probe::schedule() {
    timer_.expires_after(std::chrono::microseconds(static_cast<std::int64_t>(settings_.relay_probe_seconds * 1e6)));
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error && !stopped_)
            begin();
    });
}

void Probe::begin() {
    if (settings_.relay_probe_sample == 0 || !hooks_.wanted() || !choose())
        return schedule();
    epoch_ = hooks_.epoch();
    lag_ = staleness_ = 0;
    differences_ = 0;
    if (database_ != nullptr)
        return read_database();
    database_ = std::make_shared<PgConnection>(io_, std::chrono::seconds(settings_.database_timeout_seconds));
    database_->connect(settings_.database_conninfo, false, [this](const PgError& error) {
        if (error)
            return fail(error.message);
        read_database();
    });
}

// A sample of one table, the next one each time; false if there is nothing.
bool Probe::choose() {
    names_.clear();
    table_ = static_cast<std::uint16_t>((table_ + 1U) % settings_.database_tables.size());
    if (store_.end() == 0)
        return false;
    for (std::int64_t i = 0; i < settings_.relay_probe_sample; ++i) {
        random_ = random_ * 6364136223846793005 + 1442695040888963407; // Knuth's MMIX
        const auto slot = static_cast<Slot>((random_ >> 33) % store_.end());
        if (!store_.used(slot))
            continue;
        const Calendar calendar = store_.get(slot);
        if (calendar.table == table_ && !calendar.dropped)
            names_.push_back(ListingName::of(calendar.table, calendar.listing));
    }
    return !names_.empty();
}

void Probe::read_database() {
    // The type of the parameter is that of the column, whatever it is.
    database_->query(
        fmt::format(
            "SELECT listing_id::pg_catalog.text, version, booked::pg_catalog.bytea FROM {} WHERE listing_id = ANY ($1)",
            quote_qualified(settings_.database_tables[table_])),
        {array_of(names_)}, [this](PgRows rows) {
            if (rows.error)
                return fail(rows.error.message);
            read_at_ = now_us();
            std::vector<ListingName> found;
            expected_.clear();
            for (std::size_t row = 0; row < rows.rows.size(); ++row) {
                const auto name = std::find_if(names_.begin(), names_.end(), [&](const ListingName& wanted) {
                    return wanted.key().str() == rows.text(row, 0);
                });
                if (name == names_.end())
                    continue;
                found.push_back(*name);
                expected_.push_back(
                    {std::strtoll(rows.text(row, 1).c_str(), nullptr, 10), bytes_of(rows.text(row, 2))});
            }
            names_ = std::move(found);
            read_redis();
        });
}

void Probe::read_redis() {
    if (names_.empty())
        return end();
    lag_ = std::max(lag_, hooks_.lag());
    reader_.read(names_, [this](std::vector<CachedListing> cached) {
        if (!stopped_)
            judge(cached);
    });
}

void Probe::judge(const std::vector<CachedListing>& cached) {
    const std::int64_t age = now_us() - read_at_;
    lag_ = std::max(lag_, hooks_.lag());
    std::vector<ListingName> names;
    std::vector<Expected> expected;
    for (std::size_t i = 0; i < cached.size(); ++i) {
        const CachedListing& entry = cached[i];
        if (entry.kind == CachedListing::Kind::kFailed)
            return fail(entry.problem);
        const bool shown = entry.stamp.epoch == epoch_ &&
                           (entry.kind == CachedListing::Kind::kCalendar || entry.kind == CachedListing::Kind::kMonths);
        const bool older = entry.stamp.version < expected_[i].version;
        const bool other = entry.stamp.version == expected_[i].version && !shows(entry, expected_[i].booked);
        if (!shown || (!older && !other))
            continue;
        names.push_back(names_[i]);
        expected.push_back(std::move(expected_[i]));
    }
    if (epoch_ != hooks_.epoch()) // nobody believes what was read
        return end();
    if (!names.empty()) {
        staleness_ = age;
        if (age > lag_ + kTolerance)
            differences_ = std::max(differences_, names.size());
    }
    if (names.empty() || age > kGiveUp)
        return end();
    names_ = std::move(names);
    expected_ = std::move(expected);
    timer_.expires_after(kAgain);
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error && !stopped_)
            read_redis();
    });
}

void Probe::end() {
    hooks_.done(static_cast<double>(staleness_) / 1e6, differences_);
    schedule();
}

void Probe::fail(const std::string& what) {
    if (database_ != nullptr)
        database_->close();
    database_ = nullptr;
    hooks_.failed(what);
    schedule();
}

} // namespace availability::relay
