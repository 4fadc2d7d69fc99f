/* String functions by characters (code points), as MySQL counts them. */
#include "base/bytebuf.h"
#include "engine/duckdb/udf_int.h"
#include "types/charset.h"

/* The characters [from, from + count) of s, counted from 0; count may reach beyond the end. */
static struct str characters(struct str s, size_t from, size_t count)
{
    const size_t start = utf8_prefix(s, from);
    const struct str rest = str_from(s.p + start, s.len - start);
    return str_from(rest.p, utf8_prefix(rest, count));
}

static void set(struct udf_rows *r, idx_t row, struct str s)
{
    udf_set_str(r, row, s.p, s.len);
}

/* MySQL's SUBSTRING: positions from 1, negative ones from the end; what lies outside is empty. */
static struct str substring(struct str s, int64_t pos, int64_t count)
{
    const int64_t len = (int64_t)utf8_count(s);
    if (pos == 0 || count <= 0 || pos > len || pos < -len) {
        return STR("");
    }
    const int64_t from = pos > 0 ? pos - 1 : len + pos;
    return characters(s, (size_t)from, (size_t)MIN(count, len));
}

static void substring_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const int64_t pos = ((const int64_t *)r.args[1])[i];
        const int64_t count = r.arg_count > 2 ? ((const int64_t *)r.args[2])[i] : INT64_MAX;
        set(&r, i, substring(udf_str(r.args[0], i), pos, count));
    }
}

static void left_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const int64_t n = ((const int64_t *)r.args[1])[i];
        set(&r, i, characters(udf_str(r.args[0], i), 0, n > 0 ? (size_t)n : 0));
    }
}

static void right_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct str s = udf_str(r.args[0], i);
        const int64_t n = ((const int64_t *)r.args[1])[i];
        const size_t len = utf8_count(s);
        const size_t wanted = n > 0 ? MIN((size_t)n, len) : 0;
        set(&r, i, characters(s, len - wanted, wanted));
    }
}

static struct str trim_front(struct str s, struct str pad)
{
    while (pad.len > 0 && str_starts_with(s, pad)) {
        s = str_from(s.p + pad.len, s.len - pad.len);
    }
    return s;
}

static struct str trim_back(struct str s, struct str pad)
{
    while (pad.len > 0 && s.len >= pad.len && memcmp(s.p + s.len - pad.len, pad.p, pad.len) == 0) {
        s.len -= pad.len;
    }
    return s;
}

/* Which ends a TRIM works on; the extra information of its registrations. */
enum trim_ends {
    TRIM_FRONT = 1,
    TRIM_BACK = 2,
};

static void trim_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    const uint8_t ends = *(const uint8_t *)duckdb_scalar_function_get_extra_info(info);
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct str pad = r.arg_count > 1 ? udf_str(r.args[1], i) : STR(" ");
        struct str s = udf_str(r.args[0], i);
        s = (ends & TRIM_FRONT) != 0 ? trim_front(s, pad) : s;
        s = (ends & TRIM_BACK) != 0 ? trim_back(s, pad) : s;
        set(&r, i, s);
    }
}

static void reverse_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    struct bytebuf buf;
    (void)info;
    udf_begin(&r, input, output);
    bytebuf_init(&buf, SIZE_MAX / 2);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct str s = udf_str(r.args[0], i);
        bytebuf_reset(&buf);
        char *to = bytebuf_reserve(&buf, s.len + 1);
        for (size_t at = 0; to != NULL && at < s.len;) {
            size_t len;
            (void)utf8_next((const unsigned char *)s.p + at, s.len - at, &len);
            memcpy(to + s.len - at - len, s.p + at, len);
            at += len;
        }
        udf_set_str(&r, i, to != NULL ? to : "", to != NULL ? s.len : 0);
    }
    bytebuf_release(&buf);
}

static void ascii_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct str s = udf_str(r.args[0], i);
        ((int32_t *)r.out)[i] = s.len > 0 ? (unsigned char)s.p[0] : 0;
    }
}

/* ---- Longer strings ---- */

/* MySQL gives NULL beyond max_allowed_packet; this is its default. */
#define MAX_RESULT (64u << 20)

static void put_repeated(struct bytebuf *b, struct str s, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bytebuf_put_str(b, s);
    }
}

static void finish_row(struct udf_rows *r, idx_t row, const struct bytebuf *b)
{
    if (b->failed) {
        udf_set_null(r, row);
    } else {
        udf_set_str(r, row, b->p != NULL ? b->p : "", b->len);
    }
}

static void repeat_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    struct bytebuf b;
    (void)info;
    udf_begin(&r, input, output);
    bytebuf_init(&b, MAX_RESULT);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const int64_t n = ((const int64_t *)r.args[1])[i];
        const struct str s = udf_str(r.args[0], i);
        bytebuf_reset(&b);
        put_repeated(&b, s, n > 0 && s.len > 0 ? (size_t)MIN(n, (int64_t)MAX_RESULT + 1) : 0);
        finish_row(&r, i, &b);
    }
    bytebuf_release(&b);
}

static void space_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    struct bytebuf b;
    (void)info;
    udf_begin(&r, input, output);
    bytebuf_init(&b, MAX_RESULT);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const int64_t n = ((const int64_t *)r.args[0])[i];
        bytebuf_reset(&b);
        put_repeated(&b, STR(" "), n > 0 ? (size_t)MIN(n, (int64_t)MAX_RESULT + 1) : 0);
        finish_row(&r, i, &b);
    }
    bytebuf_release(&b);
}

/* The padding of `missing` characters, from the beginning of pad. */
static void put_padding(struct bytebuf *b, struct str pad, size_t missing)
{
    const size_t len = utf8_count(pad);
    put_repeated(b, pad, missing / len);
    bytebuf_put_str(b, characters(pad, 0, missing % len));
}

static void pad_rows(duckdb_data_chunk input, duckdb_vector output, bool left)
{
    struct udf_rows r;
    struct bytebuf b;
    udf_begin(&r, input, output);
    bytebuf_init(&b, MAX_RESULT);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct str s = udf_str(r.args[0], i);
        const struct str pad = udf_str(r.args[2], i);
        const int64_t wanted = ((const int64_t *)r.args[1])[i];
        const size_t len = utf8_count(s);
        bytebuf_reset(&b);
        if (wanted < 0 || wanted > (int64_t)MAX_RESULT) {
            udf_set_null(&r, i);
            continue;
        }
        const size_t missing = (size_t)wanted > len ? (size_t)wanted - len : 0;
        if (missing == 0) {
            bytebuf_put_str(&b, characters(s, 0, (size_t)wanted));
        } else if (pad.len > 0 && left) {
            put_padding(&b, pad, missing);
            bytebuf_put_str(&b, s);
        } else if (pad.len > 0) {
            bytebuf_put_str(&b, s);
            put_padding(&b, pad, missing);
        }
        finish_row(&r, i, &b);
    }
    bytebuf_release(&b);
}

static void lpad_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    pad_rows(input, output, true);
}

static void rpad_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    pad_rows(input, output, false);
}

static const char *find(struct str s, struct str what)
{
    return s.len > 0 && what.len > 0 ? memmem(s.p, s.len, what.p, what.len) : NULL;
}

/* What stands in front of the count-th delimiter, or behind the one that is count-th from the end.
 */
static struct str substring_index(struct str s, struct str delimiter, int64_t count)
{
    if (count == 0 || delimiter.len == 0) {
        return STR("");
    }
    size_t total = 0;
    for (const char *p = s.p;
         (p = find(str_from(p, s.len - (size_t)(p - s.p)), delimiter)) != NULL;) {
        total++;
        p += delimiter.len;
    }
    int64_t nth = count > 0 ? count : (int64_t)total + count + 1;
    if (nth <= 0 || nth > (int64_t)total) {
        return s;
    }
    const char *p = s.p;
    for (;; p += delimiter.len) {
        p = find(str_from(p, s.len - (size_t)(p - s.p)), delimiter);
        if (--nth == 0) {
            break;
        }
    }
    const size_t at = (size_t)(p - s.p);
    return count > 0 ? str_from(s.p, at) : str_from(p + delimiter.len, s.len - at - delimiter.len);
}

static void substring_index_rows(duckdb_function_info info, duckdb_data_chunk input,
                                 duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        set(&r, i,
            substring_index(udf_str(r.args[0], i), udf_str(r.args[1], i),
                            ((const int64_t *)r.args[2])[i]));
    }
}

/* GROUP_CONCAT's limit in bytes, at a whole character. */
static void cut_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        struct str s = udf_str(r.args[0], i);
        const int64_t max = ((const int64_t *)r.args[1])[i];
        if ((int64_t)s.len > max) {
            s.len = charset_valid_prefix(charset_utf8mb4(), str_from(s.p, (size_t)max));
        }
        set(&r, i, s);
    }
}

/* ---- Hexadecimal ---- */

static const char hex_digits[] = "0123456789ABCDEF";

static void hex_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    struct bytebuf b;
    (void)info;
    udf_begin(&r, input, output);
    bytebuf_init(&b, SIZE_MAX / 2);
    for (idx_t i = 0; udf_next(&r, &i); i++) {
        const struct str s = udf_str(r.args[0], i);
        bytebuf_reset(&b);
        for (size_t at = 0; at < s.len; at++) {
            bytebuf_put_char(&b, hex_digits[(unsigned char)s.p[at] >> 4]);
            bytebuf_put_char(&b, hex_digits[(unsigned char)s.p[at] & 15]);
        }
        finish_row(&r, i, &b);
    }
    bytebuf_release(&b);
}

static void hex_int_rows(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct udf_rows r;
    (void)info;
    udf_begin(&r, input, output);
    for (idx_t i = 0; i < r.count; i++) {
        char buf[16];
        size_t at = sizeof(buf);
        if (!udf_row(&r, i)) {
            continue;
        }
        uint64_t v = ((const uint64_t *)r.args[0])[i];
        do {
            buf[--at] = hex_digits[v & 15];
            v >>= 4;
        } while (v != 0);
        udf_set_str(&r, i, buf + at, sizeof(buf) - at);
    }
}

static const uint8_t front = TRIM_FRONT;
static const uint8_t back = TRIM_BACK;
static const uint8_t both = TRIM_FRONT | TRIM_BACK;

#define VARCHAR DUCKDB_TYPE_VARCHAR
#define BIGINT  DUCKDB_TYPE_BIGINT

static const struct udf functions[] = {
    {"pt_substring", substring_rows, VARCHAR, 0, 2, {VARCHAR, BIGINT}, NULL},
    {"pt_substring", substring_rows, VARCHAR, 0, 3, {VARCHAR, BIGINT, BIGINT}, NULL},
    {"pt_left", left_rows, VARCHAR, 0, 2, {VARCHAR, BIGINT}, NULL},
    {"pt_right", right_rows, VARCHAR, 0, 2, {VARCHAR, BIGINT}, NULL},
    {"pt_trim_leading", trim_rows, VARCHAR, 0, 1, {VARCHAR}, &front},
    {"pt_trim_leading", trim_rows, VARCHAR, 0, 2, {VARCHAR, VARCHAR}, &front},
    {"pt_trim_trailing", trim_rows, VARCHAR, 0, 1, {VARCHAR}, &back},
    {"pt_trim_trailing", trim_rows, VARCHAR, 0, 2, {VARCHAR, VARCHAR}, &back},
    {"pt_trim_both", trim_rows, VARCHAR, 0, 1, {VARCHAR}, &both},
    {"pt_trim_both", trim_rows, VARCHAR, 0, 2, {VARCHAR, VARCHAR}, &both},
    {"pt_reverse", reverse_rows, VARCHAR, 0, 1, {VARCHAR}, NULL},
    {"pt_repeat", repeat_rows, VARCHAR, 0, 2, {VARCHAR, BIGINT}, NULL},
    {"pt_space", space_rows, VARCHAR, 0, 1, {BIGINT}, NULL},
    {"pt_lpad", lpad_rows, VARCHAR, 0, 3, {VARCHAR, BIGINT, VARCHAR}, NULL},
    {"pt_rpad", rpad_rows, VARCHAR, 0, 3, {VARCHAR, BIGINT, VARCHAR}, NULL},
    {"pt_substring_index", substring_index_rows, VARCHAR, 0, 3, {VARCHAR, VARCHAR, BIGINT}, NULL},
    {"pt_cut", cut_rows, VARCHAR, 0, 2, {VARCHAR, BIGINT}, NULL},
    {"pt_hex", hex_rows, VARCHAR, 0, 1, {VARCHAR}, NULL},
    {"pt_hex_int", hex_int_rows, VARCHAR, 0, 1, {DUCKDB_TYPE_UBIGINT}, NULL},
    {"pt_ascii", ascii_rows, DUCKDB_TYPE_INTEGER, 0, 1, {VARCHAR}, NULL},
};

int udf_register_strings(duckdb_connection connection)
{
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        if (udf_add(connection, &functions[i]) != 0) {
            return -1;
        }
    }
    return 0;
}
