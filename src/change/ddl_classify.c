/* What a statement is, by its first words. See ddl.h. */
#include "change/ddl_int.h"
#include "change/ddl_words.h"

struct word_class {
    const char *word;
    enum change_ddl_class class;
};

/* Statements that their first word tells. */
static const struct word_class verbs[] = {
    {"BEGIN", CHANGE_DDL_NONE},
    {"COMMIT", CHANGE_DDL_NONE},
    {"START", CHANGE_DDL_NONE},
    {"XA", CHANGE_DDL_NONE},
    {"SAVEPOINT", CHANGE_DDL_SAVEPOINT},
    {"RELEASE", CHANGE_DDL_SAVEPOINT},
    {"TRUNCATE", CHANGE_DDL_SCHEMA},
    {"GRANT", CHANGE_DDL_ACCOUNT},
    {"REVOKE", CHANGE_DDL_ACCOUNT},
    {"INSERT", CHANGE_DDL_ROWS},
    {"REPLACE", CHANGE_DDL_ROWS},
    {"UPDATE", CHANGE_DDL_ROWS},
    {"DELETE", CHANGE_DDL_ROWS},
    {"WITH", CHANGE_DDL_ROWS},
    {"SELECT", CHANGE_DDL_ROWS},
    {"VALUES", CHANGE_DDL_ROWS},
    {"DO", CHANGE_DDL_ROWS},
    {"CALL", CHANGE_DDL_ROWS},
    {"HANDLER", CHANGE_DDL_NONE},
    {"ANALYZE", CHANGE_DDL_NONE},
    {"OPTIMIZE", CHANGE_DDL_NONE},
    {"REPAIR", CHANGE_DDL_NONE},
    {"CHECK", CHANGE_DDL_NONE},
    {"CHECKSUM", CHANGE_DDL_NONE},
    {"CACHE", CHANGE_DDL_NONE},
    {"INSTALL", CHANGE_DDL_NONE},
    {"UNINSTALL", CHANGE_DDL_NONE},
    {"USE", CHANGE_DDL_NONE},
    {"KILL", CHANGE_DDL_NONE},
    {"PURGE", CHANGE_DDL_NONE},
    {"LOCK", CHANGE_DDL_NONE},
    {"UNLOCK", CHANGE_DDL_NONE},
    {"SHUTDOWN", CHANGE_DDL_NONE},
    {"RESET", CHANGE_DDL_NONE},
    {"CHANGE", CHANGE_DDL_NONE},
    {"STOP", CHANGE_DDL_NONE},
};

/* What CREATE, ALTER, DROP and RENAME are about. */
static const struct word_class objects[] = {
    {"TABLE", CHANGE_DDL_SCHEMA},       {"TABLES", CHANGE_DDL_SCHEMA},
    {"DATABASE", CHANGE_DDL_SCHEMA},    {"SCHEMA", CHANGE_DDL_SCHEMA},
    {"INDEX", CHANGE_DDL_SCHEMA},       {"USER", CHANGE_DDL_ACCOUNT},
    {"ROLE", CHANGE_DDL_ACCOUNT},       {"TEMPORARY", CHANGE_DDL_NONE},
    {"VIEW", CHANGE_DDL_NONE},          {"PROCEDURE", CHANGE_DDL_NONE},
    {"FUNCTION", CHANGE_DDL_NONE},      {"TRIGGER", CHANGE_DDL_NONE},
    {"EVENT", CHANGE_DDL_NONE},         {"PACKAGE", CHANGE_DDL_NONE},
    {"SEQUENCE", CHANGE_DDL_NONE},      {"SERVER", CHANGE_DDL_NONE},
    {"TABLESPACE", CHANGE_DDL_NONE},    {"LOGFILE", CHANGE_DDL_NONE},
    {"REFERENCE", CHANGE_DDL_NONE},     {"RESOURCE", CHANGE_DDL_NONE},
    {"INSTANCE", CHANGE_DDL_NONE},      {"LIBRARY", CHANGE_DDL_NONE},
    {"PREPARE", CHANGE_DDL_NONE},       {"CATALOG", CHANGE_DDL_UNKNOWN},
    {"ENCRYPTION", CHANGE_DDL_UNKNOWN},
};

enum {
    OBJECT_WITHIN = 40, /* Words: CREATE DEFINER=… SQL SECURITY … has the most before its object. */
};

static const struct word_class *find(const struct word_class *list, size_t count,
                                     const struct ddl_words *w)
{
    for (size_t i = 0; i < count; i++) {
        if (ddl_words_is(w, list[i].word)) {
            return &list[i];
        }
    }
    return NULL;
}

static enum change_ddl_class classify_object(struct ddl_words *w)
{
    for (int i = 0; i < OBJECT_WITHIN && w->kind != DDL_WORD_END; i++, ddl_words_next(w)) {
        const struct word_class *c = find(objects, ARRAY_SIZE(objects), w);
        if (c != NULL) {
            return c->class;
        }
    }
    return CHANGE_DDL_UNKNOWN;
}

static enum change_ddl_class classify_rollback(struct ddl_words *w)
{
    (void)ddl_words_skip(w, "WORK");
    return ddl_words_is(w, "TO") ? CHANGE_DDL_SAVEPOINT : CHANGE_DDL_NONE;
}

static enum change_ddl_class classify(struct ddl_words *w);

static enum change_ddl_class classify_set(struct ddl_words *w)
{
    if (ddl_words_skip(w, "STATEMENT")) {
        ddl_words_skip_set_statement(w);
        return classify(w);
    }
    return ddl_words_is(w, "PASSWORD") || ddl_words_is(w, "DEFAULT") || ddl_words_is(w, "ROLE")
               ? CHANGE_DDL_ACCOUNT
               : CHANGE_DDL_NONE;
}

static enum change_ddl_class classify(struct ddl_words *w)
{
    while (ddl_words_is_mark(w, '(') || ddl_words_is_mark(w, ';')) {
        ddl_words_next(w);
    }
    if (w->kind == DDL_WORD_END) {
        return CHANGE_DDL_NONE;
    }
    const struct word_class *verb = find(verbs, ARRAY_SIZE(verbs), w);
    if (verb != NULL) {
        return verb->class;
    }
    if (ddl_words_skip(w, "CREATE") || ddl_words_skip(w, "ALTER") || ddl_words_skip(w, "DROP") ||
        ddl_words_skip(w, "RENAME")) {
        return classify_object(w);
    }
    if (ddl_words_skip(w, "ROLLBACK")) {
        return classify_rollback(w);
    }
    if (ddl_words_skip(w, "SET")) {
        return classify_set(w);
    }
    if (ddl_words_skip(w, "FLUSH")) {
        return ddl_words_is(w, "PRIVILEGES") ? CHANGE_DDL_ACCOUNT : CHANGE_DDL_NONE;
    }
    if (ddl_words_skip(w, "LOAD")) {
        return ddl_words_is(w, "INDEX") ? CHANGE_DDL_NONE : CHANGE_DDL_ROWS;
    }
    return CHANGE_DDL_UNKNOWN;
}

enum change_ddl_class change_ddl_classify(const struct binlog_query *q, enum sql_dialect dialect)
{
    struct ddl_words w;
    (void)dialect;
    ddl_words_init(&w, q->sql, q->sql_mode);
    return classify(&w);
}
