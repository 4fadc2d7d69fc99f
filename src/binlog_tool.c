/* `pintail binlog`: maps files into memory and prints their events. */
#include "binlog_tool.h"

#include "binlog/print.h"
#include "binlog/stream.h"

#include "base/bytebuf.h"

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
};

struct tool {
    bool verbose;
    bool quiet; /* Check only. */
    struct bytebuf out;
    struct diag diag;
};

static const char usage[] =
    "Usage: pintail binlog [--verbose] [--check] FILE...\n"
    "Prints the events of binary log files of MySQL and MariaDB, a line an event.\n"
    "  -v, --verbose  print rows too, with their values\n"
    "  -c, --check    print nothing but mistakes\n"
    "Every file is checked: checksums, lengths, and the order of events.\n";

static void flush(struct tool *t)
{
    if (!t->quiet) {
        (void)fwrite(t->out.p, 1, t->out.len, stdout);
    }
    bytebuf_reset(&t->out);
}

static int report(struct tool *t, const char *file, const char *what)
{
    flush(t);
    (void)fflush(stdout);
    (void)fprintf(stderr, "pintail: %s: %s\n", file, what);
    return EXIT_FAILURE;
}

static int report_diag(struct tool *t, const char *file)
{
    char text[600];
    const struct str message = t->diag.error != NULL ? t->diag.error->message : STR("error");
    (void)snprintf(text, sizeof(text), "%.*s", STR_FMT(message));
    return report(t, file, text);
}

/* Reads values that printing without --verbose does not touch, and checks the order of events. */
static int check_event(struct binlog_stream *s, struct str bytes, uint64_t offset, struct diag *d)
{
    struct binlog_item item;
    enum binlog_next rc;
    if (binlog_stream_feed(s, bytes, offset, d) != 0) {
        return -1;
    }
    while ((rc = binlog_stream_next(s, &item, d)) == BINLOG_ITEM) {
    }
    return rc == BINLOG_ERROR ? -1 : 0;
}

static int print_file(struct tool *t, struct binlog_printer *p, struct binlog_stream *s,
                      const char *file, struct str bytes)
{
    if (!str_starts_with(bytes, str_from(BINLOG_MAGIC, BINLOG_MAGIC_LEN))) {
        return report(t, file, "it is no binary log (encrypted ones are not either)");
    }
    for (size_t at = BINLOG_MAGIC_LEN; at < bytes.len;) {
        const struct str rest = str_from(bytes.p + at, bytes.len - at);
        const uint32_t size = binlog_peek_size(rest);
        if (size < BINLOG_HEADER_LEN || size > rest.len) {
            char what[96];
            (void)snprintf(what, sizeof(what), "the event at offset %zu is cut off", at);
            return report(t, file, what);
        }
        const struct str event = str_from(rest.p, size);
        if (binlog_print_event(p, event, at, &t->out, &t->diag) != 0 ||
            check_event(s, event, at, &t->diag) != 0) {
            return report_diag(t, file);
        }
        if (t->out.len >= FLUSH_LEN) {
            flush(t);
        }
        at += size;
    }
    flush(t);
    return EXIT_SUCCESS;
}

/* Each file by itself: they need not follow each other. */
static int print_bytes(struct tool *t, const char *file, struct str bytes)
{
    struct binlog_printer printer;
    struct binlog_stream stream;
    binlog_printer_init(&printer, BINLOG_CHECKSUM_UNKNOWN);
    binlog_stream_init(&stream, BINLOG_CHECKSUM_UNKNOWN);
    printer.verbose = t->verbose || t->quiet;
    diag_init(&t->diag);
    const int status = print_file(t, &printer, &stream, file, bytes);
    diag_release(&t->diag);
    binlog_stream_release(&stream);
    binlog_printer_release(&printer);
    return status;
}

static int print_path(struct tool *t, const char *file)
{
    struct stat st;
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        const int status = report(t, file, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return status;
    }
    int status = EXIT_SUCCESS;
    if (st.st_size == 0) {
        status = report(t, file, "it is empty");
    } else {
        const size_t len = (size_t)st.st_size;
        char *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            status = report(t, file, strerror(errno));
        } else {
            status = print_bytes(t, file, str_from(p, len));
            (void)munmap(p, len);
        }
    }
    (void)close(fd);
    return status;
}

int binlog_tool(int argc, char **argv)
{
    struct tool t = {0};
    int files = 0;
    int status = EXIT_SUCCESS;
    for (int i = 1; i < argc; i++) {
        const struct str arg = str_from_cstr(argv[i]);
        if (str_eq(arg, STR("-v")) || str_eq(arg, STR("--verbose"))) {
            t.verbose = true;
        } else if (str_eq(arg, STR("-c")) || str_eq(arg, STR("--check"))) {
            t.quiet = true;
        } else if (str_eq(arg, STR("-h")) || str_eq(arg, STR("--help"))) {
            (void)fputs(usage, stdout);
            return EXIT_SUCCESS;
        } else if (arg.len > 0 && arg.p[0] == '-') {
            (void)fprintf(stderr, "pintail: binlog: unknown option '%s'\n%s", argv[i], usage);
            return EXIT_USAGE;
        } else {
            argv[1 + files++] = argv[i];
        }
    }
    if (files == 0) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    bytebuf_init(&t.out, SIZE_MAX / 2);
    for (int i = 1; i <= files && status == EXIT_SUCCESS; i++) {
        status = print_path(&t, argv[i]);
    }
    bytebuf_release(&t.out);
    return status;
}
