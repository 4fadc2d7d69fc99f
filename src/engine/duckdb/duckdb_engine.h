/*
 * The DuckDB engine: tables as columns in an embedded DuckDB database. See README.md for its type
 * table, its transactions, and where it differs from MySQL.
 */
#ifndef ENGINE_DUCKDB_DUCKDB_ENGINE_H
#define ENGINE_DUCKDB_DUCKDB_ENGINE_H

#include "base/log.h"
#include "engine/engine.h"

/*
 * How to open it. Strings are copied. An empty string or 0 means the default given. The tag is
 * shared with a typedef of duckdb.h on purpose of spelling only: they are different names in C.
 */
struct duckdb_config {
    struct str
        path; /* Data directory, made if it is not there; empty = in memory, nothing survives. */
    struct str memory_limit; /* As DuckDB reads it: "4GB", "512MiB"; empty = 80 % of the memory. */
    uint32_t threads;        /* 0 = one per core. */
    struct str temp_directory;          /* Where it spills; empty = "tmp" in the data directory. */
    struct str max_temp_directory_size; /* Empty = 90 % of the free space. */
    uint64_t checkpoint_threshold; /* Bytes of write-ahead log after which a commit checkpoints; 0 =
                                      128 MiB. */
    uint64_t disk_reserve; /* Writes are refused when fewer bytes are free there; 0 = 64 MiB. */
    struct log log;        /* Who speaks in the log; module NULL = "duckdb". */
};

extern const struct engine_type duckdb_engine;

#endif
