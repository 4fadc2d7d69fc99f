/*
 * Look-up of collations, the walk over weights, comparison, sort keys and hashes.
 */
#include "types/collation.h"

#include "types/collation_int.h"

#include <xxhash.h>

#include <string.h>

/* Bytes of key made between two appends. */
#define KEY_STEP 256u

#define HANGUL_FIRST 0xAC00u

const struct collation *collation_list(size_t *out_count)
{
    *out_count = collation_table_len;
    return collation_table;
}

const struct collation *collation_find(uint16_t id)
{
    size_t low = 0;
    size_t high = collation_table_len;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (collation_table[mid].id < id) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    const struct collation *found = NULL;
    for (; low < collation_table_len && collation_table[low].id == id; low++) {
        if (!found || (collation_table[low].flags & COLLATION_IN_MYSQL)) {
            found = &collation_table[low];
        }
    }
    return found;
}

static const struct collation *find_exact_name(struct str name, enum sql_dialect dialect)
{
    const unsigned wanted = dialect == DIALECT_MARIADB ? COLLATION_IN_MARIADB : COLLATION_IN_MYSQL;
    size_t low = 0;
    size_t high = collation_table_len;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (str_cmp_nocase(collation_table[collation_by_name[mid]].name, name) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    for (; low < collation_table_len; low++) {
        const struct collation *c = &collation_table[collation_by_name[low]];
        if (!str_eq_nocase(c->name, name)) {
            break;
        }
        if (c->flags & wanted) {
            return c;
        }
    }
    return NULL;
}

/* prefix + rest by its exact name; rest begins with '_'. */
static const struct collation *find_joined(struct str prefix, struct str rest,
                                           enum sql_dialect dialect)
{
    char buf[96];
    if (prefix.len + rest.len > sizeof(buf)) {
        return NULL;
    }
    memcpy(buf, prefix.p, prefix.len);
    memcpy(buf + prefix.len, rest.p, rest.len);
    return find_exact_name(str_from(buf, prefix.len + rest.len), dialect);
}

const struct collation *collation_find_name(struct str name, enum sql_dialect dialect)
{
    const struct str old = STR("utf8_");
    if (str_starts_with_nocase(name, old)) {
        return find_joined(STR("utf8mb3_"), str_from(name.p + old.len, name.len - old.len),
                           dialect);
    }
    return find_exact_name(name, dialect);
}

const struct collation *collation_find_for(struct str name, const struct charset *cs,
                                           enum sql_dialect dialect)
{
    if (dialect == DIALECT_MARIADB && str_starts_with_nocase(name, STR("uca1400_"))) {
        char prefix[32];
        const size_t len = MIN(cs->name.len, sizeof(prefix) - 1);
        memcpy(prefix, cs->name.p, len);
        prefix[len] = '_';
        return find_joined(str_from(prefix, len + 1), name, dialect);
    }
    return collation_find_name(name, dialect);
}

static uint32_t weight_entry(const struct weight_table *w, uint32_t cp)
{
    return w->pages[w->index[cp / WEIGHT_PAGE]][cp % WEIGHT_PAGE];
}

/* Codes of an entry that is no Hangul; returns how many and where: in the table or in buf. */
static unsigned entry_codes(const struct weight_table *w, uint32_t entry, uint32_t cp,
                            const uint32_t **out, uint32_t *buf)
{
    const uint32_t value = ENTRY_VALUE(entry);
    *out = buf;
    switch (ENTRY_KIND(entry)) {
    case ENTRY_EXPANSION:
        *out = w->expansions + (value & 0xFFFFF);
        return value >> 20;
    case ENTRY_IMPLICIT:
        buf[0] = CODE(w->top_lead, (value + (cp >> 15)) & 0xFFFF);
        buf[1] = CODE(w->top_lead, 0x8000 | (cp & 0x7FFF));
        return 2;
    case ENTRY_IDENTITY:
        buf[0] = CODE(w->top_lead, cp);
        return 1;
    default:
        buf[0] = value;
        return value != 0;
    }
}

/* Unicode 9.0, section 3.12: a syllable is a leading consonant, a vowel, and maybe a trailing one.
 */
static unsigned hangul_codes(const struct weight_table *w, uint32_t cp, uint32_t *buf)
{
    const uint32_t index = cp - HANGUL_FIRST;
    const uint32_t jamo[3] = {0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11A7 + index % 28};
    unsigned count = 0;
    for (unsigned i = 0; i < (index % 28 ? 3u : 2u); i++) {
        const uint32_t *codes;
        uint32_t own[2];
        const unsigned n = entry_codes(w, weight_entry(w, jamo[i]), jamo[i], &codes, own);
        memcpy(buf + count, codes, n * sizeof(*codes));
        count += n;
    }
    return count;
}

/* Codes of a character by the weights of its single-byte set; those that it lacks come behind all.
 */
static unsigned byte_codes(const struct collation_scheme *scheme, uint32_t cp, uint32_t *buf)
{
    const int byte = charset_bytes_find(scheme->bytes, cp);
    if (byte >= 0) {
        buf[0] = scheme->byte_codes[byte];
        return 1;
    }
    buf[0] = CODE(scheme->weights->top_lead, 0xFBC0 + (cp >> 15));
    buf[1] = CODE(scheme->weights->top_lead, 0x8000 | (cp & 0x7FFF));
    return 2;
}

static unsigned char_codes(const struct collation_scheme *scheme, uint32_t cp, const uint32_t **out,
                           uint32_t *buf)
{
    *out = buf;
    if (cp >= UTF8_BAD) {
        buf[0] = CODE(LEAD_BAD, 0x8000 | (cp - UTF8_BAD));
        return 1;
    }
    if (scheme->kind == SCHEME_BYTE_WEIGHTS) {
        return byte_codes(scheme, cp, buf);
    }
    const uint32_t entry = weight_entry(scheme->weights, cp);
    return ENTRY_KIND(entry) == ENTRY_HANGUL ? hangul_codes(scheme->weights, cp, buf)
                                             : entry_codes(scheme->weights, entry, cp, out, buf);
}

unsigned collation_char_codes(const struct collation_scheme *scheme, uint32_t cp, uint32_t *buf)
{
    const uint32_t *codes;
    const unsigned n = char_codes(scheme, cp, &codes, buf);
    if (codes != buf) {
        memcpy(buf, codes, n * sizeof(*buf));
    }
    return n;
}

/* Order of a contraction against the characters read, of which those behind the last are 0. */
static int compare_contraction(const struct contraction *c, const uint32_t *cp, unsigned len)
{
    for (unsigned i = 0; i < CONTRACTION_LEN; i++) {
        const uint32_t other = i < len ? cp[i] : 0;
        if (c->cp[i] != other) {
            return c->cp[i] < other ? -1 : 1;
        }
    }
    return 0;
}

static const struct contraction *find_contraction(const struct weight_table *w, const uint32_t *cp,
                                                  unsigned len)
{
    size_t low = 0;
    size_t high = w->ncontractions;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        const int diff = compare_contraction(&w->contractions[mid], cp, len);
        if (diff == 0) {
            return &w->contractions[mid];
        }
        if (diff < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

/* Tries the longest contraction that begins with cp, whose bytes end at it->p; takes what follows
 * of it. */
static bool take_contraction(struct code_iter *it, uint32_t cp)
{
    const struct weight_table *w = it->scheme->weights;
    uint32_t seen[CONTRACTION_LEN] = {cp};
    const unsigned char *ends[CONTRACTION_LEN] = {it->p};
    unsigned len = 1;
    for (; len < CONTRACTION_LEN && ends[len - 1] < it->end; len++) {
        size_t bytes;
        seen[len] = utf8_next(ends[len - 1], (size_t)(it->end - ends[len - 1]), &bytes);
        ends[len] = ends[len - 1] + bytes;
    }
    for (; len > 1; len--) {
        const struct contraction *c = find_contraction(w, seen, len);
        if (c) {
            it->queue = w->expansions + (c->expansion & 0xFFFFF);
            it->queued = c->expansion >> 20;
            it->p = ends[len - 1];
            return true;
        }
    }
    return false;
}

void code_iter_init(struct code_iter *it, const struct collation_scheme *scheme, struct str s)
{
    s = str_not_null(s);
    it->scheme = scheme;
    it->p = (const unsigned char *)s.p;
    it->end = it->p + s.len;
    it->queue = it->buf;
    it->queued = 0;
}

uint32_t code_iter_next(struct code_iter *it)
{
    const struct collation_scheme *scheme = it->scheme;
    while (it->queued == 0) {
        if (it->p >= it->end) {
            return 0;
        }
        size_t len;
        const uint32_t cp = utf8_next(it->p, (size_t)(it->end - it->p), &len);
        it->p += len;
        if (scheme->kind == SCHEME_WEIGHTS && cp < UTF8_BAD &&
            (weight_entry(scheme->weights, cp) & ENTRY_STARTS) && it->p < it->end &&
            take_contraction(it, cp)) {
            continue;
        }
        it->queued = char_codes(scheme, cp, &it->queue, it->buf);
    }
    it->queued--;
    return *it->queue++;
}

/* Key bytes on their way to the caller's buffer. */
struct key_sink {
    struct bytebuf *out;
    size_t used;
    unsigned char step[KEY_STEP];
};

static void sink_flush(struct key_sink *k)
{
    bytebuf_put(k->out, k->step, k->used);
    k->used = 0;
}

static inline void sink_byte(struct key_sink *k, unsigned char byte)
{
    if (k->used == KEY_STEP) {
        sink_flush(k);
    }
    k->step[k->used++] = byte;
}

static inline void sink_code(struct key_sink *k, uint32_t code)
{
    sink_byte(k, (unsigned char)(code >> 16));
    if (code & 0xFFFF) {
        sink_byte(k, (unsigned char)(code >> 8));
        sink_byte(k, (unsigned char)code);
    }
}

static void sink_repeat(struct key_sink *k, unsigned char byte, size_t count)
{
    for (; count; count--) {
        sink_byte(k, byte);
    }
}

/*
 * Padding: spaces are held back until something follows them. Were they written as they are, "a " +
 * tab would sort behind "a", whose missing bytes compare as spaces, and a tab is lower than those.
 * So a space has two bytes, around the one that ends the key: which one is used says how what
 * follows the spaces compares with a space.
 */
struct padding {
    bool pad;
    uint32_t space;
    size_t held; /* Spaces not written yet. */
};

static void sink_padded(struct key_sink *k, struct padding *pad, uint32_t code)
{
    if (pad->pad && code == pad->space) {
        pad->held++;
        return;
    }
    if (pad->held) {
        const unsigned char byte = (unsigned char)(pad->space >> 16);
        sink_repeat(k, (unsigned char)(code < pad->space ? byte - 2 : byte), pad->held);
        pad->held = 0;
    }
    sink_code(k, code);
}

/* Writes the characters up to the next that is not in the table or might begin a contraction. */
static void sink_ascii_run(struct key_sink *k, struct padding *pad, struct code_iter *it)
{
    const uint8_t *table = it->scheme->ascii->code;
    const bool contractions = it->scheme->weights->ncontractions != 0;
    while (it->p < it->end && table[*it->p] &&
           !(contractions && it->p + 1 < it->end && it->p[1] >= 0x80)) {
        sink_padded(k, pad, CODE(table[*it->p], 0));
        it->p++;
    }
}

static void primary_key(const struct collation_scheme *scheme, struct str s, struct key_sink *k)
{
    struct padding pad = {.pad = scheme->pad, .space = scheme->weights->space};
    struct code_iter it;
    code_iter_init(&it, scheme, s);
    for (;;) {
        if (it.queued == 0) {
            sink_ascii_run(k, &pad, &it);
        }
        const uint32_t code = code_iter_next(&it);
        if (code == 0) {
            break;
        }
        sink_padded(k, &pad, code);
    }
    if (pad.pad) {
        sink_byte(k, (unsigned char)((pad.space >> 16) - 1));
    }
}

/*
 * A level behind the first, for text whose levels before are equal: the commonest weights at its
 * end are left out, which changes no order as no weight is lower, and makes the level of plain text
 * empty.
 */
static void level_key(const struct collation_scheme *level, struct str s, struct key_sink *k)
{
    struct padding pad = {.pad = true, .space = level->weights->space};
    struct code_iter it;
    code_iter_init(&it, level, s);
    for (uint32_t code = code_iter_next(&it); code; code = code_iter_next(&it)) {
        sink_padded(k, &pad, code);
    }
}

/* Levels are separated by a byte that is lower than any code's. */
static void weights_key(const struct collation_scheme *scheme, struct str s, struct key_sink *k)
{
    primary_key(scheme, s, k);
    for (const struct collation_scheme *level = scheme->next; level; level = level->next) {
        sink_byte(k, 0);
        level_key(level, s, k);
    }
}

/* Padded UTF-8 by bytes, with room made for the three places of a space. Bytes that UTF-8 never has
 * come last. */
static void utf8_key(struct str s, struct key_sink *k)
{
    size_t spaces = 0;
    for (size_t i = 0; i < s.len; i++) {
        const unsigned char byte = (unsigned char)s.p[i];
        if (byte == ' ') {
            spaces++;
            continue;
        }
        if (spaces) {
            sink_repeat(k, byte < ' ' ? UTF8_SPACE_BEFORE_LOWER : UTF8_SPACE, spaces);
            spaces = 0;
        }
        if (byte < ' ') {
            sink_byte(k, byte);
        } else if (byte <= 0xFC) {
            sink_byte(k, (unsigned char)(byte + 2));
        } else {
            sink_byte(k, 0xFF);
            sink_byte(k, byte);
        }
    }
    sink_byte(k, UTF8_SPACE_END);
}

static struct str without_trailing_spaces(struct str s)
{
    while (s.len && s.p[s.len - 1] == ' ') {
        s.len--;
    }
    return s;
}

const struct collation_ascii *collation_key_ascii_table(const struct collation *c)
{
    return c->scheme->next ? NULL : c->scheme->ascii;
}

size_t collation_sort_key_ascii(const struct collation_ascii *t, struct str s, char *out)
{
    if (t->end) {
        s = without_trailing_spaces(s);
    }
    const unsigned char *p = (const unsigned char *)s.p;
    for (size_t i = 0; i < s.len; i++) {
        out[i] = (char)t->code[p[i]];
    }
    /* One search afterwards costs less than a test of each byte. */
    if (s.len && memchr(out, 0, s.len)) {
        return SIZE_MAX;
    }
    out[s.len] = (char)t->end;
    return s.len + (t->end != 0);
}

static void slow_key(const struct collation_scheme *scheme, struct str s, struct bytebuf *out)
{
    struct key_sink k;
    k.out = out;
    k.used = 0;
    if (scheme->kind == SCHEME_UTF8) {
        utf8_key(s, &k);
    } else {
        weights_key(scheme, s, &k);
    }
    sink_flush(&k);
}

static bool is_plain_bytes(const struct collation_scheme *scheme)
{
    return scheme->kind == SCHEME_BYTES || (scheme->kind == SCHEME_UTF8 && !scheme->pad);
}

void collation_sort_key(const struct collation *c, struct str s, struct bytebuf *out)
{
    const struct collation_scheme *scheme = c->scheme;
    if (is_plain_bytes(scheme)) {
        bytebuf_put_str(out, s);
        return;
    }
    char *to = bytebuf_reserve(out, s.len + 1);
    const size_t len =
        to && !scheme->next ? collation_sort_key_ascii(scheme->ascii, s, to) : SIZE_MAX;
    if (len == SIZE_MAX) {
        slow_key(scheme, s, out);
    } else {
        out->len += len;
    }
}

/* Order of what is left of a string against the spaces that would pad the other one. */
static int compare_to_spaces(struct code_iter *it, uint32_t code, uint32_t space)
{
    for (; code; code = code_iter_next(it)) {
        if (code != space) {
            return code < space ? -1 : 1;
        }
    }
    return 0;
}

static int compare_weights(const struct collation_scheme *scheme, struct str a, struct str b)
{
    struct code_iter ia;
    struct code_iter ib;
    code_iter_init(&ia, scheme, a);
    code_iter_init(&ib, scheme, b);
    for (;;) {
        const uint32_t ca = code_iter_next(&ia);
        const uint32_t cb = code_iter_next(&ib);
        if (ca == 0 && scheme->pad) {
            return -compare_to_spaces(&ib, cb, scheme->weights->space);
        }
        if (cb == 0 && scheme->pad) {
            return compare_to_spaces(&ia, ca, scheme->weights->space);
        }
        if (ca != cb) {
            return ca < cb ? -1 : 1;
        }
        if (ca == 0) {
            return 0;
        }
    }
}

/* Bytes of the common beginning that compare alike by the table alone; less one, as it might begin
 * a contraction. */
static size_t common_ascii(const struct collation_ascii *t, struct str a, struct str b)
{
    const unsigned char *pa = (const unsigned char *)a.p;
    const unsigned char *pb = (const unsigned char *)b.p;
    const size_t n = MIN(a.len, b.len);
    size_t i = 0;
    while (i < n && t->code[pa[i]] && t->code[pa[i]] == t->code[pb[i]]) {
        i++;
    }
    return i;
}

static struct str from_byte(struct str s, size_t from)
{
    return from ? str_from(s.p + from, s.len - from) : s;
}

static int compare_padded_utf8(struct str a, struct str b)
{
    const size_t n = MIN(a.len, b.len);
    const int diff = n ? memcmp(a.p, b.p, n) : 0;
    if (diff) {
        return diff;
    }
    const struct str rest = from_byte(a.len > b.len ? a : b, n);
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.p[i] != ' ') {
            const int order = (unsigned char)rest.p[i] < ' ' ? -1 : 1;
            return a.len > b.len ? order : -order;
        }
    }
    return 0;
}

/* Order by the levels behind the first. */
static int compare_levels(const struct collation_scheme *scheme, struct str a, struct str b)
{
    int order = 0;
    for (const struct collation_scheme *level = scheme->next; level && order == 0;
         level = level->next) {
        order = compare_weights(level, a, b);
    }
    return order;
}

static int compare_primary(const struct collation_scheme *scheme, struct str a, struct str b)
{
    const struct collation_ascii *t = scheme->ascii;
    const size_t same = common_ascii(t, a, b);
    if (same < a.len && same < b.len) {
        const int ca = t->code[(unsigned char)a.p[same]];
        const int cb = t->code[(unsigned char)b.p[same]];
        if (ca && cb) {
            return ca - cb;
        }
    } else if (same == a.len && same == b.len) {
        return 0;
    }
    const size_t from = same ? same - 1 : 0;
    return compare_weights(scheme, from_byte(a, from), from_byte(b, from));
}

int collation_compare(const struct collation *c, struct str a, struct str b)
{
    const struct collation_scheme *scheme = c->scheme;
    if (is_plain_bytes(scheme)) {
        return str_cmp(a, b);
    }
    if (scheme->kind == SCHEME_UTF8) {
        return compare_padded_utf8(a, b);
    }
    const int order = compare_primary(scheme, a, b);
    return order ? order : compare_levels(scheme, a, b);
}

bool collation_equal(const struct collation *c, struct str a, struct str b)
{
    return str_eq(a, b) || collation_compare(c, a, b) == 0;
}

uint64_t collation_hash(const struct collation *c, struct str s)
{
    if (is_plain_bytes(c->scheme)) {
        return XXH3_64bits(s.p, s.len);
    }
    char stack[KEY_STEP];
    if (s.len < sizeof(stack) && !c->scheme->next) {
        const size_t len = collation_sort_key_ascii(c->scheme->ascii, s, stack);
        if (len != SIZE_MAX) {
            return XXH3_64bits(stack, len);
        }
    }
    /* Strings that are equal must go one way only: the hash is that of the key however it was made.
     */
    struct bytebuf key;
    bytebuf_init(&key, SIZE_MAX);
    collation_sort_key(c, s, &key);
    const uint64_t hash = XXH3_64bits(key.p, key.len);
    bytebuf_release(&key);
    return hash;
}
