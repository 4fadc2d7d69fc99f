/*
 * Space: the disk reserve, and checkpoints of our own. DuckDB's automatic ones are off, because a
 * full disk in one invalidates the instance; ours run after a commit that has made the
 * log long, and only when the disk has room for what they write. They are never forced: that would
 * wait for every reader.
 */
#include "engine/crash_point.h"
#include "engine/duckdb/duckdb_int.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

/* Of DuckDB's limit of memory one in so many may be taken by what was committed since the last
 * checkpoint, which gives it back. */
#define MEMORY_SHARE 4
/* What a checkpoint may write beyond what the log holds: metadata, and blocks that are copied when
 * half used. */
#define CHECKPOINT_MARGIN ((uint64_t)32 << 20)

/* Free bytes for us where the database is; UINT64_MAX if that cannot be found out. */
static uint64_t free_bytes(const struct ddb_instance *in)
{
    struct statvfs st;
    if (statvfs(in->config.path.p, &st) != 0) {
        return UINT64_MAX;
    }
    return (uint64_t)st.f_bavail * (uint64_t)st.f_frsize;
}

int ddb_check_space(struct ddb_instance *in, struct str table, struct diag *diag)
{
    if (in->file.len == 0 || free_bytes(in) >= atomic_load(&in->disk_reserve)) {
        return 0;
    }
    return diag_set(diag, ER_RECORD_FILE_FULL, arena_dup_cstr(&diag->arena, table));
}

static uint64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void ddb_file_sizes(const struct ddb_instance *in, uint64_t *out_data, uint64_t *out_wal)
{
    *out_data = 0;
    *out_wal = 0;
    if (in->file.len != 0) {
        char wal[4096 + 8];
        struct bytebuf name;
        bytebuf_init(&name, sizeof(wal));
        bytebuf_put_str(&name, in->file);
        bytebuf_put(&name, ".wal", sizeof(".wal"));
        *out_data = file_size(in->file.p);
        *out_wal = name.failed ? 0 : file_size(name.p);
        bytebuf_release(&name);
    }
}

static bool checkpoint_fits(const struct ddb_instance *in, uint64_t wal)
{
    return free_bytes(in) / 2 >= wal + CHECKPOINT_MARGIN;
}

/* The gate is held; alone: exclusively. */
static void run_checkpoint(struct ddb_instance *in, bool alone)
{
    struct diag diag;
    diag_init(&diag);
    /* Marks are looked for only after a commit that failed, so older ones have served. */
    if (ddb_aux_exec(in, "DELETE FROM pintail_commit", &diag) == 0) {
        crash_point("before-checkpoint");
        atomic_fetch_add(&in->checkpoints_begun, 1);
        if (ddb_aux_checkpoint(in, alone, &diag) == 0) {
            atomic_fetch_add(&in->counters.checkpoints, 1);
        }
        crash_point("after-checkpoint");
    }
    if (diag.error != NULL && atomic_load(&in->invalid)) {
        log_error(&in->log, "checkpoint failed: %.*s", STR_FMT(diag.error->message));
    } else if (diag.error != NULL) {
        log_debug(&in->log, "checkpoint put off: %.*s", STR_FMT(diag.error->message));
    }
    diag_release(&diag);
}

bool ddb_checkpoint_is_due(struct ddb_instance *in)
{
    uint64_t data;
    uint64_t wal;
    ddb_file_sizes(in, &data, &wal);
    if (wal < MIN(atomic_load(&in->checkpoint_threshold),
                  atomic_load(&in->memory_limit) / MEMORY_SHARE)) {
        return false;
    }
    if (checkpoint_fits(in, wal)) {
        return true;
    }
    log_warn(&in->log, "checkpoint put off: the disk is nearly full, write-ahead log is %lu MiB",
             (unsigned long)(wal >> 20));
    return false;
}

void ddb_checkpoint(struct ddb_instance *in)
{
    /* Readers between two chunks hold a snapshot, but not the gate; then the checkpoint gives back
     * nothing, and that is all. */
    const bool alone = pthread_rwlock_trywrlock(&in->gate) == 0;
    if (!alone) {
        pthread_rwlock_rdlock(&in->gate);
    }
    if (in->db != NULL && !atomic_load(&in->invalid)) {
        run_checkpoint(in, alone);
    }
    pthread_rwlock_unlock(&in->gate);
}

void ddb_final_checkpoint(struct ddb_instance *in)
{
    uint64_t data;
    uint64_t wal;
    ddb_file_sizes(in, &data, &wal);
    if (wal > 0 && checkpoint_fits(in, wal)) {
        run_checkpoint(in, true);
    }
}
