// Files that are part of the program: service/http/page.html and service/http/openapi.json, embedded when it is built.
#pragma once

#include <string_view>

namespace availability::service {

std::string_view page_html();
std::string_view openapi_json();

} // namespace availability::service
