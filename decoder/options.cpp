// The options of a decoding session.

#include <cstring>

#include "decoder/json.hpp"
#include "decoder/options.hpp"
#include "decoder/protobuf.hpp"

extern "C" {
#include <nodes/parsenodes.h>
#include <nodes/value.h>
#include <parser/scansup.h>
#include <utils/builtins.h>
}

namespace availability {

namespace {

struct TableName {
    const char* schema;
    const char* name;
};

[[noreturn]] void malformed(const char* option, const char* value, const char* detail) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("invalid value for option \"%s\": \"%s\"", option, value), errdetail("%s", detail)));
    pg_unreachable();
}

void skip_space(const char** at) {
    while (scanner_isspace(**at))
        ++*at;
}

// Reads a part in double quotes, in which a quote is doubled; nullptr if it does not end.
char* read_quoted(const char** at) {
    char* part = pstrdup(*at);
    char* end = part;
    for (const char* from = *at + 1; *from != '\0'; ++from) {
        if (*from == '"' && *++from != '"') {
            *end = '\0';
            *at = from;
            return part;
        }
        *end++ = *from;
    }
    return nullptr;
}

bool begins_identifier(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool continues_identifier(char c) {
    return begins_identifier(c) || (c >= '0' && c <= '9') || c == '$';
}

// Reads an identifier as SQL does; nullptr if there is none.
const char* read_identifier(const char** at) {
    const char* identifier = nullptr;
    if (**at == '"') {
        identifier = read_quoted(at);
    } else if (begins_identifier(**at)) {
        const char* start = *at;
        while (continues_identifier(**at))
            ++*at;
        identifier = downcase_identifier(start, static_cast<int>(*at - start), false, false);
    }
    if (identifier == nullptr || *identifier == '\0' || std::strlen(identifier) >= NAMEDATALEN)
        return nullptr;
    return identifier;
}

// Returns the TableName at the place, or nullptr.
void* read_table(const char** at) {
    const char* schema = read_identifier(at);
    if (schema == nullptr || **at != '.')
        return nullptr;
    ++*at;
    const char* name = read_identifier(at);
    if (name == nullptr)
        return nullptr;
    auto* table = static_cast<TableName*>(palloc(sizeof(TableName)));
    *table = {schema, name};
    return table;
}

// Returns the prefix at the place, bare up to the next comma or white space, or in double quotes; or nullptr.
void* read_prefix(const char** at) {
    if (**at == '"')
        return read_quoted(at);
    const char* start = *at;
    while (**at != '\0' && **at != ',' && **at != '"' && !scanner_isspace(**at))
        ++*at;
    return *at == start ? nullptr : pnstrdup(start, *at - start);
}

// A list of elements with commas between and white space around.
List* read_list(const char* option, const char* value, void* (*read)(const char** at), const char* detail) {
    List* list = NIL;
    const char* at = value;
    for (;;) {
        skip_space(&at);
        void* element = read(&at);
        if (element == nullptr)
            malformed(option, value, detail);
        list = lappend(list, element);
        skip_space(&at);
        if (*at == '\0')
            return list;
        if (*at++ != ',')
            malformed(option, value, detail);
    }
}

void set_format(Options* options, const char* name, const char* value) {
    for (const Writer* writer : {&kJsonWriter, &kProtobufWriter}) {
        if (std::strcmp(value, writer->name) == 0) {
            options->writer = writer;
            return;
        }
    }
    malformed(name, value, "Supported formats: json, protobuf.");
}

void set_tables(Options* options, const char* name, const char* value) {
    options->tables = read_list(name, value, read_table, "Tables are given as schema.table, with commas between.");
}

void set_transactions(Options* options, const char* name, const char* value) {
    if (!parse_bool(value, &options->transactions))
        malformed(name, value, "The option is on or off.");
}

void set_messages(Options* options, const char* name, const char* value) {
    options->messages = read_list(name, value, read_prefix,
                                  "Prefixes are given with commas between, in double quotes if they are "
                                  "empty or contain commas, white space or double quotes.");
}

void set_version(Options*, const char* name, const char* value) {
    if (std::strcmp(value, "1") != 0)
        malformed(name, value, "Supported versions: 1.");
}

struct Option {
    const char* name;
    void (*set)(Options* options, const char* name, const char* value);
};

constexpr Option kOptions[] = {
    {"format", set_format},     {"tables", set_tables},   {"transactions", set_transactions},
    {"messages", set_messages}, {"version", set_version},
};

std::size_t find_option(const char* name) {
    std::size_t i = 0;
    while (i < std::size(kOptions) && std::strcmp(name, kOptions[i].name) != 0)
        ++i;
    if (i == std::size(kOptions))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unrecognized option \"%s\"", name),
                        errhint("Options are format, tables, transactions, messages, version.")));
    return i;
}

} // namespace

Options read_options(List* elements) {
    Options options = {&kJsonWriter, NIL, false, NIL};
    bool given[std::size(kOptions)] = {};

    ListCell* cell;
    foreach (cell, elements) {
        const auto* element = static_cast<const DefElem*>(lfirst(cell));
        const std::size_t i = find_option(element->defname);
        if (given[i])
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                            errmsg("option \"%s\" given more than once", kOptions[i].name)));
        if (element->arg == nullptr)
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                            errmsg("option \"%s\" needs a value", kOptions[i].name)));
        given[i] = true;
        kOptions[i].set(&options, kOptions[i].name, strVal(element->arg));
    }
    return options;
}

bool wants_table(const Options& options, const char* schema, const char* name) {
    if (options.tables == NIL)
        return true;
    ListCell* cell;
    foreach (cell, options.tables) {
        const auto* table = static_cast<const TableName*>(lfirst(cell));
        if (std::strcmp(table->schema, schema) == 0 && std::strcmp(table->name, name) == 0)
            return true;
    }
    return false;
}

bool wants_message(const Options& options, const char* prefix) {
    ListCell* cell;
    foreach (cell, options.messages)
        if (std::strcmp(static_cast<const char*>(lfirst(cell)), prefix) == 0)
            return true;
    return false;
}

} // namespace availability
