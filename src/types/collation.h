/*
 * Collations: MySQL's and MariaDB's names and numbers, comparison, sort keys, LIKE, and letter
 * case.
 *
 * Strings given to these functions are in UTF-8 whatever the character set of the collation is (so
 * are all strings inside the server); only `binary` takes any bytes. A byte that is not well-formed
 * UTF-8 counts as a character above all others.
 *
 * Everything rests on the sort key: memcmp order of keys, the shorter first when one begins the
 * other, is the order of the collation, and equal keys are its equality. A key has one byte for
 * each character that compares as an ASCII character does, and three bytes (an escape byte that
 * sorts between two ASCII classes, and a 16-bit weight) for the others. Keys of one collation say
 * nothing about another's. With PAD SPACE the key leaves out what trailing spaces would add and
 * ends in a byte that sorts where a space does.
 *
 * Weights were measured on MySQL 9.7 and MariaDB 10.11, code point by code point
 * (gen/weights_*.txt). All functions may be called from any thread; nothing is initialised at run
 * time.
 */
#ifndef TYPES_COLLATION_H
#define TYPES_COLLATION_H

#include "base/arena.h"
#include "base/base.h"
#include "base/bytebuf.h"
#include "base/str.h"
#include "types/charset.h"
#include "types/sql_mode.h"
#include "types/type.h"

enum collation_flags {
    COLLATION_IN_MYSQL = 1u << 0, /* MySQL 9.7 has it under this number and name. */
    COLLATION_IN_MARIADB = 1u << 1,
    COLLATION_DEFAULT_MYSQL = 1u << 2, /* Its character set's default there. */
    COLLATION_DEFAULT_MARIADB = 1u << 3,
    COLLATION_NO_PAD = 1u << 4, /* Trailing spaces count. */
    COLLATION_BIN = 1u << 5,    /* By code point or byte. */
};

struct collation_scheme; /* Weights; private. */

struct collation {
    uint16_t id;
    uint16_t flags;  /* enum collation_flags */
    uint8_t sortlen; /* As in SHOW COLLATION. */
    struct str name;
    const struct charset *charset;
    const struct collation_scheme *scheme; /* NULL when comparing is not supported; private. */
};

/* All collations of both servers by number (a few numbers come twice, with the two servers' names);
 * static. */
NODISCARD const struct collation *collation_list(size_t *out_count);

/* By number, or NULL; where the servers have different names for one number, MySQL's. Static. */
NODISCARD const struct collation *collation_find(uint16_t id);

/* By name in any case ("utf8_…" is utf8mb3_…); NULL when that server has none. Static. */
NODISCARD const struct collation *collation_find_name(struct str name, enum sql_dialect dialect);

/*
 * As collation_find_name() for use beside a character set: MariaDB's short names ("uca1400_ai_ci")
 * are completed with it.
 */
NODISCARD const struct collation *collation_find_for(struct str name, const struct charset *cs,
                                                     enum sql_dialect dialect);

/*
 * Are its order and its letters implemented? Callers refuse columns and expressions of others: the
 * functions below must not be called for them.
 */
static inline bool collation_is_supported(const struct collation *c)
{
    return c->scheme != NULL;
}

static inline bool collation_is_pad_space(const struct collation *c)
{
    return (c->flags & COLLATION_NO_PAD) == 0;
}

/* Is equality that of the bytes, trailing spaces aside when it pads? Then a column needs no key to
 * be grouped or joined by. */
static inline bool collation_is_bytewise(const struct collation *c)
{
    return (c->flags & COLLATION_BIN) != 0;
}

/* Order of a and b: negative, 0, positive. */
NODISCARD int collation_compare(const struct collation *c, struct str a, struct str b);

/* Are a and b equal? As collation_compare() == 0, sometimes faster. */
NODISCARD bool collation_equal(const struct collation *c, struct str a, struct str b);

/* Appends the sort key of s. out->failed tells that the ceiling was reached. */
void collation_sort_key(const struct collation *c, struct str s, struct bytebuf *out);

/* A number that is the same for equal strings. Stable within a process only. */
NODISCARD uint64_t collation_hash(const struct collation *c, struct str s);

/*
 * For making keys of many short strings: an entry gives the key byte of a byte of text, or 0 when
 * the string needs collation_sort_key(). A string of which all bytes (without trailing spaces, when
 * the collation pads) have an entry has the key: these bytes, then the end byte unless that is 0.
 * NULL when the collation has no such table. 256 entries; static.
 */
struct collation_ascii {
    uint8_t code[256];
    uint8_t end; /* PAD SPACE: the byte behind the key; else 0. */
};
NODISCARD const struct collation_ascii *collation_key_ascii_table(const struct collation *c);

/*
 * The key of s by that table alone. out has room for s.len + 1 bytes. Returns the length of the
 * key, or SIZE_MAX (out holds garbage) when s needs collation_sort_key().
 */
NODISCARD size_t collation_sort_key_ascii(const struct collation_ascii *t, struct str s, char *out);

/*
 * LIKE, character by character as MySQL does it: never pads, never expands ('ß' LIKE 'ss' is false
 * where 'ß' = 'ss' is true). escape is a code point, or COLLATION_NO_ESCAPE.
 */
#define COLLATION_NO_ESCAPE UINT32_MAX
NODISCARD bool collation_like(const struct collation *c, struct str s, struct str pattern,
                              uint32_t escape);

/*
 * A pattern prepared for matching many strings. Borrowed from the arena; read-only once made, so
 * threads may share it.
 */
struct like_pattern;
NODISCARD const struct like_pattern *like_pattern_new(const struct collation *c, struct str pattern,
                                                      uint32_t escape, struct arena *arena);
NODISCARD bool like_pattern_match(const struct like_pattern *p, struct str s);

/* UPPER() and LOWER(): one character for one, by the collation's tables. Appends to out. */
void collation_upper(const struct collation *c, struct str s, struct bytebuf *out);
void collation_lower(const struct collation *c, struct str s, struct bytebuf *out);

#endif
