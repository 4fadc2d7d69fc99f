/* The checks that need a whole table's definition, and what follows from it. See ddl_int.h. */
#include "exec/ddl_int.h"

/* InnoDB's limit; the server's own is DDL_MAX_COLUMNS. */
#define INNODB_MAX_COLUMNS 1017

static int check_column_names(struct exec_session *x, const struct table_def *t)
{
    struct htab names;
    htab_init(&names, HTAB_NOCASE);
    int rc = 0;
    for (uint32_t i = 0; i < t->column_count && rc == 0; i++) {
        if (htab_put(&names, t->columns[i].name, &t->columns[i]) != NULL) {
            rc = diag_set(x->diag, ER_DUP_FIELDNAME, ddl_text(x, t->columns[i].name));
        }
    }
    htab_release(&names);
    return rc;
}

static int check_columns(struct exec_session *x, const struct table_def *t)
{
    if (t->column_count == 0) {
        return diag_set(x->diag, ER_TABLE_MUST_HAVE_COLUMNS);
    }
    if (t->column_count > INNODB_MAX_COLUMNS) {
        return diag_set(x->diag, ER_TOO_MANY_FIELDS);
    }
    bool visible = false;
    for (uint32_t i = 0; i < t->column_count; i++) {
        visible = visible || !t->columns[i].invisible;
    }
    if (!visible) {
        return x->server->dialect == DIALECT_MYSQL
                   ? diag_set(x->diag, ER_TABLE_MUST_HAVE_A_VISIBLE_COLUMN)
                   : diag_set(x->diag, ER_TABLE_MUST_HAVE_COLUMNS);
    }
    return check_column_names(x, t);
}

/* Bytes of a column in MySQL's record buffer. */
static uint64_t column_bytes(const struct sql_type *t)
{
    const struct collation *c = collation_find(t->collation);
    const uint64_t bytes = (uint64_t)t->length * (c == NULL ? 1 : c->charset->max_len);
    switch (t->type) {
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
        return bytes + (bytes > UINT8_MAX ? 2 : 1);
    case MYSQL_TYPE_STRING:
        return bytes;
    case MYSQL_TYPE_TINY_BLOB:
        return 9;
    case MYSQL_TYPE_BLOB:
        return 10;
    case MYSQL_TYPE_MEDIUM_BLOB:
        return 11;
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_JSON:
        return 12;
    case MYSQL_TYPE_NEWDECIMAL:
        return t->length / 9 * 4 + 4;
    case MYSQL_TYPE_BIT:
        return (t->length + 7) / 8;
    default:
        return vec_phys_size(type_phys(t));
    }
}

static int check_row_size(struct exec_session *x, const struct table_def *t)
{
    uint64_t bytes = 0;
    uint32_t nullable = 0;
    for (uint32_t i = 0; i < t->column_count; i++) {
        bytes += column_bytes(&t->columns[i].type);
        nullable += type_is_nullable(&t->columns[i].type) ? 1 : 0;
    }
    if (bytes + (nullable + 7) / 8 > DDL_MAX_ROW_BYTES) {
        return diag_set(x->diag, ER_TOO_BIG_ROWSIZE, (unsigned long)DDL_MAX_ROW_BYTES);
    }
    return 0;
}

/* Is the column the first of a key? */
static bool leads_a_key(const struct table_def *t, uint32_t column)
{
    for (uint32_t i = 0; i < t->index_count; i++) {
        if (t->indexes[i].columns[0].column == column) {
            return true;
        }
    }
    return false;
}

static int set_auto_increment(struct exec_session *x, struct table_def *t)
{
    t->auto_increment_column = -1;
    for (uint32_t i = 0; i < t->column_count; i++) {
        if ((t->columns[i].type.flags & AUTO_INCREMENT_FLAG) == 0) {
            continue;
        }
        if (t->auto_increment_column >= 0 || !leads_a_key(t, i)) {
            return diag_set(x->diag, ER_WRONG_AUTO_KEY);
        }
        t->auto_increment_column = (int32_t)i;
    }
    return 0;
}

int ddl_finish_table(struct exec_session *x, struct table_def *t)
{
    if (check_columns(x, t) != 0 || set_auto_increment(x, t) != 0 || check_row_size(x, t) != 0) {
        return -1;
    }
    ddl_sort_indexes(t);
    table_def_set_key_flags(t);
    return 0;
}
