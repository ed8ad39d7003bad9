// The text form of a day set.

#include "extension/core/dayset_text.hpp"

namespace availability {

namespace {

constexpr std::size_t kDateSize = 10; // YYYY-MM-DD

// As the server's isspace() in the C locale.
bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// A bound of a range as it is written. Source of the quoting: range_parse_bound() of rangetypes.c,
// which takes double quotes, doubled quotes within them and backslashes anywhere, and date_in(),
// which then takes white space around the date.
struct Bound {
    bool unbounded = true;
    std::size_t position = 0; // of the first byte that is not white space
    Day day = 0;
};

// A recursive-descent parser that reads the text once. Each function leaves position_ behind what
// it has read, or fails: returns false with the error in result_.
class Parser {
  public:
    Parser(std::string_view text, Dayset* set) : text_(text), set_(set) {}

    TextResult run() {
        skip_spaces();
        if (parse_set()) {
            skip_spaces();
            if (!at_end())
                fail(TextError::kSyntax, position_);
        }
        return result_;
    }

  private:
    bool at_end() const { return position_ == text_.size(); }
    bool at(char c) const { return !at_end() && text_[position_] == c; }

    bool fail(TextError error, std::size_t position) {
        result_ = {error, position};
        return false;
    }

    void skip_spaces() {
        while (!at_end() && is_space(text_[position_]))
            ++position_;
    }

    bool take(char c) {
        if (!at(c))
            return false;
        ++position_;
        return true;
    }

    // `word` is in lower case; the text may be in any.
    bool take_word(std::string_view word) {
        if (text_.size() - position_ < word.size())
            return false;
        for (std::size_t i = 0; i < word.size(); ++i)
            if ((text_[position_ + i] | 0x20) != word[i])
                return false;
        position_ += word.size();
        return true;
    }

    bool parse_set() {
        if (take('{'))
            return parse_ranges();
        if (at('[') || at('('))
            return parse_range();
        return take_word("empty") || parse_date();
    }

    // What follows an opening brace.
    bool parse_ranges() {
        skip_spaces();
        if (take('}'))
            return true;
        do {
            skip_spaces();
            if (!take_word("empty") && !parse_range())
                return false;
            skip_spaces();
        } while (take(','));
        return take('}') || fail(TextError::kSyntax, position_);
    }

    bool parse_range() {
        const std::size_t start = position_;
        const bool includes_lower = at('[');
        if (!take('[') && !take('('))
            return fail(TextError::kSyntax, position_);
        Bound lower;
        Bound upper;
        if (!parse_bound(&lower))
            return false;
        if (!take(','))
            return fail(TextError::kSyntax, position_);
        if (!parse_bound(&upper))
            return false;
        const bool includes_upper = at(']');
        if (!take(']') && !take(')'))
            return fail(TextError::kSyntax, position_);

        if (lower.unbounded)
            return fail(TextError::kOutOfRange, lower.position);
        if (upper.unbounded)
            return fail(TextError::kOutOfRange, upper.position);
        if (lower.day > upper.day)
            return fail(TextError::kReversed, start);
        const DaySpan span = {lower.day + !includes_lower, upper.day + includes_upper};
        return add(span, span.first_day < kFirstDay ? lower.position : upper.position);
    }

    bool parse_bound(Bound* bound) {
        const std::size_t start = position_;
        char date[kDateSize];
        std::size_t size = 0;
        bool quoted = false;
        bool date_ended = false;
        bound->position = start;
        for (; quoted || !(at(',') || at(')') || at(']')); ++position_) {
            if (at_end())
                return fail(TextError::kSyntax, position_);
            char c = text_[position_];
            if (c == '"') {
                if (!quoted || text_.substr(position_, 2) != "\"\"") {
                    quoted = !quoted;
                    continue;
                }
                ++position_;
            }
            if (c == '\\') {
                if (++position_ == text_.size())
                    return fail(TextError::kSyntax, position_);
                c = text_[position_];
            }
            if (is_space(c)) {
                date_ended = size > 0;
                continue;
            }
            if (date_ended || size == kDateSize)
                return fail(TextError::kSyntax, bound->position);
            if (size == 0)
                bound->position = position_;
            date[size++] = c;
        }
        bound->unbounded = position_ == start;
        return bound->unbounded || read_date({date, size}, bound->position, &bound->day);
    }

    bool parse_date() {
        const std::size_t start = position_;
        Day day;
        if (!read_date(text_.substr(start, kDateSize), start, &day))
            return false;
        position_ += kDateSize;
        return add({day, day + 1}, start);
    }

    bool read_date(std::string_view date, std::size_t position, Day* day) {
        std::int32_t numbers[3] = {0, 0, 0};
        int number = 0;
        for (std::size_t i = 0; i < kDateSize; ++i) {
            const char c = i < date.size() ? date[i] : '\0';
            const bool digit_expected = i != 4 && i != 7;
            if (digit_expected ? c < '0' || c > '9' : c != '-')
                return fail(TextError::kSyntax, position);
            if (digit_expected)
                numbers[number] = 10 * numbers[number] + (c - '0');
            else
                ++number;
        }
        const CivilDate civil = {numbers[0], numbers[1], numbers[2]};
        if (!is_valid(civil))
            return fail(TextError::kNoSuchDate, position);
        *day = day_from_civil(civil);
        return true;
    }

    bool add(DaySpan span, std::size_t position) {
        if (!span.supported())
            return fail(TextError::kOutOfRange, position);
        set_->add(span);
        return true;
    }

    std::string_view text_;
    Dayset* set_;
    std::size_t position_ = 0;
    TextResult result_ = {TextError::kNone, 0};
};

} // namespace

std::size_t text_size_bound(const DaysetView& view) {
    return 2 + kRunTextSize * std::size_t{view.runs()};
}

std::size_t format(const DaysetView& view, char* text) {
    char* end = text;
    *end++ = '{';
    RunCursor cursor(view);
    for (DaySpan run; cursor.next(&run);) {
        if (end != text + 1)
            *end++ = ',';
        *end++ = '[';
        format_day(run.first_day, end);
        end += kDateSize;
        *end++ = ',';
        format_day(run.end_day, end);
        end += kDateSize;
        *end++ = ')';
    }
    *end++ = '}';
    return static_cast<std::size_t>(end - text);
}

TextResult parse(std::string_view text, Dayset* set) {
    return Parser(text, set).run();
}

} // namespace availability
