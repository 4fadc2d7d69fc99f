/* What the files of binlog/ share: readers of the integers of the log. */
#ifndef BINLOG_BINLOG_INT_H
#define BINLOG_BINLOG_INT_H

#include "binlog/event.h"

#include "base/arena.h"
#include "wire/pkt_reader.h"

#include <string.h>

/* A function that is seldom called, kept out of those that would have to make room for it. */
#define COLD __attribute__((cold, noinline))

static inline uint16_t load_u16(const char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint32_t load_u32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline uint64_t load_u64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* Little-endian, 0 to 8 bytes. */
static inline uint64_t load_uint(const char *p, unsigned bytes)
{
    uint64_t v = 0;
    switch (bytes) {
    case 1:
        return (uint8_t)*p;
    case 2:
        return load_u16(p);
    case 3:
        return load_u16(p) | (uint64_t)(uint8_t)p[2] << 16;
    case 4:
        return load_u32(p);
    case 8:
        return load_u64(p);
    default:
        for (unsigned i = 0; i < bytes; i++) {
            v |= (uint64_t)(uint8_t)p[i] << (8 * i);
        }
        return v;
    }
}

/* Big-endian, 0 to 8 bytes. */
static inline uint64_t load_be(const char *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++) {
        v = v << 8 | (uint8_t)p[i];
    }
    return v;
}

/* 0 to 15, or -1. */
static inline int hex_value(char c)
{
    const char lower = (char)(c | 0x20);
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Skips what a newer server has put behind the post-header this reader knows. r has read `known`
 * bytes of it. */
static inline void skip_post_header(struct pkt_reader *r, const struct binlog_format *f,
                                    uint8_t type, size_t known)
{
    if (type > 0 && type <= f->type_count && f->post_header_len[type - 1] > known) {
        pkt_skip(r, f->post_header_len[type - 1] - known);
    }
}

/* Length of the post-header of a type, or `otherwise` when the format does not say. */
static inline size_t post_header_len(const struct binlog_format *f, uint8_t type, size_t otherwise)
{
    if (type > 0 && type <= f->type_count && f->post_header_len[type - 1] != 0) {
        return f->post_header_len[type - 1];
    }
    return otherwise;
}

/* The id of a table, of 4 or 6 bytes. */
NODISCARD static inline uint64_t get_table_id(struct pkt_reader *r, bool is_old)
{
    const uint32_t low = pkt_get_u32(r);
    return is_old ? low : low | (uint64_t)pkt_get_u16(r) << 32;
}

/*
 * Integers of variable length as mysql::serialization writes them: as many one bits at the low end
 * of the first byte as bytes follow. Source: MySQL source documentation, "Library: Serialization".
 */
NODISCARD uint64_t get_varlen(struct pkt_reader *r);
NODISCARD int64_t get_varlen_signed(struct pkt_reader *r);

/*
 * Undoes MariaDB's compression of events: a byte with the bytes of the length in its low 3 bits,
 * the length (big-endian), a zlib stream. The result is in arena. Returns 0, or -1 when it is
 * malformed or would be longer than max_len.
 */
NODISCARD int mariadb_uncompress(struct str s, struct arena *a, size_t max_len, struct str *out);

/* The same for a value of one of MariaDB's COMPRESSED columns; out may borrow from s. */
NODISCARD int mariadb_uncompress_column(struct str s, struct arena *a, struct str *out);

#endif
