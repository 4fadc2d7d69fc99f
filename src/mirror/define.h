/*
 * Definitions of an upstream's tables, read by our grammar from the text of its SHOW CREATE TABLE.
 *
 * What does not matter to whoever reads the tables is left out: foreign keys, checks, fulltext and
 * spatial indexes, defaults that are expressions; of foreign keys it is kept whether one cascades
 * (table_def.cascades). Generated columns are plain ones with their
 * expression noted: their values come from the upstream.
 */
#ifndef MIRROR_DEFINE_H
#define MIRROR_DEFINE_H

#include "upstream/upstream.h"

#include "exec/exec.h"

/* A server of the upstream's dialect that has no sessions: definitions are read in it. Not
 * thread-safe. */
struct mirror_model {
    struct arena arena;
    struct server server;
};

void mirror_model_init(struct mirror_model *m);
void mirror_model_release(struct mirror_model *m);
/* Makes it one of that kind and version. Ids of definitions come from of->catalog. */
void mirror_model_set(struct mirror_model *m, const struct server *of, enum upstream_kind kind,
                      uint32_t version_id);

enum mirror_define_flags {
    MIRROR_DEFINE_BARE = 1u << 0, /* Nothing but names, types and keys. */
};

/* Is it a foreign key with CASCADE, SET NULL or SET DEFAULT? */
NODISCARD bool mirror_cascades(const struct index_spec *index);
/* Has the table of the statement such a one? */
NODISCARD bool mirror_has_cascades(const struct create_table_stmt *s);

/*
 * The definition behind a CREATE TABLE statement, in that database. x: a session of a model.
 * Returns 0 with *out owned by the caller, or -1 with x->diag (which is reset first, as is the
 * statement's arena) set: what the statement has that we cannot keep.
 */
NODISCARD int mirror_define(struct exec_session *x, const struct database_def *db, struct str sql,
                            unsigned flags, struct table_def **out);
/* Parses such a statement into x->stmt_arena, for mirror_define_parsed(). Returns and fails as
 * mirror_define(). */
NODISCARD int mirror_parse(struct exec_session *x, struct str sql, struct stmt **out);
/* The same for a statement that is parsed already, of kind STMT_CREATE_TABLE; changes it. Leaves
 * diag and arena as they are. */
NODISCARD int mirror_define_parsed(struct exec_session *x, const struct database_def *db,
                                   struct stmt *stmt, unsigned flags, struct table_def **out);

#endif
