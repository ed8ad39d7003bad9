// Every difference between the supported versions of PostgreSQL (15 … 18) lives here.
#pragma once

#include "extension/server/postgres.hpp"

#if PG_VERSION_NUM < 150000
#error "availability needs PostgreSQL 15 or newer"
#endif

// PostgreSQL 15 leaves PGDLLEXPORT empty on ELF systems, while the project is built with
// -fvisibility=hidden. PG_FUNCTION_INFO_V1 and PG_MODULE_MAGIC use PGDLLEXPORT; our own definitions use this.
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif
#define AVAILABILITY_EXPORT PGDLLEXPORT

// Soft errors of input functions, where the server has them (16+): saves the error in the caller's context if it
// asked for that and returns from the function, else raises.
//   AVAILABILITY_SOFT_ERROR(fcinfo, (errcode(…), errmsg(…)));
#if PG_VERSION_NUM >= 160000
#define AVAILABILITY_SOFT_ERROR(fcinfo, rest)                                                                          \
    ereturn(reinterpret_cast<::Node*>((fcinfo)->context), static_cast<Datum>(0), rest)
#else
#define AVAILABILITY_SOFT_ERROR(fcinfo, rest) ereport(ERROR, rest)
#endif

// The row of a logical change, NULL if there is none: before 17 it is wrapped.
#if PG_VERSION_NUM >= 170000
#define AVAILABILITY_CHANGE_TUPLE(row) (row)
#else
#define AVAILABILITY_CHANGE_TUPLE(row) ((row) == nullptr ? nullptr : &(row)->tuple)
#endif

// Whether an output plugin has to report progress amid a long transaction. From 16 on the server does.
#define AVAILABILITY_PLUGIN_REPORTS_PROGRESS (PG_VERSION_NUM < 160000)

extern "C" {
#include <access/attmap.h>
#include <access/genam.h>
#include <access/tableam.h>
#include <catalog/pg_class.h>
#include <catalog/pg_constraint.h>
#include <catalog/pg_namespace.h>
#include <commands/vacuum.h>
#include <executor/executor.h>
#include <nodes/nodeFuncs.h>
#include <storage/proc.h>
#include <utils/acl.h>
}

namespace availability {

// Before 16 the walkers take a function of unstated arguments, which C++ can't convert to.
inline bool walk_expression(Node* node, bool (*walker)(Node*, void*), void* context) {
#if PG_VERSION_NUM >= 160000
    return expression_tree_walker(node, walker, context);
#else
    return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), context);
#endif
}

inline bool owns_relation(Oid relation, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, relation, role);
#else
    return pg_class_ownercheck(relation, role);
#endif
}

inline bool may_use_schema(Oid schema, Oid role) {
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(NamespaceRelationId, schema, role, ACL_USAGE) == ACLCHECK_OK;
#else
    return pg_namespace_aclcheck(schema, role, ACL_USAGE) == ACLCHECK_OK;
#endif
}

inline bool is_virtual_column([[maybe_unused]] TupleDesc descriptor, [[maybe_unused]] int attribute) {
#if PG_VERSION_NUM >= 180000
    return TupleDescAttr(descriptor, attribute - 1)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL;
#else
    return false;
#endif
}

inline bool is_enforced([[maybe_unused]] const FormData_pg_constraint* constraint) {
#if PG_VERSION_NUM >= 180000
    return constraint->conenforced;
#else
    return true;
#endif
}

// How rows of one type become rows of another by the names of their columns; NULL if they are alike.
inline AttrMap* row_map_by_name(TupleDesc from, TupleDesc to) {
#if PG_VERSION_NUM >= 160000
    return build_attrmap_by_name_if_req(from, to, false);
#else
    return build_attrmap_by_name_if_req(from, to);
#endif
}

// Lets ANALYZE be interrupted and slowed down.
inline void vacuum_delay() {
#if PG_VERSION_NUM >= 180000
    vacuum_delay_point(true);
#else
    vacuum_delay_point();
#endif
}

// Tells the transactions of this session apart.
inline LocalTransactionId local_transaction() {
#if PG_VERSION_NUM >= 170000
    return MyProc->vxid.lxid;
#else
    return MyProc->lxid;
#endif
}

inline IndexScanDesc begin_index_scan(Relation heap, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 180000
    return index_beginscan(heap, index, snapshot, nullptr, keys, 0);
#else
    return index_beginscan(heap, index, snapshot, keys, 0);
#endif
}

// Which indexes a new row (version) needs entries in. From 16 on, those that only summarize pages (BRIN) may need
// one though the version stays on its page.
enum class IndexEntries { kNone, kSummarizing, kAll };

// Updates a row as the executor does; *entries is set if it returns TM_Ok.
inline TM_Result update_tuple(Relation relation, ItemPointer tid, TupleTableSlot* slot, CommandId command,
                              Snapshot snapshot, TM_FailureData* failure, IndexEntries* entries) {
    LockTupleMode lock_mode;
#if PG_VERSION_NUM >= 160000
    TU_UpdateIndexes which;
#else
    bool which;
#endif
    const TM_Result result =
        table_tuple_update(relation, tid, slot, command, snapshot, InvalidSnapshot, true, failure, &lock_mode, &which);
#if PG_VERSION_NUM >= 160000
    *entries = which == TU_None          ? IndexEntries::kNone
               : which == TU_Summarizing ? IndexEntries::kSummarizing
                                         : IndexEntries::kAll;
#else
    *entries = which ? IndexEntries::kAll : IndexEntries::kNone;
#endif
    return result;
}

// Runs a query that was started, to its end.
inline void run_executor(QueryDesc* execution) {
#if PG_VERSION_NUM >= 180000
    ExecutorRun(execution, ForwardScanDirection, 0);
#else
    ExecutorRun(execution, ForwardScanDirection, 0, true);
#endif
}

// Makes the index entries of a new row (version); raises 23505 as an INSERT does.
inline void insert_index_entries(ResultRelInfo* relation, TupleTableSlot* slot, EState* estate, bool is_update,
                                 [[maybe_unused]] IndexEntries entries) {
#if PG_VERSION_NUM >= 160000
    List* recheck = ExecInsertIndexTuples(relation, slot, estate, is_update, false, nullptr, NIL,
                                          entries == IndexEntries::kSummarizing);
#else
    List* recheck = ExecInsertIndexTuples(relation, slot, estate, is_update, false, nullptr, NIL);
#endif
    list_free(recheck);
}

} // namespace availability
