/*
 * Settings that can change while running, under the names AliSQL's users know, and what SHOW STATUS
 * tells.
 */
#include "engine/duckdb/duckdb_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum setting_kind {
    SETTING_SIZE, /* Bytes as a number, or with a unit as DuckDB reads it; 0 = DuckDB's default. */
    SETTING_COUNT,
    SETTING_CHECKPOINT, /* Ours. */
    SETTING_RESERVE,
    SETTING_FIXED, /* Only at start. */
};

struct setting {
    const char *name;   /* As a MySQL variable. */
    const char *duckdb; /* As DuckDB's; NULL = ours. */
    enum setting_kind kind;
};

static const struct setting settings[] = {
    {"duckdb_memory_limit", "memory_limit", SETTING_SIZE},
    {"duckdb_threads", "threads", SETTING_COUNT},
    {"duckdb_max_temp_directory_size", "max_temp_directory_size", SETTING_SIZE},
    {"duckdb_temp_directory", NULL, SETTING_FIXED},
    {"duckdb_checkpoint_threshold", NULL, SETTING_CHECKPOINT},
    {"duckdb_disk_reserve", NULL, SETTING_RESERVE},
};

static int bad_value(const struct setting *setting, struct str value, struct diag *diag)
{
    return diag_set(diag, ER_WRONG_VALUE_FOR_VAR, setting->name,
                    arena_dup_cstr(&diag->arena, value));
}

/* Letters, digits, a point, blanks, % and nothing that would end an SQL string. */
static bool is_plain(struct str value)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789. %";
    for (size_t i = 0; i < value.len; i++) {
        if (memchr(allowed, value.p[i], sizeof(allowed) - 1) == NULL) {
            return false;
        }
    }
    return value.len < 64;
}

static int set_in_duckdb(struct ddb_instance *in, const struct setting *setting, struct str value,
                         struct diag *diag)
{
    uint64_t number;
    const bool is_number = str_to_u64(value, &number) == 0;
    char sql[256];
    const bool automatic = (is_number && number == 0) || value.len == 0;
    if (!is_plain(value) || (setting->kind == SETTING_COUNT && !is_number && !automatic)) {
        return bad_value(setting, value, diag);
    }
    if (automatic) {
        snprintf(sql, sizeof(sql), "RESET GLOBAL %s", setting->duckdb);
    } else if (setting->kind == SETTING_COUNT) {
        snprintf(sql, sizeof(sql), "SET GLOBAL %s = %" PRIu64, setting->duckdb, number);
    } else {
        snprintf(sql, sizeof(sql), "SET GLOBAL %s = '%.*s%s'", setting->duckdb, STR_FMT(value),
                 is_number ? "B" : "");
    }
    if (ddb_aux_exec(in, sql, diag) != 0) {
        diag_clear_error(diag);
        return bad_value(setting, value, diag);
    }
    return 0;
}

/* Keeps what was set for the next time the database is reopened. */
static void remember(struct ddb_instance *in, const struct setting *setting, struct str value)
{
    uint64_t number = 0;
    const bool is_number = str_to_u64(value, &number) == 0;
    struct str text = arena_printf(&in->arena, "%.*s%s", STR_FMT(value), is_number ? "B" : "");
    if (value.len == 0 || (is_number && number == 0)) {
        text = STR_NULL;
    }
    if (setting->kind == SETTING_COUNT) {
        in->config.threads = (uint32_t)number;
    } else if (strcmp(setting->duckdb, "memory_limit") == 0) {
        in->config.memory_limit = text;
    } else {
        in->config.max_temp_directory_size = text;
    }
}

static int set_own(_Atomic(uint64_t) *to, const struct setting *setting, struct str value,
                   struct diag *diag)
{
    uint64_t number;
    if (str_to_u64(value, &number) != 0 || number == 0) {
        return bad_value(setting, value, diag);
    }
    atomic_store(to, number);
    return 0;
}

static int apply(struct ddb_instance *in, const struct setting *setting, struct str value,
                 struct diag *diag)
{
    switch (setting->kind) {
    case SETTING_CHECKPOINT:
        return set_own(&in->checkpoint_threshold, setting, value, diag);
    case SETTING_RESERVE:
        return set_own(&in->disk_reserve, setting, value, diag);
    case SETTING_FIXED:
        return diag_set(diag, ER_INCORRECT_GLOBAL_LOCAL_VAR, setting->name, "read only");
    default:
        break;
    }
    const int rc = set_in_duckdb(in, setting, value, diag);
    if (rc == 0) {
        pthread_mutex_lock(&in->lock);
        remember(in, setting, value);
        pthread_mutex_unlock(&in->lock);
    }
    return rc == 0 ? ddb_read_memory_limit(in, diag) : rc;
}

int ddb_set_variable(struct engine *e, struct str name, struct str value, struct diag *diag)
{
    struct ddb_instance *in = ddb_instance_of(e);
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
        if (str_eq_nocase(str_from_cstr(settings[i].name), name)) {
            pthread_rwlock_rdlock(&in->gate);
            const int rc = in->db != NULL
                               ? apply(in, &settings[i], str_trim(value), diag)
                               : diag_set(diag, ER_INTERNAL_ERROR, "the database is not open");
            pthread_rwlock_unlock(&in->gate);
            return rc;
        }
    }
    return diag_set(diag, ER_UNKNOWN_SYSTEM_VARIABLE, arena_dup_cstr(&diag->arena, name));
}

/* ---- Statistics ---- */

#define STATISTICS_MAX 20

struct stat_list {
    struct arena *arena;
    struct engine_stat *items;
    uint32_t count;
};

static void add_number(struct stat_list *list, const char *name, uint64_t value)
{
    assert(list->count < STATISTICS_MAX);
    list->items[list->count++] = (struct engine_stat){
        .name = str_from_cstr(name), .value = arena_printf(list->arena, "%" PRIu64, value)};
}

static void add_text(struct stat_list *list, const char *name, struct str value)
{
    assert(list->count < STATISTICS_MAX);
    list->items[list->count++] =
        (struct engine_stat){.name = str_from_cstr(name), .value = arena_dup(list->arena, value)};
}

static uint64_t memory_usage(struct ddb_instance *in)
{
    struct diag diag;
    int64_t bytes = 0;
    diag_init(&diag);
    (void)!ddb_aux_number(
        in, "SELECT coalesce(sum(memory_usage_bytes), 0)::BIGINT FROM duckdb_memory()", &diag,
        &bytes);
    diag_release(&diag);
    return (uint64_t)bytes;
}

uint32_t ddb_statistics(struct engine *e, struct arena *arena, struct engine_stat **out)
{
    struct ddb_instance *in = ddb_instance_of(e);
    struct stat_list list = {.arena = arena,
                             .items = ARENA_ARRAY(arena, struct engine_stat, STATISTICS_MAX)};
    uint64_t data;
    uint64_t wal;
    ddb_file_sizes(in, &data, &wal);
    add_text(&list, "duckdb_version", str_from_cstr(duckdb_library_version()));
    add_number(&list, "duckdb_data_file_size", data);
    add_number(&list, "duckdb_wal_size", wal);
    pthread_rwlock_rdlock(&in->gate);
    if (in->db != NULL && !atomic_load(&in->invalid)) {
        add_number(&list, "duckdb_memory_usage", memory_usage(in));
    }
    pthread_rwlock_unlock(&in->gate);
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {
        {"duckdb_rows_insert", atomic_load(&in->counters.rows_inserted)},
        {"duckdb_rows_delete", atomic_load(&in->counters.rows_deleted)},
        {"duckdb_commit", atomic_load(&in->counters.commits)},
        {"duckdb_rollback", atomic_load(&in->counters.rollbacks)},
        {"duckdb_restores", atomic_load(&in->counters.restores)},
        {"duckdb_queries", atomic_load(&in->counters.queries)},
        {"duckdb_checkpoints", atomic_load(&in->counters.checkpoints)},
        {"duckdb_reopens", atomic_load(&in->counters.reopens)},
        {"duckdb_unique_lookups", atomic_load(&in->counters.unique_lookups)},
    };
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
        add_number(&list, counters[i].name, counters[i].value);
    }
    *out = list.items;
    return list.count;
}
