// Acting as the owner of a table, as foreign keys do, safe from whoever calls.

#include "extension/server/owner_scope.hpp"

extern "C" {
#include <access/htup_details.h>
#include <catalog/objectaddress.h>
#include <catalog/pg_class.h>
#include <miscadmin.h>
#include <utils/acl.h>
#include <utils/guc.h>
#include <utils/lsyscache.h>
#include <utils/syscache.h>
}

namespace availability {

OwnerScope enter_owner(Oid owner) {
    OwnerScope scope;
    GetUserIdAndSecContext(&scope.user, &scope.security_context);
    scope.guc_level = NewGUCNestLevel();
    SetUserIdAndSecContext(owner, scope.security_context | SECURITY_LOCAL_USERID_CHANGE |
                                      SECURITY_RESTRICTED_OPERATION | SECURITY_NOFORCE_RLS);
    set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                      false);
    return scope;
}

void leave_owner(const OwnerScope& scope) {
    AtEOXact_GUC(false, scope.guc_level);
    SetUserIdAndSecContext(scope.user, scope.security_context);
}

void require_relation(Oid relation) {
    if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relation)))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
}

void require_owner(Oid relation) {
    require_relation(relation);
    if (!owns_relation(relation, GetUserId()))
        aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relation)), get_rel_name(relation));
}

Oid relation_owner(Oid relation) {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
    const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relowner;
    ReleaseSysCache(tuple);
    return owner;
}

} // namespace availability
