// The command tail: events as they come, by a temporary slot of its own, so that it moves nobody's position.

#include <csignal>
#include <cstdio>
#include <ctime>

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "extension/core/day.hpp"
#include "extension/core/dayset_text.hpp"
#include "relay/commands.hpp"
#include "relay/source/event_reader.hpp"
#include "relay/source/stream.hpp"

namespace availability::relay {

namespace {

std::string text_of(DaySpan stay) {
    char first_day[10];
    char end_day[10];
    format_day(stay.first_day, first_day);
    format_day(stay.end_day, end_day);
    return fmt::format("[{},{})", std::string_view(first_day, 10), std::string_view(end_day, 10));
}

std::string text_of_time(std::int64_t at) {
    const std::time_t seconds = static_cast<std::time_t>(at / 1000000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char text[32];
    std::strftime(text, sizeof(text), "%F %T", &utc);
    return fmt::format("{}.{:06}", text, at % 1000000);
}

std::string text_of(const Event& event, const std::string& table) {
    std::string line = fmt::format("{} {} {} {}", text_of_time(event.at), word_of(event.kind), table,
                                   event.listing.empty() ? "?" : event.listing.str());
    if (event.kind == EventKind::kUnreadable)
        return line + ": " + std::string(event.reason);
    if (!event.reservation.empty())
        line += " reservation " + event.reservation.str();
    if (!event.stay.empty())
        line += " stay " + text_of(event.stay);
    if (!event.was.empty())
        line += " was " + text_of(event.was);
    DaysetView view;
    if (DaysetView::open(event.booked.data(), event.booked.size(), &view)) {
        std::string booked(text_size_bound(view), '\0');
        booked.resize(format(view, booked.data()));
        line += " booked " + booked;
    }
    return line;
}

class Tail : private StreamHandler {
  public:
    Tail(boost::asio::io_context& io, const Settings& settings, bool json, std::uint64_t count)
        : io_(io), settings_(settings), json_(json), count_(count), reader_(settings.database_tables),
          stream_(io, std::chrono::seconds(settings.database_timeout_seconds), *this),
          connection_(std::make_shared<PgConnection>(io, std::chrono::hours(1))) {}

    void start() {
        connection_->connect(settings_.database_conninfo, true, [this](const PgError& error) {
            if (error)
                return fail(error);
            const std::string slot = fmt::format("availability_tail_{}", getpid());
            connection_->query(
                fmt::format("CREATE_REPLICATION_SLOT {} TEMPORARY LOGICAL availability_decoder NOEXPORT_SNAPSHOT",
                            quote_identifier(slot)),
                [this, slot](PgRows rows) {
                    if (rows.error)
                        return fail(rows.error);
                    stream(slot);
                });
        });
    }
    int status() const { return status_; }

  private:
    void stream(const std::string& slot) {
        std::string tables;
        for (const std::string& table : settings_.database_tables)
            tables += (tables.empty() ? "" : ",") + quote_qualified(table);
        stream_.start(
            connection_,
            fmt::format("START_REPLICATION SLOT {} LOGICAL 0/0 (format '{}', tables {})", quote_identifier(slot),
                        json_ ? "json" : "protobuf", quote_literal(tables)),
            [this](const PgError& error) {
                if (error)
                    return fail(error);
                spdlog::info("events from here on");
                stream_.resume();
            },
            [this](const PgError& error) { fail(error); });
    }

    bool on_message(std::string_view message) override {
        if (json_) {
            std::printf("%.*s\n", static_cast<int>(message.size()), message.data());
        } else {
            const Event event = reader_.read(message);
            std::printf("%s\n", text_of(event, settings_.database_tables[event.table]).c_str());
        }
        std::fflush(stdout);
        if (std::ferror(stdout) != 0 || (count_ != 0 && ++seen_ == count_)) {
            io_.stop();
            return false;
        }
        return true;
    }
    void on_keepalive(std::uint64_t lsn) override { stream_.confirm(lsn); }
    void on_garbage(std::string_view) override {
        spdlog::error("the server sent what is no message of the replication protocol");
    }

    void fail(const PgError& error) {
        spdlog::error("{}", error.message);
        status_ = kExitFailure;
        io_.stop();
    }

    boost::asio::io_context& io_;
    const Settings& settings_;
    bool json_;
    std::uint64_t count_;
    std::uint64_t seen_ = 0;
    EventReader reader_;
    Stream stream_;
    PgConnectionPtr connection_;
    int status_ = 0;
};

} // namespace

int tail(const Settings& settings, bool json, std::uint64_t count) {
    std::signal(SIGPIPE, SIG_IGN);
    boost::asio::io_context io(1);
    Tail tail(io, settings, json, count);
    boost::asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&](boost::system::error_code, int) { io.stop(); });
    tail.start();
    io.run();
    return tail.status();
}

} // namespace availability::relay
