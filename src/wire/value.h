/*
 * Values as they travel: in binary result rows, as parameters of prepared statements and as query
 * attributes; and text rows.
 *
 * Temporal values are plain fields here, unchecked and without a meaning; types/ converts. Sources:
 * MySQL source documentation, "Binary Protocol Resultset" (values and NULL bitmap) and
 * "Protocol::ResultsetRow".
 */
#ifndef WIRE_VALUE_H
#define WIRE_VALUE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"
#include "wire/pkt_reader.h"
#include "wire/pkt_writer.h"
#include "wire/proto.h"

/* DATE, DATETIME and TIMESTAMP. All zero: a zero date, sent as length 0. */
struct wire_datetime {
    uint16_t year;
    uint8_t month;
    uint8_t day;
    uint8_t hour;
    uint8_t minute;
    uint8_t second;
    uint32_t usec;
};

/* TIME. Hours beyond a day go into days; -838:59:59.000000 is negative, 34 days, 22 hours. */
struct wire_time {
    bool is_negative;
    uint32_t days;
    uint8_t hour;
    uint8_t minute;
    uint8_t second;
    uint32_t usec;
};

enum wire_value_kind {
    WIRE_VALUE_NULL,
    WIRE_VALUE_INT,       /* i */
    WIRE_VALUE_UINT,      /* u */
    WIRE_VALUE_FLOAT,     /* f */
    WIRE_VALUE_DOUBLE,    /* d */
    WIRE_VALUE_BYTES,     /* s: strings, blobs, decimals as text, BIT, JSON, … */
    WIRE_VALUE_DATETIME,  /* dt */
    WIRE_VALUE_TIME,      /* t */
    WIRE_VALUE_LONG_DATA, /* A parameter sent before by COM_STMT_SEND_LONG_DATA: nothing in the
                             packet. */
};

struct wire_value {
    enum wire_value_kind kind;
    uint8_t type; /* enum wire_type */
    union {
        int64_t i;
        uint64_t u;
        float f;
        double d;
        struct str s; /* Borrows from the payload. */
        struct wire_datetime dt;
        struct wire_time t;
    };
};

/*
 * Writes a value of the binary protocol in the form of value->type (nothing for NULL and LONG_DATA,
 * which the bitmap or an earlier command tells). The kind must be that of the type: see
 * wire_value_kind_of().
 */
void wire_put_value(struct pkt_writer *w, const struct wire_value *v);

/* Reads a value of the given type. An unknown type fails the reader. */
void wire_get_value(struct pkt_reader *r, uint8_t type, bool is_unsigned, struct wire_value *out);

/* The kind a value of this type has in the binary protocol; WIRE_VALUE_NULL for WIRE_TYPE_NULL and
 * for types that are not sent. */
NODISCARD enum wire_value_kind wire_value_kind_of(uint8_t type, bool is_unsigned);

/*
 * Raw writers for the fast path (see pkt_row_begin()): write at p and return the byte behind. At
 * most 12 bytes for a datetime and 13 for a time. The shortest form is used, as servers do.
 */
enum {
    WIRE_DATETIME_MAX = 12,
    WIRE_TIME_MAX = 13,
};
NODISCARD char *wire_raw_datetime(char *p, const struct wire_datetime *dt);
NODISCARD char *wire_raw_date(char *p, const struct wire_datetime *dt);
NODISCARD char *wire_raw_time(char *p, const struct wire_time *t);

/* Bytes of the NULL bitmap of a binary row (its first two bits are unused) and of a parameter list.
 */
static inline size_t wire_row_bitmap_len(size_t columns)
{
    return (columns + 7 + 2) / 8;
}

static inline size_t wire_param_bitmap_len(size_t params)
{
    return (params + 7) / 8;
}

/* Marks column i as NULL in the bitmap of a binary row (which starts behind the row's first byte,
 * 0x00, and was zeroed). */
static inline void wire_row_set_null(char *bitmap, size_t column)
{
    const size_t bit = column + 2;
    bitmap[bit / 8] = (char)(bitmap[bit / 8] | 1 << bit % 8);
}

/* A whole binary row: mark, bitmap, values. */
void wire_encode_binary_row(struct pkt_writer *w, const struct wire_value *values, size_t count);

/* Type of a column or parameter. */
struct wire_value_type {
    uint8_t type;
    bool is_unsigned;
};

/* values: count of them. Returns 0, or -1 when the row is malformed. */
NODISCARD int wire_decode_binary_row(struct str payload, const struct wire_value_type *types,
                                     size_t count, struct wire_value *out_values);

/* A whole text row; p == NULL is NULL. */
void wire_encode_text_row(struct pkt_writer *w, const struct str *values, size_t count);
NODISCARD int wire_decode_text_row(struct str payload, size_t count, struct str *out_values);

#endif
