/* `pintail binlog`: its arguments, and files, which it maps into memory. */
#include "binlog_tool.h"

#include "binlog_tool_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 2,
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

/* One option: what of the tool it sets. */
struct option {
    const char *name;
    const char *short_name;
    bool *flag; /* One of these three. */
    const char **text;
    uint64_t *number;
};

static int usage_error(const char *what, const char *arg)
{
    (void)fprintf(stderr, "pintail: binlog: %s '%s'\n%s", what, arg, usage);
    return EXIT_USAGE;
}

static const struct option *find_option(const struct option *options, size_t count, const char *arg)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(arg, options[i].name) == 0 ||
            (options[i].short_name != NULL && strcmp(arg, options[i].short_name) == 0)) {
            return &options[i];
        }
    }
    return NULL;
}

/* Takes the options out of argv. Returns 0 with *out_files the number of files at argv[1], or an
 * exit status. */
static int parse_arguments(struct binlog_tool *t, int argc, char **argv, int *out_files)
{
    const struct option options[] = {
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
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            argv[1 + (*out_files)++] = argv[i];
            continue;
        }
        const struct option *o = find_option(options, ARRAY_SIZE(options), argv[i]);
        if (o == NULL) {
            return usage_error("unknown option", argv[i]);
        }
        if (o->flag != NULL) {
            *o->flag = true;
            continue;
        }
        if (++i == argc) {
            return usage_error("a value is missing behind", o->name);
        }
        if (o->text != NULL) {
            *o->text = argv[i];
        } else if (str_to_u64(str_from_cstr(argv[i]), o->number) != 0 || *o->number > UINT32_MAX) {
            return usage_error("not a number:", argv[i]);
        }
    }
    return 0;
}

int binlog_tool(int argc, char **argv)
{
    struct binlog_tool t = {.user = "root",
                            .port = DEFAULT_PORT,
                            .start_position = BINLOG_MAGIC_LEN,
                            .server_id = DEFAULT_SERVER_ID};
    int files = 0;
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        (void)fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    int status = parse_arguments(&t, argc, argv, &files);
    const bool is_server = t.host != NULL || t.socket != NULL;
    if (status == 0 && (files == 0) != is_server) {
        (void)fputs(usage, stderr);
        status = EXIT_USAGE;
    }
    if (status != 0) {
        return status;
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
