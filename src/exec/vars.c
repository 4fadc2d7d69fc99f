/* See vars.h. */
#include "exec/vars.h"

#include "types/collation.h"
#include "types/convert.h"

#include <stdlib.h>

static const struct sysvar table[] = {
#define SYSVAR(var_name, var_kind, var_flags, var_def, var_min, var_max, var_labels)               \
    {.name = STR_INIT(#var_name),                                                                  \
     .kind = SYSVAR_##var_kind,                                                                    \
     .flags = (var_flags),                                                                         \
     .offset = offsetof(struct sysvars, var_name),                                                 \
     .def = (var_def),                                                                             \
     .min = (var_min),                                                                             \
     .max = (var_max),                                                                             \
     .labels = (var_labels)},
#include "exec/vars.def"
#undef SYSVAR
};

/* Defaults in which MariaDB differs. */
static const struct {
    const char *name;
    const char *def;
} mariadb_defaults[] = {
    {"character_set_system", "utf8mb3"},
    {"collation_connection", "utf8mb4_general_ci"},
    {"collation_database", "utf8mb4_general_ci"},
    {"collation_server", "utf8mb4_general_ci"},
    {"max_allowed_packet", "16777216"},
    {"group_concat_max_len", "1048576"},
    {"max_error_count", "64"},
    {"lock_wait_timeout", "86400"},
};

static bool in_dialect(const struct sysvar *v, enum sql_dialect dialect)
{
    return (v->flags & (dialect == DIALECT_MYSQL ? SYSVAR_MARIADB_ONLY : SYSVAR_MYSQL_ONLY)) == 0;
}

const struct sysvar *sysvar_find(struct str name, enum sql_dialect dialect)
{
    size_t low = 0;
    size_t high = ARRAY_SIZE(table);
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const int cmp = str_cmp_nocase(name, table[mid].name);
        if (cmp == 0) {
            return in_dialect(&table[mid], dialect) ? &table[mid] : NULL;
        }
        if (cmp < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

const struct sysvar *sysvar_at(uint32_t index)
{
    return index < ARRAY_SIZE(table) ? &table[index] : NULL;
}

bool sysvar_is_in(const struct sysvar *var, enum sql_dialect dialect)
{
    return in_dialect(var, dialect);
}

static void *member(const struct sysvar *v, const struct sysvars *vars)
{
    return (char *)(uintptr_t)vars + v->offset;
}

/* ---- Labels ---- */

/* The value of a label ("OFF" of "OFF,ON"), or -1. */
static int64_t label_find(const char *labels, struct str text)
{
    int64_t i = 0;
    for (const char *p = labels; *p != '\0'; i++) {
        const size_t len = strcspn(p, ",");
        if (str_eq_nocase(str_from(p, len), text)) {
            return i;
        }
        p += len + (p[len] == ',');
    }
    return -1;
}

static struct str label_at(const char *labels, uint32_t i)
{
    const char *p = labels;
    while (i-- > 0) {
        p += strcspn(p, ",") + 1;
    }
    return str_from(p, strcspn(p, ","));
}

/* ---- Making ---- */

static void set_text(struct sysvar_text *t, struct str s)
{
    t->len = (uint16_t)MIN(s.len, (size_t)SYSVAR_TEXT_MAX);
    if (t->len > 0) {
        memcpy(t->p, s.p, t->len);
    }
}

static void set_default(const struct sysvar *v, struct sysvars *vars, const char *def,
                        enum sql_dialect dialect)
{
    void *m = member(v, vars);
    const struct str text = str_from_cstr(def);
    switch (v->kind) {
    case SYSVAR_BOOL:
        *(bool *)m = str_eq(text, STR("ON"));
        break;
    case SYSVAR_UINT:
        (void)!str_to_u64(text, m);
        break;
    case SYSVAR_INT:
        (void)!str_to_i64(text, m);
        break;
    case SYSVAR_DOUBLE:
        *(double *)m = strtod(def, NULL);
        break;
    case SYSVAR_ENUM:
        *(uint32_t *)m = (uint32_t)label_find(v->labels, text);
        break;
    case SYSVAR_CHARSET:
        *(const struct charset **)m = charset_find(text);
        break;
    case SYSVAR_COLLATION:
        *(uint16_t *)m = collation_find_name(text, dialect)->id;
        break;
    case SYSVAR_TIMEZONE:
        *(const struct timezone **)m = timezone_find(text);
        break;
    case SYSVAR_SQL_MODE:
        *(uint64_t *)m =
            dialect == DIALECT_MYSQL ? SQL_MODE_DEFAULT_MYSQL : SQL_MODE_DEFAULT_MARIADB;
        break;
    case SYSVAR_TEXT:
        set_text(*(struct sysvar_text **)m, text);
        break;
    }
}

/* In MySQL some collations of this table do not exist in the other dialect; the defaults are looked
 * up in their own. */
static const char *default_of(const struct sysvar *v, enum sql_dialect dialect)
{
    if (dialect == DIALECT_MARIADB) {
        for (size_t i = 0; i < ARRAY_SIZE(mariadb_defaults); i++) {
            if (str_eq(v->name, str_from_cstr(mariadb_defaults[i].name))) {
                return mariadb_defaults[i].def;
            }
        }
    }
    return v->def;
}

static void new_texts(struct sysvars *vars, struct arena *arena)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].kind == SYSVAR_TEXT) {
            *(struct sysvar_text **)member(&table[i], vars) = ARENA_NEW(arena, struct sysvar_text);
        }
    }
}

void sysvars_init(struct sysvars *vars, enum sql_dialect dialect, struct arena *arena)
{
    *vars = (struct sysvars){.dialect = dialect};
    new_texts(vars, arena);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        set_default(&table[i], vars, default_of(&table[i], dialect), dialect);
    }
}

void sysvars_copy(struct sysvars *to, const struct sysvars *from, struct arena *arena)
{
    *to = *from;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].kind == SYSVAR_TEXT && (table[i].flags & SYSVAR_SESSION_SCOPE) != 0) {
            struct sysvar_text *copy = arena_alloc(arena, sizeof *copy);
            *copy = **(struct sysvar_text **)member(&table[i], from);
            *(struct sysvar_text **)member(&table[i], to) = copy;
        }
    }
}

void sysvar_set_text(struct sysvars *vars, struct str name, struct str value)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (str_eq(table[i].name, name)) {
            assert(table[i].kind == SYSVAR_TEXT);
            set_text(*(struct sysvar_text **)member(&table[i], vars), value);
        }
    }
}

/* ---- Reading ---- */

static struct sql_type text_type(uint32_t length)
{
    return (struct sql_type){.type = MYSQL_TYPE_VAR_STRING,
                             .length = length,
                             .decimals = DECIMALS_NOT_FIXED,
                             .collation = COLLATION_UTF8MB3_GENERAL_CI};
}

static struct sql_type int_type(bool is_unsigned)
{
    return (struct sql_type){.type = MYSQL_TYPE_LONGLONG,
                             .length = 21,
                             .flags = (uint16_t)(BINARY_FLAG | (is_unsigned ? UNSIGNED_FLAG : 0)),
                             .collation = COLLATION_BINARY};
}

static struct str collation_name_of(uint16_t id)
{
    const struct collation *c = collation_find(id);
    return c == NULL ? STR_NULL : c->name;
}

struct str sysvar_text(const struct sysvar *v, const struct sysvars *vars, struct arena *arena)
{
    const void *m = member(v, vars);
    char buf[400];
    switch (v->kind) {
    case SYSVAR_BOOL:
        return *(const bool *)m ? STR("ON") : STR("OFF");
    case SYSVAR_UINT:
        return arena_dup(arena, str_from(buf, format_u64(*(const uint64_t *)m, buf)));
    case SYSVAR_INT:
        return arena_dup(arena, str_from(buf, format_i64(*(const int64_t *)m, buf)));
    case SYSVAR_DOUBLE:
        return arena_dup(arena, str_from(buf, format_double(*(const double *)m, 6, buf)));
    case SYSVAR_ENUM:
        return label_at(v->labels, *(const uint32_t *)m);
    case SYSVAR_CHARSET: {
        const struct charset *cs = *(const struct charset *const *)m;
        return cs == NULL ? STR("") : cs->name;
    }
    case SYSVAR_COLLATION:
        return collation_name_of(*(const uint16_t *)m);
    case SYSVAR_TIMEZONE:
        return timezone_name(*(const struct timezone *const *)m);
    case SYSVAR_SQL_MODE:
        return sql_mode_format(*(const uint64_t *)m, vars->dialect, arena);
    case SYSVAR_TEXT: {
        const struct sysvar_text *t = *(struct sysvar_text *const *)m;
        return arena_dup(arena, str_from(t->p, t->len));
    }
    }
    return STR_NULL;
}

/* The longest text of a variable that MySQL announces, in characters. */
#define VARIABLE_TEXT_LEN 21845

void sysvar_get(const struct sysvar *v, const struct sysvars *vars, struct arena *arena,
                struct value *out, struct sql_type *out_type)
{
    const void *m = member(v, vars);
    switch (v->kind) {
    case SYSVAR_BOOL:
        *out = value_int(*(const bool *)m);
        *out_type = int_type(false);
        out_type->length = 1;
        return;
    case SYSVAR_UINT:
        *out = value_uint(*(const uint64_t *)m);
        *out_type = int_type(true);
        return;
    case SYSVAR_INT:
        *out = value_int(*(const int64_t *)m);
        *out_type = int_type(false);
        return;
    case SYSVAR_DOUBLE:
        *out = value_double(*(const double *)m);
        *out_type = (struct sql_type){.type = MYSQL_TYPE_DOUBLE,
                                      .length = 23,
                                      .decimals = 6,
                                      .flags = BINARY_FLAG,
                                      .collation = COLLATION_BINARY};
        return;
    case SYSVAR_CHARSET:
        if (*(const struct charset *const *)m == NULL) {
            *out = value_null();
            *out_type = text_type(vars->dialect == DIALECT_MYSQL ? VARIABLE_TEXT_LEN : 0);
            return;
        }
        break;
    default:
        break;
    }
    const struct str text = sysvar_text(v, vars, arena);
    *out = value_string(text, COLLATION_UTF8MB3_GENERAL_CI);
    *out_type = text_type(vars->dialect == DIALECT_MYSQL ? VARIABLE_TEXT_LEN : (uint32_t)text.len);
}

/* ---- Setting ---- */

static int wrong_value(const struct sysvar *v, const struct value *value, struct diag *diag)
{
    struct arena a;
    arena_init(&a, 0);
    const struct str text = value_is_null(value) ? STR("NULL") : value_to_text(value, NULL, &a);
    diag_set(diag, ER_WRONG_VALUE_FOR_VAR, v->name.p, arena_dup_cstr(&a, text));
    arena_release(&a);
    return -1;
}

static bool is_number(const struct value *v)
{
    return v->kind == VALUE_INT || v->kind == VALUE_UINT;
}

static bool is_word(const struct value *v)
{
    return v->kind == VALUE_STRING;
}

static int set_bool(const struct sysvar *v, bool *m, const struct value *value, struct diag *diag)
{
    if (is_number(value) && (value->u == 0 || value->u == 1)) {
        *m = value->u == 1;
        return 0;
    }
    if (is_word(value)) {
        const bool on =
            str_eq_nocase(value->str, STR("ON")) || str_eq_nocase(value->str, STR("TRUE"));
        if (on || str_eq_nocase(value->str, STR("OFF")) ||
            str_eq_nocase(value->str, STR("FALSE"))) {
            *m = on;
            return 0;
        }
    }
    if (value->kind == VALUE_DOUBLE || value->kind == VALUE_DECIMAL) {
        return diag_set(diag, ER_WRONG_TYPE_FOR_VAR, v->name.p);
    }
    return wrong_value(v, value, diag);
}

static void clipped(const struct sysvar *v, const struct value *value, struct diag *diag)
{
    char buf[32];
    const size_t len =
        value->kind == VALUE_UINT ? format_u64(value->u, buf) : format_i64(value->i, buf);
    buf[len] = '\0';
    diag_warn(diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE, v->name.p, buf);
}

static int set_uint(const struct sysvar *v, uint64_t *m, const struct value *value,
                    struct diag *diag)
{
    if (!is_number(value)) {
        return diag_set(diag, ER_WRONG_TYPE_FOR_VAR, v->name.p);
    }
    const bool negative = value->kind == VALUE_INT && value->i < 0;
    const uint64_t given = negative ? 0 : value->u;
    const uint64_t kept = MIN(MAX(given, (uint64_t)v->min), v->max);
    if (negative || kept != given) {
        clipped(v, value, diag);
    }
    *m = kept;
    return 0;
}

static int set_double(const struct sysvar *v, double *m, const struct value *value,
                      struct diag *diag)
{
    if (is_word(value) || value_is_null(value)) {
        return diag_set(diag, ER_WRONG_TYPE_FOR_VAR, v->name.p);
    }
    const double given = value_to_double(value, NULL);
    *m = MIN(MAX(given, (double)v->min), (double)v->max);
    if (*m < given || *m > given) {
        diag_warn(diag, DIAG_WARNING, ER_TRUNCATED_WRONG_VALUE, v->name.p, "number");
    }
    return 0;
}

static int set_enum(const struct sysvar *v, uint32_t *m, const struct value *value,
                    struct diag *diag)
{
    int64_t i = -1;
    if (is_word(value)) {
        i = label_find(v->labels, value->str);
    } else if (is_number(value) && value->u <= v->max) {
        i = value->i;
    }
    if (i < 0) {
        return wrong_value(v, value, diag);
    }
    *m = (uint32_t)i;
    return 0;
}

static int set_charset(const struct sysvar *v, const struct charset **m, const struct value *value,
                       struct diag *diag)
{
    if (value_is_null(value)) {
        if (!str_eq(v->name, STR("character_set_results"))) {
            return wrong_value(v, value, diag);
        }
        *m = NULL;
        return 0;
    }
    if (!is_word(value)) {
        return wrong_value(v, value, diag);
    }
    const struct charset *cs = charset_find(value->str);
    if (cs == NULL) {
        struct arena a;
        arena_init(&a, 0);
        diag_set(diag, ER_UNKNOWN_CHARACTER_SET, arena_dup_cstr(&a, value->str));
        arena_release(&a);
        return -1;
    }
    /* The scanner needs ASCII bytes to be ASCII. */
    if (str_eq(v->name, STR("character_set_client")) && cs->min_len > 1) {
        return wrong_value(v, value, diag);
    }
    *m = cs;
    return 0;
}

static int set_collation(const struct sysvar *v, uint16_t *m, const struct value *value,
                         enum sql_dialect dialect, struct diag *diag)
{
    if (!is_word(value)) {
        return wrong_value(v, value, diag);
    }
    const struct collation *c = collation_find_name(value->str, dialect);
    if (c == NULL) {
        struct arena a;
        arena_init(&a, 0);
        diag_set(diag, ER_UNKNOWN_COLLATION, arena_dup_cstr(&a, value->str));
        arena_release(&a);
        return -1;
    }
    *m = c->id;
    return 0;
}

static int set_timezone(const struct timezone **m, const struct value *value, struct diag *diag)
{
    const struct timezone *tz = is_word(value) ? timezone_find(value->str) : NULL;
    if (tz == NULL) {
        struct arena a;
        arena_init(&a, 0);
        const struct str text = value_is_null(value) ? STR("NULL") : value_to_text(value, NULL, &a);
        diag_set(diag, ER_UNKNOWN_TIME_ZONE, arena_dup_cstr(&a, text));
        arena_release(&a);
        return -1;
    }
    *m = tz;
    return 0;
}

/* MySQL warns of strict mode and the modes for dates and divisions unless all or none are on. */
static void check_sql_mode(uint64_t mode, enum sql_dialect dialect, struct diag *diag)
{
    static const uint64_t merged =
        SQL_MODE_NO_ZERO_IN_DATE | SQL_MODE_NO_ZERO_DATE | SQL_MODE_ERROR_FOR_DIVISION_BY_ZERO;
    const bool all = (mode & SQL_MODE_STRICT) != 0 && (mode & merged) == merged;
    if (dialect == DIALECT_MYSQL && !all && (mode & (merged | SQL_MODE_STRICT)) != 0) {
        diag_warn(diag, DIAG_WARNING, ER_SQL_MODE_MERGED);
    }
}

static int set_sql_mode(const struct sysvar *v, uint64_t *m, const struct value *value,
                        enum sql_dialect dialect, struct diag *diag)
{
    if (is_number(value)) {
        if (sql_mode_from_number(value->u, dialect, m) != 0) {
            return wrong_value(v, value, diag);
        }
        check_sql_mode(*m, dialect, diag);
        return 0;
    }
    struct str bad;
    if (!is_word(value)) {
        return wrong_value(v, value, diag);
    }
    if (sql_mode_parse(value->str, dialect, m, &bad) != 0) {
        const struct value culprit = value_string(bad, COLLATION_UTF8MB4_BIN);
        return wrong_value(v, &culprit, diag);
    }
    check_sql_mode(*m, dialect, diag);
    return 0;
}

int sysvar_set(const struct sysvar *v, struct sysvars *vars, const struct value *value,
               const struct sysvars *defaults, struct diag *diag)
{
    void *m = member(v, vars);
    if (value == NULL) {
        struct arena a;
        arena_init(&a, 0);
        if (v->kind == SYSVAR_TEXT) {
            set_text(*(struct sysvar_text **)m, sysvar_text(v, defaults, &a));
        } else {
            static const size_t sizes[] = {
                [SYSVAR_BOOL] = sizeof(bool),          [SYSVAR_UINT] = sizeof(uint64_t),
                [SYSVAR_INT] = sizeof(int64_t),        [SYSVAR_DOUBLE] = sizeof(double),
                [SYSVAR_ENUM] = sizeof(uint32_t),      [SYSVAR_CHARSET] = sizeof(void *),
                [SYSVAR_COLLATION] = sizeof(uint16_t), [SYSVAR_TIMEZONE] = sizeof(void *),
                [SYSVAR_SQL_MODE] = sizeof(uint64_t),
            };
            memcpy(m, member(v, defaults), sizes[v->kind]);
        }
        arena_release(&a);
        return 0;
    }
    switch (v->kind) {
    case SYSVAR_BOOL:
        return set_bool(v, m, value, diag);
    case SYSVAR_UINT:
    case SYSVAR_INT:
        return set_uint(v, m, value, diag);
    case SYSVAR_DOUBLE:
        return set_double(v, m, value, diag);
    case SYSVAR_ENUM:
        return set_enum(v, m, value, diag);
    case SYSVAR_CHARSET:
        return set_charset(v, m, value, diag);
    case SYSVAR_COLLATION:
        return set_collation(v, m, value, vars->dialect, diag);
    case SYSVAR_TIMEZONE:
        return set_timezone(m, value, diag);
    case SYSVAR_SQL_MODE:
        return set_sql_mode(v, m, value, vars->dialect, diag);
    case SYSVAR_TEXT:
        if (!is_word(value)) {
            return diag_set(diag, ER_WRONG_TYPE_FOR_VAR, v->name.p);
        }
        set_text(*(struct sysvar_text **)m, value->str);
        return 0;
    }
    return -1;
}
