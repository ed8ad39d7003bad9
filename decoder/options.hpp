// The options of a decoding session.
#pragma once

#include "decoder/writer.hpp"

extern "C" {
#include <nodes/pg_list.h>
}

namespace availability {

struct Options {
    const Writer* writer; // `format`
    List* tables;         // of TableName; NIL: all
    bool transactions;    // begin and commit frames
    List* messages;       // of char*: prefixes of the logical messages to pass on
};
static_assert(std::is_trivially_destructible_v<Options>);

// Reads the options that the client gave (a list of DefElem), which go into the current memory context. An unknown,
// malformed, repeated or valueless one raises 22023 and is named.
Options read_options(List* elements);

// Whether option `tables` lets the table through, by the name and schema that it has at this place of the stream.
bool wants_table(const Options& options, const char* schema, const char* name);

// Whether option `messages` names the prefix.
bool wants_message(const Options& options, const char* prefix);

} // namespace availability
