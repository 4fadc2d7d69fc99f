#include "sql/effects.h"

#include "sql_grammar.h"

#include "sql/parse_int.h"

/* How far a statement has been read. */
struct reading {
    struct scanner scanner;
    struct sql_effects *out;
    struct token t; /* the current token */
    int code;       /* its code; 0 at the end of the text */
};

static void next(struct reading *r)
{
    r->code = scanner_next(&r->scanner, &r->t);
    if (r->code == TK_ILLEGAL) {
        r->out->effects |= EFFECT_UNKNOWN;
    }
}

static bool is_over(const struct reading *r)
{
    return r->code == 0 || r->code == TK_SEMICOLON || r->code == TK_ILLEGAL;
}

/* Is the current token this word, as a keyword or a name without quotes? */
static bool is_word(const struct reading *r, const char *word)
{
    return !is_over(r) && !r->t.quoted && r->code != TK_STRING && r->code != TK_USER_VAR &&
           str_eq_nocase(token_str(&r->t), str_from_cstr(word));
}

static bool skip_word(struct reading *r, const char *word)
{
    if (!is_word(r, word)) {
        return false;
    }
    next(r);
    return true;
}

/* ---- Words that matter wherever they stand ---- */

static const struct {
    const char *word;
    bool call; /* only before a parenthesis */
    unsigned effects;
} words[] = {
    {"SQL_CALC_FOUND_ROWS", false, EFFECT_FOUND_ROWS},
    {"GET_LOCK", true, EFFECT_LOCK},
    {"RELEASE_LOCK", true, EFFECT_LOCK},
    {"RELEASE_ALL_LOCKS", true, EFFECT_LOCK},
    {"SERVICE_GET_READ_LOCKS", true, EFFECT_LOCK},
    {"SERVICE_GET_WRITE_LOCKS", true, EFFECT_LOCK},
    {"LAST_INSERT_ID", true, EFFECT_READS_INSERT_ID},
    {"FOUND_ROWS", true, EFFECT_READS_ROW_COUNT},
    {"ROW_COUNT", true, EFFECT_READS_ROW_COUNT},
    {"SETVAL", true, EFFECT_UNKNOWN},
    {"LASTVAL", true, EFFECT_UNKNOWN},
    {"NEXTVAL", true, EFFECT_UNKNOWN},
};

/* Behind @@. */
static const struct {
    const char *name;
    unsigned effects;
} read_variables[] = {
    {"identity", EFFECT_READS_INSERT_ID},      {"last_insert_id", EFFECT_READS_INSERT_ID},
    {"insert_id", EFFECT_READS_INSERT_ID},     {"warning_count", EFFECT_READS_DIAGNOSTICS},
    {"error_count", EFFECT_READS_DIAGNOSTICS},
};

/* Longest and shortest of the words above: most tokens are neither. */
static bool may_matter(const struct token *t)
{
    return t->len >= 6 && t->len <= 23;
}

static void look_at_word(struct reading *r)
{
    const struct str word = token_str(&r->t);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!str_eq_nocase(word, str_from_cstr(words[i].word))) {
            continue;
        }
        if (words[i].call) {
            next(r);
            r->out->effects |= r->code == TK_LP ? words[i].effects : 0;
            return;
        }
        r->out->effects |= words[i].effects;
    }
    next(r);
}

/* Behind @@: the name that is read. */
static void look_at_variable(struct reading *r)
{
    next(r);
    if (is_word(r, "SESSION") || is_word(r, "LOCAL") || is_word(r, "GLOBAL")) {
        next(r);
        next(r); /* the dot */
    }
    for (size_t i = 0; i < ARRAY_SIZE(read_variables); i++) {
        if (is_word(r, read_variables[i].name)) {
            r->out->effects |= read_variables[i].effects;
        }
    }
}

/* One token of an expression or clause, and what belongs to it. */
static void look(struct reading *r)
{
    switch (r->code) {
    case TK_ATAT:
        look_at_variable(r);
        return;
    case TK_ASSIGN:
        r->out->effects |= EFFECT_USER_VARIABLE;
        next(r);
        return;
    case TK_INTO:
        next(r);
        r->out->effects |= r->code == TK_USER_VAR ? EFFECT_USER_VARIABLE : 0;
        return;
    default:
        break;
    }
    if (!may_matter(&r->t) || r->code == TK_STRING) {
        next(r);
    } else if (str_eq_nocase(token_str(&r->t), STR("INFORMATION_SCHEMA"))) {
        r->out->effects |= EFFECT_READS_SCHEMA;
        next(r);
    } else if (!r->t.quoted) {
        look_at_word(r);
    } else {
        next(r);
    }
}

static void look_to_end(struct reading *r)
{
    while (!is_over(r)) {
        look(r);
    }
}

/* ---- Kinds of statements ---- */

static void read_plain(struct reading *r)
{
    look_to_end(r);
}

/* LOAD DATA … (a, @b): columns read into user variables. */
static void read_load(struct reading *r)
{
    for (; !is_over(r); next(r)) {
        r->out->effects |= r->code == TK_USER_VAR ? EFFECT_USER_VARIABLE : 0;
    }
}

static void read_create(struct reading *r)
{
    next(r);
    if (skip_word(r, "OR")) {
        next(r); /* REPLACE */
    }
    if (is_word(r, "TEMPORARY")) {
        r->out->effects |= EFFECT_TEMPORARY_TABLE;
    }
    /* The body of a routine, trigger or event does not run now, and may hold any number of ';'. */
    for (int i = 0; i < 12 && !is_over(r); i++) {
        if (is_word(r, "PROCEDURE") || is_word(r, "FUNCTION") || is_word(r, "TRIGGER") ||
            is_word(r, "EVENT") || is_word(r, "PACKAGE")) {
            while (r->code != 0 && r->code != TK_ILLEGAL) {
                next(r);
            }
            return;
        }
        if (is_word(r, "TABLE") || is_word(r, "VIEW") || is_word(r, "USER")) {
            break;
        }
        next(r);
    }
    look_to_end(r);
}

static void read_show(struct reading *r)
{
    next(r);
    if (is_word(r, "WARNINGS") || is_word(r, "ERRORS") || is_word(r, "COUNT")) {
        r->out->effects |= EFFECT_READS_DIAGNOSTICS;
    }
    look_to_end(r);
}

static void read_begin(struct reading *r)
{
    next(r);
    if (is_word(r, "NOT")) {
        r->out->effects |= EFFECT_PROGRAM;
    }
    look_to_end(r);
}

static void read_flush(struct reading *r)
{
    for (; !is_over(r); next(r)) {
        if (is_word(r, "LOCK") || is_word(r, "EXPORT")) {
            r->out->effects |= EFFECT_LOCK;
        }
    }
}

static void add_variable(struct reading *r, struct str name)
{
    struct sql_effects *e = r->out;
    if (e->variable_count == EFFECT_VARIABLES_MAX) {
        e->effects |= EFFECT_UNKNOWN;
        return;
    }
    e->effects |= EFFECT_VARIABLES;
    if (str_eq_nocase(name, STR("sql_mode")) ||
        str_starts_with_nocase(name, STR("character_set_")) ||
        str_starts_with_nocase(name, STR("collation_"))) {
        e->effects |= EFFECT_READING;
    }
    e->variables[e->variable_count++] = name;
}

/* The value of an assignment, up to the next one. */
static void skip_value(struct reading *r)
{
    int depth = 0;
    while (!is_over(r) && !(depth == 0 && r->code == TK_COMMA)) {
        depth += r->code == TK_LP ? 1 : r->code == TK_RP ? -1 : 0;
        look(r);
    }
    if (r->code == TK_COMMA) {
        next(r);
    }
}

/* name = value, with or without a scope. */
static void read_assignment(struct reading *r)
{
    bool global = false;
    if (r->code == TK_USER_VAR) {
        r->out->effects |= EFFECT_USER_VARIABLE;
        skip_value(r);
        return;
    }
    if (r->code == TK_ATAT) {
        next(r);
    }
    if (is_word(r, "GLOBAL") || is_word(r, "PERSIST") || is_word(r, "PERSIST_ONLY")) {
        global = true;
        next(r);
    } else if (is_word(r, "SESSION") || is_word(r, "LOCAL")) {
        next(r);
    }
    if (r->code == TK_DOT) {
        next(r);
    }
    if (is_word(r, "TRANSACTION")) {
        if (!global) {
            add_variable(r, STR("transaction_isolation"));
            add_variable(r, STR("transaction_read_only"));
        }
        look_to_end(r);
        return;
    }
    const struct str name = token_str(&r->t);
    next(r);
    if (r->code != TK_EQ && r->code != TK_ASSIGN) {
        r->out->effects |= EFFECT_UNKNOWN; /* a key cache's variable, or none at all */
    }
    if (!global) {
        add_variable(r, name);
    }
    if (!is_over(r)) {
        next(r);
    }
    skip_value(r);
}

static void read_set(struct reading *r)
{
    next(r);
    if (is_word(r, "TRANSACTION")) {
        r->out->effects |= EFFECT_NEXT_TRANSACTION;
    } else if (is_word(r, "ROLE")) {
        r->out->effects |= EFFECT_ROLE;
    } else if (is_word(r, "STATEMENT")) {
        r->out->effects |= EFFECT_UNKNOWN;
    } else if (!is_word(r, "PASSWORD") && !is_word(r, "DEFAULT") && !is_word(r, "RESOURCE")) {
        while (!is_over(r)) {
            if (is_word(r, "NAMES") || is_word(r, "CHARACTER") || is_word(r, "CHARSET") ||
                is_word(r, "CHAR")) {
                r->out->effects |= EFFECT_NAMES;
                skip_value(r);
            } else {
                read_assignment(r);
            }
        }
    }
    look_to_end(r);
}

/* WITH begins reads and writes alike. */
static void read_with(struct reading *r)
{
    while (!is_over(r)) {
        r->out->writes = r->out->writes || is_word(r, "UPDATE") || is_word(r, "DELETE");
        look(r);
    }
}

/* In the table: it changes tables or accounts. */
#define WRITES (1u << 31)

static const struct {
    const char *word;
    unsigned effects;
    void (*read)(struct reading *r); /* NULL: the first word says it all */
} statements[] = {
    {"SELECT", 0, read_plain},
    {"INSERT", WRITES, read_plain},
    {"UPDATE", WRITES, read_plain},
    {"DELETE", WRITES, read_plain},
    {"REPLACE", WRITES, read_plain},
    {"SET", 0, read_set},
    {"BEGIN", 0, read_begin},
    {"COMMIT", 0, NULL},
    {"ROLLBACK", 0, NULL},
    {"START", 0, NULL},
    {"SHOW", 0, read_show},
    {"WITH", 0, read_with},
    {"USE", EFFECT_USE, NULL},
    {"SAVEPOINT", 0, NULL},
    {"RELEASE", 0, NULL},
    {"TABLE", 0, read_plain},
    {"VALUES", 0, read_plain},
    {"EXPLAIN", 0, read_plain},
    {"DESCRIBE", 0, NULL},
    {"DESC", 0, NULL},
    {"DO", WRITES, read_plain},
    {"CREATE", EFFECT_SCHEMA | WRITES, read_create},
    {"ALTER", EFFECT_SCHEMA | WRITES, NULL},
    {"DROP", EFFECT_SCHEMA | WRITES, NULL},
    {"RENAME", EFFECT_SCHEMA | WRITES, NULL},
    {"TRUNCATE", EFFECT_SCHEMA | WRITES, NULL},
    {"LOAD", WRITES, read_load},
    {"ANALYZE", WRITES, NULL},
    {"CHECK", 0, NULL},
    {"CHECKSUM", 0, NULL},
    {"OPTIMIZE", WRITES, NULL},
    {"REPAIR", WRITES, NULL},
    {"GRANT", WRITES, NULL},
    {"REVOKE", WRITES, NULL},
    {"KILL", 0, NULL},
    {"HELP", 0, NULL},
    {"PURGE", 0, NULL},
    {"FLUSH", 0, read_flush},
    {"CALL", EFFECT_PROGRAM | WRITES, NULL},
    {"PREPARE", EFFECT_PREPARED, NULL},
    {"EXECUTE", EFFECT_PREPARED | EFFECT_PROGRAM | WRITES, NULL},
    {"DEALLOCATE", EFFECT_PREPARED, NULL},
    {"LOCK", EFFECT_LOCK, NULL},
    {"UNLOCK", EFFECT_LOCK, NULL},
    {"HANDLER", EFFECT_LOCK, NULL},
    {"BACKUP", EFFECT_LOCK, NULL},
    {"GET", EFFECT_READS_DIAGNOSTICS | EFFECT_USER_VARIABLE, NULL},
};

static void skip_to_end(struct reading *r)
{
    while (!is_over(r)) {
        next(r);
    }
}

static void read_statement(struct reading *r)
{
    while (r->code == TK_LP) {
        next(r);
    }
    for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
        if (is_word(r, statements[i].word)) {
            r->out->effects |= statements[i].effects & ~WRITES;
            r->out->writes = r->out->writes || (statements[i].effects & WRITES) != 0;
            if (statements[i].read != NULL) {
                statements[i].read(r);
            }
            skip_to_end(r);
            return;
        }
    }
    r->out->effects |= EFFECT_UNKNOWN;
    skip_to_end(r);
}

void sql_effects(struct str text, const struct parse_options *options, struct sql_effects *out)
{
    struct reading r = {.out = out};
    out->effects = 0;
    out->variable_count = 0;
    out->writes = false;
    scanner_init(&r.scanner, text, options, NULL);
    next(&r);
    while (r.code != 0 && r.code != TK_ILLEGAL) {
        if (r.code == TK_SEMICOLON) {
            next(&r);
        } else {
            read_statement(&r);
        }
    }
    out->writes = out->writes || (out->effects & (EFFECT_UNKNOWN | EFFECT_PROGRAM)) != 0;
}
