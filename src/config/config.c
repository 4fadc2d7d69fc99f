/* See config.h. */
#include "config/config.h"

#include "config/config_int.h"

#include "base/bytebuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define MISTAKES_MAX 50

static const char *const default_files[] = {"pintail.yaml", "/etc/pintail/pintail.yaml"};

void config_mistake(struct config_set *c, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (c->mistake_count < MISTAKES_MAX && n >= 0) {
        c->mistakes[c->mistake_count++] = arena_dup(c->arena, str_from_cstr(text));
    }
}

void config_take(struct config_set *c, int key, struct str text, enum config_source source,
                 uint32_t line, struct str where)
{
    const struct config_key *k = &config_keys[key];
    const char *expected = config_set_value(k, text, &c->values, c->arena);
    if (expected != NULL) {
        config_mistake(c, "%.*s: %.*s is \"%.*s\", but must be %s", STR_FMT(where),
                       STR_FMT(k->path), STR_FMT(config_is_secret(k) ? STR("***") : text),
                       expected);
        return;
    }
    c->sources[key] = source;
    c->lines[key] = line;
}

/* ---- Command line ---- */

/* A flag with its value, "--port=3306" or "--port 3306". */
struct flag {
    struct str name;
    struct str value;
    bool has_value;
};

static struct flag split_flag(const char *arg)
{
    const char *eq = strchr(arg, '=');
    if (eq == NULL) {
        return (struct flag){.name = str_from_cstr(arg)};
    }
    return (struct flag){.name = str_from(arg, (size_t)(eq - arg)),
                         .value = str_from_cstr(eq + 1),
                         .has_value = true};
}

static int find_flag(struct config_set *c, struct str name)
{
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *k = &config_keys[i];
        if (str_eq(config_flag(k, c->arena), name) ||
            (k->alias != NULL && str_eq(str_from_cstr(k->alias), name))) {
            return i;
        }
    }
    return -1;
}

static bool take_action(struct config_set *c, struct str name)
{
    static const struct {
        const char *flag;
        enum config_action action;
    } actions[] = {
        {"--help", CONFIG_HELP},          {"-h", CONFIG_HELP},
        {"--version", CONFIG_VERSION},    {"-V", CONFIG_VERSION},
        {"--print-config", CONFIG_PRINT}, {"--print-sample-config", CONFIG_SAMPLE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (str_eq(name, str_from_cstr(actions[i].flag))) {
            c->action = actions[i].action;
            return true;
        }
    }
    return false;
}

/* Calls fn for each flag that sets a key (or --config, key -1). Flags that are none become mistakes
 * at the first walk. */
static void walk_flags(struct config_set *c, int argc, char *const *argv, bool keys)
{
    for (int i = 1; i < argc; i++) {
        struct flag f = split_flag(argv[i]);
        if (take_action(c, f.name)) {
            continue;
        }
        const bool is_config = str_eq(f.name, STR("--config")) || str_eq(f.name, STR("-c"));
        const int key = is_config ? -1 : find_flag(c, f.name);
        if (!is_config && key < 0) {
            if (!keys) {
                config_mistake(c, "%s: unknown flag; see pintail --help", argv[i]);
            }
            continue;
        }
        if (!f.has_value && i + 1 < argc) {
            f.value = str_from_cstr(argv[++i]);
            f.has_value = true;
        }
        if (!f.has_value) {
            if (!keys) {
                config_mistake(c, "%.*s: needs a value", STR_FMT(f.name));
            }
        } else if (is_config && !keys) {
            c->file = f.value;
        } else if (!is_config && keys) {
            config_take(c, key, f.value, CONFIG_FROM_FLAG, 0, f.name);
        }
    }
}

/* ---- Environment ---- */

static void take_environment(struct config_set *c, char *const *environ_)
{
    const struct str prefix = STR("PINTAIL_");
    for (char *const *e = environ_; e != NULL && *e != NULL; e++) {
        const char *eq = strchr(*e, '=');
        const struct str name = str_from(*e, eq == NULL ? 0 : (size_t)(eq - *e));
        if (!str_starts_with(name, prefix)) {
            continue;
        }
        for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
            if (str_eq(config_env(&config_keys[i], c->arena), name)) {
                config_take(c, i, str_from_cstr(eq + 1), CONFIG_FROM_ENV, 0, name);
            }
        }
    }
}

/* ---- Loading ---- */

static void set_defaults(struct config_set *c)
{
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        const char *expected = config_set_value(&config_keys[i], str_from_cstr(config_keys[i].def),
                                                &c->values, c->arena);
        assert(expected == NULL);
        (void)expected;
    }
}

void config_load(struct config_set *c, struct arena *arena, int argc, char *const *argv,
                 char *const *environ_)
{
    *c = (struct config_set){.arena = arena};
    c->sources = ARENA_ARRAY(arena, enum config_source, CONFIG_KEY_COUNT);
    c->lines = ARENA_ARRAY(arena, uint32_t, CONFIG_KEY_COUNT);
    c->mistakes = ARENA_ARRAY(arena, struct str, MISTAKES_MAX);
    set_defaults(c);
    walk_flags(c, argc, argv, false);
    for (size_t i = 0; i < ARRAY_SIZE(default_files) && c->file.p == NULL; i++) {
        if (access(default_files[i], R_OK) == 0) {
            c->file = str_from_cstr(default_files[i]);
        }
    }
    if (c->file.p != NULL) {
        config_read_file(c, c->file);
    }
    walk_flags(c, argc, argv, true);
    take_environment(c, environ_);
}

/* ---- Texts ---- */

static struct str keep(struct bytebuf *b, struct arena *arena)
{
    const struct str text = arena_dup(arena, bytebuf_str(b));
    bytebuf_release(b);
    return text;
}

struct str config_help(struct arena *arena)
{
    struct bytebuf b;
    bytebuf_init(&b, 1u << 20);
    bytebuf_put_cstr(
        &b,
        "Usage: pintail [--config FILE] [flags]\n"
        "       pintail binlog --help    prints binary logs\n"
        "       pintail verify --help    compares the copy of a running Pintail with its source\n\n"
        "A MySQL-protocol server with a columnar engine.\n\n"
        "  -c, --config FILE        configuration; default ./pintail.yaml, then /etc/pintail/pintail.yaml\n"
        "      --print-config       show every value and where it came from, and end\n"
        "      --print-sample-config  show a commented configuration file, and end\n"
        "  -V, --version            show the version, and end\n"
        "  -h, --help               show this, and end\n\n"
        "Each key of the file is a flag and an environment variable too, which override it in that order:\n\n");
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *k = &config_keys[i];
        bytebuf_printf(&b, "  %.*s%s%s (%.*s)\n      %s%s%s%s Default: %s\n",
                       STR_FMT(config_flag(k, arena)), k->alias != NULL ? ", " : "",
                       k->alias != NULL ? k->alias : "", STR_FMT(config_env(k, arena)), k->help,
                       k->labels != NULL ? " One of: " : "", k->labels != NULL ? k->labels : "",
                       k->labels != NULL ? "." : "", k->def[0] == '\0' ? "(empty)" : k->def);
    }
    return keep(&b, arena);
}

/* Section headings of dotted paths, as nested YAML. */
static struct str section_of(struct str path, unsigned level)
{
    size_t end = 0;
    for (unsigned dots = 0; end < path.len; end++) {
        if (path.p[end] == '.' && dots++ == level) {
            return str_from(path.p, end);
        }
    }
    return STR_NULL;
}

/* Writes what sections open between the key before and this one; returns the key's indentation. */
static unsigned open_sections(struct bytebuf *b, struct str before, struct str path)
{
    unsigned level = 0;
    for (;; level++) {
        const struct str section = section_of(path, level);
        if (section.p == NULL) {
            return level;
        }
        if (!str_eq(section, section_of(before, level))) {
            const struct str parent = level == 0 ? STR_NULL : section_of(path, level - 1);
            const size_t skip = parent.p == NULL ? 0 : parent.len + 1;
            bytebuf_printf(b, "%*s%.*s:\n", (int)(level * 2), "", (int)(section.len - skip),
                           section.p + skip);
        }
    }
}

static const char *last_part(struct str path)
{
    const char *dot = memrchr(path.p, '.', path.len);
    return dot == NULL ? path.p : dot + 1;
}

struct str config_sample(struct arena *arena)
{
    struct bytebuf b;
    struct str before = STR("");
    bytebuf_init(&b, 1u << 20);
    bytebuf_put_cstr(&b, "# Configuration of Pintail. What is commented out shows the default.\n");
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *k = &config_keys[i];
        const unsigned level = open_sections(&b, before, k->path);
        const bool quoted = k->kind == CONFIG_TEXT || k->kind == CONFIG_LIST;
        bytebuf_printf(&b, "%*s# %s%s%s\n%*s#%s: %s%s%s\n", (int)(level * 2), "", k->help,
                       k->labels != NULL ? " One of: " : "", k->labels != NULL ? k->labels : "",
                       (int)(level * 2), "", last_part(k->path), quoted ? "\"" : "", k->def,
                       quoted ? "\"" : "");
        before = k->path;
    }
    return keep(&b, arena);
}

static struct str source_text(const struct config_set *c, int key)
{
    const struct config_key *k = &config_keys[key];
    switch (c->sources[key]) {
    case CONFIG_FROM_FILE:
        return arena_printf(c->arena, "%.*s:%u", STR_FMT(c->file), c->lines[key]);
    case CONFIG_FROM_FLAG:
        return config_flag(k, c->arena);
    case CONFIG_FROM_ENV:
        return config_env(k, c->arena);
    case CONFIG_FROM_DEFAULT:
        break;
    }
    return STR("default");
}

struct str config_print(const struct config_set *c, struct arena *arena)
{
    struct bytebuf b;
    struct str before = STR("");
    bytebuf_init(&b, 1u << 20);
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *k = &config_keys[i];
        const unsigned level = open_sections(&b, before, k->path);
        const struct str value =
            config_is_secret(k) ? STR("\"***\"") : config_value_text(k, &c->values, arena);
        bytebuf_printf(&b, "%*s%s: %.*s  # %.*s\n", (int)(level * 2), "", last_part(k->path),
                       STR_FMT(value), STR_FMT(source_text(c, i)));
        before = k->path;
    }
    return keep(&b, arena);
}

uint32_t config_changed(const struct config_set *before, const struct config_set *after,
                        struct arena *arena, struct str **out_paths)
{
    struct str *paths = ARENA_ARRAY(arena, struct str, CONFIG_KEY_COUNT);
    uint32_t n = 0;
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *k = &config_keys[i];
        if (!str_eq(config_value_text(k, &before->values, arena),
                    config_value_text(k, &after->values, arena))) {
            paths[n++] = k->path;
        }
    }
    *out_paths = paths;
    return n;
}
