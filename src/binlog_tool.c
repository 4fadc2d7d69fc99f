/* `pintail binlog`: its arguments, and files, which it maps into memory. */
#include "binlog_tool.h"

#include "binlog_tool_int.h"
#include "tool_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FLUSH_LEN = 1 << 16,
    DEFAULT_PORT = 3306,
};

/* Unlikely to be another replica's. */
#define DEFAULT_SERVER_ID UINT64_C(4000000007)

static const char usage[] =
    "Usage: pintail binlog [OPTION...] FILE...\n"
    "       pintail binlog --host HOST [OPTION...]\n"
    "Prints the events of binary logs of MySQL and MariaDB, a line an event, and checks them:\n"
    "checksums, lengths, and the order of events.\n"
    "  -v, --verbose         print rows too, with their values\n"
    "  -c, --check           print nothing but mistakes\n"
    "From a server, as one of its replicas; the password is taken from the environment variable\n"
    "MYSQL_PWD:\n"
    "      --host HOST       its name or address\n"
    "      --port PORT       3306\n"
    "      --socket PATH     its UNIX socket, instead of a host\n"
    "      --user NAME       root\n"
    "      --start-file F    its log file to start with; by default the oldest\n"
    "      --start-position N  where in that file; 4\n"
    "      --exclude-gtids G  leave out these: a GTID set, or a position of MariaDB\n"
    "      --server-id N     the id to register with; 4000000007\n"
    "      --follow          wait for more at the end of the log\n";

/* ---- Printing ---- */

void binlog_tool_flush(struct binlog_tool *t)
{
    if (!t->quiet) {
        (void)fwrite(t->out.p, 1, t->out.len, stdout);
        (void)fflush(stdout);
    }
    bytebuf_reset(&t->out);
}

int binlog_tool_report(struct binlog_tool *t, const char *what)
{
    binlog_tool_flush(t);
    (void)fprintf(stderr, "pintail: %s: %s\n", t->source, what);
    return EXIT_FAILURE;
}

int binlog_tool_report_diag(struct binlog_tool *t)
{
    char text[600];
    const struct str message = t->diag.error != NULL ? t->diag.error->message : STR("error");
    (void)snprintf(text, sizeof(text), "%.*s", STR_FMT(message));
    return binlog_tool_report(t, text);
}

void binlog_tool_begin(struct binlog_tool *t, const char *source, enum binlog_checksum checksum)
{
    t->source = source;
    diag_init(&t->diag);
    binlog_printer_init(&t->printer, checksum);
    binlog_stream_init(&t->stream, checksum);
    t->printer.verbose = t->verbose || t->quiet;
}

void binlog_tool_end(struct binlog_tool *t)
{
    binlog_stream_release(&t->stream);
    binlog_printer_release(&t->printer);
    diag_release(&t->diag);
}

int binlog_tool_event(struct binlog_tool *t, struct str bytes, uint64_t offset)
{
    struct binlog_item item;
    enum binlog_next rc;
    if (binlog_print_event(&t->printer, bytes, offset, &t->out, &t->diag) != 0 ||
        binlog_stream_feed(&t->stream, bytes, offset, &t->diag) != 0) {
        return -1;
    }
    while ((rc = binlog_stream_next(&t->stream, &item, &t->diag)) == BINLOG_ITEM) {
    }
    if (t->out.len >= FLUSH_LEN) {
        binlog_tool_flush(t);
    }
    return rc == BINLOG_ERROR ? -1 : 0;
}

/* ---- Files ---- */

static int print_bytes(struct binlog_tool *t, struct str bytes)
{
    if (!str_starts_with(bytes, str_from(BINLOG_MAGIC, BINLOG_MAGIC_LEN))) {
        return binlog_tool_report(t, "it is no binary log (encrypted ones are not either)");
    }
    for (size_t at = BINLOG_MAGIC_LEN; at < bytes.len;) {
        const struct str rest = str_from(bytes.p + at, bytes.len - at);
        const uint32_t size = binlog_peek_size(rest);
        if (size < BINLOG_HEADER_LEN || size > rest.len) {
            char what[96];
            (void)snprintf(what, sizeof(what), "the event at offset %zu is cut off", at);
            return binlog_tool_report(t, what);
        }
        if (binlog_tool_event(t, str_from(rest.p, size), at) != 0) {
            return binlog_tool_report_diag(t);
        }
        at += size;
    }
    binlog_tool_flush(t);
    return EXIT_SUCCESS;
}

static int print_open_file(struct binlog_tool *t, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return binlog_tool_report(t, strerror(errno));
    }
    if (st.st_size == 0) {
        return binlog_tool_report(t, "it is empty");
    }
    const size_t len = (size_t)st.st_size;
    char *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) {
        return binlog_tool_report(t, strerror(errno));
    }
    const int status = print_bytes(t, str_from(p, len));
    (void)munmap(p, len);
    return status;
}

/* Each file by itself: they need not follow each other. */
static int print_file(struct binlog_tool *t, const char *file)
{
    int status;
    binlog_tool_begin(t, file, BINLOG_CHECKSUM_UNKNOWN);
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        status = binlog_tool_report(t, strerror(errno));
    } else {
        status = print_open_file(t, fd);
        (void)close(fd);
    }
    binlog_tool_end(t);
    return status;
}

/* ---- Arguments ---- */

/* As tool_parse(): what is left are files. */
static bool parse_arguments(struct binlog_tool *t, int argc, char **argv, int *out_files,
                            int *out_status)
{
    const struct tool_option options[] = {
        {.name = "--verbose", .short_name = "-v", .flag = &t->verbose},
        {.name = "--check", .short_name = "-c", .flag = &t->quiet},
        {.name = "--follow", .flag = &t->follow},
        {.name = "--host", .text = &t->host},
        {.name = "--socket", .text = &t->socket},
        {.name = "--user", .text = &t->user},
        {.name = "--start-file", .text = &t->start_file},
        {.name = "--exclude-gtids", .text = &t->gtids},
        {.name = "--port", .number = &t->port},
        {.name = "--start-position", .number = &t->start_position},
        {.name = "--server-id", .number = &t->server_id},
    };
    const struct tool tool = {
        .name = "binlog", .usage = usage, .options = options, .option_count = ARRAY_SIZE(options)};
    return tool_parse(&tool, argc, argv, out_files, out_status);
}

int binlog_tool(int argc, char **argv)
{
    struct binlog_tool t = {.user = "root",
                            .port = DEFAULT_PORT,
                            .start_position = BINLOG_MAGIC_LEN,
                            .server_id = DEFAULT_SERVER_ID};
    int files;
    int status;
    if (!parse_arguments(&t, argc, argv, &files, &status)) {
        return status;
    }
    const bool is_server = t.host != NULL || t.socket != NULL;
    if ((files == 0) != is_server) {
        (void)fputs(usage, stderr);
        return TOOL_EXIT_USAGE;
    }
    bytebuf_init(&t.out, SIZE_MAX / 2);
    if (is_server) {
        status = binlog_tool_server(&t);
    }
    for (int i = 1; i <= files && status == EXIT_SUCCESS; i++) {
        status = print_file(&t, argv[i]);
    }
    bytebuf_release(&t.out);
    return status;
}
