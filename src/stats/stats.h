/*
 * Statement statistics: how often each digest (sql/digest.h) ran on which engine, how long it took,
 * what it sent, when it was seen. What is shown of a statement is its digest's text, which has no
 * literals and therefore no secrets.
 *
 *   stats_record()     after each statement, by whoever answered it (session/, the relay)
 *   stats_snapshot()   for SHOW PINTAIL DIGESTS and admin/
 *
 * The table is bounded: of more digests than it holds the least recently seen is dropped. It is
 * kept in STATS_SHARDS parts, each with a mutex of its own and used by the threads of its number
 * (base/metrics.h), so that recording does not contend; a reader adds the parts up. A part
 * remembers which digest the texts it has lately seen have, apart from numbers and plain strings in
 * them: applications repeat themselves, and a digest takes half a microsecond.
 *
 * Totals of the process go to the metrics pintail_statements_total, pintail_statement_seconds,
 * pintail_statement_errors_total (by engine), pintail_statement_rows_total and
 * pintail_statement_bytes_total.
 */
#ifndef STATS_STATS_H
#define STATS_STATS_H

#include "base/arena.h"
#include "sql/parse.h"

#define STATS_SHARDS 8

/* Who answered. */
enum stats_engine {
    STATS_LOCAL,    /* Pintail itself: no table was read */
    STATS_COLUMN,   /* the column engine */
    STATS_UPSTREAM, /* the upstream server */
    STATS_CACHE,    /* the result cache */
    STATS_ENGINES,
};

/* What became of a statement. */
struct stats_outcome {
    enum stats_engine engine;
    bool failed;
    uint64_t latency_us; /* from the command's packet to the end of the reply */
    uint64_t rows;       /* sent, or changed */
    uint64_t bytes;      /* of the reply, before TLS and compression */
};

/* A digest as it stands. */
struct stats_digest {
    uint64_t hash[2]; /* struct digest */
    struct str text;
    uint64_t count; /* of all engines */
    uint64_t counts[STATS_ENGINES];
    uint64_t errors;
    uint64_t rows;
    uint64_t bytes;
    uint64_t total_us;
    uint64_t max_us;
    uint64_t p50_us, p95_us, p99_us;
    int64_t first_seen_us; /* wall clock */
    int64_t last_seen_us;
};

struct stats;

/* max_digests: how many the table holds, in each of its parts; 0 = none are kept, only totals. */
NODISCARD struct stats *stats_new(uint32_t max_digests);
void stats_free(struct stats *s);

/* "local", "column", "upstream", "cache": as in labels. */
NODISCARD const char *stats_engine_name(enum stats_engine engine);

/* The text of one statement, as the client sent it, in UTF-8. Whose statement is executed again and
 * again keeps this: the hash costs more than the rest of what stats_record() does. */
struct stats_text {
    struct str text;
    uint64_t hash; /* by which its digest is looked for; 0 until stats_record() has needed it */
};

/* Counts a statement that has ended. options are how it was read. s may be NULL. Any thread, each
 * with a text of its own. */
void stats_record(struct stats *s, struct stats_text *text, const struct parse_options *options,
                  const struct stats_outcome *outcome);

/* All digests in arena, those that took most time in total first. Returns how many. Any thread. */
NODISCARD uint32_t stats_snapshot(struct stats *s, struct arena *arena, struct stats_digest **out);

#endif
