/*
 * LIKE. A pattern is compiled into elements: a character's class, any one character, or any run of
 * them. Two characters match when their weights are the same lists, so a class is a number made of
 * the list.
 *
 * Most text is ASCII, for which there is a second form of the pattern: pieces between the runs,
 * one byte an element, matched by table against the bytes of the string. Matching takes the
 * leftmost place for each piece in turn, which is enough since a later piece has only more room
 * when the earlier ones end sooner.
 */
#include "types/collation.h"
#include "types/collation_int.h"

#include <string.h>

/* Elements besides classes. */
#define ELEM_ONE UINT64_MAX
#define ELEM_RUN (UINT64_MAX - 1)

/* Added to a code point that is a class of its own. No list of codes gives such a class. */
#define CLASS_EXACT (UINT64_C(0x7FFF) << 48)

/* Bytes of the ASCII form besides classes. */
#define BYTE_ONE   0xFFu /* Any character. */
#define BYTE_NEVER 0xFEu /* A character that is no ASCII character's equal. */

/* The two ASCII characters of a class, as one or two bytes may be it (twice the same when only one
 * is). */
struct like_anchor {
    size_t at; /* Where in the piece. */
    uint8_t either;
    uint8_t other;
};

struct like_piece {
    const uint8_t *bytes;
    size_t len;
    /* The first and last character that is not any one, to look for them 16 places at a time. */
    bool anchored;
    struct like_anchor first;
    struct like_anchor last;
};

struct like_pattern {
    const struct collation_scheme *scheme;
    bool by_byte; /* `binary`: characters are bytes. */
    const uint64_t *elems;
    size_t nelems;
    /* The ASCII form: pieces with a run between each two. Only the first and last may be empty. */
    const struct like_piece *pieces;
    size_t npieces;
    uint8_t byte_class[128]; /* Of ASCII characters. */
};

static uint64_t mix(uint64_t class, uint64_t more)
{
    return (class ^ more) * UINT64_C(0x9E3779B97F4A7C15);
}

/* Lists of up to two codes are their own class, longer ones a hash. */
static uint64_t list_class(const uint32_t *codes, unsigned n)
{
    uint64_t class = n;
    for (unsigned i = 0; i < n; i++) {
        class = n <= 2 ? class << 24 | codes[i] : mix(class, codes[i]);
    }
    return class & (UINT64_MAX >> 1);
}

static uint64_t char_class(const struct collation_scheme *scheme, uint32_t cp)
{
    if (scheme->kind == SCHEME_BYTES || scheme->kind == SCHEME_UTF8) {
        return cp;
    }
    if (cp > 0xFFFF && cp < UTF8_BAD && scheme->weights->like_exact) {
        return CLASS_EXACT | cp;
    }
    uint32_t codes[ARRAY_SIZE(((struct code_iter *)0)->buf)];
    uint64_t class = list_class(codes, collation_char_codes(scheme, cp, codes));
    for (const struct collation_scheme *level = scheme->next; level; level = level->next) {
        const uint64_t next = list_class(codes, collation_char_codes(level, cp, codes));
        class = mix(class, next) & (UINT64_MAX >> 1);
    }
    return class;
}

/* A step over the pattern or the string: the class of the character at p. */
static uint64_t next_class(const struct like_pattern *p, const unsigned char **pos,
                           const unsigned char *end)
{
    size_t len = 1;
    const uint32_t cp = p->by_byte ? **pos : utf8_next(*pos, (size_t)(end - *pos), &len);
    *pos += len;
    return char_class(p->scheme, cp);
}

/* Elements of the pattern text; elems has room for one a byte. */
static size_t compile_elems(const struct like_pattern *p, struct str pattern, uint32_t escape,
                            uint64_t *elems)
{
    pattern = str_not_null(pattern);
    const unsigned char *pos = (const unsigned char *)pattern.p;
    const unsigned char *const end = pos + pattern.len;
    size_t n = 0;
    while (pos < end) {
        size_t len = 1;
        const uint32_t cp = p->by_byte ? *pos : utf8_next(pos, (size_t)(end - pos), &len);
        if (cp == escape && pos + len < end) {
            /* An escape at the very end stands for itself. */
            pos += len;
            elems[n++] = next_class(p, &pos, end);
        } else if (cp == '%') {
            pos += len;
            if (n == 0 || elems[n - 1] != ELEM_RUN) {
                elems[n++] = ELEM_RUN;
            }
        } else if (cp == '_') {
            pos += len;
            elems[n++] = ELEM_ONE;
        } else {
            elems[n++] = next_class(p, &pos, end);
        }
    }
    return n;
}

/* The ASCII character's number that has this class, or BYTE_NEVER. */
static uint8_t find_byte(const uint64_t *classes, uint64_t class)
{
    for (unsigned i = 0; i < 128; i++) {
        if (classes[i] == class) {
            return (uint8_t)i;
        }
    }
    return BYTE_NEVER;
}

/* False when the class has more than two ASCII characters. */
static bool anchor_init(struct like_anchor *a, const struct like_pattern *p,
                        const struct like_piece *piece, size_t at)
{
    unsigned found = 0;
    a->at = at;
    for (unsigned i = 0; i < 128; i++) {
        if (p->byte_class[i] == piece->bytes[at]) {
            a->either = found == 0 ? (uint8_t)i : a->either;
            a->other = (uint8_t)i;
            found++;
        }
    }
    return found <= 2;
}

static void piece_find_anchors(struct like_piece *piece, const struct like_pattern *p)
{
    size_t first = 0;
    size_t last = piece->len;
    while (first < last && piece->bytes[first] == BYTE_ONE) {
        first++;
    }
    while (last > first && piece->bytes[last - 1] == BYTE_ONE) {
        last--;
    }
    piece->anchored = first < last && anchor_init(&piece->first, p, piece, first) &&
                      anchor_init(&piece->last, p, piece, last - 1);
}

static void compile_ascii(struct like_pattern *p, struct arena *arena)
{
    uint64_t classes[128];
    for (unsigned i = 0; i < 128; i++) {
        classes[i] = char_class(p->scheme, i);
        p->byte_class[i] = find_byte(classes, classes[i]);
    }
    struct like_piece *pieces = ARENA_ARRAY(arena, struct like_piece, p->nelems + 1);
    uint8_t *bytes = arena_alloc(arena, p->nelems + 1);
    pieces[0].bytes = bytes;
    p->npieces = 1;
    for (size_t i = 0; i < p->nelems; i++) {
        if (p->elems[i] == ELEM_RUN) {
            pieces[p->npieces++].bytes = bytes;
            continue;
        }
        *bytes++ = p->elems[i] == ELEM_ONE ? BYTE_ONE : find_byte(classes, p->elems[i]);
        pieces[p->npieces - 1].len++;
    }
    for (size_t i = 0; i < p->npieces; i++) {
        piece_find_anchors(&pieces[i], p);
    }
    p->pieces = pieces;
}

/* The pattern without its ASCII form. */
static struct like_pattern *compile(const struct collation *c, struct str pattern, uint32_t escape,
                                    struct arena *arena)
{
    struct like_pattern *p = ARENA_NEW(arena, struct like_pattern);
    p->scheme = c->scheme;
    p->by_byte = c->charset->kind == CHARSET_BINARY;
    uint64_t *elems = arena_alloc(arena, (pattern.len + 1) * sizeof(*elems));
    p->nelems = compile_elems(p, pattern, escape, elems);
    p->elems = elems;
    return p;
}

const struct like_pattern *like_pattern_new(const struct collation *c, struct str pattern,
                                            uint32_t escape, struct arena *arena)
{
    struct like_pattern *p = compile(c, pattern, escape, arena);
    compile_ascii(p, arena);
    return p;
}

static bool piece_matches(const struct like_pattern *p, const struct like_piece *piece,
                          const unsigned char *s)
{
    for (size_t i = 0; i < piece->len; i++) {
        if (piece->bytes[i] != BYTE_ONE && piece->bytes[i] != p->byte_class[s[i]]) {
            return false;
        }
    }
    return true;
}

/* 16 bytes, compared at once; a comparison gives 0xFF for true. */
typedef uint8_t lanes __attribute__((vector_size(16)));

static lanes anchor_lanes(const struct like_anchor *a, const unsigned char *s)
{
    lanes text;
    memcpy(&text, s + a->at, sizeof(text));
    return (lanes)((text == a->either) | (text == a->other));
}

/* The first place of the 16 from s on where the piece matches, or NULL. All of them have room for
 * the piece. */
static const unsigned char *find_in_lanes(const struct like_pattern *p,
                                          const struct like_piece *piece, const unsigned char *s)
{
    const lanes hit = anchor_lanes(&piece->first, s) & anchor_lanes(&piece->last, s);
    uint64_t words[2];
    memcpy(words, &hit, sizeof(words));
    if ((words[0] | words[1]) == 0) {
        return NULL;
    }
    for (unsigned i = 0; i < sizeof(hit); i++) {
        if (hit[i] && piece_matches(p, piece, s + i)) {
            return s + i;
        }
    }
    return NULL;
}

/* The first place from s on, before end, where the piece matches; NULL when there is none. */
static const unsigned char *find_piece(const struct like_pattern *p, const struct like_piece *piece,
                                       const unsigned char *s, const unsigned char *end)
{
    const size_t lane_count = sizeof(lanes);
    while (piece->anchored && (size_t)(end - s) >= piece->len + lane_count - 1) {
        const unsigned char *found = find_in_lanes(p, piece, s);
        if (found) {
            return found;
        }
        s += lane_count;
    }
    for (; (size_t)(end - s) >= piece->len; s++) {
        if (piece_matches(p, piece, s)) {
            return s;
        }
    }
    return NULL;
}

static bool match_ascii(const struct like_pattern *p, struct str s)
{
    s = str_not_null(s);
    const unsigned char *pos = (const unsigned char *)s.p;
    const unsigned char *end = pos + s.len;
    const struct like_piece *first = &p->pieces[0];
    const struct like_piece *last = &p->pieces[p->npieces - 1];
    if (s.len < first->len || !piece_matches(p, first, pos)) {
        return false;
    }
    if (p->npieces == 1) {
        return s.len == first->len;
    }
    pos += first->len;
    if ((size_t)(end - pos) < last->len || !piece_matches(p, last, end - last->len)) {
        return false;
    }
    end -= last->len;
    for (const struct like_piece *piece = first + 1; piece < last; piece++) {
        pos = find_piece(p, piece, pos, end);
        if (!pos) {
            return false;
        }
        pos += piece->len;
    }
    return true;
}

static size_t char_bytes(const struct like_pattern *p, const unsigned char *s,
                         const unsigned char *end)
{
    size_t len = 1;
    if (!p->by_byte) {
        (void)utf8_next(s, (size_t)(end - s), &len);
    }
    return len;
}

/* By elements. When a character does not match, the last run takes one more. */
static bool match_elems(const struct like_pattern *p, struct str s)
{
    s = str_not_null(s);
    const unsigned char *pos = (const unsigned char *)s.p;
    const unsigned char *const end = pos + s.len;
    const unsigned char *retry = NULL;
    size_t retry_elem = 0;
    size_t i = 0;
    for (;;) {
        if (i < p->nelems && p->elems[i] == ELEM_RUN) {
            retry = pos;
            retry_elem = ++i;
            continue;
        }
        if (pos == end) {
            return i == p->nelems;
        }
        const unsigned char *next = pos;
        const uint64_t class = next_class(p, &next, end);
        if (i < p->nelems && (p->elems[i] == ELEM_ONE || p->elems[i] == class)) {
            pos = next;
            i++;
            continue;
        }
        if (!retry) {
            return false;
        }
        retry += char_bytes(p, retry, end);
        pos = retry;
        i = retry_elem;
    }
}

bool like_pattern_match(const struct like_pattern *p, struct str s)
{
    return str_is_ascii(s) ? match_ascii(p, s) : match_elems(p, s);
}

bool collation_like(const struct collation *c, struct str s, struct str pattern, uint32_t escape)
{
    struct arena arena;
    arena_init(&arena, 0);
    const bool match = match_elems(compile(c, pattern, escape, &arena), s);
    arena_release(&arena);
    return match;
}
