/*
 * Inside of the collations: the tables that gen/collations.pl makes, and the walk over a string's
 * weights that comparison, keys and hashes share.
 *
 * A weight is kept as a 24-bit code: a lead byte and a 16-bit tail. Leads are numbered in the order
 * of the collation: each class of ASCII characters has a lead of its own (with tail 0: such a code
 * is one byte of key), and so has each gap between two classes in which there are other weights
 * (the tail is the weight: three bytes of key). Codes of one collation therefore compare as its
 * weights do, and no code's bytes begin another's.
 */
#ifndef TYPES_COLLATION_INT_H
#define TYPES_COLLATION_INT_H

#include "types/charset_int.h"
#include "types/collation.h"

#define CODE(lead, tail) ((uint32_t)(lead) << 16 | (tail))

/* Above all code points' weights: bytes that are no UTF-8. */
#define LEAD_BAD 0xFFu

/*
 * What a code point has in a weight table: the kind in the top byte, the rest as said. A plain
 * entry is the code itself; 0 is ignorable.
 */
enum entry_kind {
    ENTRY_CODE,
    ENTRY_EXPANSION, /* Bits 20-23 how many codes, bits 0-19 where in the expansions. */
    ENTRY_IMPLICIT,  /* Two weights above ASCII: low 16 bits + (cp >> 15), and 0x8000 | (cp &
                        0x7fff). */
    ENTRY_IDENTITY,  /* One weight above ASCII: the code point. */
    ENTRY_HANGUL,    /* The entries of the syllable's jamo. */
};
#define ENTRY_KIND(e)  ((e) >> 24 & 0x7F)
#define ENTRY_VALUE(e) ((e) & 0xFFFFFF)
/* Set besides when the code point may begin a contraction. */
#define ENTRY_STARTS 0x80000000u

#define WEIGHT_PAGE 64u

#define CONTRACTION_LEN 3
struct contraction {
    uint32_t cp[CONTRACTION_LEN]; /* 0 behind the end; sorted. */
    uint32_t expansion;           /* As of ENTRY_EXPANSION. */
};

struct weight_table {
    const uint16_t *index; /* Page of each run of WEIGHT_PAGE code points, up to U+10FFFF. */
    const uint32_t (*pages)[WEIGHT_PAGE];
    const uint32_t *expansions;
    const struct contraction *contractions;
    uint32_t ncontractions;
    uint8_t top_lead; /* Of weights above all ASCII classes. */
    bool like_exact;  /* LIKE takes characters above U+FFFF for different although they have one
                         weight. */
    uint32_t space; /* Code of a space. The lead before it ends a padded key, the one before that is
                       a space before something lower than spaces. */
};

enum scheme_kind {
    SCHEME_BYTES, /* By bytes, no padding: binary, utf8mb4_0900_bin */
    SCHEME_UTF8,  /* By code point, padding or not: the bytes of UTF-8 are in that order */
    SCHEME_WEIGHTS,
    SCHEME_BYTE_WEIGHTS, /* Single-byte sets. */
};

struct case_pair {
    uint32_t cp;
    uint32_t upper;
    uint32_t lower;
};

struct case_table {
    const struct case_pair
        *pairs; /* Sorted; of the code points that are not both forms of themselves. */
    uint32_t npairs;
    bool in_place; /* The server overwrites the argument, see collation_case.c. */
};

struct collation_scheme {
    enum scheme_kind kind;
    bool pad;
    const struct weight_table
        *weights; /* SCHEME_WEIGHTS; of SCHEME_BYTE_WEIGHTS only top_lead and space. */
    const uint32_t *byte_codes;          /* SCHEME_BYTE_WEIGHTS: 256 codes. */
    const struct charset_bytes *bytes;   /* SCHEME_BYTE_WEIGHTS */
    const struct case_table *cases;      /* NULL: by `bytes`, or none (binary). */
    const struct collation_ascii *ascii; /* NULL for the levels behind the first. */
    /*
     * The next level of weights, which decides when the one before is equal (accents, then letter
     * case); NULL behind the last. Its `space` is the commonest weight, which is also the lowest.
     */
    const struct collation_scheme *next;
};

/* In the order that SCHEME_UTF8 gives bytes: space has three places, see struct weight_table. */
#define UTF8_SPACE_BEFORE_LOWER 0x20u
#define UTF8_SPACE_END          0x21u
#define UTF8_SPACE              0x22u

/* A walk over the codes of a string. */
struct code_iter {
    const struct collation_scheme *scheme;
    const unsigned char *p;
    const unsigned char *end;
    const uint32_t *queue; /* Codes of the last character that are still to be given. */
    unsigned queued;
    uint32_t buf[24];
};

/* s borrowed. */
void code_iter_init(struct code_iter *it, const struct collation_scheme *scheme, struct str s);

/* The next code, or 0 at the end. */
NODISCARD uint32_t code_iter_next(struct code_iter *it);

/*
 * The codes of one character alone, as LIKE compares it; returns how many, at most the length of
 * buf in struct code_iter.
 */
unsigned collation_char_codes(const struct collation_scheme *scheme, uint32_t cp, uint32_t *buf);

/* Generated: sorted by number, then name. */
extern const struct collation collation_table[];
extern const size_t collation_table_len;
/* Generated: places in collation_table sorted by name. */
extern const uint16_t collation_by_name[];

#endif
