// The JSON form of events: one object a message, no line break, keys in a fixed order.
//
//   {"v":1,"event":"created","table":…,"listing":…,"reservation":…,"stay":[…],"was":[…],"version":…,"booked":[…],
//    "lsn":…,"seq":…,"skipped":…,"at":…,"last":true}
//   {"v":1,"event":"unreadable","table":…,"listing":…,"reason":…,"lsn":…,"seq":…,"skipped":…,"at":…,"last":true}
//   {"v":1,"event":"begin"|"commit","xid":…,"lsn":…,"at":…}
//   {"v":1,"event":"message","prefix":…,"content":…|"content_base64":…,"lsn":…,"at":…,"last":true}
//   {"v":1,"event":"unreadable","prefix":…,"reason":…,"lsn":…,"at":…,"last":true}
//
// Absent fields are omitted; `last` is there on the last event or message of a transaction alone. Nothing depends on a
// session's settings.
#pragma once

#include "decoder/writer.hpp"

namespace availability {

extern const Writer kJsonWriter;

} // namespace availability
