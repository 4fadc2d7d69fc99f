/*
 * Result sinks: where the rows of a statement go: a client in the text or binary protocol, a
 * cursor's spool, a test. exec/ calls begin once per result set, then row or chunk any number of
 * times, then end. An error after begin means no end: the session ends the result with an ERR
 * packet.
 */
#ifndef EXEC_SINK_H
#define EXEC_SINK_H

#include "base/diag.h"
#include "base/str.h"
#include "types/chunk.h"
#include "types/type.h"
#include "types/value.h"

/* What a client is told about a column (Protocol::ColumnDefinition41). */
struct result_column {
    struct str db;
    struct str table; /* alias */
    struct str org_table;
    struct str name; /* as shown */
    struct str org_name;
    struct sql_type type;
    struct str default_text; /* COM_FIELD_LIST only, else NULL */
};

struct result_sink;

struct result_sink_ops {
    /* On the fiber. Columns are borrowed until end. */
    int (*begin)(struct result_sink *s, const struct result_column *columns, uint32_t count,
                 struct diag *diag);
    /* One row of values that match the columns' types. On the fiber. */
    int (*row)(struct result_sink *s, const struct value *values, struct diag *diag);
    /* Rows straight from an engine. May be called on an offload thread while the fiber is parked:
     * does no I/O, only encodes. Returns 0, or -1 with diag. */
    int (*chunk)(struct result_sink *s, const struct chunk *rows, struct diag *diag);
    /* True when enough is encoded that the fiber should flush before more comes. Any thread. */
    bool (*is_full)(const struct result_sink *s);
    /* On the fiber: sends what is encoded; waits for a slow client. */
    int (*flush)(struct result_sink *s, struct diag *diag);
    /* Takes back what begin and rows have encoded, as far as nothing of it was sent: an error will
     * be the reply. */
    void (*cancel)(struct result_sink *s);
    /* After the last row. */
    int (*end)(struct result_sink *s, struct diag *diag);
};

struct result_sink {
    const struct result_sink_ops *ops;
    uint64_t rows; /* delivered since begin */
};

#endif
