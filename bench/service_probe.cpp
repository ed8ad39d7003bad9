// Checks what services say while it changes what they are asked for.
//
//   service_probe changes --service NAME=HOST:PORT …   books and cancels a night of some listings by one service, and
//   reads
//                                                   them at once from the others; a read of version v with as_of a is
//                                                   wrong if a later version was acknowledged before a
//   service_probe herd --service NAME=HOST:PORT …      many clients ask for few listings in the same moment
//
// Each listing has one night that only this program changes, one change at a time; so it knows every version that the
// listing ever had, whether the night is booked in it, and by when it had been committed. Status 1: an answer was
// wrong.

#include <cinttypes>
#include <fstream>
#include <random>

#include <CLI/CLI.hpp>

#include "bench/http_load.hpp"

namespace {

using namespace load;

struct Settings {
    std::vector<std::string> services;
    std::size_t connections = 16;
    std::int64_t listings = 200; // 1 …
    double rate = 1000;          // reads a second
    double changes = 50;         // bookings and cancellations a second
    double seconds = 10;
    std::uint64_t reads = 0; // no end by their number
    std::string night = "2030-01-01";
    std::string morning = "2030-01-02";
    std::int64_t bound_ms = 0; // an answer that lacks an older change is a failure of the run; 0: none is
    std::string final_file;
    std::string timeline;
    std::int64_t at = 0; // herd: microseconds since 1970; 0: once all are connected
    bool herd = false;
};

struct Change {
    std::int64_t version;
    bool booked;
    std::int64_t acknowledged;
};

struct Place {
    std::int64_t listing = 0;
    std::vector<Change> changes;
    std::string reservation;
    bool under_way = false;
    // What was read meanwhile of a version that is not known yet.
    struct Read {
        std::size_t service;
        Told told;
    };
    std::vector<Read> open;
};

struct Service {
    std::string name;
    std::unique_ptr<Instance> instance;
    Tally tally;
    std::uint64_t behind = 0; // reads that lacked a change acknowledged before they were sent
    std::int64_t most_behind = 0;
    std::uint64_t wrong = 0;
    std::uint64_t too_old = 0;
};

class Probe {
  public:
    Probe(asio::io_context& io, const Settings& settings) : io_(io), settings_(settings) {
        for (const std::string& service : settings.services) {
            const std::size_t sign = service.find('=');
            if (sign == std::string::npos)
                throw std::runtime_error("not NAME=HOST:PORT: " + service);
            services_.push_back(Service{service.substr(0, sign),
                                        std::make_unique<Instance>(io, service.substr(sign + 1), settings.connections),
                                        {},
                                        0,
                                        0,
                                        0,
                                        0});
        }
        for (std::int64_t listing = 1; listing <= settings.listings; ++listing) {
            places_.emplace_back();
            places_.back().listing = listing;
            places_.back().changes.push_back({0, false, 0});
        }
        if (!settings.timeline.empty())
            timeline_.open(settings.timeline);
    }

    // Runs until time or number of reads are reached and nothing is under way.
    bool run() {
        start_ = now_us();
        reads_ = std::make_unique<Pace>(io_, settings_.rate, [this](std::int64_t due) { return read_any(due); });
        changes_ =
            std::make_unique<Pace>(io_, settings_.changes, [this](std::int64_t due) { return change_next(due); });
        io_.run();
        flush_second();
        bool good = print_result();
        if (!settings_.final_file.empty())
            write_final();
        return good;
    }

  private:
    bool is_over() const {
        return now_us() - start_ >= static_cast<std::int64_t>(settings_.seconds * 1e6) ||
               (settings_.reads > 0 && asked_ >= settings_.reads);
    }

    // --- reads ---

    bool read_any(std::int64_t due) {
        if (is_over())
            return false;
        // Four of five of what has changed just now.
        Place& place = !recent_.empty() && asked_ % 5 != 0 ? *recent_[random_() % recent_.size()]
                                                           : places_[random_() % places_.size()];
        read(place, asked_ % services_.size(), due);
        return true;
    }

    void read(Place& place, std::size_t service, std::int64_t due) {
        ++asked_;
        Request request;
        request.target = "/v1/listings/" + std::to_string(place.listing) + "/availability?check_in=" + settings_.night +
                         "&check_out=" + settings_.morning;
        // Now and then as one who has just booked.
        const std::int64_t least = asked_ % 16 == 0 ? place.changes.back().version : 0;
        if (least > 0)
            request.target += "&min_version=" + std::to_string(least);
        request.due = due;
        request.done = [this, &place, service, least](const Reply& reply) { take(place, service, least, reply); };
        services_[service].instance->ask(std::move(request));
    }

    void take(Place& place, std::size_t number, std::int64_t least, const Reply& reply) {
        Service& service = services_[number];
        Tally& second = this_second(reply.received);
        Told told;
        if (reply.status != 200 || !read_answer(reply.body, &told)) {
            service.tally.failure(reply.status);
            second.failure(reply.status);
            return;
        }
        service.tally.answer(reply, told);
        second.answer(reply, told);
        if (told.version < least)
            wrong(service, place, told, "older than min_version asked for");
        const auto missed = after(place.changes, told.version);
        if (missed != place.changes.end() && missed->acknowledged < reply.sent) {
            const std::int64_t behind = reply.sent - missed->acknowledged;
            ++service.behind;
            service.most_behind = std::max(service.most_behind, behind);
            service.too_old += settings_.bound_ms > 0 && behind > settings_.bound_ms * 1000;
        }
        if (!judge(place, number, told))
            place.open.push_back({number, told});
    }

    // The first change that a version lacks.
    static std::vector<Change>::const_iterator after(const std::vector<Change>& changes, std::int64_t version) {
        return std::upper_bound(changes.begin(), changes.end(), version,
                                [](std::int64_t told, const Change& change) { return told < change.version; });
    }

    // False if the version is not known yet.
    bool judge(Place& place, std::size_t number, const Told& told) {
        Service& service = services_[number];
        const std::vector<Change>& changes = place.changes;
        const auto later = after(changes, told.version);
        // Versions before our first change are the table's own.
        const Change& of = *(later - 1);
        if (of.version != told.version && of.version != 0) {
            if (later == changes.end() && place.under_way)
                return false;
            wrong(service, place, told, "a version that never was");
            return true;
        }
        if (of.version == 0 && later == changes.end() && place.under_way && told.available == of.booked)
            return false;
        if (told.available == of.booked)
            wrong(service, place, told, "not what this version has");
        else if (later != changes.end() && later->acknowledged < told.as_of)
            wrong(service, place, told, "older than told");
        return true;
    }

    void wrong(Service& service, const Place& place, const Told& told, const char* why) {
        if (++service.wrong <= 10)
            std::printf("WRONG: %s, listing %" PRId64 ": %s: version %" PRId64 ", as of %" PRId64
                        ", from %s; the last is %" PRId64 ", acknowledged %" PRId64 "\n",
                        service.name.c_str(), place.listing, why, told.version, told.as_of, told.source.c_str(),
                        place.changes.back().version, place.changes.back().acknowledged);
    }

    // --- changes ---

    bool change_next(std::int64_t due) {
        if (is_over())
            return false;
        for (std::size_t i = 0; i < places_.size(); ++i) {
            Place& place = places_[next_++ % places_.size()];
            if (place.under_way)
                continue;
            place.under_way = true;
            ++keys_;
            change(place, "probe-" + std::to_string(start_) + "-" + std::to_string(keys_), keys_ % services_.size(),
                   due);
            break;
        }
        return true;
    }

    // Asked again with the same key until the answer says whether it was done.
    void change(Place& place, const std::string& key, std::size_t service, std::int64_t due) {
        const bool books = !place.changes.back().booked;
        Request request;
        request.method = http::verb::post;
        request.target = books ? "/v1/bookings" : "/v1/bookings/" + place.reservation + "/cancel";
        if (books)
            request.body = R"({"listing":)" + std::to_string(place.listing) + R"(,"check_in":")" + settings_.night +
                           R"(","check_out":")" + settings_.morning + R"("})";
        request.idempotency_key = key;
        request.due = due;
        request.done = [this, &place, key, service, books](const Reply& reply) {
            const json document = json::parse(reply.body, nullptr, false);
            if ((reply.status == 200 || reply.status == 201) && document.contains("version"))
                return acknowledged(place, document, books, service, reply);
            ++retries_[reply.status];
            const bool unknown = reply.status == 0 || reply.status >= 500;
            if (unknown && now_us() - start_ < static_cast<std::int64_t>((settings_.seconds + 60) * 1e6))
                return later(std::chrono::milliseconds(50), [this, &place, key, service] {
                    change(place, key, (service + 1) % services_.size(), now_us());
                });
            std::printf("REFUSED: listing %" PRId64 ": %u %s\n", place.listing, reply.status, reply.body.c_str());
            ++refused_; // and stays under way: nothing more is changed there
        };
        services_[service].instance->ask(std::move(request));
    }

    void acknowledged(Place& place, const json& document, bool books, std::size_t service, const Reply& reply) {
        place.changes.push_back({document["version"].get<std::int64_t>(), books, reply.received});
        place.under_way = false;
        if (books)
            place.reservation = document["reservation"].get<std::string>();
        ++done_;
        for (const Place::Read& read : std::exchange(place.open, {}))
            judge(place, read.service, read.told);
        recent_.push_back(&place);
        if (recent_.size() > 16)
            recent_.pop_front();
        for (std::size_t other = 0; other < services_.size(); ++other)
            if (other != service || services_.size() == 1)
                read(place, other, reply.received);
    }

    void later(std::chrono::milliseconds pause, std::function<void()> call) {
        auto timer = std::make_shared<asio::steady_timer>(io_, pause);
        timer->async_wait([timer, call = std::move(call)](beast::error_code) { call(); });
    }

    // --- results ---

    Tally& this_second(std::int64_t at) {
        const std::int64_t second = (at - start_) / 1'000'000;
        if (second != second_)
            flush_second();
        second_ = second;
        return tally_;
    }

    void flush_second() {
        if (timeline_.is_open() && tally_.reads > 0)
            timeline_ << second_ << '\t' << tally_.reads << '\t' << tally_.failed << '\t' << tally_.milliseconds(0.5)
                      << '\t' << tally_.milliseconds(0.99) << '\t' << quantile(tally_.ages, 1) << '\n';
        tally_ = {};
    }

    bool print_result() {
        std::uint64_t bad = refused_;
        for (Service& service : services_) {
            print(service.name.c_str(), service.tally);
            std::printf("%s: %" PRIu64
                        " reads lacked a change that had been acknowledged, for %.0f ms at most; wrong: %" PRIu64 "\n",
                        service.name.c_str(), service.behind, static_cast<double>(service.most_behind) / 1000,
                        service.wrong);
            if (service.too_old > 0)
                std::printf("%s: %" PRIu64 " were older than %" PRId64 " ms\n", service.name.c_str(), service.too_old,
                            settings_.bound_ms);
            bad += service.wrong + service.too_old;
        }
        std::printf("%" PRIu64 " changes acknowledged", done_);
        for (const auto& [status, count] : retries_)
            std::printf(", asked again after %s: %" PRIu64, status == 0 ? "no answer" : std::to_string(status).c_str(),
                        count);
        std::printf("\n");
        return bad == 0;
    }

    // listing, version, whether the night is booked: of all that was changed, to be compared with the database.
    void write_final() {
        std::ofstream file(settings_.final_file);
        for (const Place& place : places_)
            if (place.changes.size() > 1)
                file << place.listing << '\t' << place.changes.back().version << '\t'
                     << (place.changes.back().booked ? 't' : 'f') << '\n';
    }

    asio::io_context& io_;
    const Settings& settings_;
    std::vector<Service> services_;
    std::deque<Place> places_;
    std::deque<Place*> recent_;
    std::unique_ptr<Pace> reads_;
    std::unique_ptr<Pace> changes_;
    std::minstd_rand random_{7};
    std::int64_t start_ = 0;
    std::uint64_t asked_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t keys_ = 0;
    std::uint64_t refused_ = 0;
    std::size_t next_ = 0;
    std::map<unsigned, std::uint64_t> retries_;
    std::ofstream timeline_;
    Tally tally_;
    std::int64_t second_ = 0;
};

// Every connection asks once before, for a listing beyond the herd's, so that it is there; then all at once.
bool herd(asio::io_context& io, const Settings& settings) {
    std::vector<Service> services;
    for (const std::string& service : settings.services)
        services.push_back(
            Service{service.substr(0, service.find('=')),
                    std::make_unique<Instance>(io, service.substr(service.find('=') + 1), settings.connections),
                    {},
                    0,
                    0,
                    0,
                    0});
    const auto target = [&](std::int64_t listing) {
        return "/v1/listings/" + std::to_string(listing) + "/availability?check_in=" + settings.night +
               "&check_out=" + settings.morning;
    };
    std::size_t greeted = 0;
    for (Service& service : services)
        for (std::size_t i = 0; i < settings.connections; ++i)
            service.instance->ask({http::verb::get, target(settings.listings + 1), "", "", now_us(),
                                   [&](const Reply& reply) { greeted += reply.status == 200; }});
    io.run();
    if (greeted != services.size() * settings.connections)
        throw std::runtime_error("only " + std::to_string(greeted) + " clients had an answer before");
    if (settings.at != 0 && now_us() > settings.at)
        throw std::runtime_error("the clients were connected too late");
    const std::int64_t left = settings.at == 0 ? 0 : settings.at - now_us();
    asio::steady_timer timer(io, std::chrono::microseconds(left));
    timer.async_wait([&](beast::error_code) {
        const std::int64_t due = now_us();
        for (std::size_t i = 0; i < settings.connections; ++i)
            for (Service& service : services)
                service.instance->ask({http::verb::get, target(1 + static_cast<std::int64_t>(i) % settings.listings),
                                       "", "", due, [&service](const Reply& reply) {
                                           Told told;
                                           if (reply.status == 200 && read_answer(reply.body, &told))
                                               service.tally.answer(reply, told);
                                           else
                                               service.tally.failure(reply.status);
                                       }});
    });
    io.restart();
    io.run();
    std::uint64_t failed = 0;
    for (Service& service : services) {
        print(service.name.c_str(), service.tally);
        failed += service.tally.failed;
    }
    return failed == 0;
}

} // namespace

int main(int count, char** arguments) {
    Settings settings;
    CLI::App app("Checks what services say while it changes what they are asked for.");
    app.fallthrough();
    app.require_subcommand(1);
    app.add_option("--service", settings.services, "NAME=HOST:PORT of each")->required();
    app.add_option("--connections", settings.connections, "to each service");
    app.add_option("--listings", settings.listings, "1 to this one");
    app.add_option("--night", settings.night, "the night that is booked");
    app.add_option("--morning", settings.morning, "the day after");
    CLI::App* changes = app.add_subcommand("changes");
    changes->add_option("--rate", settings.rate, "reads a second, to all together");
    changes->add_option("--changes", settings.changes, "bookings and cancellations a second");
    changes->add_option("--seconds", settings.seconds);
    changes->add_option("--reads", settings.reads, "ends earlier once so many were asked; 0: does not");
    changes->add_option("--bound-ms", settings.bound_ms, "fails if an answer lacks an older change; 0: does not");
    changes->add_option("--final", settings.final_file, "for what must be in the database at the end");
    changes->add_option("--timeline", settings.timeline, "a line a second: reads, failed, p50, p99 (ms), greatest age");
    app.add_subcommand("herd")->add_option("--at", settings.at, "when, in microseconds since 1970");
    try {
        app.parse(count, arguments);
        asio::io_context io;
        const bool good = changes->parsed() ? Probe(io, settings).run() : herd(io, settings);
        return good ? 0 : 1;
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "service_probe: %s\n", error.what());
        return 2;
    }
}
