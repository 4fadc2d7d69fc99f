/*
 * Columns: from what was written to a definition, with MySQL's limits and errors. See ddl_int.h.
 * The types' metadata (display widths, flags) are what the servers send for such columns.
 */
#include "exec/ddl_int.h"
#include "exec/eval.h"
#include "types/convert.h"

#define COLUMN_COMMENT_CHARS 1024
#define LABEL_CHARS          255
#define SET_MEMBERS          64
#define DISPLAY_WIDTH_MAX    255
#define CHAR_MAX_CHARS       255
#define VARCHAR_MAX_BYTES    65535

/* MySQL's ER_INVALID_FIELD_SIZE. */
#define ERROR_INVALID_FIELD_SIZE 3013

struct column_build {
    struct exec_session *x;
    struct table_def *t;
    const struct column_spec *spec;
    struct column_def *c;
    const char *name; /* for messages */
};

/* ---- Deprecations: MySQL warns, MariaDB does not ---- */

static void deprecated(struct exec_session *x, const char *text)
{
    if (x->server->dialect == DIALECT_MYSQL) {
        diag_warn_at(x->diag, DIAG_WARNING, ER_WARN_DEPRECATED_SYNTAX_NO_REPLACEMENT, "%s", text);
    }
}

void ddl_warn_type(struct exec_session *x, const struct sql_type *type)
{
    const enum type_class class = type_class_of(type->type);
    const bool real = class == TYPE_CLASS_REAL;
    if (type->type == MYSQL_TYPE_YEAR ||
        (class != TYPE_CLASS_INT && class != TYPE_CLASS_DECIMAL && !real)) {
        return;
    }
    if ((type->flags & ZEROFILL_FLAG) != 0) {
        deprecated(x, "The ZEROFILL attribute is deprecated and will be removed in a future "
                      "release. Use the LPAD function to zero-pad numbers, or store the formatted "
                      "numbers in a CHAR column.");
    }
    if (real && type->decimals != DECIMALS_NOT_FIXED) {
        deprecated(x, "Specifying number of digits for floating point data types is deprecated "
                      "and will be removed in a future release.");
    }
    if (class != TYPE_CLASS_INT && type_is_unsigned(type)) {
        deprecated(x, "UNSIGNED for decimal and floating point data types is deprecated and "
                      "support for it will be removed in a future release.");
    }
}

/* ---- Limits: the servers word these errors differently ---- */

static bool is_mysql(const struct column_build *b)
{
    return b->x->server->dialect == DIALECT_MYSQL;
}

static int too_wide(struct column_build *b, unsigned long max)
{
    if (is_mysql(b)) {
        return diag_set(b->x->diag, ER_TOO_BIG_DISPLAYWIDTH, b->name, max);
    }
    return diag_set_text(b->x->diag, ER_TOO_BIG_DISPLAYWIDTH,
                         arena_printf(&b->x->stmt_arena,
                                      "Display width out of range for '%s' (max = %lu)", b->name,
                                      max));
}

static int too_precise(struct column_build *b, uint32_t given, unsigned long max)
{
    if (is_mysql(b)) {
        return diag_set(b->x->diag, ER_TOO_BIG_PRECISION, (int)given, b->name, max);
    }
    return diag_set_text(b->x->diag, ER_TOO_BIG_PRECISION,
                         arena_printf(&b->x->stmt_arena,
                                      "Too big precision specified for '%s'. Maximum is %lu",
                                      b->name, max));
}

static int check_digits(struct column_build *b)
{
    const struct sql_type *t = &b->c->type;
    if (t->length >= t->decimals) {
        return 0;
    }
    if (is_mysql(b)) {
        return diag_set(b->x->diag, ER_M_BIGGER_THAN_D, b->name);
    }
    return diag_set_text(b->x->diag, ER_M_BIGGER_THAN_D,
                         arena_printf(&b->x->stmt_arena,
                                      "For float(M,D), double(M,D) or decimal(M,D), M must be >= D "
                                      "(column '%s')",
                                      b->name));
}

static int check_scale(struct column_build *b)
{
    const struct sql_type *t = &b->c->type;
    if (t->decimals <= DECIMAL_MAX_SCALE) {
        return 0;
    }
    return diag_set(b->x->diag, ER_TOO_BIG_SCALE, (int)t->decimals, b->name,
                    (unsigned long)DECIMAL_MAX_SCALE);
}

/* ---- Numbers ---- */

struct int_width {
    enum mysql_type type;
    uint8_t is_signed, is_unsigned;
};

static uint32_t default_int_width(enum mysql_type type, bool is_unsigned)
{
    static const struct int_width widths[] = {
        {MYSQL_TYPE_TINY, 4, 3},   {MYSQL_TYPE_SHORT, 6, 5},      {MYSQL_TYPE_INT24, 9, 8},
        {MYSQL_TYPE_LONG, 11, 10}, {MYSQL_TYPE_LONGLONG, 20, 20},
    };
    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
        if (widths[i].type == type) {
            return is_unsigned ? widths[i].is_unsigned : widths[i].is_signed;
        }
    }
    return 11;
}

static int make_int(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    ddl_warn_type(b->x, t);
    if (b->spec->has_length) {
        deprecated(b->x, "Integer display width is deprecated and will be removed in a future "
                         "release.");
    }
    if (t->length > DISPLAY_WIDTH_MAX) {
        return too_wide(b, DISPLAY_WIDTH_MAX);
    }
    if (t->length == 0) {
        t->length = default_int_width(t->type, type_is_unsigned(t));
    }
    return 0;
}

static int make_year(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    if (b->spec->has_length && t->length != 4) {
        return diag_set(b->x->diag, ER_INVALID_YEAR_COLUMN_LENGTH);
    }
    if (b->spec->has_length && b->x->server->dialect == DIALECT_MYSQL) {
        diag_warn(b->x->diag, DIAG_WARNING, ER_WARN_DEPRECATED_SYNTAX, "YEAR(4)", "YEAR");
    }
    t->length = 4;
    t->flags |= UNSIGNED_FLAG | ZEROFILL_FLAG;
    return 0;
}

static int make_bit(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    if (b->spec->has_length && t->length == 0) {
        const struct str text =
            arena_printf(&b->x->stmt_arena, "Invalid size for column '%s'.", b->name);
        return diag_set_text(b->x->diag, ERROR_INVALID_FIELD_SIZE, text);
    }
    if (t->length > 64) {
        return too_wide(b, 64);
    }
    t->length = MAX(t->length, 1);
    t->flags |= UNSIGNED_FLAG;
    return 0;
}

static int make_real(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    ddl_warn_type(b->x, t);
    if (t->decimals == DECIMALS_NOT_FIXED && !b->spec->has_length) {
        t->length = t->type == MYSQL_TYPE_FLOAT ? 12 : 22;
        return 0;
    }
    if (t->length > DISPLAY_WIDTH_MAX) {
        return too_wide(b, DISPLAY_WIDTH_MAX);
    }
    return check_digits(b);
}

static int make_decimal(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    ddl_warn_type(b->x, t);
    if (is_mysql(b) && check_scale(b) != 0) {
        return -1;
    }
    if (t->length > DECIMAL_MAX_PRECISION) {
        return too_precise(b, t->length, DECIMAL_MAX_PRECISION);
    }
    t->length = t->length == 0 ? 10 : t->length;
    return check_digits(b) != 0 ? -1 : check_scale(b);
}

/* ---- Dates and times ---- */

static int make_temporal(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    const uint32_t base = t->type == MYSQL_TYPE_DATE || t->type == MYSQL_TYPE_TIME ? 10 : 19;
    if (t->decimals > 6) {
        return too_precise(b, t->decimals, 6);
    }
    t->length = base + (t->decimals > 0 ? t->decimals + 1u : 0);
    t->flags |= BINARY_FLAG;
    if (t->type == MYSQL_TYPE_TIMESTAMP && !is_mysql(b)) {
        t->flags |= UNSIGNED_FLAG; /* as MariaDB tells its clients */
    }
    return 0;
}

/* ---- Strings ---- */

/* The _bin collation of a character set. */
static int binary_collation_of(struct column_build *b, uint16_t *collation)
{
    const struct collation *c = collation_find(*collation);
    if (c == NULL || c->charset->kind == CHARSET_BINARY) {
        return 0;
    }
    const struct str name = arena_printf(&b->x->stmt_arena, "%.*s_bin", STR_FMT(c->charset->name));
    return ddl_collation(b->x, c->charset->name, name, *collation, collation);
}

static void warn_text(struct exec_session *x, const struct column_spec *spec)
{
    if (spec->national) {
        diag_warn(x->diag, DIAG_WARNING, ER_DEPRECATED_NATIONAL);
    }
    if (spec->binary_collation) {
        diag_warn(x->diag, DIAG_WARNING, ER_WARN_DEPRECATED_SYNTAX, "BINARY as attribute of a type",
                  "a CHARACTER SET clause with _bin collation");
    }
}

static int set_collation(struct column_build *b)
{
    const struct column_spec *spec = b->spec;
    struct sql_type *t = &b->c->type;
    if (t->collation == COLLATION_BINARY && (t->flags & BINARY_FLAG) != 0) {
        return 0; /* BINARY, VARBINARY, BLOB */
    }
    const struct str charset = spec->national ? STR("utf8mb3") : spec->charset;
    if (b->x->server->dialect == DIALECT_MYSQL) {
        warn_text(b->x, spec);
    }
    if (ddl_collation(b->x, charset, spec->collation, b->t->collation, &t->collation) != 0) {
        return -1;
    }
    if (spec->binary_collation && binary_collation_of(b, &t->collation) != 0) {
        return -1;
    }
    b->c->explicit_collation =
        charset.p != NULL || spec->collation.p != NULL || spec->binary_collation;
    const struct collation *c = collation_find(t->collation);
    if (c == NULL) {
        return diag_set(b->x->diag, ER_INTERNAL_ERROR, "a table without a collation");
    }
    if (t->collation == COLLATION_BINARY || (c->flags & COLLATION_BIN) != 0) {
        t->flags |= BINARY_FLAG;
    }
    return 0;
}

static uint32_t max_char_bytes(uint16_t collation)
{
    const struct collation *c = collation_find(collation);
    return c == NULL || c->charset->max_len == 0 ? 1 : c->charset->max_len;
}

static int make_char(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    if (set_collation(b) != 0) {
        return -1;
    }
    if (!b->spec->has_length) {
        t->length = 1;
    }
    const uint32_t max = t->type == MYSQL_TYPE_STRING
                             ? CHAR_MAX_CHARS
                             : VARCHAR_MAX_BYTES / max_char_bytes(t->collation);
    if (t->length > max) {
        return diag_set(b->x->diag, ER_TOO_BIG_FIELDLENGTH, b->name, (unsigned long)max);
    }
    return 0;
}

/* TEXT(n) and BLOB(n) are the smallest type that holds so many characters or bytes. */
static void shrink_blob(struct sql_type *t)
{
    static const struct {
        enum mysql_type type;
        uint64_t bytes;
    } blobs[] = {{MYSQL_TYPE_TINY_BLOB, UINT8_MAX},
                 {MYSQL_TYPE_BLOB, UINT16_MAX},
                 {MYSQL_TYPE_MEDIUM_BLOB, 0xffffff}};
    const uint64_t bytes = (uint64_t)t->length * max_char_bytes(t->collation);
    t->type = MYSQL_TYPE_LONG_BLOB;
    for (size_t i = 0; i < ARRAY_SIZE(blobs); i++) {
        if (bytes <= blobs[i].bytes) {
            t->type = blobs[i].type;
            return;
        }
    }
}

static int make_blob(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    if (set_collation(b) != 0) {
        return -1;
    }
    /* MariaDB takes BLOB(0) for BLOB. */
    if (b->spec->has_length && (t->length > 0 || b->x->server->dialect == DIALECT_MYSQL)) {
        shrink_blob(t);
    }
    t->length = t->type == MYSQL_TYPE_TINY_BLOB     ? UINT8_MAX
                : t->type == MYSQL_TYPE_BLOB        ? UINT16_MAX
                : t->type == MYSQL_TYPE_MEDIUM_BLOB ? 0xffffff
                                                    : UINT32_MAX;
    t->flags |= BLOB_FLAG;
    return 0;
}

static int make_json(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    t->length = UINT32_MAX;
    t->collation = COLLATION_BINARY;
    t->flags |= BLOB_FLAG | BINARY_FLAG;
    return 0;
}

static struct str without_trailing_spaces(struct str s)
{
    while (s.len > 0 && s.p[s.len - 1] == ' ') {
        s.len--;
    }
    return s;
}

static int duplicate_label(struct column_build *b, struct str label)
{
    const char *what = b->c->type.type == MYSQL_TYPE_SET ? "SET" : "ENUM";
    if ((b->x->vars.sql_mode & SQL_MODE_STRICT) != 0) {
        return diag_set(b->x->diag, ER_DUPLICATED_VALUE_IN_TYPE, b->name, ddl_text(b->x, label),
                        what);
    }
    diag_warn(b->x->diag, DIAG_NOTE, ER_DUPLICATED_VALUE_IN_TYPE, b->name, ddl_text(b->x, label),
              what);
    return 0;
}

static int check_label(struct column_build *b, const struct str *names, uint32_t i)
{
    const struct collation *c = collation_find(b->c->type.collation);
    if (utf8_count(names[i]) > LABEL_CHARS) {
        return diag_set(b->x->diag, ER_TOO_LONG_SET_ENUM_VALUE, b->name);
    }
    if (b->c->type.type == MYSQL_TYPE_SET && memchr(names[i].p, ',', names[i].len) != NULL) {
        return diag_set(b->x->diag, ER_ILLEGAL_VALUE_FOR_TYPE, "set", ddl_text(b->x, names[i]));
    }
    for (uint32_t k = 0; k < i; k++) {
        if (collation_equal(c, names[k], names[i])) {
            return duplicate_label(b, names[k]);
        }
    }
    return 0;
}

static int make_labels(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    const bool is_set = t->type == MYSQL_TYPE_SET;
    if (set_collation(b) != 0) {
        return -1;
    }
    const struct type_labels *from = b->spec->type.labels;
    const uint32_t count = from == NULL ? 0 : from->count;
    if (count > (is_set ? SET_MEMBERS : UINT16_MAX)) {
        return diag_set(b->x->diag, ER_TOO_BIG_SET, b->name);
    }
    struct str *names = ARENA_ARRAY(b->t->arena, struct str, count);
    uint32_t longest = 0;
    uint32_t total = is_set && count > 0 ? count - 1 : 0;
    for (uint32_t i = 0; i < count; i++) {
        names[i] = arena_dup(b->t->arena, without_trailing_spaces(from->names[i]));
        if (check_label(b, names, i) != 0) {
            return -1;
        }
        const uint32_t chars = (uint32_t)utf8_count(names[i]);
        longest = MAX(longest, chars);
        total += chars;
    }
    struct type_labels *labels = ARENA_NEW(b->t->arena, struct type_labels);
    *labels = (struct type_labels){.count = count, .names = names};
    t->labels = labels;
    t->length = is_set ? total : longest;
    t->flags |= is_set ? SET_FLAG : ENUM_FLAG;
    return 0;
}

static int make_type(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    *t = b->spec->type;
    t->labels = NULL;
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_ENUM:
    case TYPE_CLASS_SET:
        return make_labels(b);
    case TYPE_CLASS_STRING:
        return t->type == MYSQL_TYPE_STRING || t->type == MYSQL_TYPE_VARCHAR ? make_char(b)
                                                                             : make_blob(b);
    case TYPE_CLASS_JSON:
        return make_json(b);
    default:
        break;
    }
    t->collation = COLLATION_BINARY;
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_INT:
        return t->type == MYSQL_TYPE_YEAR ? make_year(b) : make_int(b);
    case TYPE_CLASS_BIT:
        return make_bit(b);
    case TYPE_CLASS_REAL:
        return make_real(b);
    case TYPE_CLASS_DECIMAL:
        return make_decimal(b);
    case TYPE_CLASS_DATE:
    case TYPE_CLASS_TIME:
    case TYPE_CLASS_DATETIME:
        return make_temporal(b);
    default:
        return diag_set(b->x->diag, ER_NOT_SUPPORTED_YET, "GEOMETRY and VECTOR columns");
    }
}

/* ---- Defaults ---- */

static bool is_now(const struct expr *e)
{
    return e->kind == EXPR_CALL && str_eq_nocase(e->call.name, STR("NOW"));
}

/* CURRENT_TIMESTAMP must have the column's fraction digits. */
static bool fits_now(const struct sql_type *t, const struct expr *e)
{
    if (t->type != MYSQL_TYPE_DATETIME && t->type != MYSQL_TYPE_TIMESTAMP) {
        return false;
    }
    const uint64_t digits =
        e->argc == 1 && e->args[0]->kind == EXPR_LITERAL ? e->args[0]->lit.value.u : 0;
    return digits == t->decimals;
}

static int invalid_default(struct column_build *b)
{
    return diag_set(b->x->diag, ER_INVALID_DEFAULT, b->name);
}

/* Converts a literal as strictly as MySQL does for defaults, whatever the mode. */
static int convert_default(struct column_build *b, const struct expr *e)
{
    struct exec_session *x = b->x;
    struct column_def *c = b->c;
    struct resolve_env env;
    struct eval_ctx eval;
    struct store_ctx store;
    struct value v;
    exec_resolve_env(x, 0, &env);
    exec_eval_ctx(x, &x->stmt_arena, &eval);
    exec_store_ctx(x, 0, &store);
    store.sql_mode |= SQL_MODE_STRICT_ALL_TABLES;
    store.row = is_mysql(b) ? 1 : 0;
    struct expr copy = *e; /* resolving writes into the tree, which may be used again */
    if (sql_resolve_expr(&copy, NULL, &env, &x->stmt_arena, x->diag) != 0 ||
        eval_expr(&eval, &copy, &v) != 0) {
        return -1;
    }
    if (store_value(&store, &c->type, c->name, &v, b->t->arena, &c->default_value) != 0) {
        return invalid_default(b);
    }
    if (c->default_value.kind == VALUE_STRING || c->default_value.kind == VALUE_JSON) {
        c->default_value.str = arena_dup(b->t->arena, c->default_value.str);
    }
    struct value visible = c->default_value;
    exec_visible_value(x, &c->type, &visible);
    c->default_text = arena_dup(b->t->arena, value_to_text(&visible, &c->type, &x->stmt_arena));
    c->default_kind = DEFAULT_VALUE;
    return 0;
}

static bool is_null_literal(const struct expr *e)
{
    return e->kind == EXPR_LITERAL && e->lit.kind == LIT_NULL;
}

bool ddl_is_said_null(const struct column_spec *spec)
{
    return !spec->not_null &&
           (spec->null_given || (spec->has_default && spec->default_value != NULL &&
                                 is_null_literal(spec->default_value)));
}

static int set_default(struct column_build *b, const struct expr *e)
{
    struct column_def *c = b->c;
    c->default_kind = DEFAULT_NONE;
    c->default_text = STR_NULL;
    if (is_null_literal(e)) {
        return type_is_nullable(&c->type) ? 0 : invalid_default(b);
    }
    if ((c->type.flags & AUTO_INCREMENT_FLAG) != 0) {
        return invalid_default(b);
    }
    const bool mysql = is_mysql(b);
    const bool is_expression = (e->flags & EXPR_PARENTHESISED) != 0 && mysql;
    if (is_now(e) && !is_expression) {
        c->default_kind = DEFAULT_NOW;
        if (fits_now(&c->type, e)) {
            return 0;
        }
        /* MariaDB converts the time to whatever the column is. */
        return mysql ? invalid_default(b)
                     : diag_set(b->x->diag, ER_NOT_SUPPORTED_YET, "a default expression");
    }
    if (e->kind != EXPR_LITERAL || is_expression) {
        return diag_set(b->x->diag, ER_NOT_SUPPORTED_YET, "a default expression");
    }
    if ((c->type.flags & BLOB_FLAG) != 0 && mysql) {
        return diag_set(b->x->diag, ER_BLOB_CANT_HAVE_DEFAULT, b->name);
    }
    return convert_default(b, e);
}

static int set_on_update(struct column_build *b)
{
    const struct expr *e = b->spec->on_update;
    if (e == NULL) {
        return 0;
    }
    if (!is_now(e) || !fits_now(&b->c->type, e)) {
        return diag_set(b->x->diag, ER_INVALID_ON_UPDATE, b->name);
    }
    b->c->on_update_now = true;
    return 0;
}

/* The flags by which clients see that a column fills itself in. */
static void set_now_flags(const struct exec_session *x, struct column_def *c)
{
    const bool timestamp = c->type.type == MYSQL_TYPE_TIMESTAMP;
    c->type.flags = (uint16_t)(c->type.flags & ~(TIMESTAMP_FLAG | ON_UPDATE_NOW_FLAG));
    if (timestamp && (c->default_kind == DEFAULT_NOW || c->on_update_now)) {
        c->type.flags |= TIMESTAMP_FLAG;
    }
    if (c->on_update_now && (timestamp || x->server->dialect == DIALECT_MARIADB)) {
        c->type.flags |= ON_UPDATE_NOW_FLAG;
    }
}

int ddl_set_default(struct exec_session *x, struct table_def *t, struct column_def *c,
                    const struct expr *value)
{
    struct column_build b = {.x = x, .t = t, .c = c, .name = ddl_text(x, c->name)};
    if (value == NULL) {
        c->default_kind = DEFAULT_NONE;
        /* In MySQL not even NULL is left. */
        c->default_text = x->server->dialect == DIALECT_MYSQL ? STR("") : STR_NULL;
    } else if (set_default(&b, value) != 0) {
        return -1;
    }
    set_now_flags(x, c);
    return 0;
}

/* ---- Columns ---- */

static int refuse_unsupported(struct exec_session *x, const struct column_spec *spec)
{
    if (spec->generated != GENERATED_NONE) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "generated columns");
    }
    if (spec->references) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "FOREIGN KEY constraints");
    }
    return 0;
}

static int set_auto_increment(struct column_build *b)
{
    struct sql_type *t = &b->c->type;
    if (!b->spec->auto_increment) {
        return 0;
    }
    if (type_class_of(t->type) != TYPE_CLASS_INT || t->type == MYSQL_TYPE_YEAR) {
        return diag_set(b->x->diag, ER_WRONG_FIELD_SPEC, b->name);
    }
    t->flags |= AUTO_INCREMENT_FLAG | NOT_NULL_FLAG;
    return 0;
}

static int set_comment(struct column_build *b)
{
    const struct str comment = b->spec->comment;
    if (comment.p != NULL && utf8_count(comment) > COLUMN_COMMENT_CHARS) {
        return diag_set(b->x->diag, ER_TOO_LONG_FIELD_COMMENT, b->name,
                        (unsigned long)COLUMN_COMMENT_CHARS);
    }
    b->c->comment = comment.p == NULL ? STR_NULL : arena_dup(b->t->arena, comment);
    return 0;
}

int ddl_make_column(struct exec_session *x, struct table_def *t, const struct column_spec *spec,
                    struct column_def *out)
{
    struct column_build b = {
        .x = x, .t = t, .spec = spec, .c = out, .name = ddl_text(x, spec->name)};
    *out =
        (struct column_def){.name = arena_dup(t->arena, spec->name), .invisible = spec->invisible};
    if (ddl_check_name(x, spec->name, DDL_NAME_COLUMN) != 0 || refuse_unsupported(x, spec) != 0 ||
        make_type(&b) != 0 || set_auto_increment(&b) != 0 || set_comment(&b) != 0) {
        return -1;
    }
    if (spec->not_null) {
        out->type.flags |= NOT_NULL_FLAG;
    }
    if (spec->has_default && spec->default_value != NULL &&
        set_default(&b, spec->default_value) != 0) {
        return -1;
    }
    if (set_on_update(&b) != 0) {
        return -1;
    }
    set_now_flags(x, out);
    return 0;
}
