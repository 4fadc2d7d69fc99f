/*
 * Table maps: which table the rows that follow are of, and what columns it has as far as the log
 * tells. See event.h for the conventions of decoding.
 *
 * The types alone always come. With binlog_row_metadata=FULL all of struct binlog_column does, with
 * MySQL's MINIMAL only signedness and character sets, with MariaDB's NO_LOG nothing: then the
 * caller sets is_unsigned and collation from what it knows of the table before it decodes values.
 */
#ifndef BINLOG_COLUMNS_H
#define BINLOG_COLUMNS_H

#include "binlog/event.h"

#include "base/arena.h"
#include "types/type.h"

/* Types of columns that exist only in storage and in the log, beside those of enum mysql_type. */
enum binlog_column_type {
    BINLOG_TYPE_TIMESTAMP2 = 17,
    BINLOG_TYPE_DATETIME2 = 18,
    BINLOG_TYPE_TIME2 = 19,
    BINLOG_TYPE_TYPED_ARRAY = 20,
    BINLOG_TYPE_BLOB_COMPRESSED = 140,    /* MariaDB */
    BINLOG_TYPE_VARCHAR_COMPRESSED = 141, /* MariaDB */
};

struct binlog_column {
    uint8_t type; /* enum mysql_type or binlog_column_type; ENUM and SET by their own. */
    bool is_nullable;
    bool is_unsigned; /* Numbers. */
    bool is_invisible;
    bool has_collation; /* collation is set. */
    uint8_t len_bytes;  /* Bytes of the length in front of a value; 0 = of fixed size. */
    uint8_t precision;  /* DECIMAL. */
    uint8_t decimals;   /* DECIMAL: scale; temporal types: fraction digits. */
    uint32_t size;      /* Bytes of a value of fixed size. */
    uint32_t max_len;   /* Longest string, in bytes; BIT: bits. 0 = as long as len_bytes says. */
    uint16_t collation; /* Strings, ENUM and SET. */
    uint32_t geometry_type;           /* 0 geometry, 1 point, ... 7 geometry collection */
    uint32_t vector_dimension;        /* VECTOR; 0 = not told. */
    struct str name;                  /* In UTF-8; p NULL = not told. */
    const struct type_labels *labels; /* ENUM and SET; NULL = not told. In `collation`'s set. */
};

/* A column of the primary key. */
struct binlog_key_part {
    uint32_t column;
    uint32_t prefix; /* Characters; 0 = all of the column. */
};

/* What the optional part of the table map told. */
enum binlog_metadata {
    BINLOG_HAS_SIGNEDNESS = 1u << 0,
    BINLOG_HAS_CHARSETS = 1u << 1,
    BINLOG_HAS_NAMES = 1u << 2,
    BINLOG_HAS_LABELS = 1u << 3,
    BINLOG_HAS_PRIMARY_KEY = 1u << 4,
    BINLOG_HAS_VISIBILITY = 1u << 5,
    BINLOG_HAS_LABEL_CHARSETS = 1u << 6,
};

struct binlog_table {
    uint64_t id;    /* Names the table to rows events, until the end of the file at most. */
    uint16_t flags; /* Of the event. */
    struct str db;
    struct str name;
    uint32_t ncols;
    struct binlog_column *cols;
    uint32_t metadata; /* enum binlog_metadata */
    uint32_t key_count;
    const struct binlog_key_part *key;
};

/* Decodes the id of the table only. */
NODISCARD int binlog_peek_table_id(const struct binlog_format *f, const struct binlog_event *ev,
                                   uint64_t *out_id, struct diag *d);

/* Decodes a table map. All of *out lives in the arena; nothing borrows from the event. */
NODISCARD int binlog_decode_table(const struct binlog_format *f, const struct binlog_event *ev,
                                  struct arena *a, struct binlog_table *out, struct diag *d);

/* Is the column's type a string with a character set (or binary)? */
NODISCARD bool binlog_column_is_string(const struct binlog_column *c);

/* Does the column have a sign, as the servers count it in their table maps? YEAR is among them. */
NODISCARD bool binlog_column_is_number(const struct binlog_column *c);

#endif
