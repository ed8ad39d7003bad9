// Which tables are calendar companions, and where their columns stand.

#include <cstring>

#include "decoder/calendar_table.hpp"
#include "decoder/encoding.hpp"

extern "C" {
#include <catalog/dependency.h>
#include <catalog/pg_type.h>
#include <commands/extension.h>
#include <utils/hsearch.h>
#include <utils/inval.h>
#include <utils/lsyscache.h>
#include <utils/memutils.h>
#include <utils/rel.h>
#include <utils/syscache.h>
}

namespace availability {

namespace {

constexpr char kExtension[] = "availability";
constexpr char kDaysetType[] = "dayset";

struct Entry {
    Oid relation; // hash key
    bool valid;
    bool is_calendar;
    char* name; // owned; what table.name points to
    CalendarTable table;
};

// The cache of the session that this backend runs, if any: what the invalidation callbacks, which can be registered
// but never withdrawn, have to find.
struct Cache {
    MemoryContext context;
    const Options* options;
    HTAB* entries;
};
Cache* cache = nullptr;

void forget_cache(void*) {
    cache = nullptr;
}

void invalidate(Oid relation) {
    if (cache == nullptr)
        return;
    if (OidIsValid(relation)) {
        auto* entry = static_cast<Entry*>(hash_search(cache->entries, &relation, HASH_FIND, nullptr));
        if (entry != nullptr)
            entry->valid = false;
        return;
    }
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, cache->entries);
    while (auto* entry = static_cast<Entry*>(hash_seq_search(&scan)))
        entry->valid = false;
}

void relation_changed(Datum, Oid relation) {
    invalidate(relation);
}

// A renamed schema renames its tables without a word to them.
void schema_changed(Datum, int, uint32) {
    invalidate(InvalidOid);
}

void register_callbacks() {
    static bool registered = false;
    if (registered)
        return;
    CacheRegisterRelcacheCallback(relation_changed, 0);
    CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, 0);
    registered = true;
}

CalendarColumn find_column(TupleDesc columns, const char* name) {
    for (int i = 0; i < columns->natts; ++i) {
        const Form_pg_attribute column = TupleDescAttr(columns, i);
        if (!column->attisdropped && std::strcmp(NameStr(column->attname), name) == 0)
            return {column->attnum, column->atttypid};
    }
    return {InvalidAttrNumber, InvalidOid};
}

bool exists(CalendarColumn column) {
    return column.number != InvalidAttrNumber;
}

bool is_dayset(Oid type) {
    HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(tuple))
        return false;
    const auto form = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
    const bool same_name = std::strcmp(NameStr(form->typname), kDaysetType) == 0;
    ReleaseSysCache(tuple);
    if (!same_name)
        return false;

    const Oid extension = getExtensionOfObject(TypeRelationId, type);
    const char* owner = OidIsValid(extension) ? get_extension_name(extension) : nullptr;
    return owner != nullptr && std::strcmp(owner, kExtension) == 0;
}

// Finds the columns; whether the table is a calendar. The names decide first, since they cost no lookup.
bool find_columns(TupleDesc columns, CalendarTable* table) {
    table->listing = find_column(columns, "listing_id");
    table->booked = find_column(columns, "booked");
    table->version = find_column(columns, "version");
    table->change = find_column(columns, "change");
    if (!exists(table->listing) || !exists(table->booked) || !exists(table->change) || table->version.type != INT8OID ||
        !is_dayset(table->booked.type))
        return false;

    table->reservation = find_column(columns, "reservation_id");
    table->stay = find_column(columns, "stay");
    table->was = find_column(columns, "was");
    for (CalendarColumn* key : {&table->listing, &table->reservation})
        if (exists(*key))
            key->type = getBaseType(key->type);
    return true;
}

// Appends an identifier, quoted unless it is lower-case letters, digits and underscores. quote_identifier() would
// depend on a setting and on the server version's keywords.
void append_identifier(StringInfo name, const char* identifier) {
    const std::size_t plain = std::strspn(identifier, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (identifier[plain] == '\0' && !(*identifier >= '0' && *identifier <= '9')) {
        appendStringInfoString(name, identifier);
        return;
    }
    appendStringInfoChar(name, '"');
    for (; *identifier != '\0'; ++identifier) {
        if (*identifier == '"')
            appendStringInfoChar(name, '"');
        appendStringInfoChar(name, *identifier);
    }
    appendStringInfoChar(name, '"');
}

std::string_view qualified_name(const char* schema, const char* name) {
    StringInfoData text;
    initStringInfo(&text);
    append_identifier(&text, schema);
    appendStringInfoChar(&text, '.');
    append_identifier(&text, name);
    return name_to_utf8({text.data, static_cast<std::size_t>(text.len)});
}

// Runs in the memory context of the change; only the name stays.
void look_up(Relation relation, Entry* entry) {
    // First, so that an invalidation that arrives amid the lookups is not lost.
    entry->valid = true;
    if (entry->name != nullptr)
        pfree(entry->name);
    entry->name = nullptr;
    entry->is_calendar = false;

    const char* schema = get_namespace_name(RelationGetNamespace(relation));
    if (schema == nullptr || !find_columns(RelationGetDescr(relation), &entry->table))
        return;

    const char* name = RelationGetRelationName(relation);
    const std::string_view qualified = qualified_name(schema, name);
    entry->name = static_cast<char*>(MemoryContextAlloc(cache->context, qualified.size()));
    std::memcpy(entry->name, qualified.data(), qualified.size());
    entry->table.name = {entry->name, qualified.size()};
    entry->table.wanted = wants_table(*cache->options, schema, name);
    entry->is_calendar = true;
}

} // namespace

void start_calendar_tables(MemoryContext session, const Options* options) {
    register_callbacks();

    HASHCTL shape{};
    shape.keysize = sizeof(Oid);
    shape.entrysize = sizeof(Entry);
    shape.hcxt = session;
    auto* started = static_cast<Cache*>(MemoryContextAlloc(session, sizeof(Cache)));
    HTAB* entries =
        hash_create("availability_decoder calendar companions", 64, &shape, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    *started = {session, options, entries};

    // A session that fails has no shutdown callback: its memory going is what ends the cache.
    auto* end = static_cast<MemoryContextCallback*>(MemoryContextAllocZero(session, sizeof(MemoryContextCallback)));
    end->func = forget_cache;
    MemoryContextRegisterResetCallback(session, end);
    cache = started;
}

const CalendarTable* find_calendar_table(Relation relation) {
    const Oid id = RelationGetRelid(relation);
    bool found;
    auto* entry = static_cast<Entry*>(hash_search(cache->entries, &id, HASH_ENTER, &found));
    if (!found) {
        entry->valid = false;
        entry->name = nullptr;
    }
    if (!entry->valid)
        look_up(relation, entry);
    return entry->is_calendar ? &entry->table : nullptr;
}

} // namespace availability
