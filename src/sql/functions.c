/* The function catalogue as a table, and its index by name. */
#include "sql/functions.h"

#include "sql/resolve_int.h"
#include "sql/write_duckdb_int.h"

static const struct func_def funcs[FUNC_ID_COUNT] = {
#define FUNC(symbol, fname, fkind, fflags, min, max, trule, lmysql, lmariadb, drule, dtext)        \
    [FN_##symbol] = {.name = (fname),                                                              \
                     .kind = (fkind),                                                              \
                     .flags = (fflags),                                                            \
                     .min_args = (min),                                                            \
                     .max_args = (max),                                                            \
                     .len_mysql = (lmysql),                                                        \
                     .len_mariadb = (lmariadb),                                                    \
                     .type_rule = (trule),                                                         \
                     .duckdb_rule = (drule),                                                       \
                     .duckdb_text = (dtext),                                                       \
                     .id = FN_##symbol},
#include "sql/functions.def"
#undef FUNC
};

/* Catalogue positions in order of name, made at build of the index. */
static const struct str synonyms[][2] = {
    {STR_INIT("!="), STR_INIT("<>")},        {STR_INIT("!"), STR_INIT("NOT")},
    {STR_INIT("&&"), STR_INIT("AND")},       {STR_INIT("||"), STR_INIT("OR")},
    {STR_INIT("RLIKE"), STR_INIT("REGEXP")}, {STR_INIT("UNARY -"), STR_INIT("NEG")},
};

const struct func_def *func_get(enum func_id id)
{
    return &funcs[id];
}

static const struct func_def *find_exact(struct str name)
{
    for (size_t i = 0; i < FUNC_ID_COUNT; i++) {
        if (str_eq_nocase(str_from_cstr(funcs[i].name), name)) {
            return &funcs[i];
        }
    }
    return NULL;
}

const struct func_def *func_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++) {
        if (str_eq_nocase(synonyms[i][0], name)) {
            name = synonyms[i][1];
            break;
        }
    }
    return find_exact(name);
}
