// The database side of the relay: owns the slot, knows the epoch, streams.
//
// An attempt goes: connect → IDENTIFY_SYSTEM → the slot and the state → START_REPLICATION, while another relay has the
// slot again and again → the epoch → the stream, until it breaks; then the next attempt, after a back-off. Only the one
// that has the slot changes the state.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "relay/settings.hpp"
#include "relay/source/assembler.hpp"
#include "relay/source/heartbeats.hpp"
#include "relay/source/state.hpp"
#include "relay/source/stream.hpp"

namespace availability::relay {

class SourceHandler : public BatchHandler {
  public:
    // The slot is ours and its events follow. `fresh`: a new epoch; else one that was known before. Not called when the
    // stream goes on where it broke. `from`: what is confirmed.
    virtual void on_epoch(Epoch epoch, bool fresh, std::uint64_t from) = 0;
    // What it does now; `problem`: and that is not as it should be.
    virtual void on_source_state(const std::string& state, bool problem) = 0;
    // Whether more may come; if not, Source::resume() tells when.
    virtual bool can_take() = 0;
    virtual void on_slot_metrics(std::int64_t retained_bytes, std::int64_t behind_bytes) = 0;
    // It can't go on without a person.
    virtual void on_fatal(const std::string& message) = 0;
};

class Source : private StreamHandler {
  public:
    // `bootstrap`: the slot is dropped and made anew with the first attempt.
    Source(boost::asio::io_context& io, const Settings& settings, bool bootstrap, SourceHandler& handler);
    ~Source() override;

    void start();
    // Ends the stream and connects anew; `fresh`: with a new epoch, for the reason.
    void restart(const std::string& reason, bool fresh);
    void resume();
    // Every sink has all up to there; the server is told by and by.
    void confirm(std::uint64_t lsn);
    // The stream has brought all up to there.
    void heard(std::uint64_t lsn);
    // Every sink has every calendar of the epoch.
    void mark_loaded();
    // Emits a heartbeat now, and confirms if it is time to.
    void beat();
    // Takes nothing more.
    void pause() { paused_for_good_ = true; }
    // Tells the server what is confirmed and lets go.
    void stop(std::function<void()> done);

    Epoch epoch() const { return state_.epoch; }
    bool streaming() const { return streaming_; }
    bool is_marked_loaded() const { return state_.loaded; }
    std::uint64_t received_lsn() const { return received_; }
    std::uint64_t confirmed_lsn() const { return confirmed_; }
    // When the oldest heartbeat that has not come back was sent, microseconds since 1970; 0 if all have.
    std::int64_t waiting_heartbeat_at() const { return heartbeats_.oldest_at(); }
    std::uint64_t reconnects() const { return attempts_ > 0 ? attempts_ - 1 : 0; }

  private:
    bool on_message(std::string_view message) override;
    void on_keepalive(std::uint64_t lsn) override;
    void on_garbage(std::string_view what) override;

    void attempt();
    void connect_stream();
    void identify();
    void make_state();
    void drop_slot();
    void make_slot();
    void read_slot();
    void start_stream();
    void started();
    void advance_epoch(const std::string& reason);
    void enter(bool fresh);
    void failed(const std::string& what, const PgError& error);
    void fatal(const std::string& message);
    void retry(std::chrono::milliseconds delay);
    std::string why_fresh() const;
    void schedule_heartbeat();
    void emitted(PgRows rows, std::uint64_t confirmed, bool kept);
    void read_slot_metrics();
    void keep_position();
    void connect_control_again();

    boost::asio::io_context& io_;
    const Settings& settings_;
    bool bootstrap_;
    SourceHandler& handler_;
    Assembler assembler_;
    Stream stream_;
    PgConnectionPtr control_;
    PgConnectionPtr stream_connection_;
    bool control_busy_ = false;
    boost::asio::steady_timer retry_timer_;
    boost::asio::steady_timer heartbeat_timer_;
    std::mt19937 random_{std::random_device{}()};

    RelayState state_;       // as the database has it
    RememberedState memory_; // as the file has it, and this process
    std::string system_id_;
    std::int64_t timeline_ = 0;
    std::uint64_t server_lsn_ = 0;
    std::uint64_t slot_confirmed_ = 0;
    std::string fresh_reason_;
    Epoch entered_ = 0; // the epoch that the handler is in

    bool streaming_ = false;
    bool stopped_ = false;
    bool paused_for_good_ = false;
    bool flush_posted_ = false;
    bool waiting_told_ = false;
    std::uint64_t received_ = 0;
    std::uint64_t confirmed_ = 0;
    std::uint64_t attempts_ = 0;
    unsigned failures_ = 0;
    std::uint64_t life_ = 0; // counts attempts: what belongs to one before is void
    Heartbeats heartbeats_;
    std::chrono::steady_clock::time_point kept_at_;
    bool beat_failed_ = false;
    int times_kept_ = 0;
    std::function<void()> after_beat_;
};

} // namespace availability::relay
