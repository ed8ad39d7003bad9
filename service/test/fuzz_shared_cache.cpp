// Fuzz target: what the service takes for a calendar of what it finds in Redis. The epoch is the first 8 bytes of the
// input, as it is of an entry; months are pieces of four bytes behind an entry of 22.

#include <string>
#include <string_view>

#include "extension/core/dayset_validate.hpp"
#include "service/redis/entries.hpp"
#include "test/core/fuzz.hpp"

using namespace availability;
using namespace availability::shared_cache;
using relay::redis::Reply;

namespace {

Reply text_of(std::string_view bytes) {
    Reply reply;
    reply.type = bytes.empty() ? Reply::Type::kNil : Reply::Type::kString;
    reply.text = bytes;
    return reply;
}

const char* examine_answer(Verdict verdict, const reader::TierAnswer& answer, Epoch epoch) {
    if (verdict != Verdict::kFound)
        return answer.booked.empty() ? nullptr : "days of what is not found";
    DaysetView view;
    bool canonical = false;
    if (validate(answer.booked.data(), answer.booked.size(), &view, &canonical) != nullptr)
        return "a calendar that is none";
    return answer.epoch == epoch ? nullptr : "a calendar of another epoch";
}

} // namespace

const char* examine(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    Epoch epoch = 0;
    for (const unsigned char c : bytes.substr(0, 8))
        epoch = epoch << 8 | c;
    for (const Epoch asked : {epoch, epoch + 1}) {
        reader::TierAnswer answer;
        const Verdict verdict = read_calendar(bytes, asked, &answer);
        if (const char* problem = examine_answer(verdict, answer, asked))
            return problem;
        if (asked != epoch && verdict == Verdict::kFound)
            return "found in another epoch";
    }
    for (const Day today : {0, 20820, 65535}) {
        const Window window = Window::at(today, 18);
        std::vector<Reply> values = {text_of(bytes.substr(0, 22))};
        for (int i = 0; i < window.count; i++)
            values.push_back(text_of(bytes.size() < 26 + 4U * (i % 2) ? "" : bytes.substr(22 + 4U * (i % 2), 4)));
        reader::TierAnswer answer;
        const Verdict verdict = read_months(values.data(), values.size(), window, epoch, &answer);
        if (verdict == Verdict::kFound) {
            if (const char* problem = examine_answer(verdict, answer, epoch))
                return problem;
            if (answer.known != window.days())
                return "days are known that are not there";
        }
    }
    return nullptr;
}
