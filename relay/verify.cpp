// The command verify: every calendar of the database against what Redis shows of it.
//
// Redis follows the database by some milliseconds, so what differs is looked at again after a pause: wrong is what is
// still older than the database was before the pause, or shows other days under the version that the database has.

#include <cstdio>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "relay/commands.hpp"
#include "relay/redis_reader.hpp"
#include "relay/source/loader.hpp"
#include "relay/source/state.hpp"
#include "relay/store.hpp"

namespace availability::relay {

namespace {

constexpr std::size_t kAtOnce = 5000;
constexpr std::chrono::seconds kPause(2);

class Verify {
  public:
    Verify(boost::asio::io_context& io, const Settings& settings, bool repair)
        : io_(io), settings_(settings), repair_(repair), reader_(io, settings), pause_(io) {}

    void start() {
        control_ = std::make_shared<PgConnection>(io_, std::chrono::seconds(settings_.database_timeout_seconds));
        control_->connect(settings_.database_conninfo, false, [this](const PgError& error) {
            if (error)
                return fail(error.message);
            control_->query(
                read_state_statement(quote_qualified(settings_.database_state_table), settings_.database_slot),
                [this](PgRows rows) {
                    RelayState state;
                    if (!read_state(rows, &state) || !state.exists)
                        return fail("the database has no state of the relay: " + rows.error.message);
                    epoch_ = state.epoch;
                    control_->close();
                    load(before_, [this] { look(); });
                });
        });
    }
    int status() const { return status_; }

  private:
    struct Suspect {
        ListingName name;
        CachedListing cached;
    };

    void load(Store& store, std::function<void()> then) {
        loader_ = std::make_unique<Loader>(io_, settings_.database_conninfo, settings_.database_tables,
                                           static_cast<int>(settings_.database_load_connections),
                                           std::chrono::seconds(settings_.database_timeout_seconds));
        loader_->start(
            [&store](const LoadedRow& row) {
                bool newer = false;
                store.apply(row.table, row.listing, row.version, row.booked, false, &newer);
            },
            [this, then = std::move(then)](const Loader::Result& result) {
                if (result.error)
                    return fail(result.error.message);
                then();
            });
    }

    // Some more listings, until all have been looked at.
    void look() {
        std::vector<ListingName> names;
        for (; slot_ < before_.end() && names.size() < kAtOnce; ++slot_) {
            const Calendar calendar = before_.get(slot_);
            names.push_back(ListingName::of(calendar.table, calendar.listing));
        }
        if (names.empty())
            return suspects_.empty() ? finish() : look_again();
        reader_.read(names, [this, names](std::vector<CachedListing> cached) {
            for (std::size_t i = 0; i < names.size(); ++i) {
                const Calendar calendar = before_.get(before_.find(names[i].table, names[i].key()));
                if (cached[i].kind == CachedListing::Kind::kFailed)
                    return fail("could not read Redis: " + cached[i].problem);
                ++looked_at_;
                const bool current = cached[i].stamp.epoch == epoch_ && cached[i].kind != CachedListing::Kind::kNone &&
                                     cached[i].kind != CachedListing::Kind::kLease;
                misses_ += !current && cached[i].kind != CachedListing::Kind::kBroken;
                if (cached[i].kind == CachedListing::Kind::kBroken ||
                    (current && (cached[i].stamp.version != calendar.version || !shows(cached[i], calendar.booked))))
                    suspects_.push_back(names[i]);
            }
            look();
        });
    }

    void look_again() {
        pause_.expires_after(kPause);
        pause_.async_wait([this](boost::system::error_code) {
            reader_.read(suspects_, [this](std::vector<CachedListing> cached) {
                cached_ = std::move(cached);
                load(after_, [this] { judge(); });
            });
        });
    }

    void judge() {
        for (std::size_t i = 0; i < suspects_.size(); ++i) {
            const CachedListing& cached = cached_[i];
            if (cached.kind == CachedListing::Kind::kFailed)
                return fail("could not read Redis: " + cached.problem);
            if (const std::string what = why_wrong(suspects_[i], cached); !what.empty()) {
                std::printf("%s %s: %s\n", settings_.database_tables[suspects_[i].table].c_str(),
                            suspects_[i].key().str().c_str(), what.c_str());
                wrong_.push_back({suspects_[i], cached});
            }
        }
        if (!repair_ || wrong_.empty())
            return finish();
        left_ = wrong_.size();
        for (const Suspect& suspect : wrong_)
            reader_.remove(suspect.name, suspect.cached, [this](bool done) {
                repaired_ += done;
                if (--left_ == 0)
                    finish();
            });
    }

    std::string why_wrong(const ListingName& name, const CachedListing& cached) const {
        if (cached.kind == CachedListing::Kind::kBroken)
            return "what Redis holds is no entry: " + cached.problem;
        if (cached.stamp.epoch != epoch_ || cached.kind == CachedListing::Kind::kNone ||
            cached.kind == CachedListing::Kind::kLease)
            return {}; // a miss by now
        const Calendar before = before_.get(before_.find(name.table, name.key()));
        const Slot slot = after_.find(name.table, name.key());
        if (slot == kNoSlot)
            return cached.kind == CachedListing::Kind::kTombstone || cached.stamp.version >= before.version
                       ? ""
                       : "Redis holds a listing that has gone";
        const Calendar after = after_.get(slot);
        if (cached.stamp.version < before.version)
            return fmt::format("Redis has version {}, the database has had {} for longer than {} s",
                               cached.stamp.version, before.version, kPause.count());
        if (cached.stamp.version == after.version && !shows(cached, after.booked))
            return fmt::format("Redis shows other days under version {}", after.version);
        if (cached.stamp.version > after.version)
            return fmt::format("Redis has version {}, which the database never had: it has {}", cached.stamp.version,
                               after.version);
        return {};
    }

    void finish() {
        std::printf("%zu listings, %zu not in Redis, %zu wrong%s\n", looked_at_, misses_, wrong_.size(),
                    repair_ && !wrong_.empty() ? fmt::format(", {} removed", repaired_).c_str() : "");
        status_ = wrong_.empty() || (repair_ && repaired_ == wrong_.size()) ? 0 : kExitFailure;
        end();
    }
    void fail(const std::string& message) {
        spdlog::error("{}", message);
        status_ = kExitFailure;
        end();
    }
    void end() {
        reader_.stop();
        io_.stop();
    }

    boost::asio::io_context& io_;
    const Settings& settings_;
    bool repair_;
    RedisReader reader_;
    boost::asio::steady_timer pause_;
    PgConnectionPtr control_;
    std::unique_ptr<Loader> loader_;
    Epoch epoch_ = 0;
    Store before_;
    Store after_;
    Slot slot_ = 0;
    std::vector<ListingName> suspects_;
    std::vector<CachedListing> cached_;
    std::vector<Suspect> wrong_;
    std::size_t looked_at_ = 0;
    std::size_t misses_ = 0;
    std::size_t repaired_ = 0;
    std::size_t left_ = 0;
    int status_ = kExitFailure;
};

} // namespace

int verify(const Settings& settings, bool repair) {
    if (!settings.has_redis()) {
        spdlog::error("the settings name no Redis");
        return kExitUsage;
    }
    boost::asio::io_context io(1);
    Verify verify(io, settings, repair);
    verify.start();
    io.run();
    return verify.status();
}

} // namespace availability::relay
