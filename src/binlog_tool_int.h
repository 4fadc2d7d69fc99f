/* What the two sources of `pintail binlog`, files and servers, share. */
#ifndef BINLOG_TOOL_INT_H
#define BINLOG_TOOL_INT_H

#include "binlog/print.h"
#include "binlog/stream.h"

#include "base/bytebuf.h"
#include "base/diag.h"

struct binlog_tool {
    bool verbose;
    bool quiet; /* Check only. */

    const char *host; /* A server instead of files; NULL with socket for a UNIX socket. */
    const char *socket;
    const char *user;
    const char *start_file; /* Where to start; NULL = the oldest file. */
    const char *gtids;      /* What to leave out: a set of MySQL's, or a position of MariaDB's. */
    uint64_t port;
    uint64_t start_position;
    uint64_t server_id; /* That we say we are. */
    bool follow;        /* Wait for more at the end of the log. */

    const char *source; /* What is being read, for messages. */
    struct bytebuf out;
    struct diag diag;
    struct binlog_printer printer;
    struct binlog_stream stream;
};

/* Starts on a source; checksum: as binlog_stream_init(). */
void binlog_tool_begin(struct binlog_tool *t, const char *source, enum binlog_checksum checksum);
void binlog_tool_end(struct binlog_tool *t);

/* Prints and checks one event. 0, or -1 with diag set. */
NODISCARD int binlog_tool_event(struct binlog_tool *t, struct str bytes, uint64_t offset);

/* Writes out what has been printed so far. */
void binlog_tool_flush(struct binlog_tool *t);

/* Reports a mistake, or the diag's error, on standard error. Returns the exit status. */
int binlog_tool_report(struct binlog_tool *t, const char *what);
int binlog_tool_report_diag(struct binlog_tool *t);

/* Prints what a server sends. Returns the exit status. */
NODISCARD int binlog_tool_server(struct binlog_tool *t);

#endif
