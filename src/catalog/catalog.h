/*
 * The catalog: databases, tables, columns, indexes, accounts. Definitions are immutable once
 * published and counted: a reader takes a reference and keeps using what it saw; DDL publishes a
 * new definition. Persistence is the engine's: definitions are stored, as JSON text, in the same
 * transaction as the DDL they belong to (engine_ops.meta_put), and read back at start.
 *
 * Threads: look-ups take a read lock for an instant; changes are made by DDL under the metadata
 * locks of exec/ and published with catalog_publish_*() after the engine has committed.
 */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/str.h"
#include "os/fmutex.h"
#include "types/sql_mode.h"
#include "types/type.h"
#include "types/value.h"

struct catalog;

enum default_kind {
    DEFAULT_NONE,  /* no default: NULL if nullable, else 1364 in strict mode */
    DEFAULT_VALUE, /* a constant */
    DEFAULT_NOW,   /* CURRENT_TIMESTAMP(decimals of the column) */
    DEFAULT_EXPR,  /* parenthesised expression, kept as text */
};

struct column_def {
    uint32_t id; /* unique in the table for ever: c<id> in the engine */
    struct str name;
    struct sql_type type; /* declared; flags hold NOT_NULL, UNSIGNED, ZEROFILL, AUTO_INCREMENT, key
                             flags as sent to clients */
    enum default_kind default_kind;
    struct value default_value; /* DEFAULT_VALUE: already converted to the type */
    struct str default_text;    /* for SHOW CREATE TABLE: the literal's or expression's text.
                                   DEFAULT_NONE: p not NULL when ALTER … DROP DEFAULT took even NULL
                                   away */
    bool on_update_now;
    bool invisible;
    bool explicit_collation;   /* SHOW CREATE TABLE prints it */
    struct str generated_text; /* p NULL = not generated */
    bool generated_stored;
    struct str comment;
};

struct index_column {
    uint32_t column;     /* index into table_def.columns */
    uint32_t prefix_len; /* 0 = whole */
    bool desc;
};

enum index_def_kind {
    INDEX_DEF_PRIMARY,
    INDEX_DEF_UNIQUE,
    INDEX_DEF_PLAIN,
    INDEX_DEF_FULLTEXT,
    INDEX_DEF_SPATIAL,
};

struct index_def {
    uint32_t id;
    enum index_def_kind kind;
    struct str name;
    uint32_t column_count;
    struct index_column *columns;
    struct str algorithm; /* USING as written; p NULL */
    struct str comment;
    bool invisible;
};

struct check_def {
    struct str name;    /* of a column's own constraint in MariaDB: the column's */
    struct str text;    /* the expression as SHOW CREATE TABLE shows it */
    uint32_t column_id; /* MariaDB: the column that it stands with; 0 = none */
    bool not_enforced;
};

struct table_def {
    uint64_t id;      /* unique for ever: t<id> in the engine */
    uint64_t version; /* of this definition; grows with every change */
    struct str db;
    struct str name;
    uint32_t column_count;
    struct column_def *columns;
    uint32_t index_count;
    struct index_def *indexes; /* the primary key, if any, is the first */
    uint32_t check_count;
    struct check_def *checks;
    uint16_t collation;
    struct str engine_name; /* ENGINE= as written, shown back; "InnoDB" by default */
    struct str comment;
    struct str row_format;
    struct str other_options;
    uint32_t next_column_id;
    uint32_t next_index_id;
    int32_t auto_increment_column; /* index, or -1 */
    uint64_t auto_increment_start; /* AUTO_INCREMENT= at creation */
    /* Tables of a source: a foreign key, which is left out, changes rows of its own accord. */
    bool cascades;
    int64_t created_us, altered_us;
    /* Views: the SELECT's text as stored and shown. p NULL for tables. */
    struct str view_text;
    /* A query in the engine's language whose rows stand for the table's, which is not stored:
     * information_schema. p NULL for others. */
    struct str rows_text;
    /* Runtime: */
    struct arena *arena;       /* owns all of the above */
    struct table_share *share; /* state that outlives definitions: see below */
    _Atomic(uint32_t) refs;
};

/* State of a table that survives ALTER: one per table id, owned by the catalog. */
struct table_share {
    uint64_t id;
    struct frwlock mdl; /* metadata lock: statements hold it shared, DDL exclusively */
    _Atomic(uint64_t) next_auto_increment;
    _Atomic(uint64_t) row_estimate;
    /* A partial date ('2024-05-00') was ever given to the table: what sorts or compares dates needs
     * a key. See table_share_add_partial_dates(). */
    _Atomic(bool) has_partial_dates;
    void *engine_data; /* the engine's own per-table state, freed by engine_ops.close/drop */
};

struct database_def {
    uint64_t id;
    struct str name;
    uint16_t collation;
    bool explicit_collation;
    int64_t created_us;
};

/* ---- Life ---- */

NODISCARD struct catalog *catalog_new(void);
void catalog_free(struct catalog *c);

/* Grows with every published change: plans and prepared statements remember the one they were made
 * at. */
NODISCARD uint64_t catalog_version(const struct catalog *c);

/* A number never used before, for tables, databases and accounts. */
uint64_t catalog_next_id(struct catalog *c);
/* Marks a number read back from storage as used. */
void catalog_reserve_id(struct catalog *c, uint64_t id);

/* ---- Databases (names compare by bytes, as MySQL on Linux does: lower_case_table_names=0) ---- */

/* Copies the definition to *out (strings into arena). Returns whether it exists. */
NODISCARD bool catalog_find_database(struct catalog *c, struct str name, struct arena *arena,
                                     struct database_def *out);
/* Names in order. */
NODISCARD uint32_t catalog_list_databases(struct catalog *c, struct arena *arena,
                                          struct database_def **out);
void catalog_publish_database(struct catalog *c,
                              const struct database_def *db);     /* create or replace; copies */
void catalog_remove_database(struct catalog *c, struct str name); /* its tables must be gone */

/* ---- Tables ---- */

/* A new, empty definition with its own arena and one reference, to be filled in and published. */
NODISCARD struct table_def *table_def_new(void);
NODISCARD struct table_def *
table_def_clone(const struct table_def *t); /* deep copy, same id and share, version + 1 */
void table_def_ref(struct table_def *t);
void table_def_unref(struct table_def *t);

/* The current definition with a reference for the caller, or NULL. */
NODISCARD struct table_def *catalog_find_table(struct catalog *c, struct str db, struct str name);
/* All tables of db, by name, each with a reference. */
NODISCARD uint32_t catalog_list_tables(struct catalog *c, struct str db, struct arena *arena,
                                       struct table_def ***out);

/* Publishes: takes over the caller's reference. Replaces the definition of the same id (also under
 * another name). */
void catalog_publish_table(struct catalog *c, struct table_def *t);
void catalog_remove_table(struct catalog *c, struct str db, struct str name);
/* The share of a table id, made on first use. */
NODISCARD struct table_share *catalog_share(struct catalog *c, uint64_t table_id);

/*
 * What is known of a table's values, by which queries are written. It is widened before the
 * transaction that stores the first such value commits and never narrowed. A reader takes
 * table_facts_version() before it looks at the facts, and again once it has its snapshot: if the
 * number has grown, the query may have been written without knowing of a value it sees. Any thread.
 */
void table_share_add_partial_dates(struct table_share *s);
NODISCARD uint64_t table_facts_version(void);

/* Deep copies into an arena, for definitions being built. */
void column_def_copy(struct arena *a, const struct column_def *from, struct column_def *to);
void index_def_copy(struct arena *a, const struct index_def *from, struct index_def *to);
/* Sets the key flags and NO_DEFAULT_VALUE_FLAG of all columns from the indexes and defaults: the
 * last step of building a definition. */
void table_def_set_key_flags(struct table_def *t);

/* Column index by name (case-insensitive), or -1. */
NODISCARD int32_t table_find_column(const struct table_def *t, struct str name);
NODISCARD int32_t table_find_index(const struct table_def *t, struct str name);
/* The types of all columns, in their order, in arena. */
NODISCARD struct sql_type *table_column_types(const struct table_def *t, struct arena *arena);

/* ---- Text form, for persistence ---- */

NODISCARD struct str table_def_to_json(const struct table_def *t, struct arena *arena);
NODISCARD int table_def_from_json(struct str json, struct diag *diag, struct table_def **out);
NODISCARD struct str database_def_to_json(const struct database_def *db, struct arena *arena);
NODISCARD int database_def_from_json(struct str json, struct arena *arena, struct diag *diag,
                                     struct database_def *out);

enum show_create_flags {
    SHOW_CREATE_MARIADB = 1u << 0, /* as MariaDB 10.11 writes it; else MySQL 9.7 */
    SHOW_CREATE_IF_NOT_EXISTS = 1u << 1,
};

/* SHOW CREATE TABLE text, as the dialect's server writes it; in arena. flags: enum
 * show_create_flags. */
NODISCARD struct str table_def_to_sql(const struct table_def *t, unsigned flags,
                                      struct arena *arena);
/* SHOW CREATE DATABASE text; in arena. */
NODISCARD struct str database_def_to_sql(const struct database_def *db, unsigned flags,
                                         struct arena *arena);
/* A type as SHOW COLUMNS writes it: "int unsigned", "varchar(20)", "enum('a','b')"; in arena. */
NODISCARD struct str type_to_sql(const struct sql_type *type, enum sql_dialect dialect,
                                 struct arena *arena);
/* The columns Default (p NULL = NULL) and Extra of SHOW COLUMNS; in arena. */
NODISCARD struct str column_default_to_text(const struct column_def *c, enum sql_dialect dialect,
                                            struct arena *arena);
NODISCARD struct str column_extra_to_text(const struct column_def *c, enum sql_dialect dialect,
                                          struct arena *arena);

#endif
