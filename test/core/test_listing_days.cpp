// Days by listings against one listing and one day at a time.

#include <memory>
#include <vector>

#include "extension/core/listing_days.hpp"

#include "property.hpp"

using namespace availability;
using test::Bytes;
using test::Model;
using test::within;

namespace {

void properties() {
    test::property("days by listings: each day has the listings that booked it", [] {
        const DaySpan span = {*within<Day>(20400, 20800), 0};
        const DaySpan days = {span.first_day, span.first_day + *within<Day>(0, kMostDaysAtOnce)};
        std::vector<Model> models;
        std::vector<Bytes> bytes;
        std::vector<PlacedCalendar> calendars;
        std::uint32_t place = *within<std::uint32_t>(0, 65000);
        for (int i = *within(0, 12); i > 0 && place < kContainerOrdinals; --i) {
            models.push_back(*test::any_model());
            bytes.push_back(test::stored(test::dayset_of(models.back())));
            calendars.push_back({place, DaysetView()});
            place += *rc::gen::element<std::uint32_t>(1, 1, 2, 60, 200);
        }
        for (std::size_t i = 0; i < calendars.size(); ++i)
            RC_ASSERT(DaysetView::open(bytes[i].data(), bytes[i].size(), &calendars[i].booked));
        const auto sets = std::make_unique<OrdinalBits[]>(static_cast<std::size_t>(days.days()) + 1);
        for (Day day = 0; day < days.days(); ++day)
            sets[day].clear();
        add_booked(calendars.data(), calendars.size(), days, sets.get());
        for (Day day = days.first_day; day < days.end_day; ++day) {
            std::uint32_t booked = 0;
            for (std::size_t i = 0; i < calendars.size(); ++i) {
                const bool is_booked = models[i].count(day) > 0;
                RC_ASSERT(sets[day - days.first_day].contains(calendars[i].place) == is_booked);
                booked += is_booked;
            }
            RC_ASSERT(sets[day - days.first_day].count() == booked);
        }
    });
    test::property("days by listings: a window is the union of its days", [] {
        const auto count = *within<std::uint32_t>(1, 40);
        const auto length = *within<std::uint32_t>(1, count);
        const auto days = std::make_unique<OrdinalBits[]>(count);
        const auto expected = std::make_unique<OrdinalBits[]>(count);
        for (std::uint32_t i = 0; i < count; ++i) {
            days[i].clear();
            expected[i].clear();
            days[i].add(*within<std::uint32_t>(0, 100));
            if (*rc::gen::arbitrary<bool>())
                days[i].add(*within<std::uint32_t>(65000, 65535));
        }
        for (std::uint32_t i = 0; i + length <= count; ++i)
            for (std::uint32_t j = i; j < i + length; ++j)
                expected[i].unite(days[j]);
        unite_windows(days.get(), count, length);
        for (std::uint32_t i = 0; i + length <= count; ++i)
            RC_ASSERT(days[i].contains_all(expected[i]) && expected[i].contains_all(days[i]));
    });
}

} // namespace

int main() {
    properties();
    return test::exit_status();
}
