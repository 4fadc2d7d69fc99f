/*
 * Packets that real servers and clients sent (recorded/, made by record.py): each is decoded,
 * encoded again, and must come out as the same bytes.
 */
#include "wire_test.h"

#include "wire/column.h"
#include "wire/command.h"
#include "wire/handshake.h"
#include "wire/reply.h"
#include "wire/value.h"

#include <stdio.h>

enum {
    COLUMNS_MAX = 64,
};

/* What later packets of a recording are read with. */
struct recording {
    struct wire_value_type types[COLUMNS_MAX]; /* Of the columns since the last head. */
    size_t columns;
    size_t params; /* Definitions of parameters still to come, before those of the columns. */
    struct arena arena;
    struct message m; /* The packet encoded again. */
};

/* Decodes payload and encodes the result into rec->m. Returns 0 or -1. */
typedef int again_fn(struct recording *rec, uint64_t caps, struct str payload);

static int again_handshake(struct recording *rec, uint64_t caps, struct str payload)
{
    struct wire_handshake h;
    (void)caps;
    const int rc = wire_decode_handshake(payload, &h);
    wire_encode_handshake(&rec->m.w, &h);
    return rc;
}

static int again_login(struct recording *rec, uint64_t caps, struct str payload)
{
    struct wire_login l;
    (void)caps;
    const enum wire_login_result rc = wire_decode_login(payload, UINT64_MAX, &l);
    wire_encode_login(&rec->m.w, &l);
    return rc == WIRE_LOGIN_OK ? 0 : -1;
}

static int again_auth_switch(struct recording *rec, uint64_t caps, struct str payload)
{
    struct wire_auth_switch s;
    (void)caps;
    const int rc = wire_decode_auth_switch(payload, &s);
    wire_encode_auth_switch(&rec->m.w, &s);
    return rc;
}

static int again_auth_more(struct recording *rec, uint64_t caps, struct str payload)
{
    struct str data;
    (void)caps;
    const int rc = wire_decode_auth_more(payload, &data);
    wire_encode_auth_more(&rec->m.w, data);
    return rc;
}

/* The changes of an OK are taken apart and put together again, too. */
static int ok_with_mark(struct recording *rec, uint64_t caps, struct str payload,
                        enum wire_reply_mark mark)
{
    struct wire_ok ok;
    struct pkt_reader r;
    struct wire_track t;
    struct bytebuf tracks;
    bytebuf_init(&tracks, 1 << 20);
    const int rc = wire_decode_ok(payload, caps, &ok);
    pkt_reader_init(&r, ok.tracks);
    while (wire_track_next(&r, &t)) {
        wire_track_put(&tracks, &t);
    }
    assert_true(pkt_reader_ok(&r));
    ok.tracks = bytebuf_str(&tracks);
    wire_encode_ok(&rec->m.w, caps, mark, &ok);
    bytebuf_release(&tracks);
    return rc;
}

static int again_ok(struct recording *rec, uint64_t caps, struct str payload)
{
    return ok_with_mark(rec, caps, payload, WIRE_MARK_OK);
}

static int again_ok_end(struct recording *rec, uint64_t caps, struct str payload)
{
    assert_int_equal(wire_row_kind(payload, caps), WIRE_ROW_END_OK);
    return ok_with_mark(rec, caps, payload, WIRE_MARK_EOF);
}

static int again_err(struct recording *rec, uint64_t caps, struct str payload)
{
    struct wire_err e;
    const int rc = wire_decode_err(payload, &e);
    wire_encode_err(&rec->m.w, caps, &e);
    return rc;
}

static int again_eof(struct recording *rec, uint64_t caps, struct str payload)
{
    struct wire_eof e;
    assert_int_equal(wire_row_kind(payload, caps), WIRE_ROW_END_EOF);
    const int rc = wire_decode_eof(payload, &e);
    wire_encode_eof(&rec->m.w, &e);
    return rc;
}

static int again_head(struct recording *rec, uint64_t caps, struct str payload)
{
    struct wire_result_head h;
    const int rc = wire_decode_result_head(payload, caps, &h);
    wire_encode_result_head(&rec->m.w, caps, &h);
    if (h.has_metadata) {
        rec->columns = 0;
    }
    return rc;
}

static int again_column(struct recording *rec, uint64_t caps, struct str payload)
{
    struct wire_column c;
    const int rc = wire_decode_column(payload, caps, &c);
    wire_encode_column(&rec->m.w, caps, &c);
    if (rec->params > 0) {
        rec->params--;
    } else if (rec->columns < COLUMNS_MAX) {
        rec->types[rec->columns++] =
            (struct wire_value_type){c.type, (c.flags & WIRE_FLAG_UNSIGNED) != 0};
    }
    return rc;
}

static int again_infile(struct recording *rec, uint64_t caps, struct str payload)
{
    struct str name;
    (void)caps;
    const int rc = wire_decode_local_infile(payload, &name);
    wire_encode_local_infile(&rec->m.w, name);
    return rc;
}

static int again_prepare_ok(struct recording *rec, uint64_t caps, struct str payload)
{
    struct wire_prepare_ok p;
    const int rc = wire_decode_prepare_ok(payload, caps, &p);
    wire_encode_prepare_ok(&rec->m.w, caps, &p);
    rec->columns = 0;
    rec->params = p.has_metadata ? p.params : 0;
    return rc;
}

static int again_binary_row(struct recording *rec, uint64_t caps, struct str payload)
{
    struct wire_value values[COLUMNS_MAX];
    assert_int_equal(wire_row_kind(payload, caps), WIRE_ROW_DATA);
    const int rc = wire_decode_binary_row(payload, rec->types, rec->columns, values);
    if (rc == 0) {
        wire_encode_binary_row(&rec->m.w, values, rec->columns);
    }
    return rc;
}

static int again_text_row(struct recording *rec, uint64_t caps, struct str payload)
{
    struct str values[COLUMNS_MAX];
    size_t count = 0;
    /* A result without metadata is told by its length only: count the values. */
    struct pkt_reader r;
    (void)caps;
    for (pkt_reader_init(&r, payload); pkt_reader_left(&r) > 0; count++) {
        pkt_get_nullable_str(&r, &values[0]);
    }
    const int rc = count <= COLUMNS_MAX ? wire_decode_text_row(payload, count, values) : -1;
    wire_encode_text_row(&rec->m.w, values, count);
    return rc;
}

static int again_query(struct recording *rec, uint64_t caps, struct str payload)
{
    struct wire_query q;
    const int rc = wire_decode_query(payload, caps, &rec->arena, &q);
    wire_encode_query(&rec->m.w, caps, &q);
    return rc;
}

static const struct {
    const char *kind;
    again_fn *again;
} kinds[] = {
    {"handshake", again_handshake},
    {"login", again_login},
    {"auth_switch", again_auth_switch},
    {"auth_more", again_auth_more},
    {"ok", again_ok},
    {"ok_end", again_ok_end},
    {"err", again_err},
    {"eof", again_eof},
    {"head", again_head},
    {"column", again_column},
    {"field", again_column},
    {"infile", again_infile},
    {"prepare_ok", again_prepare_ok},
    {"binary_row", again_binary_row},
    {"text_row", again_text_row},
    {"query", again_query},
};

static again_fn *find_kind(const char *kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            return kinds[i].again;
        }
    }
    fail_msg("unknown kind of packet: %s", kind);
    return NULL;
}

/* Hexadecimal text to bytes, in place of buf. */
static struct str from_hex(const char *hex, char *buf)
{
    size_t len = 0;
    if (strcmp(hex, "-") == 0) {
        return str_from(buf, 0);
    }
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2) {
        const char digits[3] = {hex[0], hex[1], '\0'};
        buf[len++] = (char)strtoul(digits, NULL, 16);
    }
    return str_from(buf, len);
}

static void check_line(struct recording *rec, const char *path, int number, char *line)
{
    static char buf[1 << 16];
    char *rest = NULL;
    const char *kind = strtok_r(line, " \n", &rest);
    const char *caps = strtok_r(NULL, " \n", &rest);
    const char *hex = strtok_r(NULL, " \n", &rest);
    assert_true(kind != NULL && caps != NULL && hex != NULL);
    const struct str payload = from_hex(hex, buf);
    message_init(&rec->m);
    if (find_kind(kind)(rec, strtoull(caps, NULL, 16), payload) != 0) {
        fail_msg("%s:%d: %s is not decoded", path, number, kind);
    }
    const struct str again = message_end(&rec->m);
    if (!str_eq(again, payload)) {
        fail_msg("%s:%d: %s comes out differently", path, number, kind);
    }
    message_release(&rec->m);
}

static void check_file(const char *path)
{
    static char line[1 << 17];
    struct recording rec = {.columns = 0};
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    arena_init(&rec.arena, 0);
    for (int number = 1; fgets(line, sizeof(line), f) != NULL; number++) {
        check_line(&rec, path, number, line);
    }
    arena_release(&rec.arena);
    (void)fclose(f);
}

static void test_packets_of_mysql_come_out_unchanged(void **state)
{
    (void)state;
    check_file("tests/unit/wire/recorded/mysql-9.7.txt");
}

static void test_packets_of_mariadb_come_out_unchanged(void **state)
{
    (void)state;
    check_file("tests/unit/wire/recorded/mariadb-10.11.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_of_mysql_come_out_unchanged),
        cmocka_unit_test(test_packets_of_mariadb_come_out_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
