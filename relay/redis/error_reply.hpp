// What an error that Redis answers asks of its client.
#pragma once

#include <cstdint>
#include <string_view>

#include "relay/redis/endpoint.hpp"

namespace availability::relay::redis {

enum class ErrorKind : std::uint8_t {
    kMoved,       // MOVED slot host:port: another node has the slot from now on
    kAsk,         // ASK slot host:port: another node takes it, this time, after ASKING
    kWait,        // TRYAGAIN, LOADING, BUSY, MASTERDOWN, NOREPLICAS: later, the same
    kClusterDown, // later, by a new map
    kReadOnly,    // a replica: later, by a new map
    kNoScript,    // load the scripts, again
    kOutOfMemory, // maxmemory: later
    kRefused,     // NOAUTH, WRONGPASS, NOPERM: the configuration must change
    kWrongType,   // the key holds something that is not ours
    kOther,
};

struct ErrorReply {
    ErrorKind kind = ErrorKind::kOther;
    std::uint16_t slot = 0; // kMoved, kAsk
    Endpoint endpoint;      // kMoved, kAsk; an empty host is that of the node which answered
};

// A MOVED or ASK that can't be read is kOther.
ErrorReply read_error(std::string_view text);

// "moved", "ask", …: a label.
const char* name_of(ErrorKind kind);

} // namespace availability::relay::redis
