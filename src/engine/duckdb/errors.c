/*
 * DuckDB's errors as MySQL's. DuckDB gives a type and a text that begins with the type's name ("Out
 * of Range Error: …"); what a type means to a client often depends on the text, so the table below
 * has patterns, the first match wins.
 */
#include "engine/duckdb/duckdb_int.h"

#include <string.h>

enum rule_text {
    TEXT_OF_CODE, /* The MySQL message of the code; it has no parameters. */
    TEXT_TABLE_FULL,
    TEXT_RANGE, /* "%s value is out of range in '%s'" */
    TEXT_OWN,   /* DuckDB's text without its prefix. */
    TEXT_INTERNAL,
};

struct rule {
    duckdb_error_type type; /* DUCKDB_ERROR_INVALID = any */
    const char *pattern;    /* Found anywhere in the text; NULL = any text. */
    int code;
    enum rule_text text;
};

/* clang-format off */
static const struct rule rules[] = {
    {DUCKDB_ERROR_INTERRUPT, NULL, ER_QUERY_INTERRUPTED, TEXT_OF_CODE},
    {DUCKDB_ERROR_INVALID, "No space left on device", ER_RECORD_FILE_FULL, TEXT_TABLE_FULL},
    {DUCKDB_ERROR_INVALID, "File too large", ER_RECORD_FILE_FULL, TEXT_TABLE_FULL},
    {DUCKDB_ERROR_INVALID, "Disk quota exceeded", ER_RECORD_FILE_FULL, TEXT_TABLE_FULL},
    {DUCKDB_ERROR_OUT_OF_MEMORY, NULL, ER_OUT_OF_SORTMEMORY, TEXT_OF_CODE}, /* DuckDB's gives advice */
    {DUCKDB_ERROR_OUT_OF_RANGE, NULL, ER_DATA_OUT_OF_RANGE, TEXT_RANGE},
    {DUCKDB_ERROR_CONVERSION, "out of range", ER_DATA_OUT_OF_RANGE, TEXT_RANGE},
    {DUCKDB_ERROR_CONVERSION, NULL, ER_TRUNCATED_WRONG_VALUE, TEXT_OWN},
    {DUCKDB_ERROR_DIVIDE_BY_ZERO, NULL, ER_DIVISION_BY_ZERO, TEXT_OF_CODE},
    {DUCKDB_ERROR_INVALID_INPUT, "More than one row returned by a subquery", ER_SUBQUERY_NO_1_ROW, TEXT_OF_CODE},
    {DUCKDB_ERROR_CONSTRAINT, "NOT NULL", ER_BAD_NULL_ERROR, TEXT_OWN},
    {DUCKDB_ERROR_CONSTRAINT, NULL, ER_DUP_ENTRY, TEXT_OWN},
    {DUCKDB_ERROR_TRANSACTION, "Increasing the memory limit", ER_OUT_OF_SORTMEMORY, TEXT_OF_CODE}, /* its advice */
    {DUCKDB_ERROR_TRANSACTION, NULL, ER_LOCK_DEADLOCK, TEXT_OF_CODE},
    {DUCKDB_ERROR_INVALID, NULL, ER_INTERNAL_ERROR, TEXT_INTERNAL},
};
/* clang-format on */

duckdb_error_type ddb_error_type_of(const char *message)
{
    static const struct {
        const char *prefix;
        duckdb_error_type type;
    } prefixes[] = {
        {"Conversion Error", DUCKDB_ERROR_CONVERSION},
        {"Out of Range Error", DUCKDB_ERROR_OUT_OF_RANGE},
        {"Invalid Input Error", DUCKDB_ERROR_INVALID_INPUT},
        {"INTERRUPT Error", DUCKDB_ERROR_INTERRUPT},
        {"Out of Memory Error", DUCKDB_ERROR_OUT_OF_MEMORY},
        {"TransactionContext Error", DUCKDB_ERROR_TRANSACTION},
        {"IO Error", DUCKDB_ERROR_IO},
        {"FATAL Error", DUCKDB_ERROR_FATAL},
    };
    for (size_t i = 0; message != NULL && i < ARRAY_SIZE(prefixes); i++) {
        if (strncmp(message, prefixes[i].prefix, strlen(prefixes[i].prefix)) == 0) {
            return prefixes[i].type;
        }
    }
    return DUCKDB_ERROR_BINDER;
}

bool ddb_error_is_fatal(duckdb_error_type type, const char *message)
{
    return type == DUCKDB_ERROR_FATAL ||
           (message != NULL && strstr(message, "database has been invalidated") != NULL);
}

bool ddb_error_is_narrow_overflow(duckdb_error_type type, const char *message)
{
    return type == DUCKDB_ERROR_OUT_OF_RANGE && message != NULL &&
           strstr(message, "DECIMAL") != NULL;
}

/* The text behind "Some Type Error: ". */
static struct str without_prefix(struct str text)
{
    static const char mark[] = "Error: ";
    const char *at =
        text.len ? memmem(text.p, MIN(text.len, (size_t)40), mark, sizeof(mark) - 1) : NULL;
    if (at == NULL) {
        return text;
    }
    const size_t skip = (size_t)(at - text.p) + sizeof(mark) - 1;
    return str_from(text.p + skip, text.len - skip);
}

/*
 * An error that one of our functions raised inside DuckDB: its text begins with MySQL's number, so
 * that the function decides what the client sees ("1690 BIGINT value is out of range").
 */
static bool own_error(struct str text, int *out_code, struct str *out_message)
{
    const struct str own = without_prefix(text);
    const char *space = own.len ? memchr(own.p, ' ', own.len) : NULL;
    int64_t code;
    if (space == NULL || space - own.p < 4 ||
        str_to_i64(str_from(own.p, (size_t)(space - own.p)), &code) != 0 || code < 1000 ||
        code > UINT16_MAX) {
        return false;
    }
    *out_code = (int)code;
    *out_message = str_from(space + 1, own.len - (size_t)(space + 1 - own.p));
    return true;
}

/* What overflowed, in MySQL's words. */
static const char *range_type(const char *message)
{
    static const struct {
        const char *pattern;
        const char *name;
    } names[] = {
        {"DECIMAL", "DECIMAL"}, {"UINT", "BIGINT UNSIGNED"}, {"DOUBLE", "DOUBLE"},
        {"FLOAT", "DOUBLE"},    {"date", "DATETIME"},        {"imestamp", "DATETIME"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strstr(message, names[i].pattern) != NULL) {
            return names[i].name;
        }
    }
    return "BIGINT";
}

/* "Overflow in addition of INT64 (9223372036854775807 + 1)!": the part in the last parentheses with
 * an operator in it. */
static struct str range_expression(struct str text)
{
    const char *open = text.len ? memrchr(text.p, '(', text.len) : NULL;
    const char *close = open ? memchr(open, ')', (size_t)(text.p + text.len - open)) : NULL;
    if (close == NULL) {
        return without_prefix(text);
    }
    return str_from(open, (size_t)(close - open) + 1);
}

static int set_by_rule(struct diag *diag, const struct rule *rule, struct str text,
                       struct str subject)
{
    switch (rule->text) {
    case TEXT_TABLE_FULL:
        return diag_set(
            diag, ER_RECORD_FILE_FULL,
            arena_dup_cstr(&diag->arena, subject.len ? subject : STR("pintail.duckdb")));
    case TEXT_RANGE:
        return diag_set(diag, ER_DATA_OUT_OF_RANGE, range_type(text.p),
                        arena_dup_cstr(&diag->arena, range_expression(text)));
    case TEXT_INTERNAL:
        return diag_set(diag, ER_INTERNAL_ERROR, arena_dup_cstr(&diag->arena, text));
    case TEXT_OWN:
        return diag_set_text(diag, rule->code, arena_dup(&diag->arena, without_prefix(text)));
    case TEXT_OF_CODE:
        break;
    }
    switch (rule->code) {
    case ER_QUERY_INTERRUPTED:
        return diag_set(diag, ER_QUERY_INTERRUPTED);
    case ER_OUT_OF_SORTMEMORY:
        return diag_set(diag, ER_OUT_OF_SORTMEMORY);
    case ER_DIVISION_BY_ZERO:
        return diag_set(diag, ER_DIVISION_BY_ZERO);
    case ER_SUBQUERY_NO_1_ROW:
        return diag_set(diag, ER_SUBQUERY_NO_1_ROW);
    default:
        return diag_set(diag, ER_LOCK_DEADLOCK);
    }
}

int duckdb_diag(struct diag *diag, duckdb_error_type type, const char *message, struct str subject)
{
    const struct str text = str_from_cstr(message != NULL ? message : "DuckDB gave no reason");
    int code = 0;
    struct str own = STR_NULL;
    if (type == DUCKDB_ERROR_INVALID_INPUT && own_error(text, &code, &own)) {
        return diag_set_text(diag, code, arena_dup(&diag->arena, own));
    }
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        const struct rule *rule = &rules[i];
        if ((rule->type == DUCKDB_ERROR_INVALID || rule->type == type) &&
            (rule->pattern == NULL || strstr(text.p, rule->pattern) != NULL)) {
            return set_by_rule(diag, rule, text, subject);
        }
    }
    return diag_set(diag, ER_INTERNAL_ERROR, text.p);
}
