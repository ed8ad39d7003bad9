// Text of the database's encoding as UTF-8, without ever raising on what the text is.
#pragma once

#include <string_view>

#include "extension/server/boundary.hpp"

namespace availability {

// Whether the bytes are valid UTF-8 without NUL.
bool is_utf8(std::string_view bytes);

// Sets *utf8 to the text in UTF-8: the text itself where that is what it is, else a copy in the current memory
// context. False if the bytes are not valid text, or the encoding says nothing of those past ASCII
// (SQL_ASCII) or has no conversion. Only a text past ASCII in a database of another encoding costs a
// catalog lookup, so there must be a transaction.
bool to_utf8(std::string_view text, std::string_view* utf8);

// The same for names, which must appear even when they cannot be converted: bytes past ASCII become U+FFFD.
std::string_view name_to_utf8(std::string_view name);

} // namespace availability
