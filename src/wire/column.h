/*
 * Column definitions (Protocol::ColumnDefinition41), in results, prepared statements and
 * COM_FIELD_LIST.
 *
 * Sources: MySQL source documentation, "Protocol::ColumnDefinition41"; MariaDB knowledge base,
 * "Result Set Packets", for the extended metadata.
 */
#ifndef WIRE_COLUMN_H
#define WIRE_COLUMN_H

#include "base/base.h"
#include "base/str.h"
#include "wire/pkt_reader.h"
#include "wire/pkt_writer.h"
#include "wire/proto.h"

struct wire_column {
    struct str schema;
    struct str table;     /* Alias. */
    struct str org_table; /* Name in the catalog. */
    struct str name;      /* Alias. */
    struct str org_name;
    struct str extended; /* MariaDB's extended metadata, raw; sent with
                            MARIADB_CLIENT_EXTENDED_METADATA. */
    uint16_t collation;  /* Id; WIRE_COLLATION_BINARY for what is not text. */
    uint32_t length;     /* Display width, in bytes of the collation's charset. */
    uint8_t type;        /* enum wire_type */
    uint16_t flags;      /* enum wire_column_flags */
    uint8_t decimals;    /* 0..30; 31 is "not fixed" (strings on MySQL have 31, 39 for MariaDB's
                            expressions). */
    bool has_default;    /* COM_FIELD_LIST only: a default value follows, which may be NULL. */
    struct str default_value; /* p == NULL: NULL. */
};

void wire_encode_column(struct pkt_writer *w, uint64_t capabilities, const struct wire_column *c);

/* Strings borrow from the payload. Returns 0, or -1 when it is malformed. */
NODISCARD int wire_decode_column(struct str payload, uint64_t capabilities,
                                 struct wire_column *out);

#endif
