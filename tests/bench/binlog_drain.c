/*
 * Reads a server's binary log as a replica does, and drops what it reads: the raw stream, which a
 * replica cannot be faster than.
 *
 *     binlog_drain PORT FILE
 *
 * It connects to 127.0.0.1 as root without a password, over TCP, and asks for everything from the
 * start of FILE to the end of the log (COM_BINLOG_DUMP with the flag that makes the server end
 * instead of waiting). It prints `ok EVENTS BYTES SECONDS`, counted from the request on.
 */

#include "common.h"

#include <errno.h>
#include <mysql.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    COM_BINLOG_DUMP_NUMBER = 18,
    DUMP_ENDS = 1,
    FIRST_EVENT = 4,
    SERVER_ID = 4294967, /* such as no other replica has */
    HEADER_SIZE = 4,
    PACKET_EOF = 0xFE,
    PACKET_ERROR = 0xFF,
    EOF_SIZE_MAX = 8,
    BUFFER_SIZE = 1 << 20,
};

struct drain {
    my_socket socket;
    unsigned char buffer[BUFFER_SIZE];
    size_t at, len;
    uint64_t events, bytes;
};

static struct drain drain;

static void put_u32(unsigned char *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (unsigned char)(value >> (8 * i));
    }
}

static MYSQL *connect_to(unsigned port)
{
    /* A server that adds checksums refuses replicas that do not say that they know them. */
    static const char *const settings[] = {"SET @master_binlog_checksum = 'CRC32'",
                                           "SET @source_binlog_checksum = 'CRC32'",
                                           "SET @mariadb_slave_capability = 4"};
    MYSQL *mysql = mysql_init(NULL);

    if (!mysql || !mysql_real_connect(mysql, "127.0.0.1", "root", NULL, NULL, port, NULL, 0)) {
        die("binlog_drain: port %u: %s", port, mysql ? mysql_error(mysql) : "out of memory");
    }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (mysql_query(mysql, settings[i]) != 0) {
            die("binlog_drain: %s: %s", settings[i], mysql_error(mysql));
        }
    }
    return mysql;
}

static void request(struct drain *d, const char *file)
{
    unsigned char packet[HEADER_SIZE + 11 + 256] = {0};
    const size_t name = strlen(file);
    const size_t payload = 11 + name;

    if (name > 255) {
        die("binlog_drain: the file's name is too long");
    }
    put_u32(packet, (uint32_t)payload); /* the highest byte is the packet's number, 0 */
    packet[HEADER_SIZE] = COM_BINLOG_DUMP_NUMBER;
    put_u32(packet + HEADER_SIZE + 1, FIRST_EVENT);
    packet[HEADER_SIZE + 5] = DUMP_ENDS;
    put_u32(packet + HEADER_SIZE + 7, SERVER_ID);
    memcpy(packet + HEADER_SIZE + 11, file, name);
    if (write(d->socket, packet, HEADER_SIZE + payload) != (ssize_t)(HEADER_SIZE + payload)) {
        die("binlog_drain: %s", strerror(errno));
    }
}

static void fill(struct drain *d)
{
    const ssize_t got = read(d->socket, d->buffer, sizeof d->buffer);

    if (got <= 0) {
        die("binlog_drain: %s", got == 0 ? "the server closed the connection" : strerror(errno));
    }
    d->at = 0;
    d->len = (size_t)got;
}

static unsigned char take_byte(struct drain *d)
{
    if (d->at == d->len) {
        fill(d);
    }
    return d->buffer[d->at++];
}

static void skip(struct drain *d, size_t size)
{
    while (size > d->len - d->at) {
        size -= d->len - d->at;
        fill(d);
    }
    d->at += size;
}

/* Whether there was an event; the answer ends with a packet that is none. */
static bool drop_packet(struct drain *d)
{
    size_t size = take_byte(d);
    unsigned char kind;

    size |= (size_t)take_byte(d) << 8;
    size |= (size_t)take_byte(d) << 16;
    (void)take_byte(d);
    kind = size > 0 ? take_byte(d) : 0;
    skip(d, size > 0 ? size - 1 : 0);
    if (kind == PACKET_ERROR) {
        die("binlog_drain: the server refuses to send its log");
    }
    d->bytes += size;
    return kind != PACKET_EOF || size > EOF_SIZE_MAX;
}

int main(int argc, char **argv)
{
    struct drain *d = &drain;
    MYSQL *mysql;
    double began;

    if (argc != 3) {
        die("usage: binlog_drain PORT FILE");
    }
    mysql = connect_to((unsigned)strtoul(argv[1], NULL, 10));
    d->socket = mysql_get_socket(mysql);
    began = clock_seconds();
    request(d, argv[2]);
    while (drop_packet(d)) {
        d->events++;
    }
    printf("ok %llu %llu %.6f\n", (unsigned long long)d->events, (unsigned long long)d->bytes,
           clock_seconds() - began);
    mysql_close(mysql);
    return 0;
}
