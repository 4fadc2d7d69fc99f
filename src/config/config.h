/*
 * Configuration: pintail.yaml, then command-line flags, then environment variables, each overriding
 * the one before.
 *
 * One table (config.def) names every key once: its path in the file, its flag, its environment
 * variable, its type, default and description. Parsing, --help, --print-config and the commented
 * pintail.yaml come from it.
 *
 * Mistakes are collected, not reported one at a time: each with the place (file and line, flag, or
 * variable), what is wrong, and, for a misspelt key, the key that was probably meant.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/base.h"
#include "base/str.h"

/* C types of the kinds of values. */
#define CONFIG_C_TYPE_TEXT     struct str
#define CONFIG_C_TYPE_UINT     uint64_t
#define CONFIG_C_TYPE_SIZE     uint64_t /* bytes: "64MiB", "1GB" */
#define CONFIG_C_TYPE_DURATION uint64_t /* microseconds: "10s", "500ms", "1h" */
#define CONFIG_C_TYPE_BOOL     bool
#define CONFIG_C_TYPE_ENUM     uint32_t
#define CONFIG_C_TYPE_LIST     struct str /* texts, with commas between; config_list() */

struct config {
#define CONFIG(member, path, kind, def, min, max, labels, help, alias) CONFIG_C_TYPE_##kind member;
#include "config/config.def"
#undef CONFIG
};

/* Where a value came from. */
enum config_source {
    CONFIG_FROM_DEFAULT,
    CONFIG_FROM_FILE,
    CONFIG_FROM_FLAG,
    CONFIG_FROM_ENV,
};

/* What the command line asks for besides running the server. */
enum config_action {
    CONFIG_RUN,
    CONFIG_PRINT, /* --print-config */
    CONFIG_HELP,
    CONFIG_VERSION,
    CONFIG_SAMPLE, /* --print-sample-config: the commented file */
};

struct config_key; /* a row of the table */

/* A configuration with the story of its making; everything lives in arena. */
struct config_set {
    struct arena *arena;
    struct config values;
    enum config_source *sources; /* one a key */
    uint32_t *lines;             /* line in the file of those that came from it */
    struct str file;             /* p NULL = none was read */
    enum config_action action;
    uint32_t mistake_count;
    struct str *mistakes; /* one sentence each, with its place */
};

/*
 * Reads the command line, the file it names (--config; else ./pintail.yaml or
 * /etc/pintail/pintail.yaml where it exists), and the environment (PINTAIL_SERVER_PORT for
 * server.port). Never fails as such: the caller looks at mistake_count.
 */
void config_load(struct config_set *c, struct arena *arena, int argc, char *const *argv,
                 char *const *environ_);

/* The members of a list, without blanks around them and without empty ones; in arena. */
NODISCARD uint32_t config_list(struct str list, struct arena *arena, struct str **out);

/* Texts of --help, --print-config and --print-sample-config; in arena. Secrets are shown as "***".
 */
NODISCARD struct str config_help(struct arena *arena);
NODISCARD struct str config_print(const struct config_set *c, struct arena *arena);
NODISCARD struct str config_sample(struct arena *arena);

/* The keys (paths) whose values differ, for SIGHUP: those that cannot change while running are
 * listed to be logged. In arena. */
NODISCARD uint32_t config_changed(const struct config_set *before, const struct config_set *after,
                                  struct arena *arena, struct str **out_paths);

#endif
