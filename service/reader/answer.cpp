#include "service/reader/answer.hpp"

namespace availability::reader {

std::string_view word_of(Source source) {
    switch (source) {
    case Source::kReplica:
        return "replica";
    case Source::kL1:
        return "l1";
    case Source::kL2:
        return "l2";
    case Source::kDatabase:
        return "database";
    }
    return "database";
}

} // namespace availability::reader
