/* See tool_options.h. */
#include "tool_options.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool refuse(const struct tool *t, const char *what, const char *arg, int *out_status)
{
    (void)fprintf(stderr, "pintail: %s: %s '%s'\n%s", t->name, what, arg, t->usage);
    *out_status = TOOL_EXIT_USAGE;
    return false;
}

static const struct tool_option *find_option(const struct tool *t, const char *arg)
{
    for (size_t i = 0; i < t->option_count; i++) {
        const struct tool_option *o = &t->options[i];
        if (strcmp(arg, o->name) == 0 ||
            (o->short_name != NULL && strcmp(arg, o->short_name) == 0)) {
            return o;
        }
    }
    return NULL;
}

bool tool_parse(const struct tool *t, int argc, char **argv, int *out_words, int *out_status)
{
    *out_words = 0;
    *out_status = EXIT_SUCCESS;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(t->usage, stdout);
        return false;
    }
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            argv[1 + (*out_words)++] = argv[i];
            continue;
        }
        const struct tool_option *o = find_option(t, argv[i]);
        if (o == NULL) {
            return refuse(t, "unknown option", argv[i], out_status);
        }
        if (o->flag != NULL) {
            *o->flag = true;
            continue;
        }
        if (++i == argc) {
            return refuse(t, "a value is missing behind", o->name, out_status);
        }
        if (o->text != NULL) {
            *o->text = argv[i];
        } else if (str_to_u64(str_from_cstr(argv[i]), o->number) != 0 || *o->number > UINT32_MAX) {
            return refuse(t, "not a number:", argv[i], out_status);
        }
    }
    return true;
}
