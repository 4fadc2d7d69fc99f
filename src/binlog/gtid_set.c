/* Arithmetic of MySQL's GTID sets. */
#include "binlog/gtid_set.h"

#include "binlog/binlog_int.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    UUID_TEXT_LEN = 36,
    INTERVAL_LEN = 16,
    FORMAT_TAGGED = 1,
};

/* Out of memory ends the process, as with arenas. */
static void *grow(void *p, size_t count, size_t size)
{
    void *q = realloc(p, count * size);
    if (q == NULL) {
        abort();
    }
    return q;
}

void gtid_set_init(struct gtid_set *s)
{
    *s = (struct gtid_set){0};
}

void gtid_set_release(struct gtid_set *s)
{
    gtid_set_clear(s);
    free(s->entries);
    *s = (struct gtid_set){0};
}

void gtid_set_clear(struct gtid_set *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        free(s->entries[i].intervals);
    }
    s->count = 0;
}

void gtid_set_copy(struct gtid_set *s, const struct gtid_set *from)
{
    gtid_set_clear(s);
    gtid_set_union(s, from);
}

struct gtid_source gtid_source_of(const struct binlog_mysql_gtid *gtid)
{
    struct gtid_source source = {.tag_len = (uint8_t)MIN(gtid->tag.len, (size_t)BINLOG_TAG_MAX)};
    memcpy(source.uuid, gtid->uuid, BINLOG_UUID_LEN);
    if (source.tag_len > 0) {
        memcpy(source.tag, gtid->tag.p, source.tag_len);
    }
    return source;
}

/* ---- Sources ---- */

static int compare_sources(const struct gtid_source *a, const struct gtid_source *b)
{
    const int order = memcmp(a->uuid, b->uuid, BINLOG_UUID_LEN);
    return order != 0 ? order : str_cmp(str_from(a->tag, a->tag_len), str_from(b->tag, b->tag_len));
}

/* Position of the source's entry, or where it belongs. */
static uint32_t find_source(const struct gtid_set *s, const struct gtid_source *source,
                            bool *out_found)
{
    uint32_t low = 0;
    uint32_t high = s->count;
    *out_found = false;
    while (low < high && !*out_found) {
        const uint32_t mid = low + (high - low) / 2;
        const int order = compare_sources(&s->entries[mid].source, source);
        *out_found = order == 0;
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return *out_found ? high : low;
}

static struct gtid_set_entry *get_entry(struct gtid_set *s, const struct gtid_source *source)
{
    bool found;
    const uint32_t pos = find_source(s, source, &found);
    if (found) {
        return &s->entries[pos];
    }
    if (s->count == s->cap) {
        s->cap = s->cap * 2 + 2;
        s->entries = grow(s->entries, s->cap, sizeof(*s->entries));
    }
    memmove(&s->entries[pos + 1], &s->entries[pos], (s->count - pos) * sizeof(*s->entries));
    s->count++;
    s->entries[pos] = (struct gtid_set_entry){.source = *source};
    return &s->entries[pos];
}

static void drop_entry(struct gtid_set *s, uint32_t pos)
{
    free(s->entries[pos].intervals);
    s->count--;
    memmove(&s->entries[pos], &s->entries[pos + 1], (s->count - pos) * sizeof(*s->entries));
}

/* ---- Intervals ---- */

/* First interval that ends at or behind `number`. */
static uint32_t find_interval(const struct gtid_set_entry *e, int64_t number)
{
    uint32_t low = 0;
    uint32_t high = e->count;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (e->intervals[mid].end < number) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* Replaces the intervals [from, to) by `count` ones. */
static void splice(struct gtid_set_entry *e, uint32_t from, uint32_t to,
                   const struct gtid_interval *with, uint32_t count)
{
    const uint32_t new_count = e->count - (to - from) + count;
    if (new_count > e->cap) {
        e->cap = MAX(new_count, e->cap * 2);
        e->intervals = grow(e->intervals, e->cap, sizeof(*e->intervals));
    }
    if (e->count > to) {
        memmove(&e->intervals[from + count], &e->intervals[to],
                (e->count - to) * sizeof(*e->intervals));
    }
    if (count > 0) {
        memcpy(&e->intervals[from], with, count * sizeof(*with));
    }
    e->count = new_count;
}

void gtid_set_add(struct gtid_set *s, const struct gtid_source *source, struct gtid_interval i)
{
    if (i.start >= i.end) {
        return;
    }
    struct gtid_set_entry *e = get_entry(s, source);
    if (e->count > 0 && e->intervals[e->count - 1].end == i.start) {
        e->intervals[e->count - 1].end = i.end; /* As a rule numbers follow each other. */
        return;
    }
    const uint32_t from = find_interval(e, i.start);
    uint32_t to = from;
    while (to < e->count && e->intervals[to].start <= i.end) {
        i.start = MIN(i.start, e->intervals[to].start);
        i.end = MAX(i.end, e->intervals[to].end);
        to++;
    }
    splice(e, from, to, &i, 1);
}

void gtid_set_remove(struct gtid_set *s, const struct gtid_source *source, struct gtid_interval i)
{
    bool found;
    const uint32_t pos = find_source(s, source, &found);
    if (!found || i.start >= i.end) {
        return;
    }
    struct gtid_set_entry *e = &s->entries[pos];
    /* An interval that only touches i keeps all of itself in the pieces below. */
    const uint32_t from = find_interval(e, i.start);
    struct gtid_interval pieces[2];
    uint32_t count = 0;
    uint32_t to = from;
    for (; to < e->count && e->intervals[to].start < i.end; to++) {
        const struct gtid_interval old = e->intervals[to];
        if (old.start < i.start) {
            pieces[count++] = (struct gtid_interval){old.start, MIN(old.end, i.start)};
        }
        if (old.end > i.end) {
            pieces[count++] = (struct gtid_interval){MAX(old.start, i.end), old.end};
        }
    }
    splice(e, from, to, pieces, count);
    if (e->count == 0) {
        drop_entry(s, pos);
    }
}

/* ---- Sets ---- */

void gtid_set_union(struct gtid_set *s, const struct gtid_set *other)
{
    for (uint32_t i = 0; i < other->count; i++) {
        const struct gtid_set_entry *e = &other->entries[i];
        for (uint32_t j = 0; j < e->count; j++) {
            gtid_set_add(s, &e->source, e->intervals[j]);
        }
    }
}

void gtid_set_subtract(struct gtid_set *s, const struct gtid_set *other)
{
    if (s == other) {
        gtid_set_clear(s);
        return;
    }
    for (uint32_t i = 0; i < other->count; i++) {
        const struct gtid_set_entry *e = &other->entries[i];
        for (uint32_t j = 0; j < e->count; j++) {
            gtid_set_remove(s, &e->source, e->intervals[j]);
        }
    }
}

bool gtid_set_is_empty(const struct gtid_set *s)
{
    return s->count == 0;
}

bool gtid_set_equal(const struct gtid_set *a, const struct gtid_set *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        const struct gtid_set_entry *x = &a->entries[i];
        const struct gtid_set_entry *y = &b->entries[i];
        if (compare_sources(&x->source, &y->source) != 0 || x->count != y->count ||
            memcmp(x->intervals, y->intervals, x->count * sizeof(*x->intervals)) != 0) {
            return false;
        }
    }
    return true;
}

static bool contains_interval(const struct gtid_set *s, const struct gtid_source *source,
                              struct gtid_interval i)
{
    bool found;
    const uint32_t pos = find_source(s, source, &found);
    if (!found) {
        return false;
    }
    const struct gtid_set_entry *e = &s->entries[pos];
    const uint32_t at = find_interval(e, i.end);
    return at < e->count && e->intervals[at].start <= i.start;
}

bool gtid_set_contains(const struct gtid_set *s, const struct gtid_source *source, int64_t number)
{
    return number > 0 && number <= GTID_MAX_NUMBER &&
           contains_interval(s, source, (struct gtid_interval){number, number + 1});
}

bool gtid_set_is_subset(const struct gtid_set *sub, const struct gtid_set *s)
{
    for (uint32_t i = 0; i < sub->count; i++) {
        const struct gtid_set_entry *e = &sub->entries[i];
        for (uint32_t j = 0; j < e->count; j++) {
            if (!contains_interval(s, &e->source, e->intervals[j])) {
                return false;
            }
        }
    }
    return true;
}

uint64_t gtid_set_size(const struct gtid_set *s)
{
    uint64_t size = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct gtid_set_entry *e = &s->entries[i];
        for (uint32_t j = 0; j < e->count; j++) {
            const uint64_t n = (uint64_t)(e->intervals[j].end - e->intervals[j].start);
            size = size > UINT64_MAX - n ? UINT64_MAX : size + n;
        }
    }
    return size;
}

/* ---- Text ---- */

static int parse_uuid(struct str text, uint8_t *out)
{
    size_t digits = 0;
    if (text.len != UUID_TEXT_LEN) {
        return -1;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.p[i] != '-') {
                return -1;
            }
            continue;
        }
        const int digit = hex_value(text.p[i]);
        if (digit < 0) {
            return -1;
        }
        out[digits / 2] = (uint8_t)(digits % 2 == 0 ? digit << 4 : out[digits / 2] | digit);
        digits++;
    }
    return 0;
}

/* A letter or '_', then also digits. */
static int parse_tag(struct str text, struct gtid_source *out)
{
    if (text.len == 0 || text.len > BINLOG_TAG_MAX) {
        return -1;
    }
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.p[i];
        const char lower = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        const bool ok =
            (lower >= 'a' && lower <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9');
        if (!ok) {
            return -1;
        }
        out->tag[i] = lower;
    }
    out->tag_len = (uint8_t)text.len;
    return 0;
}

/* "7" or "1-5"; an end before the start makes it empty. */
static int parse_interval(struct str text, struct gtid_interval *out)
{
    const char *dash = text.len > 0 ? memchr(text.p, '-', text.len) : NULL;
    const size_t len = dash != NULL ? (size_t)(dash - text.p) : text.len;
    uint64_t start;
    uint64_t end;
    if (str_to_u64(str_trim(str_from(text.p, len)), &start) != 0) {
        return -1;
    }
    end = start;
    if (dash != NULL && str_to_u64(str_trim(str_from(dash + 1, text.len - len - 1)), &end) != 0) {
        return -1;
    }
    if (start == 0 || start > GTID_MAX_NUMBER || end > GTID_MAX_NUMBER) {
        return -1;
    }
    *out = (struct gtid_interval){(int64_t)start, (int64_t)end + 1};
    return 0;
}

/* Takes the text up to a separator off *rest, trimmed. */
static struct str take_part(struct str *rest, char separator)
{
    const char *end = rest->len > 0 ? memchr(rest->p, separator, rest->len) : NULL;
    const struct str part = str_from(rest->p, end != NULL ? (size_t)(end - rest->p) : rest->len);
    const size_t used = part.len + (end != NULL);
    *rest = str_from(rest->p + used, rest->len - used);
    return str_trim(part);
}

/* "uuid:[tag:]interval[:interval]...", the tag again and again. */
static int parse_source(struct gtid_set *s, struct str text)
{
    struct gtid_source source = {0};
    if (parse_uuid(take_part(&text, ':'), source.uuid) != 0) {
        return -1;
    }
    while (text.len > 0) {
        const struct str part = take_part(&text, ':');
        struct gtid_interval interval;
        if (part.len > 0 && part.p[0] >= '0' && part.p[0] <= '9') {
            if (parse_interval(part, &interval) != 0) {
                return -1;
            }
            gtid_set_add(s, &source, interval);
        } else if (parse_tag(part, &source) != 0) {
            return -1;
        }
    }
    return 0;
}

int gtid_set_parse(struct gtid_set *s, struct str text, struct diag *d)
{
    struct str rest = text;
    while (rest.len > 0) {
        const struct str part = take_part(&rest, ',');
        if (part.len > 0 && parse_source(s, part) != 0) {
            char shown[201];
            (void)snprintf(shown, sizeof(shown), "%.*s", (int)MIN(text.len, (size_t)200), text.p);
            return diag_set(d, ER_MALFORMED_GTID_SET_SPECIFICATION, shown);
        }
    }
    return 0;
}

static void print_uuid(const uint8_t *uuid, struct bytebuf *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < BINLOG_UUID_LEN; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            bytebuf_put_char(out, '-');
        }
        bytebuf_put_char(out, digits[uuid[i] >> 4]);
        bytebuf_put_char(out, digits[uuid[i] & 15]);
    }
}

static void print_tag(const struct gtid_source *source, struct bytebuf *out)
{
    if (source->tag_len > 0) {
        bytebuf_put_char(out, ':');
        bytebuf_put(out, source->tag, source->tag_len);
    }
}

void gtid_print(const struct gtid_source *source, int64_t number, struct bytebuf *out)
{
    print_uuid(source->uuid, out);
    print_tag(source, out);
    bytebuf_printf(out, ":%lld", (long long)number);
}

void gtid_set_print(const struct gtid_set *s, struct bytebuf *out)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct gtid_set_entry *e = &s->entries[i];
        if (i == 0 || memcmp(e[-1].source.uuid, e->source.uuid, BINLOG_UUID_LEN) != 0) {
            if (i > 0) {
                bytebuf_put_char(out, ',');
            }
            print_uuid(e->source.uuid, out);
        }
        print_tag(&e->source, out);
        for (uint32_t j = 0; j < e->count; j++) {
            bytebuf_printf(out, ":%lld", (long long)e->intervals[j].start);
            if (e->intervals[j].end - e->intervals[j].start > 1) {
                bytebuf_printf(out, "-%lld", (long long)e->intervals[j].end - 1);
            }
        }
    }
}

/* ---- Bytes ---- */

static void put_u64(struct bytebuf *out, uint64_t v)
{
    char bytes[8];
    memcpy(bytes, &v, sizeof(v));
    bytebuf_put(out, bytes, sizeof(bytes));
}

static bool has_tags(const struct gtid_set *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->entries[i].source.tag_len > 0) {
            return true;
        }
    }
    return false;
}

/* Number of sources; with tags the format stands in the lowest and in the highest byte. */
void gtid_set_encode(const struct gtid_set *s, struct bytebuf *out)
{
    const bool tagged = has_tags(s);
    put_u64(out, tagged ? (uint64_t)s->count << 8 | FORMAT_TAGGED | (uint64_t)FORMAT_TAGGED << 56
                        : s->count);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct gtid_set_entry *e = &s->entries[i];
        bytebuf_put(out, e->source.uuid, BINLOG_UUID_LEN);
        if (tagged) {
            bytebuf_put_char(out, (char)(e->source.tag_len << 1));
            bytebuf_put(out, e->source.tag, e->source.tag_len);
        }
        put_u64(out, e->count);
        for (uint32_t j = 0; j < e->count; j++) {
            put_u64(out, (uint64_t)e->intervals[j].start);
            put_u64(out, (uint64_t)e->intervals[j].end);
        }
    }
}

static int decode_intervals(struct pkt_reader *r, struct gtid_set *s,
                            const struct gtid_source *source)
{
    const uint64_t count = pkt_get_u64(r);
    if (count > pkt_reader_left(r) / INTERVAL_LEN) {
        return -1;
    }
    int64_t last = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct gtid_interval interval;
        interval.start = (int64_t)pkt_get_u64(r);
        interval.end = (int64_t)pkt_get_u64(r);
        if (interval.start <= last || interval.end <= interval.start) {
            return -1;
        }
        gtid_set_add(s, source, interval);
        last = interval.end;
    }
    return 0;
}

static int decode_source(struct pkt_reader *r, bool tagged, struct gtid_source *out)
{
    *out = (struct gtid_source){0};
    const struct str uuid = pkt_get_bytes(r, BINLOG_UUID_LEN);
    const uint64_t tag_len = tagged ? get_varlen(r) : 0;
    const struct str tag = pkt_get_bytes(r, (size_t)tag_len);
    if (pkt_reader_failed(r) || (tag_len > 0 && parse_tag(tag, out) != 0)) {
        return -1;
    }
    memcpy(out->uuid, uuid.p, BINLOG_UUID_LEN);
    return 0;
}

int gtid_set_decode(struct gtid_set *s, struct str bytes)
{
    struct pkt_reader r;
    pkt_reader_init(&r, bytes);
    gtid_set_clear(s);
    const uint64_t head = pkt_get_u64(&r);
    const bool tagged = head >> 56 == FORMAT_TAGGED;
    const uint64_t count = tagged ? head >> 8 & UINT64_C(0xffffffffffff) : head;
    if (head >> 56 > FORMAT_TAGGED || (tagged && (head & 0xff) != FORMAT_TAGGED) ||
        count > bytes.len) {
        return -1;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct gtid_source source;
        bool found;
        if (decode_source(&r, tagged, &source) != 0) {
            return -1;
        }
        if (find_source(s, &source, &found) != s->count || decode_intervals(&r, s, &source) != 0) {
            return -1;
        }
    }
    return pkt_reader_ok(&r) ? 0 : -1;
}

int binlog_decode_previous_gtids(const struct binlog_event *ev, struct gtid_set *s, struct diag *d)
{
    return gtid_set_decode(s, ev->body) == 0
               ? 0
               : binlog_corrupt(d, ev, "its set of GTIDs is malformed");
}
