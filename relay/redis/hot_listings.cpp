#include "relay/redis/hot_listings.hpp"

#include <charconv>
#include <fstream>

#include <spdlog/spdlog.h>

#include "relay/layout.hpp"
#include "relay/redis/command.hpp"

namespace availability::relay::redis {

namespace {

// Of what readers counted, so many times N are kept: who is beyond may come up again.
constexpr std::int64_t kKept = 4;

bool read_number(const std::string& text, std::int64_t* number) {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), *number);
    return result.ec == std::errc() && result.ptr == text.data() + text.size() && std::to_string(*number) == text;
}

} // namespace

void HotListings::reload(const std::string& file) {
    options_.file = file;
    lines_.clear();
    if (file.empty() || options_.count == 0)
        return;
    std::ifstream lines(file);
    if (!lines) {
        spdlog::warn("redis: the file of hot listings {} can't be read", file);
        return;
    }
    for (std::string line; lines_.size() < options_.count && std::getline(lines, line);)
        if (!line.empty())
            lines_.push_back(line);
}

bool HotListings::read_member(const std::string& member, ListingName* name) const {
    name->table = 0;
    name->text = member;
    for (std::size_t table = 0; table < prefixes_.size(); table++)
        if (layout::listing_of_key(member, prefixes_[table], &name->text)) {
            name->table = static_cast<std::uint16_t>(table);
            break;
        }
    if (name->table >= is_number_.size() || name->text.size() > layout::kMaxListingSize)
        return false;
    name->number = 0;
    name->is_number = is_number_[name->table] != Guess::kText && read_number(name->text, &name->number);
    if (name->is_number)
        name->text.clear();
    return name->is_number || is_number_[name->table] != Guess::kNumber;
}

void HotListings::refresh(Feed* feed) {
    if (!is_on())
        return;
    refreshed_ = Clock::now();
    const auto request = [this, feed](const std::vector<std::string>& members) {
        std::vector<ListingName> names;
        for (const std::string& member : members)
            if (ListingName name; read_member(member, &name))
                names.push_back(std::move(name));
        if (!names.empty())
            feed->request_calendars(names);
    };
    if (!options_.file.empty())
        return request(lines_);
    const auto count = static_cast<std::int64_t>(options_.count);
    RequestPtr first = call(command("ZREVRANGE", key_, 0, count - 1), [request](const Reply* reply, std::string_view) {
        std::vector<std::string> members;
        if (reply != nullptr)
            for (const Reply& element : reply->elements)
                members.push_back(element.text);
        request(members);
    });
    RequestPtr halve = ignored(command("ZUNIONSTORE", key_, 1, key_, "WEIGHTS", "0.5"));
    RequestPtr trim = ignored(command("ZREMRANGEBYRANK", key_, 0, -kKept * count - 1));
    for (RequestPtr* each : {&first, &halve, &trim}) {
        (*each)->slot = slot_of(key_);
        client_.submit(std::move(*each));
    }
}

} // namespace availability::relay::redis
