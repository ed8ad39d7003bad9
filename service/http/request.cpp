#include "service/http/request.hpp"

namespace availability::service {

std::string_view word_of(Method method) {
    static constexpr std::string_view kWords[] = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "other"};
    return kWords[static_cast<int>(method)];
}

std::string printable(std::string_view target) {
    std::string out(target.substr(0, 300));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x21 || static_cast<unsigned char>(c) > 0x7E)
            c = '?';
    return out;
}

void Request::clear() {
    method = Method::kOther;
    keep_alive = true;
    is_old = false;
    expects_continue = false;
    for (std::string* text : {&target, &body, &accept, &authorization, &content_type, &idempotency_key, &if_none_match,
                              &prefer, &traceparent})
        text->clear();
    hosts = 0;
    repeated = false;
    has_idempotency_key = false;
}

} // namespace availability::service
