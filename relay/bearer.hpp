// Bearer tokens (RFC 6750).
#pragma once

#include <string_view>

namespace availability::relay {

// Whether an Authorization header bears the token; takes as long whatever the header is.
bool is_authorized(std::string_view header, std::string_view token);

} // namespace availability::relay
