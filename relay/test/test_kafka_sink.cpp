// The sink and librdkafka's mock cluster: what arrives, what is acknowledged, what happens to producers that fail.

#include "relay/test/kafka_rig.hpp"

using namespace test;

namespace {

std::string bootstrap;

void messages() {
    KafkaRig rig(KafkaRig::options(bootstrap, "messages."));
    rig.sink->begin_epoch(7, false);
    BatchMaker batch(7);
    Event& created = batch.add(EventKind::kCreated, Key::of(42), 1795467185120045, kBooked);
    created.reservation = Key::of(981);
    created.stay = {20807, 20814};
    created.at = 1795467193120045;
    created.position = {0x1A2B3C8, 1};
    Event& updated = batch.add(EventKind::kUpdated, Key::of(std::string_view("a \"b\"\n")), 5, stored_bytes({}));
    updated.reservation = Key::of(batch.copy("R"));
    updated.was = {20807, 20808};
    updated.position = {0x200000000, 2};
    batch.add(EventKind::kCancelled, Key::of(43), 6, kBooked).reservation = Key::of(1);
    batch.add(EventKind::kCreated, Key::of(44), 7, kBooked); // of a hold
    batch.add(EventKind::kDropped, Key::of(45), 8, stored_bytes({}));
    batch.add(EventKind::kUnreadable, Key::of(46), 0, {});
    batch.add(EventKind::kUnreadable, Key(), 0, {});
    Event& calendar = batch.add(EventKind::kCalendar, Key::of(47), 9, kBooked);
    calendar.position = {};
    calendar.at = 0;
    rig.push(&batch);
    CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    CHECK(rig.feed.dead_letters.empty() && rig.feed.demands.empty());

    const auto of_created = read_topic(bootstrap, "messages.reservation.created");
    CHECK(of_created.size() == 1);
    if (of_created.size() == 1) {
        CHECK(of_created[0].key == "42");
        CHECK(of_created[0].value ==
              R"({"v":1,"event":"created","table":"public.reservations_calendar","listing":"42","reservation":"981",)"
              R"("stay":["2026-12-20","2026-12-27"],"version":1795467185120045,"booked":[["2026-12-20","2026-12-27"],)"
              R"(["2027-01-02","2027-01-03"]],"lsn":"0/1A2B3C8","seq":1,"at":"2026-11-23T20:53:13.120045Z"})");
        CHECK(of_created[0].headers ==
              (std::map<std::string, std::string>{
                  {"schema_version", "1"}, {"epoch", "7"}, {"lsn", "0/1A2B3C8"}, {"seq", "1"}}));
        CHECK(of_created[0].timestamp == 1795467193120);
        if (test::current_failed)
            std::printf("# %s\n", of_created[0].value.c_str());
    }
    const auto of_updated = read_topic(bootstrap, "messages.reservation.updated");
    CHECK(of_updated.size() == 1 && of_updated[0].key == "a \"b\"\n" && of_updated[0].headers.at("lsn") == "2/0");
    CHECK(
        of_updated.size() == 1 &&
        of_updated[0].value.find(R"("listing":"a \"b\"\u000a","reservation":"R","was":["2026-12-20","2026-12-21"],)") !=
            std::string::npos);
    CHECK(read_topic(bootstrap, "messages.reservation.cancelled").size() == 1);

    std::map<std::string, KafkaMessage> calendars;
    for (const KafkaMessage& message : read_topic(bootstrap, "messages.availability.calendar"))
        calendars[message.key] = message;
    CHECK(calendars.size() == 7);
    CHECK(calendars["42"].value ==
          R"({"v":1,"table":"public.reservations_calendar","listing":"42","version":1795467185120045,)"
          R"("booked":[["2026-12-20","2026-12-27"],["2027-01-02","2027-01-03"]]})");
    CHECK(calendars["45"].is_null && calendars["46"].is_null && !calendars["44"].is_null);
    CHECK(calendars["47"].headers == (std::map<std::string, std::string>{{"schema_version", "1"}, {"epoch", "7"}}));
}

void protobuf_and_tables() {
    KafkaOptions options = KafkaRig::options(bootstrap, "protobuf.");
    options.format = Format::kProtobuf;
    options.tables = {"public.a_calendar", "public.b_calendar"};
    KafkaRig rig(std::move(options));
    rig.sink->begin_epoch(7, false);
    BatchMaker batch(7);
    Event& event = add_booking(&batch, 5, 1);
    event.raw = batch.copy("as it is");
    event.table = 1;
    rig.push(&batch);
    CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    const auto created = read_topic(bootstrap, "protobuf.reservation.created");
    CHECK(created.size() == 1 && created[0].key == "public.b_calendar:5" && created[0].value == "as it is");
    const auto calendars = read_topic(bootstrap, "protobuf.availability.calendar");
    std::string expected = "\x12\x11public.b_calendar\x18\x05\x48\x01\x52";
    expected += static_cast<char>(kBooked.size());
    CHECK(calendars.size() == 1 && calendars[0].value == expected + kBooked);
}

// The brokers go and come: nothing is lost, nothing twice, and what is not delivered is not acknowledged.
void brokers_down(KafkaMock* mock) {
    KafkaOptions options = KafkaRig::options(bootstrap, "down.");
    options.patience = std::chrono::milliseconds(300);
    KafkaRig rig(std::move(options));
    rig.sink->begin_epoch(7, false);
    std::int64_t version = 1;
    push_bookings(&rig, 10, &version);
    CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    mock->tell("down");
    push_bookings(&rig, 10, &version);
    CHECK(rig.run_until([&] { return !rig.feed.problem.empty(); }, "the problem to be told"));
    CHECK(rig.feed.waiting() == 10);
    mock->tell("up");
    CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    CHECK(rig.run_until([&] { return rig.feed.problem.empty(); }, "the problem to be over"));
    CHECK(rig.feed.rewinds == 0);
    check_complete(bootstrap, "down.reservation.created", version - 1, false);
}

// Errors of single requests, which librdkafka sends again.
void passing_errors(KafkaMock* mock) {
    KafkaRig rig(KafkaRig::options(bootstrap, "passing."));
    rig.sink->begin_epoch(7, false);
    std::int64_t version = 1;
    for (int i = 0; i < 5; i++) {
        mock->tell("error " + std::to_string(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION));
        mock->tell("error " + std::to_string(RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT));
        push_bookings(&rig, 4, &version);
        CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    }
    CHECK(rig.feed.rewinds == 0);
    check_complete(bootstrap, "passing.reservation.created", version - 1, false);
}

// A fatal error of the idempotent producer: another one goes on from the first batch that was not acknowledged.
void fatal_error(KafkaMock* mock) {
    KafkaRig rig(KafkaRig::options(bootstrap, "fatal."));
    rig.sink->begin_epoch(7, false);
    std::int64_t version = 1;
    for (int i = 1; i <= 3; i++) {
        push_bookings(&rig, 10, &version);
        CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
        mock->tell("slow 200");
        push_bookings(&rig, 10, &version);
        rig.run_until([&] { return rig.feed.taken >= static_cast<std::size_t>(20 * i); }, "batches to be under way");
        rd_kafka_t* before = rig.sink->producer_handle();
        CHECK(before != nullptr && rd_kafka_test_fatal_error(before, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                                                             "a test") == RD_KAFKA_RESP_ERR_NO_ERROR);
        push_bookings(&rig, 1, &version);
        CHECK(rig.run_until([&] { return rig.feed.rewinds == static_cast<std::size_t>(i); }, "a rewind"));
        mock->tell("slow 0");
        CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
        CHECK(rig.sink->producer_handle() != nullptr);
        CHECK(rig.run_until([&] { return rig.feed.problem.empty(); }, "the problem to be over"));
    }
    check_complete(bootstrap, "fatal.reservation.created", version - 1, true);
}

// A message that the brokers will never take does not stop the others.
void too_large() {
    KafkaOptions options = KafkaRig::options(bootstrap, "large.");
    options.properties["message.max.bytes"] = "2000";
    KafkaRig rig(std::move(options));
    rig.sink->begin_epoch(7, false);
    std::vector<DaySpan> every_other;
    for (Day day = 20000; day < 20400; day += 2)
        every_other.push_back({day, day + 1});
    BatchMaker batch(7);
    add_booking(&batch, 1, 1);
    batch.add(EventKind::kReset, Key::of(2), 2, stored_bytes(every_other));
    add_booking(&batch, 3, 3);
    rig.push(&batch);
    CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    CHECK(rig.feed.dead_letters.size() == 1 && rig.feed.dead_letters[0].first == "2");
    CHECK(read_topic(bootstrap, "large.availability.calendar").size() == 2);
}

// What belongs to an epoch before is neither awaited nor acknowledged.
void epochs(KafkaMock* mock) {
    KafkaRig rig(KafkaRig::options(bootstrap, "epochs."));
    rig.sink->begin_epoch(7, false);
    std::int64_t version = 1;
    push_bookings(&rig, 1, &version);
    CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    mock->tell("down");
    push_bookings(&rig, 3, &version);
    CHECK(rig.run_until([&] { return rig.feed.taken == 4; }, "batches to be under way"));
    rig.feed.clear();
    rig.sink->begin_epoch(8, false);
    BatchMaker batch(8);
    add_booking(&batch, 1, 1);
    rig.push(&batch);
    mock->tell("up");
    CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    CHECK(rig.feed.applied_batches == 2);
}

void small_queue() {
    KafkaOptions options = KafkaRig::options(bootstrap, "queue.");
    options.properties["queue.buffering.max.messages"] = "7";
    KafkaRig rig(std::move(options));
    rig.sink->begin_epoch(7, false);
    std::int64_t version = 1;
    push_bookings(&rig, 5, &version);
    CHECK(rig.run_until([&] { return rig.feed.idle(); }, "delivery"));
    check_complete(bootstrap, "queue.reservation.created", version - 1, false);
}

// Topics that are not there are waited for, not made.
void missing_topics(KafkaMock* mock) {
    KafkaRig rig(KafkaRig::options(bootstrap, "missing."));
    rig.sink->begin_epoch(7, false);
    std::int64_t version = 1;
    push_bookings(&rig, 1, &version);
    CHECK(rig.run_until([&] { return rig.feed.problem == "topic missing.reservation.created does not exist"; },
                        "the problem to be told"));
    CHECK(rig.feed.taken == 0);
    mock->create_topics("missing.");
    CHECK(rig.run_until([&] { return rig.feed.idle() && rig.feed.problem.empty(); }, "delivery"));
}

void configuration() {
    const auto refused = [](const char* name, const char* value) {
        KafkaOptions options = KafkaRig::options(bootstrap, "x.");
        options.properties[name] = value;
        boost::asio::io_context io;
        prometheus::Registry registry;
        try {
            KafkaSink sink(std::move(options), availability::relay::SinkContext{io, registry, {}});
        } catch (const std::runtime_error& error) {
            return std::string(error.what()).find("kafka.properties: ") == 0;
        }
        return false;
    };
    CHECK(refused("no.such.property", "1"));
    CHECK(refused("message.max.bytes", "many"));
    const Properties properties = with_defaults({{"acks", "1"}, {"enable.idempotence", "false"}, {"linger.ms", "9"}});
    CHECK(properties.at("acks") == "all" && properties.at("enable.idempotence") == "true" &&
          properties.at("linger.ms") == "9");
}

} // namespace

int main() {
    KafkaMock mock(3);
    bootstrap = mock.bootstrap();
    for (const char* prefix : {"messages.", "protobuf.", "passing.", "down.", "fatal.", "large.", "epochs.", "queue."})
        mock.create_topics(prefix);
    test::run("what is in the messages", messages);
    test::run("protobuf, and more tables than one", protobuf_and_tables);
    test::run("errors that pass", [&] { passing_errors(&mock); });
    test::run("brokers that go and come", [&] { brokers_down(&mock); });
    test::run("a fatal error of the producer", [&] { fatal_error(&mock); });
    test::run("a message that is too large", too_large);
    test::run("another epoch", [&] { epochs(&mock); });
    test::run("a small queue", small_queue);
    test::run("topics that are missing", [&] { missing_topics(&mock); });
    test::run("the configuration", configuration);
    return test::exit_status();
}
