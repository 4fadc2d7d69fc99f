/*
 * Reading the file: libyaml's events, folded into dotted paths.
 */
#include "config/config_int.h"

#include <yaml.h>

#include <stdio.h>

#define DEPTH_MAX 8

struct reader {
    struct config_set *c;
    yaml_parser_t parser;
    struct str file;
    struct str path[DEPTH_MAX]; /* keys of the mappings that are open */
    int depth;
    bool have_key;
    struct str key;
    uint32_t key_line;
    int list; /* The key whose list is open, or -1. */
    struct str members;
};

static struct str full_path(struct reader *r)
{
    struct str path = STR("");
    for (int i = 0; i < r->depth; i++) {
        path = arena_printf(r->c->arena, "%.*s%.*s.", STR_FMT(path), STR_FMT(r->path[i]));
    }
    return arena_printf(r->c->arena, "%.*s%.*s", STR_FMT(path), STR_FMT(r->key));
}

static struct str place(const struct reader *r, uint32_t line)
{
    return arena_printf(r->c->arena, "%.*s:%u", STR_FMT(r->file), line);
}

static void unknown_key(struct reader *r, struct str path)
{
    const struct str near = config_suggest(path);
    if (near.p != NULL) {
        config_mistake(r->c, "%.*s: unknown key \"%.*s\"; did you mean \"%.*s\"?",
                       STR_FMT(place(r, r->key_line)), STR_FMT(path), STR_FMT(near));
    } else {
        config_mistake(r->c, "%.*s: unknown key \"%.*s\"; see pintail --print-sample-config",
                       STR_FMT(place(r, r->key_line)), STR_FMT(path));
    }
}

/* Is there any key below this section? */
static bool is_section(struct str path)
{
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (str_starts_with(config_keys[i].path, path) && config_keys[i].path.p[path.len] == '.') {
            return true;
        }
    }
    return false;
}

/* A list begins after a key that takes one. Returns false when none may stand here. */
static bool begin_list(struct reader *r)
{
    const int key = r->have_key && r->list < 0 ? config_find(full_path(r)) : -1;
    if (key < 0 || config_keys[key].kind != CONFIG_LIST) {
        return false;
    }
    r->list = key;
    r->members = STR("");
    return true;
}

static void end_list(struct reader *r)
{
    config_take(r->c, r->list, r->members, CONFIG_FROM_FILE, r->key_line, place(r, r->key_line));
    r->list = -1;
    r->have_key = false;
}

static void on_scalar(struct reader *r, const yaml_event_t *e)
{
    const struct str text = str_from((const char *)e->data.scalar.value, e->data.scalar.length);
    const uint32_t line = (uint32_t)e->start_mark.line + 1;
    if (r->list >= 0) {
        r->members = arena_printf(r->c->arena, "%.*s%s%.*s", STR_FMT(r->members),
                                  r->members.len > 0 ? "," : "", STR_FMT(text));
        return;
    }
    if (!r->have_key) {
        r->key = arena_dup(r->c->arena, text);
        r->key_line = line;
        r->have_key = true;
        return;
    }
    r->have_key = false;
    const struct str path = full_path(r);
    const int key = config_find(path);
    if (key < 0 && text.len == 0 && is_section(path)) {
        return; /* a section whose keys are all commented out */
    }
    if (key < 0) {
        unknown_key(r, path);
        return;
    }
    config_take(r->c, key, text, CONFIG_FROM_FILE, line, place(r, line));
}

/* Returns 0, or -1 when reading cannot go on. */
static int on_event(struct reader *r, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        on_scalar(r, e);
        return 0;
    case YAML_MAPPING_START_EVENT:
        if (!r->have_key) {
            return 0; /* the document's own mapping */
        }
        if (r->list >= 0 || r->depth == DEPTH_MAX || !is_section(full_path(r))) {
            unknown_key(r, full_path(r));
            return -1;
        }
        r->path[r->depth++] = r->key;
        r->have_key = false;
        return 0;
    case YAML_MAPPING_END_EVENT:
        r->depth -= r->depth > 0 ? 1 : 0;
        return 0;
    case YAML_SEQUENCE_END_EVENT:
        end_list(r);
        return 0;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_ALIAS_EVENT:
        if (e->type == YAML_SEQUENCE_START_EVENT && begin_list(r)) {
            return 0;
        }
        config_mistake(r->c, "%.*s: a list or alias cannot stand here",
                       STR_FMT(place(r, (uint32_t)e->start_mark.line + 1)));
        return -1;
    default:
        return 0;
    }
}

static void read_events(struct reader *r)
{
    for (;;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&r->parser, &e)) {
            config_mistake(r->c, "%.*s: %s",
                           STR_FMT(place(r, (uint32_t)r->parser.problem_mark.line + 1)),
                           r->parser.problem != NULL ? r->parser.problem : "not YAML");
            return;
        }
        const bool end = e.type == YAML_STREAM_END_EVENT;
        const int rc = on_event(r, &e);
        yaml_event_delete(&e);
        if (end || rc != 0) {
            return;
        }
    }
}

void config_read_file(struct config_set *c, struct str path)
{
    FILE *f = fopen(arena_dup_cstr(c->arena, path), "rb");
    if (f == NULL) {
        config_mistake(c, "%.*s: cannot be read: %m", STR_FMT(path));
        return;
    }
    struct reader r = {.c = c, .file = path, .list = -1};
    if (!yaml_parser_initialize(&r.parser)) {
        config_mistake(c, "%.*s: out of memory", STR_FMT(path));
        (void)fclose(f);
        return;
    }
    yaml_parser_set_input_file(&r.parser, f);
    c->file = path;
    read_events(&r);
    yaml_parser_delete(&r.parser);
    (void)fclose(f);
}
