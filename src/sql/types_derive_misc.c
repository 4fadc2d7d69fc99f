/* Result types of functions that only the evaluator carries out. */
#include "sql/resolve_int.h"
#include "types/collation.h"

int resolve_introducer(struct resolver *r, struct expr *e)
{
    if ((e->flags & EXPR_HAS_INTRODUCER) == 0) {
        return 0;
    }
    const struct charset *cs = charset_find(e->lit.introducer);
    if (cs == NULL) {
        return diag_set(r->diag, ER_UNKNOWN_CHARACTER_SET,
                        arena_dup_cstr(r->arena, e->lit.introducer));
    }
    const struct str s = e->lit.value.str;
    const size_t valid = charset_valid_prefix(cs, s);
    if (valid < s.len) {
        const struct str hex = arena_printf(r->arena, "%02X", (unsigned char)s.p[valid]);
        return diag_set(r->diag, ER_INVALID_CHARACTER_STRING, arena_dup_cstr(r->arena, cs->name),
                        hex.p);
    }
    e->lit.kind = LIT_STRING;
    e->lit.value = value_string(charset_str_to_utf8(cs, s, r->arena),
                                charset_default_collation(cs, r->env->dialect));
    e->flags &= (uint16_t)~EXPR_HAS_INTRODUCER;
    return 0;
}

/* Fraction digits of an operand as a date or time: text that is written shows its own, other text
 * may have all six. */
unsigned temporal_scale(const struct expr *e)
{
    switch (type_class_of(e->type.type)) {
    case TYPE_CLASS_STRING:
        break;
    case TYPE_CLASS_REAL:
        return 6;
    default:
        return MIN(type_scale(e), 6u);
    }
    if (e->kind != EXPR_LITERAL || e->lit.value.kind != VALUE_STRING) {
        return 6;
    }
    const struct str s = e->lit.value.str;
    unsigned digits = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '.') {
            while (i + 1 < s.len && s.p[i + 1] >= '0' && s.p[i + 1] <= '9') {
                digits++;
                i++;
            }
            break;
        }
    }
    return MIN(digits, 6u);
}

static unsigned fraction_width(unsigned fsp)
{
    return fsp > 0 ? fsp + 1 : 0;
}

static void set_time_type(struct expr *e, unsigned fsp)
{
    set_type(e, MYSQL_TYPE_TIME, 10 + fraction_width(fsp), fsp, 0);
}

static void set_datetime_type(struct expr *e, unsigned fsp)
{
    set_type(e, MYSQL_TYPE_DATETIME, 19 + fraction_width(fsp), fsp, 0);
}

/* Text of the connection, of so many characters. */
static void set_text(struct resolver *r, struct expr *e, uint32_t chars)
{
    e->type = (struct sql_type){.collation = r->env->collation_connection};
    e->coercibility = COERCE_COERCIBLE;
    set_string(r, e, chars);
}

static void set_binary(struct resolver *r, struct expr *e, uint32_t bytes)
{
    e->type = (struct sql_type){.collation = COLLATION_BINARY};
    e->coercibility = COERCE_COERCIBLE;
    set_string(r, e, bytes);
}

/* ---- Strings ---- */

int derive_unhex(struct resolver *r, struct expr *e)
{
    const struct collation *c = collation_find(e->args[0]->type.collation);
    const uint32_t bytes = text_width(r, e->args[0]) * (c != NULL ? c->charset->max_len : 1);
    set_binary(r, e, (bytes + 1) / 2);
    return 0;
}

int derive_char(struct resolver *r, struct expr *e)
{
    set_binary(r, e, e->argc * 4);
    return 0;
}

/* The last argument names the character set. */
int derive_char_using(struct resolver *r, struct expr *e)
{
    const struct expr *name = e->args[e->argc - 1];
    const struct charset *cs =
        name->kind == EXPR_LITERAL ? charset_find(name->lit.value.str) : NULL;
    if (cs == NULL) {
        return diag_set(r->diag, ER_UNKNOWN_CHARACTER_SET,
                        name->kind == EXPR_LITERAL ? arena_dup_cstr(r->arena, name->lit.value.str)
                                                   : "");
    }
    e->type = (struct sql_type){.collation = charset_default_collation(cs, r->env->dialect)};
    e->coercibility = COERCE_COERCIBLE;
    set_string(r, e, (e->argc - 1) * (resolver_is_mariadb(r) ? 1 : 4));
    return 0;
}

int derive_format(struct resolver *r, struct expr *e)
{
    const uint32_t width = text_width(r, e->args[0]);
    set_text(r, e, width + width / 3 + (resolver_is_mariadb(r) ? 0 : 32));
    return 0;
}

int derive_quote(struct resolver *r, struct expr *e)
{
    const uint32_t chars = text_width(r, e->args[0]) * 2 + 2;
    e->type = (struct sql_type){0};
    if (derive_collation(r, e->args, 1, "quote", &e->type.collation, &e->coercibility) != 0) {
        return -1;
    }
    set_string(r, e, chars);
    return 0;
}

int derive_soundex(struct resolver *r, struct expr *e)
{
    const uint32_t chars = MAX(text_width(r, e->args[0]), 4u);
    e->type = (struct sql_type){0};
    if (derive_collation(r, e->args, 1, "soundex", &e->type.collation, &e->coercibility) != 0) {
        return -1;
    }
    set_string(r, e, chars);
    return 0;
}

int derive_insert(struct resolver *r, struct expr *e)
{
    struct expr *texts[2] = {e->args[0], e->args[3]};
    const uint64_t chars = (uint64_t)text_width(r, texts[0]) + text_width(r, texts[1]);
    e->type = (struct sql_type){0};
    if (derive_collation(r, texts, 2, "insert", &e->type.collation, &e->coercibility) != 0) {
        return -1;
    }
    set_string(r, e, (uint32_t)MIN(chars, UINT32_MAX));
    return 0;
}

int derive_base64(struct resolver *r, struct expr *e)
{
    const struct collation *c = collation_find(e->args[0]->type.collation);
    const uint64_t bytes =
        (uint64_t)text_width(r, e->args[0]) * (c != NULL ? c->charset->max_len : 1);
    if (e->func->id == FN_TO_BASE64) {
        const uint64_t chars = (bytes + 2) / 3 * 4;
        set_text(r, e, (uint32_t)MIN(chars + chars / 76, UINT32_MAX));
    } else {
        set_binary(r, e, (uint32_t)MIN(bytes, UINT32_MAX));
    }
    return 0;
}

/* Hexadecimal digits of a digest of so many bits; the longest where that is not written. */
int derive_sha2(struct resolver *r, struct expr *e)
{
    int64_t bits = 512;
    if (literal_int(e->args[1], &bits) && bits != 224 && bits != 384 && bits != 512) {
        bits = 256;
    }
    set_text(r, e, (uint32_t)bits / 4);
    return 0;
}

int derive_inet_aton(struct resolver *r, struct expr *e)
{
    (void)r;
    set_type(e, MYSQL_TYPE_LONGLONG, 21, 0, UNSIGNED_FLAG);
    return 0;
}

int derive_random_bytes(struct resolver *r, struct expr *e)
{
    set_binary(r, e, 1024);
    return 0;
}

int derive_interval_fn(struct resolver *r, struct expr *e)
{
    set_type(e, resolver_is_mariadb(r) ? MYSQL_TYPE_LONG : MYSQL_TYPE_LONGLONG, 2, 0,
             NOT_NULL_FLAG);
    return 0;
}

/* ---- Dates and times ---- */

/* As DATE_ADD(), whose interval is here the unit and the amount. */
int derive_timestampadd(struct resolver *r, struct expr *e)
{
    const struct expr *unit = e->args[0];
    if (unit->kind != EXPR_LITERAL || unit->lit.kind != LIT_INTERVAL_UNIT) {
        return resolve_refuse(r, "TIMESTAMPADD");
    }
    struct expr interval = {.kind = EXPR_INTERVAL,
                            .interval = {.unit = (enum interval_unit)unit->lit.value.i},
                            .argc = 1,
                            .args = &e->args[1]};
    struct expr *args[2] = {e->args[2], &interval};
    struct expr add = {.kind = EXPR_CALL, .func = e->func, .argc = 2, .args = args};
    if (derive_date_add(r, &add) != 0) {
        return -1;
    }
    e->type = add.type;
    e->coercibility = add.coercibility;
    return 0;
}

static bool has_specifier(struct str format, const char *letters)
{
    for (size_t i = 0; i + 1 < format.len; i++) {
        if (format.p[i] == '%') {
            i++;
            for (const char *p = letters; *p != '\0'; p++) {
                if (format.p[i] == *p) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* The format says what there will be; one that is not written promises everything. */
int derive_str_to_date(struct resolver *r, struct expr *e)
{
    const struct expr *f = e->args[1];
    (void)r;
    if (f->kind != EXPR_LITERAL || f->lit.value.kind != VALUE_STRING) {
        set_datetime_type(e, 6);
        return 0;
    }
    const struct str format = f->lit.value.str;
    const unsigned fsp = has_specifier(format, "f") ? 6 : 0;
    const bool has_time = has_specifier(format, "fHISThiklprs");
    if (has_time && !has_specifier(format, "MVUXYWabcjmvuxyweDd")) {
        set_time_type(e, fsp);
    } else if (has_time) {
        set_datetime_type(e, fsp);
    } else {
        set_type(e, MYSQL_TYPE_DATE, 10, 0, 0);
    }
    return 0;
}

/* A TIME: fraction digits of the arguments that have some. */
int derive_time_result(struct resolver *r, struct expr *e)
{
    unsigned fsp = 0;
    const uint32_t first = e->func->id == FN_MAKETIME ? 2 : 0;
    (void)r;
    for (uint32_t i = first; i < e->argc; i++) {
        const bool text = type_class_of(e->args[i]->type.type) == TYPE_CLASS_STRING;
        const bool number = e->func->id == FN_MAKETIME || e->func->id == FN_SEC_TO_TIME;
        fsp = MAX(fsp, text && number ? 6 : temporal_scale(e->args[i]));
    }
    set_time_type(e, fsp);
    return 0;
}

int derive_addtime(struct resolver *r, struct expr *e)
{
    const unsigned fsp = MAX(temporal_scale(e->args[0]), temporal_scale(e->args[1]));
    switch (type_class_of(e->args[0]->type.type)) {
    case TYPE_CLASS_DATE:
    case TYPE_CLASS_DATETIME:
        set_datetime_type(e, fsp);
        return 0;
    case TYPE_CLASS_TIME:
        set_time_type(e, fsp);
        return 0;
    default:
        set_text(r, e, resolver_is_mariadb(r) ? 26 : 29);
        e->type.type = MYSQL_TYPE_STRING;
        return 0;
    }
}

int derive_from_unixtime(struct resolver *r, struct expr *e)
{
    if (e->argc > 1) {
        return derive_date_format(r, e);
    }
    const bool text = type_class_of(e->args[0]->type.type) == TYPE_CLASS_STRING;
    set_datetime_type(e, text ? 6 : temporal_scale(e->args[0]));
    return 0;
}

int derive_convert_tz(struct resolver *r, struct expr *e)
{
    (void)r;
    set_datetime_type(e, temporal_scale(e->args[0]));
    return 0;
}
