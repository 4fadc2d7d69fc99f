/* Options of the tools that the first argument of the program names. */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include "base/base.h"

enum {
    TOOL_EXIT_USAGE = 2,
};

/* One option: which of three it sets. */
struct tool_option {
    const char *name;       /* "--verbose" */
    const char *short_name; /* NULL = none */
    bool *flag;
    const char **text;
    uint64_t *number; /* At most UINT32_MAX. */
};

struct tool {
    const char *name;
    const char *usage; /* Printed for --help, and behind a mistake. */
    const struct tool_option *options;
    size_t option_count;
};

/* Takes the options out of argv, whose first element is the tool's name: *out_words words are left
 * at argv[1]. Returns false with *out_status when the tool is to end: after --help, or a mistake,
 * which it has reported. */
NODISCARD bool tool_parse(const struct tool *t, int argc, char **argv, int *out_words,
                          int *out_status);

#endif
