/*
 * Time zones read from the tz database of the machine (TZif files, RFC 8536). Zones are read once
 * and kept; the list of them is behind one mutex, the zones themselves never change.
 */
#include "types/timezone.h"

#include "types/timezone_int.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ZONEINFO   "/usr/share/zoneinfo"
#define LOCAL_ZONE "/etc/localtime"
#define DAY_S      86400

/* No zone file comes near it. */
#define ZONE_FILE_MAX (1u << 20)

/* MySQL's limits of an offset, in minutes. */
#define OFFSET_MIN (-(13 * 60 + 59))
#define OFFSET_MAX (14 * 60)

struct timezone {
    struct timezone *next; /* In the list of all zones. */
    char *name;
    int32_t first_offset; /* Before the first transition. */
    uint32_t count;
    int64_t *at;         /* Seconds since 1970 UTC of the transitions, ascending. */
    int32_t *offsets;    /* From each transition on. */
    struct tz_rule rule; /* From the last transition on, if has_rule. */
    bool has_rule;
};

static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;
static struct timezone *zones; /* Under zones_lock. */

struct file_text {
    unsigned char *p;
    size_t len;
};

static int read_file(const char *path, struct file_text *out)
{
    *out = (struct file_text){.p = NULL};
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return -1;
    }
    out->p = malloc(ZONE_FILE_MAX);
    if (out->p != NULL) {
        out->len = fread(out->p, 1, ZONE_FILE_MAX, f);
    }
    (void)fclose(f);
    return out->p != NULL && out->len > 0 ? 0 : -1;
}

static int64_t be_int(const unsigned char *p, unsigned bytes)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < bytes; i++) {
        n = n << 8 | p[i];
    }
    return bytes == 4 ? (int64_t)(int32_t)(uint32_t)n : (int64_t)n;
}

#define TZIF_HEADER 44

/* Counts of a TZif header, in the order of the file. */
struct tzif_counts {
    uint32_t isut;
    uint32_t isstd;
    uint32_t leap;
    uint32_t time;
    uint32_t type;
    uint32_t chars;
};

static int tzif_header(const struct file_text *f, size_t pos, struct tzif_counts *out)
{
    if (f->len < TZIF_HEADER || pos > f->len - TZIF_HEADER || memcmp(f->p + pos, "TZif", 4) != 0) {
        return -1;
    }
    const unsigned char *p = f->p + pos + 20;
    uint32_t *fields[] = {&out->isut, &out->isstd, &out->leap, &out->time, &out->type, &out->chars};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        int64_t n = be_int(p + 4 * i, 4);
        if (n < 0 || n > 100000) {
            return -1;
        }
        *fields[i] = (uint32_t)n;
    }
    return 0;
}

static size_t tzif_body_len(const struct tzif_counts *c, size_t time_bytes)
{
    return (size_t)c->time * (time_bytes + 1) + (size_t)c->type * 6 + c->chars +
           (size_t)c->leap * (time_bytes + 4) + c->isstd + c->isut;
}

/* Fills tz from the 64-bit body at pos. */
static int tzif_body(const struct file_text *f, size_t pos, const struct tzif_counts *c,
                     struct timezone *tz)
{
    size_t len = tzif_body_len(c, 8);
    if (c->type == 0 || pos > f->len || len > f->len - pos) {
        return -1;
    }
    const unsigned char *times = f->p + pos;
    const unsigned char *kinds = times + (size_t)c->time * 8;
    const unsigned char *types = kinds + c->time;
    tz->count = c->time;
    tz->at = calloc(c->time + 1, sizeof(*tz->at));
    tz->offsets = calloc(c->time + 1, sizeof(*tz->offsets));
    if (tz->at == NULL || tz->offsets == NULL) {
        return -1;
    }
    tz->first_offset = (int32_t)be_int(types, 4);
    for (uint32_t i = 0; i < c->time; i++) {
        if (kinds[i] >= c->type) {
            return -1;
        }
        tz->at[i] = be_int(times + (size_t)i * 8, 8);
        tz->offsets[i] = (int32_t)be_int(types + (size_t)kinds[i] * 6, 4);
    }
    /* The footer: the rule between two line feeds. */
    pos += len;
    if (pos + 2 <= f->len && f->p[pos] == '\n') {
        const char *rule = (const char *)f->p + pos + 1;
        const char *end = memchr(rule, '\n', f->len - pos - 1);
        tz->has_rule =
            end != NULL && tz_rule_parse(str_from(rule, (size_t)(end - rule)), &tz->rule) == 0;
    }
    return 0;
}

static int tzif_parse(const struct file_text *f, struct timezone *tz)
{
    struct tzif_counts c;
    if (tzif_header(f, 0, &c) != 0 || f->p[4] < '2') {
        return -1;
    }
    size_t second = TZIF_HEADER + tzif_body_len(&c, 4);
    if (tzif_header(f, second, &c) != 0) {
        return -1;
    }
    return tzif_body(f, second + TZIF_HEADER, &c, tz);
}

static void zone_free(struct timezone *tz)
{
    if (tz != NULL) {
        free(tz->name);
        free(tz->at);
        free(tz->offsets);
        free(tz);
    }
}

static struct timezone *zone_new(struct str name)
{
    struct timezone *tz = calloc(1, sizeof(*tz));
    char *copy = tz != NULL ? strndup(name.p, name.len) : NULL;
    if (copy == NULL) {
        free(tz);
        return NULL;
    }
    tz->name = copy;
    return tz;
}

static struct timezone *zone_from_file(struct str name, const char *path)
{
    struct file_text f;
    struct timezone *tz = NULL;
    if (read_file(path, &f) == 0) {
        tz = zone_new(name);
        if (tz != NULL && tzif_parse(&f, tz) != 0) {
            zone_free(tz);
            tz = NULL;
        }
    }
    free(f.p);
    return tz;
}

/* Finds the entry of dir with that name in any letter case and appends it to the path. Returns 0 or
 * -1. */
static int append_nocase(char *path, size_t cap, struct str part)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return -1;
    }
    int rc = -1;
    size_t len = strlen(path);
    const struct dirent *e;
    /* Only the thread that opened it reads this directory. NOLINTNEXTLINE(concurrency-mt-unsafe) */
    while (rc != 0 && (e = readdir(dir)) != NULL) {
        size_t n = strlen(e->d_name);
        if (n == part.len && strncasecmp(e->d_name, part.p, n) == 0 && len + n + 2 <= cap) {
            path[len] = '/';
            memcpy(path + len + 1, e->d_name, n + 1);
            rc = 0;
        }
    }
    (void)closedir(dir);
    return rc;
}

static bool is_zone_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '+' && c != '/') {
            return false;
        }
    }
    return name.len > 0 && name.len < 200 && name.p[0] != '/';
}

static struct timezone *zone_by_name(struct str name)
{
    char path[PATH_MAX] = ZONEINFO;
    if (!is_zone_name(name)) {
        return NULL;
    }
    for (size_t pos = 0; pos < name.len;) {
        const char *slash = memchr(name.p + pos, '/', name.len - pos);
        size_t len = slash != NULL ? (size_t)(slash - name.p) - pos : name.len - pos;
        if (append_nocase(path, sizeof(path), str_from(name.p + pos, len)) != 0) {
            return NULL;
        }
        pos += len + 1;
    }
    return zone_from_file(str_from_cstr(path + sizeof(ZONEINFO)), path);
}

static struct timezone *zone_of_rule(struct str name, struct str rule)
{
    struct timezone *tz = zone_new(name);
    if (tz != NULL && tz_rule_parse(rule, &tz->rule) != 0) {
        zone_free(tz);
        return NULL;
    }
    if (tz != NULL) {
        tz->has_rule = true;
    }
    return tz;
}

/* The machine's zone: $TZ, else /etc/localtime, else UTC. */
static struct timezone *zone_of_system(void)
{
    struct timezone *tz = NULL;
    /* Read once, under zones_lock. NOLINTNEXTLINE(concurrency-mt-unsafe) */
    struct str var = str_from_cstr(getenv("TZ"));
    if (var.len > 0 && var.p[0] == ':') {
        var = str_from(var.p + 1, var.len - 1);
    }
    if (var.len > 0) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s%.*s", var.p[0] == '/' ? "" : ZONEINFO "/",
                       STR_FMT(var));
        tz = zone_from_file(STR("SYSTEM"), path);
        if (tz == NULL) {
            tz = zone_of_rule(STR("SYSTEM"), var);
        }
    }
    if (tz == NULL && var.p == NULL) {
        tz = zone_from_file(STR("SYSTEM"), LOCAL_ZONE);
    }
    return tz != NULL ? tz : zone_of_rule(STR("SYSTEM"), STR("UTC0"));
}

/* '+h:mm' or '-hh:mm'. Returns NULL if the text is none. */
static struct timezone *zone_of_offset(struct str s)
{
    if (s.len < 4 || s.len > 6 || (s.p[0] != '+' && s.p[0] != '-')) {
        return NULL;
    }
    const char *colon = memchr(s.p, ':', s.len);
    if (colon == NULL) {
        return NULL;
    }
    uint64_t hours;
    uint64_t minutes;
    struct str h = str_from(s.p + 1, (size_t)(colon - s.p) - 1);
    struct str m = str_from(colon + 1, s.len - h.len - 2);
    if (str_to_u64(h, &hours) != 0 || str_to_u64(m, &minutes) != 0 || hours > 14 || minutes > 59) {
        return NULL;
    }
    int32_t offset = (int32_t)(hours * 60 + minutes);
    offset = s.p[0] == '-' ? -offset : offset;
    if (offset < OFFSET_MIN || offset > OFFSET_MAX) {
        return NULL;
    }
    char name[16];
    int len = snprintf(name, sizeof(name), "%c%02d:%02d", s.p[0], (int)hours, (int)minutes);
    struct timezone *tz = zone_new(str_from(name, (size_t)len));
    if (tz != NULL) {
        tz->first_offset = offset * 60;
    }
    return tz;
}

static struct timezone *zone_load(struct str name)
{
    if (str_eq_nocase(name, STR("SYSTEM"))) {
        return zone_of_system();
    }
    if (name.len > 0 && (name.p[0] == '+' || name.p[0] == '-')) {
        return zone_of_offset(name);
    }
    return zone_by_name(name);
}

static struct timezone *zone_find_loaded(struct str name)
{
    for (struct timezone *tz = zones; tz != NULL; tz = tz->next) {
        if (str_eq_nocase(name, str_from_cstr(tz->name))) {
            return tz;
        }
    }
    return NULL;
}

const struct timezone *timezone_find(struct str name)
{
    (void)pthread_mutex_lock(&zones_lock);
    struct timezone *tz = zone_find_loaded(name);
    if (tz == NULL) {
        tz = zone_load(name);
        struct timezone *same = tz != NULL ? zone_find_loaded(str_from_cstr(tz->name)) : NULL;
        if (same != NULL) {
            zone_free(tz);
            tz = same;
        } else if (tz != NULL) {
            tz->next = zones;
            zones = tz;
        }
    }
    (void)pthread_mutex_unlock(&zones_lock);
    return tz;
}

struct str timezone_name(const struct timezone *tz)
{
    return str_from_cstr(tz->name);
}

/* Seconds variant of timezone_offset_at(). */
static int32_t offset_at(const struct timezone *tz, int64_t utc, int64_t *out_from,
                         int64_t *out_until)
{
    uint32_t low = 0;
    uint32_t high = tz->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tz->at[middle] <= utc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_from = low > 0 ? tz->at[low - 1] : INT64_MIN;
    *out_until = low < tz->count ? tz->at[low] : INT64_MAX;
    if (low == tz->count && tz->has_rule) {
        int64_t from;
        int32_t offset = tz_rule_offset_at(&tz->rule, utc, &from, out_until);
        *out_from = MAX(*out_from, from);
        return offset;
    }
    return low > 0 ? tz->offsets[low - 1] : tz->first_offset;
}

static int64_t to_seconds(int64_t us)
{
    return us / 1000000 - (us % 1000000 < 0);
}

/* Saturates: the ends of time stay the ends of time. */
static int64_t to_us(int64_t seconds)
{
    int64_t us;
    if (__builtin_mul_overflow(seconds, INT64_C(1000000), &us)) {
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    }
    return us;
}

int32_t timezone_offset_at(const struct timezone *tz, int64_t utc_us, int64_t *out_from_us,
                           int64_t *out_until_us)
{
    int64_t from;
    int64_t until;
    int32_t offset = offset_at(tz, to_seconds(utc_us), &from, &until);
    *out_from_us = to_us(from);
    *out_until_us = to_us(until);
    return offset;
}

void timezone_from_utc(const struct timezone *tz, int64_t utc_us, struct mtime *out)
{
    int64_t from;
    int64_t until;
    int32_t offset = offset_at(tz, to_seconds(utc_us), &from, &until);
    temporal_unpack_datetime(utc_us + (int64_t)offset * 1000000, out);
}

int64_t timezone_to_utc(const struct timezone *tz, const struct mtime *local)
{
    int64_t local_us = temporal_pack_datetime(local);
    int64_t seconds = to_seconds(local_us);
    int64_t from;
    int64_t until;
    int64_t unused;
    /* No zone is more than a day from UTC, so that the right offset is one of those a day before
     * and after. */
    int32_t before = offset_at(tz, seconds - DAY_S, &from, &until);
    int32_t after = offset_at(tz, seconds + DAY_S, &from, &unused);
    int32_t early = MAX(before, after);
    int32_t late = MIN(before, after);
    if (offset_at(tz, seconds - early, &unused, &from) == early) {
        return local_us - (int64_t)early * 1000000;
    }
    if (offset_at(tz, seconds - late, &unused, &from) == late) {
        return local_us - (int64_t)late * 1000000;
    }
    return to_us(until);
}
