/*
 * What a statement may leave behind in its session, or needs of what was left there: told by its
 * tokens alone, for statements that are sent to another server, whether our grammar reads them or
 * not. What is not known is EFFECT_UNKNOWN: the list of harmless statements is closed, not that of
 * harmful ones.
 *
 * Not seen: what stored functions, triggers and views do inside (GET_LOCK() or an INSERT in a
 * function that a SELECT calls, say).
 */
#ifndef SQL_EFFECTS_H
#define SQL_EFFECTS_H

#include "sql/parse.h"

enum sql_effect {
    EFFECT_USER_VARIABLE = 1u << 0,    /* SET @a, @a := …, INTO @a */
    EFFECT_VARIABLES = 1u << 1,        /* SET of session variables: variables[] */
    EFFECT_NAMES = 1u << 2,            /* SET NAMES, SET CHARACTER SET */
    EFFECT_NEXT_TRANSACTION = 1u << 3, /* SET TRANSACTION */
    EFFECT_TEMPORARY_TABLE = 1u << 4,
    EFFECT_LOCK = 1u << 5,       /* LOCK TABLES, GET_LOCK(), FLUSH … WITH READ LOCK, HANDLER */
    EFFECT_PREPARED = 1u << 6,   /* PREPARE, EXECUTE, DEALLOCATE */
    EFFECT_ROLE = 1u << 7,       /* SET ROLE */
    EFFECT_PROGRAM = 1u << 8,    /* CALL and compound statements: anything may happen inside */
    EFFECT_FOUND_ROWS = 1u << 9, /* SQL_CALC_FOUND_ROWS */
    EFFECT_UNKNOWN = 1u << 10,
    /* Reads what an earlier statement left: */
    EFFECT_READS_INSERT_ID = 1u << 11,   /* LAST_INSERT_ID(), @@identity */
    EFFECT_READS_DIAGNOSTICS = 1u << 12, /* SHOW WARNINGS, GET DIAGNOSTICS, @@warning_count */
    EFFECT_READS_ROW_COUNT = 1u << 13,   /* ROW_COUNT(), FOUND_ROWS() */
    EFFECT_USE = 1u << 14,               /* USE */
    EFFECT_SCHEMA = 1u << 15,  /* CREATE, ALTER, DROP, RENAME, TRUNCATE: definitions change */
    EFFECT_READING = 1u << 16, /* SET of how texts are read: sql_mode, character sets, collations */
    EFFECT_READS_SCHEMA = 1u << 17, /* INFORMATION_SCHEMA */
};

enum {
    EFFECT_VARIABLES_MAX = 32,
};

struct sql_effects {
    unsigned effects; /* enum sql_effect */
    bool writes;      /* it may change tables or accounts: whatever is not known to leave them */
    unsigned variable_count;
    struct str variables[EFFECT_VARIABLES_MAX]; /* borrowed from the text, as written */
};

/* Looks at all statements of a text. More variables than fit are EFFECT_UNKNOWN. */
void sql_effects(struct str text, const struct parse_options *options, struct sql_effects *out);

#endif
