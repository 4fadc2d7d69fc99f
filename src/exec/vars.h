/*
 * System variables: one struct with all their values, one table (vars.def) that names them. The
 * server has a struct sysvars with the global values, each session a copy of its own, made at
 * login. A variable is found by name and read or set through its row: nothing else knows names,
 * types, or ranges.
 *
 * Threads: a session's copy belongs to its fiber; the global one is read and written under
 * server.vars_lock.
 */
#ifndef EXEC_VARS_H
#define EXEC_VARS_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "sql/ast.h"
#include "types/charset.h"
#include "types/sql_mode.h"
#include "types/timezone.h"
#include "types/value.h"

/* Text variables are bounded, so that the struct can be copied. */
#define SYSVAR_TEXT_MAX 512

struct sysvar_text {
    uint16_t len;
    char p[SYSVAR_TEXT_MAX];
};

/* The C type of each kind of variable: how vars.def rows declare their member. */
#define SYSVAR_C_TYPE_BOOL      bool
#define SYSVAR_C_TYPE_UINT      uint64_t
#define SYSVAR_C_TYPE_INT       int64_t
#define SYSVAR_C_TYPE_DOUBLE    double
#define SYSVAR_C_TYPE_ENUM      uint32_t
#define SYSVAR_C_TYPE_CHARSET   const struct charset * /* NULL = NULL, for character_set_results */
#define SYSVAR_C_TYPE_COLLATION uint16_t
#define SYSVAR_C_TYPE_TIMEZONE  const struct timezone *
#define SYSVAR_C_TYPE_SQL_MODE  uint64_t
#define SYSVAR_C_TYPE_TEXT      struct sysvar_text *

enum sysvar_kind {
    SYSVAR_BOOL,
    SYSVAR_UINT,
    SYSVAR_INT,
    SYSVAR_DOUBLE,
    SYSVAR_ENUM, /* `labels` names the values, separated by ',' */
    SYSVAR_CHARSET,
    SYSVAR_COLLATION,
    SYSVAR_TIMEZONE,
    SYSVAR_SQL_MODE,
    SYSVAR_TEXT,
};

/* pintail_freshness: how much of what was written upstream a read of the copy must see. */
enum freshness {
    FRESHNESS_EVENTUAL, /* what is there */
    FRESHNESS_SESSION,  /* what this session has written */
    FRESHNESS_STRONG,   /* what anybody has written before the read began */
};

/* pintail_route: who answers reads. */
enum route {
    ROUTE_UPSTREAM,
    ROUTE_COLUMN, /* the copy; what it cannot answer is an error */
};

enum sysvar_flags {
    SYSVAR_GLOBAL_SCOPE = 1u << 0,
    SYSVAR_SESSION_SCOPE = 1u << 1,
    SYSVAR_READ_ONLY = 1u << 2,
    SYSVAR_MYSQL_ONLY = 1u << 3, /* known in that dialect only */
    SYSVAR_MARIADB_ONLY = 1u << 4,
    SYSVAR_TRACKED = 1u << 5,          /* reported by session tracking by default */
    SYSVAR_SESSION_ONLY_SET = 1u << 6, /* in both scopes readable, settable per session only */
    SYSVAR_HIDDEN = 1u << 7,           /* not in SHOW VARIABLES (last_insert_id, identity, …) */
    SYSVAR_ENGINE = 1u << 8,           /* setting it globally also calls engine_set_variable() */
    SYSVAR_REPLICA = 1u << 9,          /* setting it globally also tells replica_ops */
};

struct sysvars {
    enum sql_dialect dialect; /* whose values these are */
#define SYSVAR(name, kind, flags, def, min, max, labels) SYSVAR_C_TYPE_##kind name;
#include "exec/vars.def"
#undef SYSVAR
};

struct sysvar {
    struct str name;
    enum sysvar_kind kind;
    unsigned flags; /* enum sysvar_flags */
    size_t offset;  /* of the member in struct sysvars */
    const char *def;
    int64_t min;
    uint64_t max;
    const char *labels;
};

/* All variables by name. NULL = no such variable in the dialect. */
NODISCARD const struct sysvar *sysvar_find(struct str name, enum sql_dialect dialect);
/* In order of name: index from 0; NULL at the end. */
NODISCARD const struct sysvar *sysvar_at(uint32_t index);

NODISCARD bool sysvar_is_in(const struct sysvar *var, enum sql_dialect dialect);

/* Fills in the defaults of the dialect. Text members get memory from arena, which must outlive
 * vars. */
void sysvars_init(struct sysvars *vars, enum sql_dialect dialect, struct arena *arena);
/* Makes a session's copy; text members get memory of the copy's own from arena. */
void sysvars_copy(struct sysvars *to, const struct sysvars *from, struct arena *arena);

/* Gives a text variable its value at start (version, datadir, …), whatever its flags. */
void sysvar_set_text(struct sysvars *vars, struct str name, struct str value);

/* The value as SELECT @@name gives it, with its result type; strings in arena. */
void sysvar_get(const struct sysvar *var, const struct sysvars *vars, struct arena *arena,
                struct value *out, struct sql_type *out_type);
/* The value as SHOW VARIABLES prints it ("ON", "OFF", numbers, names). */
NODISCARD struct str sysvar_text(const struct sysvar *var, const struct sysvars *vars,
                                 struct arena *arena);
/*
 * Sets from a value with MySQL's rules: 1231 wrong value, 1232 wrong type, range clipped with
 * warning 1292. Does not check scope or privilege. `defaults` supplies the value for DEFAULT when v
 * is NULL.
 */
NODISCARD int sysvar_set(const struct sysvar *var, struct sysvars *vars, const struct value *v,
                         const struct sysvars *defaults, struct diag *diag);

#endif
