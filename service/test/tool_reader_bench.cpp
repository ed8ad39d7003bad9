// What a read costs in process, without HTTP: the replica and L1, 100,000 listings, 90 % of the reads on 10 % of them.
//
//   tool_reader_bench [listings [reads]]      one line a way: "name nanoseconds-a-read reads-a-second"
//
// The peer of the same run is a std::unordered_map from the listing to its bytes, which checks nothing and keeps no
// count.

#include <cstdlib>
#include <ctime>
#include <unordered_map>

#include "relay/clock.hpp"
#include "service/test/reader_world.hpp"

using namespace test;

namespace {

std::vector<std::int64_t> reads_of(std::size_t listings, std::size_t reads) {
    std::mt19937_64 random(1);
    std::vector<std::int64_t> numbers(reads);
    for (std::int64_t& number : numbers) {
        const bool hot = random() % 10 != 0;
        // The listings of the tenth lie anywhere among the others.
        number = static_cast<std::int64_t>(random() % (hot ? listings / 10 : listings) * (hot ? 10 : 1));
    }
    return numbers;
}

double seconds() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time); // others may use the machine too
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

template <typename Read>
void measure(const char* name, const std::vector<std::int64_t>& numbers, Read read) {
    std::uint64_t told = 0;
    const double start = seconds();
    for (const std::int64_t number : numbers)
        told += read(number);
    const double time = seconds() - start;
    const auto count = static_cast<double>(numbers.size());
    std::printf("%-20s %6.0f ns %11.0f reads/s (%.2f %% told)\n", name, time / count * 1e9, count / time,
                static_cast<double>(told) * 100 / count);
}

// A database that answers when it is asked to: to fill L1.
class AtOnce : public CalendarSource {
  public:
    explicit AtOnce(const std::string& booked) : booked_(booked) {}
    void read(std::vector<OwnedListing> listings, Clock::time_point, TierAnswered done) override {
        std::vector<TierAnswer> answers(listings.size());
        for (TierAnswer& answer : answers) {
            answer.kind = TierAnswer::Kind::kFound;
            answer.version = 1;
            answer.as_of = fed.as_of;
            answer.booked = booked_;
        }
        done(std::move(answers));
    }
    bool usable() const override { return true; }

  private:
    const std::string& booked_;
};

} // namespace

int main(int argc, char** argv) {
    const auto listings = static_cast<std::size_t>(argc > 1 ? std::atoll(argv[1]) : 100'000);
    const auto reads = static_cast<std::size_t>(argc > 2 ? std::atoll(argv[2]) : 5'000'000);
    const std::vector<std::int64_t> numbers = reads_of(listings, reads);
    Dayset set;
    for (Day day = 20000; day < 20330; day += 30)
        set.add({day, day + 7}); // eleven bookings
    std::string booked(set.stored_size(), '\0');
    set.write(booked.data());
    const DaySpan stay{20010, 20017};

    std::unordered_map<std::int64_t, std::string> peer;
    Replica replica(1);
    replica.begin_load();
    for (std::size_t i = 0; i < listings; ++i) {
        const auto number = static_cast<std::int64_t>(i);
        peer[number] = booked;
        replica.apply({0, Key::of(number)}, 1, booked);
    }
    replica.end_load();
    boost::asio::io_context io;
    Feed feed(io, {}, nullptr);
    AtOnce database(booked);
    ReaderOptions options;
    options.max_age = std::chrono::hours(1);
    options.batch_delay = microseconds(0);
    options.max_batch = 1;
    fed.as_of = relay::now_us();

    std::uint64_t free = 0;
    measure("unordered_map", numbers, [&](std::int64_t number) {
        const std::string& bytes = peer.find(number)->second;
        DaysetView calendar;
        DaysetView::open(bytes.data(), bytes.size(), &calendar);
        free += !calendar.overlaps(stay);
        return true;
    });
    for (const Mode mode : {Mode::kReplica, Mode::kNear}) {
        options.routing.mode = mode;
        Reader::Tiers tiers;
        tiers.replica = &replica;
        tiers.feed = &feed;
        tiers.database = &database;
        Reader reader(timing_of(io), options, tiers);
        reader.start();
        for (FeedListener* listener : fed.listeners)
            listener->progress(fed.as_of);
        const auto read = [&](std::int64_t number) {
            bool told = false;
            reader.read({0, Key::of(number)}, {}, [&](const Answer& answer) {
                told = answer.source == (mode == Mode::kNear ? Source::kL1 : Source::kReplica);
                free += !answer.calendar.overlaps(stay);
            });
            return told;
        };
        if (mode == Mode::kReplica) {
            measure("replica, read_now", numbers, [&](std::int64_t number) {
                return reader.read_now({0, Key::of(number)}, {},
                                       [&](const Answer& answer) { free += !answer.calendar.overlaps(stay); });
            });
            measure("replica, read", numbers, read);
            continue;
        }
        for (std::size_t i = 0; i < listings; ++i)
            reader.read({0, Key::of(static_cast<std::int64_t>(i))}, {}, [](const Answer&) {});
        measure("l1, read", numbers, read);
        const ReaderCounters& counters = reader.counters();
        std::printf("%-20s %6llu entries, %llu bytes\n", "l1", static_cast<unsigned long long>(counters.l1_entries),
                    static_cast<unsigned long long>(counters.l1_bytes));
    }
    std::printf("%-20s %6zu bytes a listing\n", "replica", replica.bytes() / listings);
    return free == 0;
}
