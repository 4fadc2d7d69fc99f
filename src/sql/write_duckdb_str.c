/* String functions. Positions and lengths count characters (code points), in DuckDB as in MySQL. */
#include "sql/resolve_int.h"
#include "sql/write_duckdb_int.h"
#include "types/charset.h"
#include "types/collation.h"

#include <inttypes.h>
#include <stdio.h>

static int refuse_binary(struct writer *w, const struct expr *e)
{
    for (uint32_t i = 0; i < e->argc; i++) {
        if (type_class_of(e->args[i]->type.type) == TYPE_CLASS_STRING &&
            type_is_binary_string(&e->args[i]->type)) {
            return write_refuse(w, "a function of binary strings");
        }
    }
    return 0;
}

/* name(text…): all arguments as strings. */
static int write_text_call(struct writer *w, const char *name, const struct expr *e)
{
    if (refuse_binary(w, e) != 0) {
        return -1;
    }
    bytebuf_printf(w->out, "%s(", name);
    for (uint32_t i = 0; i < e->argc; i++) {
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        if (write_text(w, e->args[i]) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

/* An integer argument: positions, lengths. */
static int write_int_arg(struct writer *w, const struct expr *e)
{
    if (type_class_of(e->type.type) != TYPE_CLASS_INT) {
        return write_refuse(w, "an argument that is no integer");
    }
    bytebuf_put_cstr(w->out, ", ");
    return write_expr_as(w, e, (struct form){.kind = FORM_I64});
}

/* Arguments from..to joined by ||, as a balanced tree: a long chain costs the planner the cube of
 * its length. */
static int write_joined(struct writer *w, const struct expr *e, uint32_t from, uint32_t to)
{
    if (to - from == 1) {
        return write_text(w, e->args[from]);
    }
    const uint32_t middle = from + (to - from) / 2;
    bytebuf_put_char(w->out, '(');
    if (write_joined(w, e, from, middle) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, " || ");
    if (write_joined(w, e, middle, to) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

/* MySQL's CONCAT is NULL if one argument is, as || is; DuckDB's concat() skips NULLs. */
int write_concat_rule(struct writer *w, const struct expr *e, struct form *out)
{
    bool nullable = false;
    out->kind = FORM_STRING;
    if (refuse_binary(w, e) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < e->argc; i++) {
        nullable = nullable || type_is_nullable(&e->args[i]->type);
    }
    return nullable ? write_joined(w, e, 0, e->argc) : write_text_call(w, "concat", e);
}

/* NULLs after the separator are skipped on both; a NULL separator gives NULL. */
int write_concat_ws_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_STRING;
    return write_text_call(w, "concat_ws", e);
}

int write_length_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const struct sql_type *t = &e->args[0]->type;
    out->kind = FORM_I64;
    if (type_class_of(t->type) == TYPE_CLASS_STRING) {
        const struct collation *c = collation_find(t->collation);
        if (c == NULL || (c->charset->kind != CHARSET_UTF8 && c->charset->kind != CHARSET_BINARY)) {
            return write_refuse(w, "LENGTH in a character set other than UTF-8");
        }
        if (c->charset->kind == CHARSET_BINARY) {
            struct form f;
            bytebuf_put_cstr(w->out, "octet_length(");
            const int rc = write_expr(w, e->args[0], &f);
            bytebuf_put_char(w->out, ')');
            return rc;
        }
    }
    return write_text_call(w, "strlen", e);
}

int write_char_length_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_I64;
    return write_text_call(w, "length", e);
}

int write_case_fold_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const struct collation *c = collation_find(e->type.collation);
    if (c == NULL || !collation_is_supported(c)) {
        return write_refuse(w, "this collation");
    }
    char name[48];
    (void)snprintf(name, sizeof(name), "%s%u", e->func->duckdb_text, c->id);
    out->kind = FORM_STRING;
    return write_text_call(w, name, e);
}

int write_trim_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_STRING;
    return write_text_call(w, e->func->duckdb_text, e);
}

int write_left_rule(struct writer *w, const struct expr *e, struct form *out)
{
    if (refuse_binary(w, e) != 0) {
        return -1;
    }
    out->kind = FORM_STRING;
    bytebuf_printf(w->out, "%s(", e->func->duckdb_text);
    if (write_text(w, e->args[0]) != 0 || write_int_arg(w, e->args[1]) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

/* DuckDB's substring() agrees for literal positions from 1 on and lengths from 0 on; the rest is
 * ours. */
int write_substring_rule(struct writer *w, const struct expr *e, struct form *out)
{
    int64_t from = 0;
    int64_t len = 0;
    if (refuse_binary(w, e) != 0) {
        return -1;
    }
    const bool native =
        literal_int(e->args[1], &from) && from >= 1 && from < INT32_MAX &&
        (e->argc < 3 || (literal_int(e->args[2], &len) && len >= 0 && len < INT32_MAX));
    out->kind = FORM_STRING;
    bytebuf_printf(w->out, "%s(", native ? "substring" : e->func->duckdb_text);
    if (write_text(w, e->args[0]) != 0) {
        return -1;
    }
    for (uint32_t i = 1; i < e->argc; i++) {
        if (write_int_arg(w, e->args[i]) != 0) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

/* REPLACE is case-sensitive in every collation; an empty pattern changes nothing, in both. */
int write_replace_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_STRING;
    return write_text_call(w, "replace", e);
}

int write_string_udf_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_STRING;
    return write_text_call(w, e->func->duckdb_text, e);
}

int write_ascii_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_I32;
    return write_text_call(w, "pt_ascii", e);
}

/* Inside the engine all text is UTF-8, so only sets that lose no character can be converted to. */
int write_convert_using_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const struct collation *c = collation_find(e->type.collation);
    const struct expr *arg = e->args[0];
    if (c == NULL || c->charset != charset_utf8mb4()) {
        return write_refuse(w, "CONVERT to this character set");
    }
    if (type_class_of(arg->type.type) == TYPE_CLASS_STRING && type_is_binary_string(&arg->type)) {
        return write_refuse(w, "CONVERT of a binary string");
    }
    out->kind = FORM_STRING;
    return write_text(w, arg);
}

/* name(text, integer[, text]): REPEAT, LPAD, SUBSTRING_INDEX, … in the order of the arguments. */
int write_text_int_rule(struct writer *w, const struct expr *e, struct form *out)
{
    if (refuse_binary(w, e) != 0) {
        return -1;
    }
    out->kind = FORM_STRING;
    bytebuf_printf(w->out, "%s(", e->func->duckdb_text);
    for (uint32_t i = 0; i < e->argc; i++) {
        const bool number =
            type_class_of(e->args[i]->type.type) == TYPE_CLASS_INT && (i > 0 || e->argc == 1);
        bytebuf_put_cstr(w->out, i > 0 ? ", " : "");
        if (number ? write_expr_as(w, e->args[i], (struct form){.kind = FORM_I64})
                   : write_text(w, e->args[i])) {
            return -1;
        }
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

int write_hex_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const struct sql_type *t = &e->args[0]->type;
    out->kind = FORM_STRING;
    if (type_class_of(t->type) == TYPE_CLASS_INT) {
        bytebuf_put_cstr(w->out, "pt_hex_int(");
        const int rc = write_bits(w, e->args[0]);
        bytebuf_put_char(w->out, ')');
        return rc;
    }
    const struct collation *c = collation_find(t->collation);
    if (type_class_of(t->type) != TYPE_CLASS_STRING || c == NULL ||
        c->charset->kind != CHARSET_UTF8) {
        return write_refuse(w, "HEX of this type");
    }
    return write_text_call(w, "pt_hex", e);
}

/* LOCATE(sub, text[, from]); INSTR has the text first. */
int write_locate_rule(struct writer *w, const struct expr *e, struct form *out)
{
    const struct collation *c = collation_find(e->cmp_collation);
    const bool instr = e->func->id == FN_INSTR;
    if (refuse_binary(w, e) != 0) {
        return -1;
    }
    if (c == NULL || !collation_is_supported(c) || e->cmp_collation == COLLATION_BINARY) {
        return write_refuse(w, "this collation");
    }
    out->kind = FORM_I64;
    bytebuf_printf(w->out, "pt_locate_%u(", c->id);
    if (write_text(w, e->args[instr ? 1 : 0]) != 0) {
        return -1;
    }
    bytebuf_put_cstr(w->out, ", ");
    if (write_text(w, e->args[instr ? 0 : 1]) != 0) {
        return -1;
    }
    if (e->argc < 3) {
        bytebuf_put_cstr(w->out, ", 1::BIGINT");
    } else if (write_int_arg(w, e->args[2]) != 0) {
        return -1;
    }
    bytebuf_put_char(w->out, ')');
    return 0;
}

int write_native_text_rule(struct writer *w, const struct expr *e, struct form *out)
{
    out->kind = FORM_STRING;
    return write_text_call(w, e->func->duckdb_text, e);
}
