/* The table of keys, and reading and showing values: see config_int.h. */
#include "config/config_int.h"

#include <ctype.h>
#include <stdio.h>

const struct config_key config_keys[CONFIG_KEY_COUNT] = {
#define CONFIG(member, key_path, key_kind, key_def, key_min, key_max, key_labels, key_help,        \
               key_alias)                                                                          \
    {.path = STR_INIT(key_path),                                                                   \
     .kind = CONFIG_##key_kind,                                                                    \
     .offset = offsetof(struct config, member),                                                    \
     .def = (key_def),                                                                             \
     .min = (key_min),                                                                             \
     .max = (key_max),                                                                             \
     .labels = (key_labels),                                                                       \
     .help = (key_help),                                                                           \
     .alias = (key_alias)},
#include "config/config.def"
#undef CONFIG
};

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"K", 1u << 10},
    {"KB", 1000},
    {"KiB", 1u << 10},
    {"M", 1u << 20},
    {"MB", 1000000},
    {"MiB", 1u << 20},
    {"G", 1u << 30},
    {"GB", 1000000000},
    {"GiB", 1u << 30},
    {"TB", UINT64_C(1000000000000)},
    {"TiB", UINT64_C(1) << 40},
    {NULL, 0},
};

static const struct unit duration_units[] = {
    {"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", UINT64_C(3600000000)},
    {NULL, 0},
};

int config_find(struct str path)
{
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (str_eq(config_keys[i].path, path)) {
            return i;
        }
    }
    return -1;
}

/* Levenshtein distance, for names of up to 63 characters. */
static size_t distance(struct str a, struct str b)
{
    size_t row[64];
    if (b.len >= ARRAY_SIZE(row)) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            const size_t above = row[j];
            const size_t change = diagonal + (a.p[i - 1] == b.p[j - 1] ? 0 : 1);
            row[j] = MIN(MIN(above + 1, row[j - 1] + 1), change);
            diagonal = above;
        }
    }
    return row[b.len];
}

struct str config_suggest(struct str path)
{
    struct str best = STR_NULL;
    size_t least = MAX(path.len / 3, (size_t)2) + 1;
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        const size_t d = distance(path, config_keys[i].path);
        if (d < least) {
            least = d;
            best = config_keys[i].path;
        }
    }
    return best;
}

/* ---- Reading values ---- */

static int read_units(struct str text, const struct unit *units, uint64_t *out)
{
    size_t digits = 0;
    while (digits < text.len && isdigit((unsigned char)text.p[digits])) {
        digits++;
    }
    uint64_t n;
    if (str_to_u64(str_from(text.p, digits), &n) != 0) {
        return -1;
    }
    const struct str unit = str_trim(str_from(text.p + digits, text.len - digits));
    for (const struct unit *u = units; u->name != NULL; u++) {
        if (str_eq_nocase(unit, str_from_cstr(u->name)) && n <= UINT64_MAX / u->factor) {
            *out = n * u->factor;
            return 0;
        }
    }
    return -1;
}

static int read_bool(struct str text, bool *out)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        if (str_eq_nocase(text, str_from_cstr(yes[i])) ||
            str_eq_nocase(text, str_from_cstr(no[i]))) {
            *out = str_eq_nocase(text, str_from_cstr(yes[i]));
            return 0;
        }
    }
    return -1;
}

static int read_label(const char *labels, struct str text, uint32_t *out)
{
    uint32_t i = 0;
    for (const char *p = labels; *p != '\0'; i++) {
        const size_t len = strcspn(p, ",");
        if (str_eq_nocase(str_from(p, len), text)) {
            *out = i;
            return 0;
        }
        p += len + (p[len] == ',');
    }
    return -1;
}

static const char *check_range(const struct config_key *key, uint64_t value, struct arena *arena)
{
    if (value >= key->min && (key->max == 0 || value <= key->max)) {
        return NULL;
    }
    if (key->max == 0) {
        return arena_printf(arena, "a value of at least %llu", (unsigned long long)key->min).p;
    }
    return arena_printf(arena, "a number from %llu to %llu", (unsigned long long)key->min,
                        (unsigned long long)key->max)
        .p;
}

const char *config_set_value(const struct config_key *key, struct str text, struct config *values,
                             struct arena *arena)
{
    void *member = (char *)values + key->offset;
    uint64_t *number = member;
    switch (key->kind) {
    case CONFIG_TEXT:
    case CONFIG_LIST:
        *(struct str *)member = arena_dup(arena, text);
        return NULL;
    case CONFIG_UINT:
        if (str_to_u64(text, number) != 0) {
            return "a whole number";
        }
        return check_range(key, *number, arena);
    case CONFIG_SIZE:
        if (read_units(text, size_units, number) != 0) {
            return "a size such as 512MiB or 4GB";
        }
        return check_range(key, *number, arena);
    case CONFIG_DURATION:
        if (read_units(text, duration_units, number) != 0) {
            return "a time with its unit, such as 30s or 500ms";
        }
        return check_range(key, *number, arena);
    case CONFIG_BOOL:
        return read_bool(text, member) == 0 ? NULL : "true or false";
    case CONFIG_ENUM:
        return read_label(key->labels, text, member) == 0
                   ? NULL
                   : arena_printf(arena, "one of: %s", key->labels).p;
    }
    return NULL;
}

uint32_t config_list(struct str list, struct arena *arena, struct str **out)
{
    uint32_t count = 0;
    *out = ARENA_ARRAY(arena, struct str, list.len / 2 + 1);
    for (size_t at = 0; at < list.len;) {
        const char *comma = memchr(list.p + at, ',', list.len - at);
        const size_t len = comma != NULL ? (size_t)(comma - list.p) - at : list.len - at;
        const struct str member = str_trim(str_from(list.p + at, len));
        if (member.len > 0) {
            (*out)[count++] = member;
        }
        at += len + 1;
    }
    return count;
}

/* ---- Showing values ---- */

/* The largest unit of which the value is a multiple. */
static struct str with_unit(uint64_t value, const struct unit *units, struct arena *arena)
{
    const struct unit *best = NULL;
    for (const struct unit *u = units; u->name != NULL; u++) {
        if (value % u->factor == 0 && (best == NULL || u->factor >= best->factor) &&
            value >= u->factor) {
            best = u;
        }
    }
    return best == NULL ? arena_printf(arena, "%llu%s", (unsigned long long)value,
                                       units == duration_units ? "s" : "")
                        : arena_printf(arena, "%llu%s", (unsigned long long)(value / best->factor),
                                       best->name);
}

static struct str label_at(const char *labels, uint32_t i)
{
    const char *p = labels;
    while (i-- > 0) {
        p += strcspn(p, ",") + 1;
    }
    return str_from(p, strcspn(p, ","));
}

struct str config_value_text(const struct config_key *key, const struct config *values,
                             struct arena *arena)
{
    const void *member = (const char *)values + key->offset;
    switch (key->kind) {
    case CONFIG_TEXT:
    case CONFIG_LIST:
        return arena_printf(arena, "\"%.*s\"", STR_FMT(*(const struct str *)member));
    case CONFIG_UINT:
        return arena_printf(arena, "%llu", (unsigned long long)*(const uint64_t *)member);
    case CONFIG_SIZE:
        return with_unit(*(const uint64_t *)member, size_units, arena);
    case CONFIG_DURATION:
        return with_unit(*(const uint64_t *)member, duration_units, arena);
    case CONFIG_BOOL:
        return *(const bool *)member ? STR("true") : STR("false");
    case CONFIG_ENUM:
        return label_at(key->labels, *(const uint32_t *)member);
    }
    return STR_NULL;
}

bool config_is_secret(const struct config_key *key)
{
    static const struct str suffixes[] = {STR_INIT("password"), STR_INIT("token")};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        const struct str s = suffixes[i];
        if (key->path.len >= s.len &&
            memcmp(key->path.p + key->path.len - s.len, s.p, s.len) == 0) {
            return true;
        }
    }
    return false;
}

struct str config_flag(const struct config_key *key, struct arena *arena)
{
    const struct str server = STR("server.");
    struct str path = key->path;
    if (str_starts_with(path, server)) {
        path = str_from(path.p + server.len, path.len - server.len);
    }
    char *flag = arena_dup_cstr(arena, arena_printf(arena, "--%.*s", STR_FMT(path)));
    for (char *p = flag; *p != '\0'; p++) {
        *p = *p == '.' || *p == '_' ? '-' : *p;
    }
    return str_from_cstr(flag);
}

struct str config_env(const struct config_key *key, struct arena *arena)
{
    char *env = arena_dup_cstr(arena, arena_printf(arena, "PINTAIL_%.*s", STR_FMT(key->path)));
    for (char *p = env; *p != '\0'; p++) {
        *p = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
    }
    return str_from_cstr(env);
}
