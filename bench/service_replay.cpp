// Plays traffic against services at the times that it is written down for, whatever they do meanwhile.
//
//   service_replay SCRIPT TIMELINE NAME=HOST:PORT …
//
// SCRIPT has a line a request, in the order of time, its fields separated by tabs; the first is when it is due, in
// microseconds from the start:
//   AT R PATH         a read of a listing
//   AT S PATH         a search
//   AT B NUMBER BODY  a booking
//   AT C NUMBER       the cancellation of that booking, if it came to be
// Each request goes to the next service. TIMELINE gets a line for each second and service; see kColumns.

#include <fstream>
#include <unordered_map>

#include "bench/http_load.hpp"

namespace {

using namespace load;

constexpr char kColumns[] = "second\tservice\treads\tfailed\treplica\tl1\tl2\tdatabase\tp50\tp95\tp99\tage_p50\tage_p99"
                            "\tstale\tsearches\tsearch_p95\n";

struct Line {
    std::int64_t at = 0;
    char kind = 0;
    std::string number;
    std::string text; // the path or the body
};

bool parse(const std::string& text, Line* line) {
    const std::size_t first = text.find('\t');
    if (first == std::string::npos || first + 3 > text.size())
        return false;
    line->at = std::stoll(text);
    line->kind = text[first + 1];
    line->number.clear();
    line->text = text.substr(first + 3);
    if (line->kind == 'B' || line->kind == 'C') {
        const std::size_t tab = line->text.find('\t');
        line->number = line->text.substr(0, tab);
        line->text = tab == std::string::npos ? "" : line->text.substr(tab + 1);
    }
    return true;
}

struct Service {
    std::string name;
    std::unique_ptr<Instance> instance;
    Tally all;
    Tally second;
    Tally searches;
    Tally second_of_searches;
};

class Replay {
  public:
    Replay(asio::io_context& io, const char* script, const char* timeline, char** services, int count)
        : script_(script), timeline_(timeline), timer_(io), start_(now_us() + 200'000) {
        if (!script_ || !timeline_)
            throw std::runtime_error("script or timeline can't be opened");
        for (int i = 0; i < count; ++i) {
            const std::string text = services[i];
            const std::size_t sign = text.find('=');
            if (sign == std::string::npos)
                throw std::runtime_error("not NAME=HOST:PORT: " + text);
            services_.push_back(Service{
                text.substr(0, sign), std::make_unique<Instance>(io, text.substr(sign + 1), 32), {}, {}, {}, {}});
        }
        timeline_ << kColumns;
        next_line();
    }

    void play() {
        while (has_line_ && start_ + line_.at <= now_us()) {
            ask();
            next_line();
        }
        if (!has_line_)
            return;
        timer_.expires_after(
            std::chrono::microseconds(std::clamp<std::int64_t>(start_ + line_.at - now_us(), 200, 1'000'000)));
        timer_.async_wait([this](beast::error_code) { play(); });
    }

    // Status of the program.
    int finish() {
        end_second();
        std::uint64_t reads = 0;
        for (Service& service : services_) {
            print(service.name.c_str(), service.all);
            print((service.name + ", searches").c_str(), service.searches);
            reads += service.all.reads;
        }
        std::printf("bookings: %llu done, %llu too late, %llu failed; %llu cancelled, %llu not\n", booked_, too_late_,
                    failed_, cancelled_, not_cancelled_);
        return reads > 0 ? 0 : 1;
    }

  private:
    void next_line() {
        std::string text;
        has_line_ = static_cast<bool>(std::getline(script_, text));
        if (has_line_ && !parse(text, &line_))
            throw std::runtime_error("not a request: " + text);
    }

    void ask() {
        Service& service = services_[turn_++ % services_.size()];
        Request request;
        request.due = start_ + line_.at;
        if (line_.kind == 'R' || line_.kind == 'S') {
            request.target = line_.text;
            request.done = [this, &service, search = line_.kind == 'S'](const Reply& reply) {
                told(service, search, reply);
            };
        } else if (line_.kind == 'B') {
            request.method = http::verb::post;
            request.target = "/v1/bookings";
            request.body = line_.text;
            request.idempotency_key = "replay-" + line_.number;
            request.done = [this, number = line_.number](const Reply& reply) { booked(number, reply); };
        } else {
            const auto reservation = reservations_.find(line_.number);
            if (reservation == reservations_.end())
                return;
            request.method = http::verb::post;
            request.target = "/v1/bookings/" + reservation->second + "/cancel";
            request.done = [this](const Reply& reply) { ++(reply.status == 200 ? cancelled_ : not_cancelled_); };
        }
        service.instance->ask(std::move(request));
    }

    void told(Service& service, bool search, const Reply& reply) {
        if (const std::int64_t now = (reply.received - start_) / 1'000'000; now != second_) {
            end_second();
            second_ = now;
        }
        Told answer;
        const bool good = reply.status == 200 && read_answer(reply.body, &answer);
        for (Tally* tally :
             {search ? &service.searches : &service.all, search ? &service.second_of_searches : &service.second})
            good ? tally->answer(reply, answer) : tally->failure(reply.status);
    }

    void booked(const std::string& number, const Reply& reply) {
        const json document = json::parse(reply.body, nullptr, false);
        if (reply.status == 201 && document.contains("reservation")) {
            ++booked_;
            reservations_[number] = document["reservation"].get<std::string>();
        } else {
            ++(reply.status == 409 ? too_late_ : failed_);
        }
    }

    void end_second() {
        for (Service& service : services_) {
            Tally& t = service.second;
            Tally& s = service.second_of_searches;
            timeline_ << second_ << '\t' << service.name << '\t' << t.reads << '\t' << t.failed;
            for (const char* source : {"replica", "l1", "l2", "database"})
                timeline_ << '\t' << t.sources[source];
            timeline_ << '\t' << t.milliseconds(0.5) << '\t' << t.milliseconds(0.95) << '\t' << t.milliseconds(0.99)
                      << '\t' << quantile(t.ages, 0.5) << '\t' << quantile(t.ages, 0.99) << '\t' << t.stale << '\t'
                      << s.reads << '\t' << s.milliseconds(0.95) << '\n';
            t = {};
            s = {};
        }
    }

    std::ifstream script_;
    std::ofstream timeline_;
    asio::steady_timer timer_;
    std::int64_t start_;
    std::int64_t second_ = 0;
    std::vector<Service> services_;
    std::size_t turn_ = 0;
    Line line_;
    bool has_line_ = false;
    std::unordered_map<std::string, std::string> reservations_;
    unsigned long long booked_ = 0, too_late_ = 0, failed_ = 0, cancelled_ = 0, not_cancelled_ = 0;
};

} // namespace

int main(int count, char** arguments) {
    if (count < 4) {
        std::fprintf(stderr, "usage: service_replay SCRIPT TIMELINE NAME=HOST:PORT …\n");
        return 2;
    }
    try {
        asio::io_context io;
        Replay replay(io, arguments[1], arguments[2], arguments + 3, count - 3);
        replay.play();
        io.run();
        return replay.finish();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "service_replay: %s\n", error.what());
        return 2;
    }
}
