// A file that is part of the program: service/http/openapi.json, embedded when it is built. The front page is
// page.hpp's.
#pragma once

#include <string_view>

namespace availability::service {

std::string_view openapi_json();

} // namespace availability::service
