/* Following replies: each shape of reply, with and without EOF packets, in whole packets. */
#include "wire_test.h"

#include "wire/column.h"
#include "wire/reply_track.h"

#define OLD (CLIENT_PROTOCOL_41)
#define NEW (CLIENT_PROTOCOL_41 | CLIENT_DEPRECATE_EOF | CLIENT_SESSION_TRACK)

/* A reply as letters: what the server sends, one letter a packet, and what the tracker says. */
static void put(struct pkt_writer *w, char letter, uint64_t caps)
{
    const struct wire_column column = {.name = STR("c"), .type = WIRE_TYPE_LONG};
    const struct wire_err err = {.code = 1146, .sqlstate = "42S02", .message = STR("no")};
    uint16_t status = SERVER_STATUS_AUTOCOMMIT;
    switch (letter) {
    case 'M': /* OK with more results */
    case 'O':
    case 'm': /* the same behind rows */
    case 'e':
    case 'k': { /* a cursor stays open */
        status |= letter == 'M' || letter == 'm' ? SERVER_MORE_RESULTS_EXISTS : 0;
        status |= letter == 'k' ? SERVER_STATUS_CURSOR_EXISTS : 0;
        const bool first = letter == 'M' || letter == 'O';
        const struct wire_ok ok = {.status = status, .affected_rows = 3};
        const struct wire_eof eof = {.status = status};
        if (!first && (caps & CLIENT_DEPRECATE_EOF) == 0) {
            wire_encode_eof(w, &eof);
        } else {
            wire_encode_ok(w, caps, first ? WIRE_MARK_OK : WIRE_MARK_EOF, &ok);
        }
        break;
    }
    case 'F':
    case 'o': { /* OUT parameters follow */
        status |= letter == 'o' ? SERVER_PS_OUT_PARAMS | SERVER_MORE_RESULTS_EXISTS : 0;
        const struct wire_eof eof = {.status = status};
        wire_encode_eof(w, &eof);
        break;
    }
    case 'X':
        wire_encode_err(w, caps, &err);
        break;
    case '2': {
        const struct wire_result_head head = {.columns = 2, .has_metadata = true};
        wire_encode_result_head(w, caps, &head);
        break;
    }
    case 'P': { /* one parameter, two columns */
        const struct wire_prepare_ok p = {
            .stmt_id = 1, .params = 1, .columns = 2, .has_metadata = true};
        wire_encode_prepare_ok(w, caps, &p);
        break;
    }
    case 'p': {
        const struct wire_prepare_ok p = {.stmt_id = 1, .has_metadata = true};
        wire_encode_prepare_ok(w, caps, &p);
        break;
    }
    case 'c':
        wire_encode_column(w, caps, &column);
        break;
    case 'I':
        wire_encode_local_infile(w, STR("f.csv"));
        break;
    case 'g': /* MariaDB's progress report */
        pkt_put_str(w, STR("\xff\xff\xff\x01\x01\x02..."));
        break;
    default:
        pkt_put_str(w, STR("\x01"
                           "1\x01"
                           "2"));
    }
}

static const char marks[] = {
    [REPLY_OK] = 'O',     [REPLY_ERR] = 'X',      [REPLY_EOF] = 'F',      [REPLY_END_OK] = 'E',
    [REPLY_HEAD] = 'H',   [REPLY_COLUMN] = 'c',   [REPLY_ROW] = 'r',      [REPLY_REST] = '+',
    [REPLY_INFILE] = 'I', [REPLY_PREPARED] = 'P', [REPLY_PROGRESS] = 'g', [REPLY_MALFORMED] = '!',
};

static void follow(uint8_t command, uint64_t caps, const char *sent, const char *expected)
{
    struct reply_track t;
    char seen[64] = "";
    size_t n = 0;
    reply_track_begin(&t, command, caps);
    for (const char *p = sent; *p != '\0'; p++) {
        struct message m;
        assert_false(t.done);
        message_init(&m);
        put(&m.w, *p, caps);
        const struct str payload = message_end(&m);
        const bool whole = reply_track_needs_whole(&t, (uint8_t)payload.p[0], payload.len);
        const struct str part = whole ? payload : str_from(payload.p, 1);
        seen[n++] = marks[reply_track_packet(&t, part, payload.len)];
        message_release(&m);
    }
    seen[n] = '\0';
    assert_string_equal(seen, expected);
    assert_true(t.done);
}

static void test_results(void **state)
{
    (void)state;
    follow(COM_QUERY, OLD, "O", "O");
    follow(COM_QUERY, OLD, "X", "X");
    follow(COM_QUERY, OLD, "2ccFrrre", "HccFrrrF");
    follow(COM_QUERY, NEW, "2ccrrre", "HccrrrE");
    follow(COM_QUERY, OLD, "2ccFe", "HccFF");
    follow(COM_QUERY, NEW, "2cce", "HccE");
    follow(COM_QUERY, OLD, "2ccFrX", "HccFrX");
    follow(COM_QUERY, NEW, "2ccrX", "HccrX");
    follow(COM_QUERY, OLD, "M2ccFrmO", "OHccFrFO");
    follow(COM_QUERY, NEW, "M2ccrmO", "OHccrEO");
    follow(COM_QUERY, NEW, "2ccrmX", "HccrEX");
}

static void test_prepared(void **state)
{
    (void)state;
    follow(COM_STMT_PREPARE, OLD, "PcFccF", "PcFccF");
    follow(COM_STMT_PREPARE, NEW, "Pccc", "Pccc");
    follow(COM_STMT_PREPARE, OLD, "p", "P");
    follow(COM_STMT_PREPARE, NEW, "p", "P");
    follow(COM_STMT_PREPARE, NEW, "X", "X");
    follow(COM_STMT_EXECUTE, OLD, "2cck", "HccF");
    follow(COM_STMT_EXECUTE, NEW, "2cck", "HccE");
    follow(COM_STMT_EXECUTE, OLD, "2ccoreO", "HccFrFO");
    follow(COM_STMT_EXECUTE, OLD, "2ccFrm2ccormO", "HccFrFHccFrFO");
    follow(COM_STMT_FETCH, OLD, "rrk", "rrF");
    follow(COM_STMT_FETCH, NEW, "rre", "rrE");
}

static void test_other_commands(void **state)
{
    (void)state;
    struct reply_track t;
    follow(COM_STATISTICS, OLD, "r", "r");
    follow(COM_FIELD_LIST, OLD, "cce", "ccF");
    follow(COM_FIELD_LIST, NEW, "cce", "ccE");
    follow(COM_SET_OPTION, OLD, "F", "F");
    follow(COM_SET_OPTION, NEW, "F", "F");
    follow(COM_PING, NEW, "O", "O");
    follow(COM_BINLOG_DUMP, OLD, "rrF", "rrF");
    follow(COM_QUERY, NEW, "IO", "IO");
    follow(COM_QUERY, NEW | MARIADB_CLIENT_PROGRESS, "ggO", "ggO");
    reply_track_begin(&t, COM_STMT_CLOSE, NEW);
    assert_true(t.done);
    assert_false(reply_is_expected(COM_QUIT));
}

/* A row of 16 MiB and more, whose first byte may look like an end mark, and its continuation, whose
 * first byte may be anything. */
static void test_continued_rows(void **state)
{
    (void)state;
    struct reply_track t;
    reply_track_begin(&t, COM_STMT_FETCH, NEW);
    assert_false(reply_track_needs_whole(&t, 0xfe, WIRE_MAX_PACKET));
    assert_int_equal(reply_track_packet(&t, STR("\xfe"), WIRE_MAX_PACKET), REPLY_ROW);
    assert_false(reply_track_needs_whole(&t, 0xff, 20));
    assert_int_equal(reply_track_packet(&t, STR("\xff"), 20), REPLY_REST);
    assert_false(t.done);
    assert_true(t.rows == 1);
}

static void test_malformed(void **state)
{
    (void)state;
    struct reply_track t;
    reply_track_begin(&t, COM_QUERY, NEW);
    assert_int_equal(reply_track_packet(&t, STR_NULL, 0), REPLY_MALFORMED);
    reply_track_begin(&t, COM_QUERY, NEW);
    assert_int_equal(reply_track_packet(&t, STR("\x00\x01"), 2), REPLY_MALFORMED);
    reply_track_begin(&t, COM_QUERY, NEW);
    assert_int_equal(reply_track_packet(&t, STR("\xff"), 1), REPLY_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),        cmocka_unit_test(test_prepared),
        cmocka_unit_test(test_other_commands), cmocka_unit_test(test_continued_rows),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
