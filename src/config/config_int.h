/* The inside of config/: the table of keys and how values are read and shown. */
#ifndef CONFIG_CONFIG_INT_H
#define CONFIG_CONFIG_INT_H

#include "config/config.h"

enum config_kind {
    CONFIG_TEXT,
    CONFIG_UINT,
    CONFIG_SIZE,
    CONFIG_DURATION,
    CONFIG_BOOL,
    CONFIG_ENUM,
    CONFIG_LIST,
};

struct config_key {
    struct str path;
    enum config_kind kind;
    size_t offset; /* in struct config */
    const char *def;
    uint64_t min;
    uint64_t max; /* 0 = none */
    const char *labels;
    const char *help;
    const char *alias; /* Another name of the flag ("--mysql-host"), or NULL. */
};

enum {
#define CONFIG(member, ...) CONFIG_KEY_##member,
#include "config/config.def"
#undef CONFIG
    CONFIG_KEY_COUNT,
};

extern const struct config_key config_keys[CONFIG_KEY_COUNT];

/* The key's index, or -1. */
NODISCARD int config_find(struct str path);

/* The path most like a misspelt one, or STR_NULL when none is near. */
NODISCARD struct str config_suggest(struct str path);

/* Reads text as the key's kind into *values. Returns NULL, or what was expected. In arena. */
NODISCARD const char *config_set_value(const struct config_key *key, struct str text,
                                       struct config *values, struct arena *arena);

/* The value as it is written in the file. In arena. */
NODISCARD struct str config_value_text(const struct config_key *key, const struct config *values,
                                       struct arena *arena);

NODISCARD bool config_is_secret(const struct config_key *key);

/* "--storage-duckdb-path", "PINTAIL_STORAGE_DUCKDB_PATH". In arena. */
NODISCARD struct str config_flag(const struct config_key *key, struct arena *arena);
NODISCARD struct str config_env(const struct config_key *key, struct arena *arena);

/* Adds a mistake. */
void config_mistake(struct config_set *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Sets one key from text, noting the source; where: "pintail.yaml:12", "--port". */
void config_take(struct config_set *c, int key, struct str text, enum config_source source,
                 uint32_t line, struct str where);

/* Reads a file (config_yaml.c). */
void config_read_file(struct config_set *c, struct str path);

#endif
