/* Forms: DuckDB's types, conversions between them, and one form for several operands. */
#include "sql/write_duckdb_int.h"
#include "types/decimal.h"

#include <stdio.h>

static const struct {
    const char *name;
    uint8_t digits; /* of integers: digits a value can have */
} kinds[] = {
    [FORM_NULL] = {"INTEGER", 1},  [FORM_BOOL] = {"BOOLEAN", 1},
    [FORM_I8] = {"TINYINT", 3},    [FORM_I16] = {"SMALLINT", 5},
    [FORM_I32] = {"INTEGER", 10},  [FORM_I64] = {"BIGINT", 19},
    [FORM_I128] = {"HUGEINT", 38}, [FORM_U8] = {"UTINYINT", 3},
    [FORM_U16] = {"USMALLINT", 5}, [FORM_U32] = {"UINTEGER", 10},
    [FORM_U64] = {"UBIGINT", 20},  [FORM_F32] = {"FLOAT", 0},
    [FORM_F64] = {"DOUBLE", 0},    [FORM_DECIMAL] = {"DECIMAL", 0},
    [FORM_DATE] = {"DATE", 0},     [FORM_TIMESTAMP] = {"TIMESTAMP", 0},
    [FORM_TIME] = {"BIGINT", 0},   [FORM_STRING] = {"VARCHAR", 0},
    [FORM_BLOB] = {"BLOB", 0},     [FORM_WIDE] = {"BLOB", 0},
};

int write_refuse(struct writer *w, const char *what)
{
    return diag_set(w->diag, ER_NOT_SUPPORTED_YET, what);
}

static struct form simple(enum form_kind kind)
{
    return (struct form){.kind = kind};
}

struct form form_decimal(unsigned width, unsigned scale)
{
    return (struct form){.kind = FORM_DECIMAL, .width = (uint8_t)width, .scale = (uint8_t)scale};
}

static struct form form_of_int(enum vec_phys phys)
{
    static const enum form_kind map[] = {
        [VEC_I8] = FORM_I8,   [VEC_I16] = FORM_I16,   [VEC_I32] = FORM_I32,
        [VEC_I64] = FORM_I64, [VEC_I128] = FORM_I128, [VEC_U8] = FORM_U8,
        [VEC_U16] = FORM_U16, [VEC_U32] = FORM_U32,   [VEC_U64] = FORM_U64,
    };
    return simple(phys <= VEC_U64 ? map[phys] : FORM_NULL);
}

struct form form_of_type(const struct sql_type *t)
{
    switch (type_class_of(t->type)) {
    case TYPE_CLASS_NULL:
        return simple(FORM_I8);
    case TYPE_CLASS_INT:
    case TYPE_CLASS_BIT:
    case TYPE_CLASS_ENUM:
    case TYPE_CLASS_SET:
        return form_of_int(type_phys(t));
    case TYPE_CLASS_DECIMAL:
        return t->length > DECIMAL_MAX_NATIVE ? simple(FORM_WIDE)
                                              : form_decimal(t->length, t->decimals);
    case TYPE_CLASS_REAL:
        return simple(t->type == MYSQL_TYPE_FLOAT ? FORM_F32 : FORM_F64);
    case TYPE_CLASS_DATE:
        return simple(FORM_DATE);
    case TYPE_CLASS_DATETIME:
        return simple(FORM_TIMESTAMP);
    case TYPE_CLASS_TIME:
        return simple(FORM_TIME);
    case TYPE_CLASS_STRING:
        return simple(type_is_binary_string(t) ? FORM_BLOB : FORM_STRING);
    case TYPE_CLASS_JSON:
        return simple(FORM_STRING);
    case TYPE_CLASS_OPAQUE:
        break;
    }
    return simple(FORM_BLOB);
}

bool form_is_int(struct form f)
{
    return f.kind >= FORM_BOOL && f.kind <= FORM_U64;
}

bool form_is_number(struct form f)
{
    return f.kind >= FORM_BOOL && f.kind <= FORM_DECIMAL;
}

unsigned form_int_digits(struct form f)
{
    if (f.kind == FORM_DECIMAL) {
        return (unsigned)f.width - f.scale;
    }
    return f.width > 0 ? f.width : kinds[f.kind].digits;
}

struct form form_as_decimal(struct form f)
{
    return f.kind == FORM_DECIMAL ? f : form_decimal(MAX(form_int_digits(f), 1u), 0);
}

void form_name(struct form f, char buf[static 24])
{
    if (f.kind == FORM_DECIMAL) {
        (void)snprintf(buf, 24, "DECIMAL(%u,%u)", f.width, f.scale);
    } else {
        (void)snprintf(buf, 24, "%s", kinds[f.kind].name);
    }
}

void write_insert(struct writer *w, size_t at, const char *text)
{
    const size_t len = strlen(text);
    const size_t tail = w->out->len - at;
    if (bytebuf_reserve(w->out, len) == NULL) {
        return;
    }
    memmove(w->out->p + at + len, w->out->p + at, tail);
    memcpy(w->out->p + at, text, len);
    w->out->len += len;
}

void write_move(struct writer *w, size_t from, size_t to)
{
    const size_t len = w->out->len - from;
    char *text = arena_alloc(&w->arena, len + 1);
    if (len > 0) {
        memcpy(text, w->out->p + from, len);
    }
    text[len] = '\0';
    w->out->len = from;
    write_insert(w, to, text);
}

void write_cast(struct writer *w, size_t at, struct form to)
{
    char name[24];
    form_name(to, name);
    write_insert(w, at, "CAST(");
    bytebuf_printf(w->out, " AS %s)", name);
}

static bool same_form(struct form a, struct form b)
{
    return a.kind == b.kind &&
           (a.kind != FORM_DECIMAL || (a.width == b.width && a.scale == b.scale));
}

/* Decimals that a double may not hold exactly go through our own function. */
static bool to_double(struct writer *w, size_t at, struct form from)
{
    /* DuckDB divides by a power of ten: exact as long as both are exact doubles. */
    if (from.kind == FORM_DECIMAL && from.width > 15) {
        write_insert(w, at, "pt_decimal_to_double(");
        bytebuf_put_char(w->out, ')');
        return true;
    }
    return false;
}

/* Numbers and dates that take the place of strings. */
static int to_text(struct writer *w, size_t at, struct form from)
{
    if (from.kind == FORM_BOOL) {
        write_cast(w, at, simple(FORM_I32));
    }
    if (form_is_int(from) || (from.kind == FORM_DECIMAL && !from.raw)) {
        write_cast(w, at, simple(FORM_STRING));
        return 0;
    }
    if (from.kind == FORM_DATE) {
        write_insert(w, at, "pt_date_text(");
        bytebuf_put_char(w->out, ')');
        return 0;
    }
    return write_refuse(w, "conversion of this type to text");
}

int write_convert(struct writer *w, size_t at, struct form from, struct form to)
{
    if (same_form(from, to)) {
        return 0;
    }
    if (from.kind == FORM_NULL) {
        write_cast(w, at, to);
        return 0;
    }
    const bool to_number = form_is_number(to);
    if (form_is_number(from) && to_number) {
        if (to.kind == FORM_F64 && to_double(w, at, from)) {
            return 0;
        }
        if (from.kind == FORM_BOOL && to.kind == FORM_DECIMAL) {
            write_cast(w, at, simple(FORM_I32));
        }
        if (from.kind >= FORM_F32 && from.kind <= FORM_F64 &&
            (form_is_int(to) || to.kind == FORM_DECIMAL)) {
            return write_refuse(w, "conversion of a floating-point number");
        }
        write_cast(w, at, to);
        return 0;
    }
    if (from.kind == FORM_DATE && to.kind == FORM_TIMESTAMP) {
        write_cast(w, at, to);
        return 0;
    }
    if (to.kind == FORM_STRING) {
        return to_text(w, at, from);
    }
    return to.kind == FORM_NULL ? 0 : write_refuse(w, "conversion between these types");
}

/* One form for operands of exact numbers. */
static int common_number(struct writer *w, const struct piece *pieces, uint32_t count,
                         const struct sql_type *type, struct form *out)
{
    unsigned digits = 1;
    unsigned scale = type->decimals;
    for (uint32_t i = 0; i < count; i++) {
        const struct form f = pieces[i].form;
        scale = f.kind == FORM_DECIMAL ? MAX(scale, f.scale) : scale;
        if (f.kind == FORM_WIDE) {
            return write_refuse(w, "computing with a DECIMAL of more than 38 digits");
        }
        digits = f.kind == FORM_NULL ? digits : MAX(digits, form_int_digits(f));
    }
    *out = form_decimal(MIN(digits + scale, 38u), scale);
    return 0;
}

int write_unify(struct writer *w, struct piece *pieces, uint32_t count, const struct sql_type *type,
                struct form *out)
{
    *out = form_of_type(type);
    if (type_class_of(type->type) == TYPE_CLASS_DECIMAL &&
        common_number(w, pieces, count, type, out) != 0) {
        return -1;
    }
    /* Last first: what is inserted moves only what stands behind it. */
    for (uint32_t i = count; i-- > 0;) {
        const size_t tail_len = w->out->len - pieces[i].end;
        char *tail = arena_alloc(&w->arena, tail_len + 1);
        memcpy(tail, w->out->p + pieces[i].end, tail_len);
        w->out->len = pieces[i].end;
        if (write_convert(w, pieces[i].start, pieces[i].form, *out) != 0) {
            return -1;
        }
        bytebuf_put(w->out, tail, tail_len);
    }
    return 0;
}
