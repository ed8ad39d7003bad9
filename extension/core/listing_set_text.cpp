// The text form of a set of ordinals.

#include "extension/core/listing_set_text.hpp"

#include <charconv>

namespace availability {

namespace {

// As the server's isspace() in the C locale.
bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

char* put(Ordinal ordinal, char* text) {
    return std::to_chars(text, text + 10, ordinal).ptr;
}

} // namespace

std::size_t format(Ordinal first, Ordinal last, char* text) {
    char* end = put(first, text);
    if (last == first)
        return static_cast<std::size_t>(end - text);
    *end++ = last == first + 1 ? ',' : '-';
    return static_cast<std::size_t>(put(last, end) - text);
}

void OrdinalParser::skip_spaces() {
    while (!at_end() && is_space(text_[position_]))
        ++position_;
}

bool OrdinalParser::take(char c) {
    skip_spaces();
    if (at_end() || text_[position_] != c)
        return false;
    ++position_;
    return true;
}

OrdinalError OrdinalParser::number(Ordinal* value) {
    skip_spaces();
    const std::size_t start = position_;
    std::uint64_t number = 0;
    for (; !at_end() && text_[position_] >= '0' && text_[position_] <= '9'; ++position_)
        if (number <= kLastOrdinal)
            number = 10 * number + static_cast<std::uint64_t>(text_[position_] - '0');
    if (position_ == start)
        return OrdinalError::kSyntax;
    *value = static_cast<Ordinal>(number);
    if (number <= kLastOrdinal)
        return OrdinalError::kNone;
    position_ = start;
    return OrdinalError::kOutOfRange;
}

// After the closing brace.
OrdinalError OrdinalParser::finish(OrdinalRun* run) {
    skip_spaces();
    run->end = at_end();
    return run->end ? OrdinalError::kNone : OrdinalError::kSyntax;
}

OrdinalError OrdinalParser::next(OrdinalRun* run) {
    *run = {0, 0, false};
    if (!begun_) {
        if (!take('{'))
            return OrdinalError::kSyntax;
        begun_ = true;
        if (take('}'))
            return finish(run);
    } else {
        if (take('}'))
            return finish(run);
        if (!take(','))
            return OrdinalError::kSyntax;
    }
    if (const OrdinalError error = number(&run->first); error != OrdinalError::kNone)
        return error;
    run->last = run->first;
    const std::size_t dash = position_;
    if (!take('-')) {
        position_ = dash;
        return OrdinalError::kNone;
    }
    if (const OrdinalError error = number(&run->last); error != OrdinalError::kNone)
        return error;
    return run->first <= run->last ? OrdinalError::kNone : OrdinalError::kReversed;
}

} // namespace availability
