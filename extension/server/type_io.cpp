// Values as text, by their types' own functions.

#include "extension/server/type_io.hpp"

extern "C" {
#include <utils/lsyscache.h>
}

namespace availability {

char* output_text(Oid type, Datum value) {
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(type, &output, &is_varlena);
    return OidOutputFunctionCall(output, value);
}

Datum input_text(Oid type, char* text) {
    Oid input;
    Oid io_parameter;
    getTypeInputInfo(type, &input, &io_parameter);
    return OidInputFunctionCall(input, text, io_parameter, -1);
}

} // namespace availability
