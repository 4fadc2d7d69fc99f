/* Table maps: columns, and the optional metadata that names and describes them. */
#include "binlog/columns.h"

#include "binlog/binlog_int.h"

enum {
    TABLE_POST_HEADER_LEN = 8,
    TABLE_POST_HEADER_LEN_OLD = 6, /* With an id of 4 bytes. */
    MAX_COLUMNS = 4096,

    /* Fields of the optional metadata. */
    META_SIGNEDNESS = 1,
    META_DEFAULT_CHARSET = 2,
    META_COLUMN_CHARSET = 3,
    META_COLUMN_NAME = 4,
    META_SET_LABELS = 5,
    META_ENUM_LABELS = 6,
    META_GEOMETRY_TYPE = 7,
    META_SIMPLE_KEY = 8,
    META_PREFIX_KEY = 9,
    META_LABEL_DEFAULT_CHARSET = 10,
    META_LABEL_COLUMN_CHARSET = 11,
    META_VISIBILITY = 12,
    META_VECTOR_DIMENSION = 13,
};

/* State of decoding the metadata of one table. */
struct metadata {
    struct binlog_table *table;
    struct arena *arena;
    bool is_mariadb;
};

bool binlog_column_is_string(const struct binlog_column *c)
{
    switch (c->type) {
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case BINLOG_TYPE_BLOB_COMPRESSED:
    case BINLOG_TYPE_VARCHAR_COMPRESSED:
        return true;
    default:
        return false;
    }
}

bool binlog_column_is_number(const struct binlog_column *c)
{
    switch (c->type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_NEWDECIMAL:
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE:
    case MYSQL_TYPE_YEAR:
        return true;
    default:
        return false;
    }
}

/* To MariaDB geometry is a kind of BLOB, which has its place among the character sets. */
static bool is_mariadb_string_column(const struct binlog_column *c)
{
    return binlog_column_is_string(c) || c->type == MYSQL_TYPE_GEOMETRY;
}

static bool is_label_column(const struct binlog_column *c)
{
    return c->type == MYSQL_TYPE_ENUM || c->type == MYSQL_TYPE_SET;
}

static bool is_enum_column(const struct binlog_column *c)
{
    return c->type == MYSQL_TYPE_ENUM;
}

static bool is_set_column(const struct binlog_column *c)
{
    return c->type == MYSQL_TYPE_SET;
}

static bool is_geometry_column(const struct binlog_column *c)
{
    return c->type == MYSQL_TYPE_GEOMETRY;
}

static bool is_vector_column(const struct binlog_column *c)
{
    return c->type == MYSQL_TYPE_VECTOR;
}

/* ---- Types ---- */

/* Bytes of a DECIMAL(precision, scale): 4 for each 9 digits on a side, fewer for the rest. */
static uint32_t decimal_size(unsigned precision, unsigned scale)
{
    static const uint8_t rest[9] = {0, 1, 1, 2, 2, 3, 3, 4, 4};
    const unsigned whole = precision - scale;
    return whole / 9 * 4 + rest[whole % 9] + scale / 9 * 4 + rest[scale % 9];
}

/*
 * CHAR, BINARY, ENUM and SET share a type number; the metadata's first byte tells which. Lengths of
 * CHAR above 255 bytes have their bits 8 and 9 inverted in bits 4 and 5 of that byte.
 */
static void set_string_type(struct pkt_reader *r, struct binlog_column *c)
{
    const uint8_t first = pkt_get_u8(r);
    const uint8_t second = pkt_get_u8(r);
    if (first == MYSQL_TYPE_ENUM || first == MYSQL_TYPE_SET) {
        c->type = first;
        c->size = second;
        if (second == 0 || second > (first == MYSQL_TYPE_ENUM ? 2 : 8)) {
            pkt_reader_fail(r);
        }
        return;
    }
    if ((first | 0x30) != MYSQL_TYPE_STRING) {
        pkt_reader_fail(r);
    }
    c->type = MYSQL_TYPE_STRING;
    c->max_len = second | (uint32_t)((first & 0x30) ^ 0x30) << 4;
    c->len_bytes = c->max_len > 255 ? 2 : 1;
}

static void set_decimal_type(struct pkt_reader *r, struct binlog_column *c)
{
    c->precision = pkt_get_u8(r);
    c->decimals = pkt_get_u8(r);
    if (c->precision == 0 || c->precision > DECIMAL_MAX_PRECISION || c->decimals > c->precision ||
        c->decimals > 38) {
        pkt_reader_fail(r);
        return;
    }
    c->size = decimal_size(c->precision, c->decimals);
}

static void set_bit_type(struct pkt_reader *r, struct binlog_column *c)
{
    const uint8_t bits = pkt_get_u8(r);
    const uint8_t bytes = pkt_get_u8(r);
    c->size = bytes + (bits > 0 ? 1u : 0u);
    c->max_len = bytes * 8u + bits;
    if (bits > 7 || c->max_len == 0 || c->max_len > 64) {
        pkt_reader_fail(r);
    }
}

static void set_fraction_type(struct pkt_reader *r, struct binlog_column *c, unsigned size)
{
    c->decimals = pkt_get_u8(r);
    if (c->decimals > 6) {
        pkt_reader_fail(r);
    }
    c->size = size + (c->decimals + 1u) / 2;
}

static void set_varchar_type(struct pkt_reader *r, struct binlog_column *c)
{
    c->max_len = pkt_get_u16(r);
    c->len_bytes = c->max_len > 255 ? 2 : 1;
}

static void set_blob_type(struct pkt_reader *r, struct binlog_column *c)
{
    c->len_bytes = pkt_get_u8(r);
    if (c->len_bytes == 0 || c->len_bytes > 4) {
        pkt_reader_fail(r);
    }
}

static void set_real_type(struct pkt_reader *r, struct binlog_column *c, unsigned size)
{
    c->size = size;
    if (pkt_get_u8(r) != size) {
        pkt_reader_fail(r);
    }
}

/* Reads the metadata of a column's type. Returns -1 for types that are not known. */
static int set_type(struct pkt_reader *r, struct binlog_column *c)
{
    static const uint8_t fixed[] = {
        [MYSQL_TYPE_TINY] = 1, [MYSQL_TYPE_SHORT] = 2,    [MYSQL_TYPE_INT24] = 3,
        [MYSQL_TYPE_LONG] = 4, [MYSQL_TYPE_LONGLONG] = 8, [MYSQL_TYPE_TIMESTAMP] = 4,
        [MYSQL_TYPE_DATE] = 3, [MYSQL_TYPE_TIME] = 3,     [MYSQL_TYPE_DATETIME] = 8,
        [MYSQL_TYPE_YEAR] = 1, [MYSQL_TYPE_NEWDATE] = 3,
    };
    switch (c->type) {
    case MYSQL_TYPE_FLOAT:
        set_real_type(r, c, 4);
        break;
    case MYSQL_TYPE_DOUBLE:
        set_real_type(r, c, 8);
        break;
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case BINLOG_TYPE_VARCHAR_COMPRESSED:
        set_varchar_type(r, c);
        break;
    case MYSQL_TYPE_BIT:
        set_bit_type(r, c);
        break;
    case BINLOG_TYPE_TIMESTAMP2:
        set_fraction_type(r, c, 4);
        break;
    case BINLOG_TYPE_DATETIME2:
        set_fraction_type(r, c, 5);
        break;
    case BINLOG_TYPE_TIME2:
        set_fraction_type(r, c, 3);
        break;
    case MYSQL_TYPE_NEWDECIMAL:
        set_decimal_type(r, c);
        break;
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET:
        set_string_type(r, c);
        break;
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_GEOMETRY:
    case MYSQL_TYPE_JSON:
    case MYSQL_TYPE_VECTOR:
    case BINLOG_TYPE_BLOB_COMPRESSED:
        set_blob_type(r, c);
        break;
    default:
        if (c->type >= ARRAY_SIZE(fixed) || fixed[c->type] == 0) {
            return -1;
        }
        c->size = fixed[c->type];
    }
    return 0;
}

/* ---- Optional metadata ---- */

typedef bool column_pred_fn(const struct binlog_column *c);

/* The next column from *pos on that the predicate holds for; NULL at the end. */
static struct binlog_column *next_column(const struct binlog_table *t, uint32_t *pos,
                                         column_pred_fn *pred)
{
    while (*pos < t->ncols) {
        struct binlog_column *c = &t->cols[(*pos)++];
        if (pred(c)) {
            return c;
        }
    }
    return NULL;
}

static void set_collation(struct binlog_column *c, uint64_t id)
{
    c->collation = (uint16_t)id;
    c->has_collation = true;
}

/* A bit a column for those that are numbers, the first in the highest bit of a byte. */
static void get_signedness(struct pkt_reader *r, const struct metadata *m)
{
    const struct str bits = pkt_get_rest(r);
    uint32_t bit = 0;
    for (uint32_t i = 0; i < m->table->ncols; i++) {
        struct binlog_column *c = &m->table->cols[i];
        if (!binlog_column_is_number(c)) {
            continue;
        }
        if (bit / 8 >= bits.len) {
            pkt_reader_fail(r);
            return;
        }
        c->is_unsigned = ((uint8_t)bits.p[bit / 8] & 0x80u >> bit % 8) != 0;
        bit++;
    }
    m->table->metadata |= BINLOG_HAS_SIGNEDNESS;
}

/* One collation for all such columns but those listed by their number among them. */
static void get_default_charset(struct pkt_reader *r, const struct metadata *m,
                                column_pred_fn *pred)
{
    const uint64_t collation = pkt_get_lenenc(r);
    uint32_t pos = 0;
    uint64_t next = pkt_reader_left(r) > 0 ? pkt_get_lenenc(r) : UINT64_MAX;
    struct binlog_column *c;
    for (uint64_t i = 0; (c = next_column(m->table, &pos, pred)) != NULL; i++) {
        if (i == next) {
            set_collation(c, pkt_get_lenenc(r));
            next = pkt_reader_left(r) > 0 ? pkt_get_lenenc(r) : UINT64_MAX;
        } else {
            set_collation(c, collation);
        }
    }
}

static void get_column_charsets(struct pkt_reader *r, const struct metadata *m,
                                column_pred_fn *pred)
{
    uint32_t pos = 0;
    for (struct binlog_column *c; (c = next_column(m->table, &pos, pred)) != NULL;) {
        set_collation(c, pkt_get_lenenc(r));
    }
}

static void get_names(struct pkt_reader *r, const struct metadata *m)
{
    for (uint32_t i = 0; i < m->table->ncols; i++) {
        m->table->cols[i].name = arena_dup(m->arena, pkt_get_lenenc_str(r));
    }
    m->table->metadata |= BINLOG_HAS_NAMES;
}

static void get_labels(struct pkt_reader *r, const struct metadata *m, column_pred_fn *pred)
{
    uint32_t pos = 0;
    for (struct binlog_column *c; (c = next_column(m->table, &pos, pred)) != NULL;) {
        const uint64_t count = pkt_get_lenenc(r);
        if (count > pkt_reader_left(r)) {
            pkt_reader_fail(r);
            return;
        }
        struct str *names = ARENA_ARRAY(m->arena, struct str, count);
        for (uint64_t i = 0; i < count; i++) {
            names[i] = arena_dup(m->arena, pkt_get_lenenc_str(r));
        }
        struct type_labels *labels = ARENA_NEW(m->arena, struct type_labels);
        *labels = (struct type_labels){.count = (uint32_t)count, .names = names};
        c->labels = labels;
    }
    m->table->metadata |= BINLOG_HAS_LABELS;
}

static void get_geometry_types(struct pkt_reader *r, const struct metadata *m)
{
    uint32_t pos = 0;
    for (struct binlog_column *c; (c = next_column(m->table, &pos, is_geometry_column)) != NULL;) {
        c->geometry_type = (uint32_t)pkt_get_lenenc(r);
    }
}

static void get_vector_dimensions(struct pkt_reader *r, const struct metadata *m)
{
    uint32_t pos = 0;
    for (struct binlog_column *c; (c = next_column(m->table, &pos, is_vector_column)) != NULL;) {
        c->vector_dimension = (uint32_t)pkt_get_lenenc(r);
    }
}

static void get_key(struct pkt_reader *r, const struct metadata *m, bool has_prefixes)
{
    const size_t max = MIN(pkt_reader_left(r), (size_t)m->table->ncols);
    struct binlog_key_part *key = ARENA_ARRAY(m->arena, struct binlog_key_part, max);
    uint32_t count = 0;
    while (pkt_reader_left(r) > 0 && !pkt_reader_failed(r)) {
        const uint64_t column = pkt_get_lenenc(r);
        if (count == max || column >= m->table->ncols) {
            pkt_reader_fail(r);
            return;
        }
        key[count].column = (uint32_t)column;
        key[count++].prefix = has_prefixes ? (uint32_t)pkt_get_lenenc(r) : 0;
    }
    m->table->key = key;
    m->table->key_count = count;
    m->table->metadata |= BINLOG_HAS_PRIMARY_KEY;
}

static void get_visibility(struct pkt_reader *r, const struct metadata *m)
{
    const struct str bits = pkt_get_rest(r);
    if (bits.len < (m->table->ncols + 7) / 8) {
        pkt_reader_fail(r);
        return;
    }
    for (uint32_t i = 0; i < m->table->ncols; i++) {
        m->table->cols[i].is_invisible = ((uint8_t)bits.p[i / 8] & 0x80u >> i % 8) == 0;
    }
    m->table->metadata |= BINLOG_HAS_VISIBILITY;
}

static void get_metadata_field(struct pkt_reader *r, uint8_t field, const struct metadata *m)
{
    column_pred_fn *is_string = m->is_mariadb ? is_mariadb_string_column : binlog_column_is_string;
    switch (field) {
    case META_SIGNEDNESS:
        get_signedness(r, m);
        break;
    case META_DEFAULT_CHARSET:
        get_default_charset(r, m, is_string);
        m->table->metadata |= BINLOG_HAS_CHARSETS;
        break;
    case META_COLUMN_CHARSET:
        get_column_charsets(r, m, is_string);
        m->table->metadata |= BINLOG_HAS_CHARSETS;
        break;
    case META_COLUMN_NAME:
        get_names(r, m);
        break;
    case META_SET_LABELS:
        get_labels(r, m, is_set_column);
        break;
    case META_ENUM_LABELS:
        get_labels(r, m, is_enum_column);
        break;
    case META_GEOMETRY_TYPE:
        get_geometry_types(r, m);
        break;
    case META_SIMPLE_KEY:
        get_key(r, m, false);
        break;
    case META_PREFIX_KEY:
        get_key(r, m, true);
        break;
    case META_LABEL_DEFAULT_CHARSET:
        get_default_charset(r, m, is_label_column);
        m->table->metadata |= BINLOG_HAS_LABEL_CHARSETS;
        break;
    case META_LABEL_COLUMN_CHARSET:
        get_column_charsets(r, m, is_label_column);
        m->table->metadata |= BINLOG_HAS_LABEL_CHARSETS;
        break;
    case META_VISIBILITY:
        get_visibility(r, m);
        break;
    case META_VECTOR_DIMENSION:
        get_vector_dimensions(r, m);
        break;
    default:
        pkt_skip(r, pkt_reader_left(r)); /* Of a newer server. */
    }
}

/* Returns the number of the field that is malformed, or 0. */
static unsigned get_metadata(struct pkt_reader *r, const struct metadata *m)
{
    while (pkt_reader_left(r) > 0) {
        const uint8_t field = pkt_get_u8(r);
        struct pkt_reader value;
        pkt_reader_init(&value, pkt_get_lenenc_str(r));
        if (!pkt_reader_failed(r)) {
            get_metadata_field(&value, field, m);
        }
        if (pkt_reader_failed(r) || pkt_reader_failed(&value)) {
            return MAX(field, 1u);
        }
    }
    return 0;
}

/* ---- The event ---- */

static bool has_old_id(const struct binlog_format *f, uint8_t type)
{
    return post_header_len(f, type, TABLE_POST_HEADER_LEN) == TABLE_POST_HEADER_LEN_OLD;
}

int binlog_peek_table_id(const struct binlog_format *f, const struct binlog_event *ev,
                         uint64_t *out_id, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    *out_id = get_table_id(&r, has_old_id(f, ev->type));
    return pkt_reader_failed(&r) ? binlog_corrupt(d, ev, "it is too short for a table's id") : 0;
}

/* A name with its length in front and a NUL behind. */
static struct str get_name(struct pkt_reader *r, struct arena *a)
{
    const struct str name = pkt_get_bytes(r, (size_t)pkt_get_lenenc(r));
    pkt_skip(r, 1);
    return arena_dup(a, name);
}

static int decode_columns(struct pkt_reader *r, const struct binlog_event *ev, struct arena *a,
                          struct binlog_table *t, struct diag *d)
{
    const uint64_t ncols = pkt_get_lenenc(r);
    if (pkt_reader_failed(r) || ncols > MAX_COLUMNS || ncols > pkt_reader_left(r)) {
        return binlog_corrupt(d, ev, "it cannot have %llu columns", (unsigned long long)ncols);
    }
    t->ncols = (uint32_t)ncols;
    t->cols = ARENA_ARRAY(a, struct binlog_column, ncols);
    const struct str types = pkt_get_bytes(r, (size_t)ncols);
    struct pkt_reader meta;
    pkt_reader_init(&meta, pkt_get_lenenc_str(r));
    const struct str nullable = pkt_get_bytes(r, (size_t)(ncols + 7) / 8);
    if (pkt_reader_failed(r)) {
        return binlog_corrupt(d, ev, "its columns are cut off");
    }
    for (uint32_t i = 0; i < t->ncols; i++) {
        struct binlog_column *c = &t->cols[i];
        c->type = (uint8_t)types.p[i];
        c->is_nullable = ((uint8_t)nullable.p[i / 8] & 1u << i % 8) != 0;
        if (set_type(&meta, c) != 0) {
            return binlog_unsupported(d, ev, "column %u of `%.*s`.`%.*s` has the type %u", i + 1,
                                      STR_FMT(t->db), STR_FMT(t->name), c->type);
        }
        if (pkt_reader_failed(&meta)) {
            return binlog_corrupt(d, ev, "column %u of type %u has impossible metadata", i + 1,
                                  c->type);
        }
    }
    return pkt_reader_ok(&meta) ? 0 : binlog_corrupt(d, ev, "its metadata are too long");
}

int binlog_decode_table(const struct binlog_format *f, const struct binlog_event *ev,
                        struct arena *a, struct binlog_table *out, struct diag *d)
{
    struct pkt_reader r;
    pkt_reader_init(&r, ev->body);
    *out = (struct binlog_table){.id = get_table_id(&r, has_old_id(f, ev->type))};
    out->flags = pkt_get_u16(&r);
    skip_post_header(&r, f, ev->type, TABLE_POST_HEADER_LEN);
    out->db = get_name(&r, a);
    out->name = get_name(&r, a);
    if (pkt_reader_failed(&r)) {
        return binlog_corrupt(d, ev, "its names are cut off");
    }
    if (decode_columns(&r, ev, a, out, d) != 0) {
        return -1;
    }
    const struct metadata m = {.table = out, .arena = a, .is_mariadb = f->is_mariadb};
    const unsigned bad = get_metadata(&r, &m);
    return bad != 0 ? binlog_corrupt(d, ev, "field %u of its metadata is impossible", bad) : 0;
}
