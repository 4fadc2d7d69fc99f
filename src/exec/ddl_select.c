/*
 * Columns of CREATE TABLE … SELECT: a column of the query that is a table's column is copied from
 * there, any other gets the type that MySQL's temporary tables would give it. A query column that
 * was also written in the column list keeps the written definition, at the query's place.
 */
#include "exec/ddl_int.h"

/* Above so many characters a string expression becomes a TEXT. */
#define VARCHAR_EXPR_CHARS 512

/* The table column that a query's column is, or NULL. */
static const struct column_def *plain_column(const struct query *q, uint32_t i)
{
    if (q->kind != QUERY_SELECT || i >= q->select->item_count) {
        return NULL;
    }
    const struct expr *e = q->select->items[i].expr;
    if (e->kind != EXPR_COLUMN || e->column.binding.table == NULL) {
        return NULL;
    }
    return e->column.binding.table->columns[e->column.binding.index].def;
}

static bool is_literal(const struct query *q, uint32_t i)
{
    return q->kind == QUERY_SELECT && i < q->select->item_count &&
           q->select->items[i].expr->kind == EXPR_LITERAL;
}

static enum mysql_type blob_for(uint64_t bytes)
{
    if (bytes <= UINT8_MAX) {
        return MYSQL_TYPE_TINY_BLOB;
    }
    if (bytes <= UINT16_MAX) {
        return MYSQL_TYPE_BLOB;
    }
    return bytes <= 0xffffff ? MYSQL_TYPE_MEDIUM_BLOB : MYSQL_TYPE_LONG_BLOB;
}

static void string_column(struct sql_type *t)
{
    const struct collation *c = collation_find(t->collation);
    const uint64_t bytes = (uint64_t)t->length * (c == NULL ? 1 : c->charset->max_len);
    const bool binary = c != NULL && (c->flags & COLLATION_BIN) != 0;
    t->flags |= binary || t->collation == COLLATION_BINARY ? BINARY_FLAG : 0;
    if (t->length <= VARCHAR_EXPR_CHARS && (t->flags & BLOB_FLAG) == 0) {
        t->type = MYSQL_TYPE_VARCHAR;
        return;
    }
    t->type = blob_for(bytes);
    t->length = t->type == MYSQL_TYPE_TINY_BLOB     ? UINT8_MAX
                : t->type == MYSQL_TYPE_BLOB        ? UINT16_MAX
                : t->type == MYSQL_TYPE_MEDIUM_BLOB ? 0xffffff
                                                    : UINT32_MAX;
    t->flags |= BLOB_FLAG;
}

/* Integers become INT or BIGINT by the expression's length; MySQL is more generous with INT unless
 * it is a literal. */
static void int_column(struct sql_type *t, bool is_literal, enum sql_dialect dialect)
{
    const uint32_t longest = dialect == DIALECT_MYSQL && !is_literal ? 11 : 9;
    t->type = t->length > longest ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_LONG;
}

static void expression_type(struct sql_type *t, bool is_literal, enum sql_dialect dialect)
{
    const uint16_t kept = NOT_NULL_FLAG | UNSIGNED_FLAG | BLOB_FLAG | ENUM_FLAG | SET_FLAG;
    t->flags &= kept;
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_INT:
        if (t->type != MYSQL_TYPE_YEAR) {
            int_column(t, is_literal, dialect);
        }
        break;
    case TYPE_CLASS_STRING:
        string_column(t);
        break;
    case TYPE_CLASS_NULL:
        *t = (struct sql_type){.type = dialect == DIALECT_MYSQL ? MYSQL_TYPE_VARCHAR
                                                                : MYSQL_TYPE_STRING,
                               .flags = BINARY_FLAG,
                               .collation = COLLATION_BINARY};
        break;
    case TYPE_CLASS_REAL:
        if (t->decimals == DECIMALS_NOT_FIXED) {
            t->length = t->type == MYSQL_TYPE_FLOAT ? 12 : 22;
        }
        break;
    case TYPE_CLASS_DATE:
    case TYPE_CLASS_TIME:
    case TYPE_CLASS_DATETIME:
    case TYPE_CLASS_JSON:
        t->flags |= BINARY_FLAG;
        break;
    default:
        break;
    }
}

/* MySQL gives NOT NULL numbers and strings the default that an INSERT outside strict mode would
 * store; other types have none. */
static void zero_default(struct table_def *t, struct column_def *c)
{
    c->default_kind = DEFAULT_VALUE;
    switch (type_class_of(c->type.type)) {
    case TYPE_CLASS_INT:
        c->default_value = type_is_unsigned(&c->type) ? value_uint(0) : value_int(0);
        c->default_text = STR("0");
        break;
    case TYPE_CLASS_REAL:
        c->default_value = value_double(0);
        c->default_text = STR("0");
        break;
    case TYPE_CLASS_DECIMAL: {
        size_t used;
        c->default_text = c->type.decimals == 0
                              ? STR("0")
                              : arena_printf(t->arena, "0.%0*d", c->type.decimals, 0);
        c->default_value = (struct value){.kind = VALUE_DECIMAL};
        (void)!decimal_parse(c->default_text, &c->default_value.dec, &used);
        break;
    }
    case TYPE_CLASS_STRING:
        if ((c->type.flags & BLOB_FLAG) == 0) {
            c->default_value = value_string(STR(""), c->type.collation);
            c->default_text = STR("");
            break;
        }
        c->default_kind = DEFAULT_NONE;
        break;
    default:
        c->default_kind = DEFAULT_NONE;
        break;
    }
}

/* A copy of a table's column: without keys and AUTO_INCREMENT, which leaves a default of 0. */
static void copy_column(struct table_def *t, const struct column_def *from, bool not_null,
                        struct column_def *to)
{
    column_def_copy(t->arena, from, to);
    to->on_update_now = false;
    to->invisible = false;
    if ((from->type.flags & AUTO_INCREMENT_FLAG) != 0) {
        to->type.flags = (uint16_t)(to->type.flags & ~AUTO_INCREMENT_FLAG);
        zero_default(t, to);
    }
    if (!not_null) {
        to->type.flags = (uint16_t)(to->type.flags & ~NOT_NULL_FLAG);
    }
}

static int make_column(struct exec_session *x, struct table_def *t, const struct query *q,
                       uint32_t i, struct column_def *c)
{
    const struct ref_column *from = &q->columns[i];
    const struct column_def *plain = plain_column(q, i);
    const enum sql_dialect dialect = x->server->dialect;
    *c = (struct column_def){.type = from->type};
    if (ddl_check_name(x, from->name, DDL_NAME_COLUMN) != 0) {
        return -1;
    }
    if (plain != NULL) {
        copy_column(t, plain, !type_is_nullable(&from->type), c);
        ddl_warn_type(x, &c->type);
    } else {
        expression_type(&c->type, is_literal(q, i), dialect);
        const struct column_def as_is = *c;
        column_def_copy(t->arena, &as_is, c); /* labels live in the query's arena */
        if (dialect == DIALECT_MYSQL && !type_is_nullable(&c->type)) {
            zero_default(t, c);
        }
    }
    c->name = arena_dup(t->arena, from->name);
    if (type_class_of(c->type.type) == TYPE_CLASS_OPAQUE) {
        return diag_set(x->diag, ER_NOT_SUPPORTED_YET, "GEOMETRY and VECTOR columns");
    }
    return 0;
}

/* Is the column written in the list also one of the query's? */
static bool is_in_query(const struct query *q, struct str name)
{
    for (uint32_t i = 0; i < q->column_count; i++) {
        if (str_eq_nocase(q->columns[i].name, name)) {
            return true;
        }
    }
    return false;
}

int ddl_add_query_columns(struct exec_session *x, struct table_def *t, const struct query *q,
                          struct str **out_names)
{
    const uint32_t written = t->column_count;
    const struct column_def *list = t->columns;
    struct column_def *columns =
        ARENA_ARRAY(t->arena, struct column_def, written + q->column_count);
    struct str *names = ARENA_ARRAY(&x->stmt_arena, struct str, q->column_count);
    uint32_t n = 0;
    for (uint32_t i = 0; i < written; i++) {
        if (!is_in_query(q, list[i].name)) {
            columns[n++] = list[i];
        }
    }
    for (uint32_t i = 0; i < q->column_count; i++) {
        const int32_t known = table_find_column(t, q->columns[i].name);
        if (known >= 0) {
            columns[n] = list[known];
        } else if (make_column(x, t, q, i, &columns[n]) == 0) {
            columns[n].id = t->next_column_id++;
        } else {
            return -1;
        }
        names[i] = columns[n++].name;
    }
    t->columns = columns;
    t->column_count = n;
    *out_names = names;
    return 0;
}
