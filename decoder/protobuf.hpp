// The protobuf form of events: one Event of event.proto a message.
#pragma once

#include "decoder/writer.hpp"

namespace availability {

extern const Writer kProtobufWriter;

} // namespace availability
