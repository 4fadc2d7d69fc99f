/* Round trips of the generic replies and of what opens results; truncation at every byte. */
#include "wire_test.h"

#include "wire/reply.h"

#define CAPS (CLIENT_PROTOCOL_41 | CLIENT_SESSION_TRACK | CLIENT_DEPRECATE_EOF)

static const struct wire_track tracks[] = {
    {WIRE_TRACK_SYSTEM_VARIABLE, STR_INIT("autocommit"), STR_INIT("OFF")},
    {WIRE_TRACK_SCHEMA, {0}, STR_INIT("test")},
    {WIRE_TRACK_STATE_CHANGE, {0}, STR_INIT("1")},
    {WIRE_TRACK_GTIDS, {0}, STR_INIT("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5")},
    {WIRE_TRACK_TRX_CHARACTERISTICS, {0}, STR_INIT("START TRANSACTION READ ONLY;")},
    {WIRE_TRACK_TRX_STATE, {0}, STR_INIT("T_______")},
    {77, {0}, STR_INIT("raw")},
};

static void put_tracks(struct bytebuf *b)
{
    bytebuf_init(b, 10000);
    for (size_t i = 0; i < ARRAY_SIZE(tracks); i++) {
        wire_track_put(b, &tracks[i]);
    }
}

static int decode_ok(struct str payload, void *arg)
{
    struct wire_ok ok;
    (void)arg;
    return wire_decode_ok(payload, CAPS, &ok);
}

static void test_ok_round_trip_with_tracks(void **state)
{
    (void)state;
    struct bytebuf block;
    struct wire_ok out;
    struct message m;
    put_tracks(&block);
    const struct wire_ok in = {.affected_rows = 300,
                               .last_insert_id = UINT64_MAX,
                               .status = SERVER_STATUS_AUTOCOMMIT,
                               .warnings = 7,
                               .info = STR("Rows matched: 3"),
                               .tracks = bytebuf_str(&block)};
    message_init(&m);
    wire_encode_ok(&m.w, CAPS, WIRE_MARK_OK, &in);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_ok(payload, CAPS, &out), 0);
    assert_true(out.affected_rows == in.affected_rows && out.last_insert_id == in.last_insert_id);
    assert_int_equal(out.status, SERVER_STATUS_AUTOCOMMIT | SERVER_SESSION_STATE_CHANGED);
    assert_int_equal(out.warnings, 7);
    assert_str_equal(out.info, in.info);
    assert_str_equal(out.tracks, in.tracks);
    check_truncation(payload, 1 + 3 + 9 + 4, decode_ok, NULL);
    message_release(&m);
    bytebuf_release(&block);
}

static void test_ok_without_session_track_leaves_tracks_out(void **state)
{
    (void)state;
    const struct wire_ok in = {.status = SERVER_STATUS_AUTOCOMMIT, .tracks = STR("\1\1\0")};
    struct message m;
    message_init(&m);
    wire_encode_ok(&m.w, CLIENT_PROTOCOL_41, WIRE_MARK_EOF, &in);
    assert_str_equal(message_end(&m), STR("\xfe\0\0\2\0\0\0"));
    message_release(&m);
}

static void test_track_next_reads_every_kind(void **state)
{
    (void)state;
    struct bytebuf block;
    struct pkt_reader r;
    struct wire_track t;
    put_tracks(&block);
    pkt_reader_init(&r, bytebuf_str(&block));
    for (size_t i = 0; i < ARRAY_SIZE(tracks); i++) {
        assert_true(wire_track_next(&r, &t));
        assert_int_equal(t.type, tracks[i].type);
        assert_str_equal(t.name, tracks[i].name);
        assert_str_equal(t.value, tracks[i].value);
    }
    assert_false(wire_track_next(&r, &t));
    assert_true(pkt_reader_ok(&r));
    bytebuf_release(&block);
}

static int decode_tracks(struct str block, void *arg)
{
    struct pkt_reader r;
    struct wire_track t;
    (void)arg;
    pkt_reader_init(&r, block);
    while (wire_track_next(&r, &t)) {
    }
    return pkt_reader_failed(&r) ? -1 : 0;
}

static void test_track_next_fails_on_truncated_block(void **state)
{
    (void)state;
    struct bytebuf block;
    bytebuf_init(&block, 10000);
    wire_track_put(&block, &tracks[0]);
    assert_int_equal(decode_tracks(STR(""), NULL), 0);
    for (size_t len = 1; len < block.len; len++) {
        assert_int_equal(decode_tracks(str_from(block.p, len), NULL), -1);
    }
    /* A length inside that disagrees with the one outside. */
    block.p[2] = (char)(block.p[2] + 1);
    assert_int_equal(decode_tracks(bytebuf_str(&block), NULL), -1);
    bytebuf_release(&block);
    put_tracks(&block);
    check_truncation(bytebuf_str(&block), 0, decode_tracks, NULL);
    bytebuf_release(&block);
}

static int decode_err(struct str payload, void *arg)
{
    struct wire_err e;
    (void)arg;
    return wire_decode_err(payload, &e);
}

static void test_err_round_trip(void **state)
{
    (void)state;
    const struct wire_err in = {1146, "42S02", STR_INIT("Table 'a.b' doesn't exist")};
    struct wire_err out;
    struct message m;
    message_init(&m);
    wire_encode_err(&m.w, CAPS, &in);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_err(payload, &out), 0);
    assert_int_equal(out.code, 1146);
    assert_string_equal(out.sqlstate, "42S02");
    assert_str_equal(out.message, in.message);
    check_truncation(payload, 3, decode_err, NULL);
    message_release(&m);
}

static void test_err_before_capabilities_has_no_sqlstate(void **state)
{
    (void)state;
    const struct wire_err in = {1040, "08004", STR_INIT("Too many connections")};
    struct wire_err out;
    struct message m;
    message_init(&m);
    wire_encode_err(&m.w, 0, &in);
    assert_int_equal(wire_decode_err(message_end(&m), &out), 0);
    assert_string_equal(out.sqlstate, "");
    assert_str_equal(out.message, in.message);
    message_release(&m);
}

static void test_err_message_is_cut_between_characters(void **state)
{
    (void)state;
    char text[600];
    struct wire_err out;
    struct message m;
    memset(text, 'x', sizeof(text));
    memcpy(text + 510, "\xe2\x82\xac", 3);
    const struct wire_err in = {1064, "42000", str_from(text, sizeof(text))};
    message_init(&m);
    wire_encode_err(&m.w, CAPS, &in);
    assert_int_equal(wire_decode_err(message_end(&m), &out), 0);
    assert_int_equal(out.message.len, 510);
    message_release(&m);
}

static int decode_eof(struct str payload, void *arg)
{
    struct wire_eof e;
    (void)arg;
    return wire_decode_eof(payload, &e);
}

static void test_eof_round_trip(void **state)
{
    (void)state;
    const struct wire_eof in = {.warnings = 3, .status = SERVER_STATUS_CURSOR_EXISTS};
    struct wire_eof out;
    struct message m;
    message_init(&m);
    wire_encode_eof(&m.w, &in);
    const struct str payload = message_end(&m);
    assert_int_equal(wire_decode_eof(payload, &out), 0);
    assert_int_equal(out.warnings, 3);
    assert_int_equal(out.status, SERVER_STATUS_CURSOR_EXISTS);
    check_truncation(payload, payload.len, decode_eof, NULL);
    message_release(&m);
}

static void test_row_kind_tells_rows_from_ends(void **state)
{
    (void)state;
    static char large[WIRE_MAX_PACKET];
    large[0] = (char)0xfe;
    assert_int_equal(wire_row_kind(STR("\1x"), CAPS), WIRE_ROW_DATA);
    assert_int_equal(wire_row_kind(STR(""), CAPS), WIRE_ROW_DATA);
    assert_int_equal(wire_row_kind(STR("\xff\1\2"), CAPS), WIRE_ROW_ERR);
    assert_int_equal(wire_row_kind(STR("\xfe\0\0\2\0\0\0"), CAPS), WIRE_ROW_END_OK);
    assert_int_equal(wire_row_kind(STR("\xfe\0\0\2\0"), 0), WIRE_ROW_END_EOF);
    assert_int_equal(wire_row_kind(STR("\xfe\0\0\2\0\0\0\0\0"), 0), WIRE_ROW_DATA);
    assert_int_equal(wire_row_kind(str_from(large, sizeof(large)), CAPS), WIRE_ROW_DATA);
}

static void check_result_head(uint64_t caps, struct wire_result_head in, struct str expected)
{
    struct wire_result_head out;
    struct message m;
    message_init(&m);
    wire_encode_result_head(&m.w, caps, &in);
    const struct str payload = message_end(&m);
    assert_str_equal(payload, expected);
    assert_int_equal(wire_decode_result_head(payload, caps, &out), 0);
    assert_true(out.columns == in.columns && out.has_metadata == in.has_metadata);
    assert_int_equal(wire_decode_result_head(str_from(payload.p, payload.len - 1), caps, &out), -1);
    message_release(&m);
}

static void test_result_head_round_trip(void **state)
{
    (void)state;
    check_result_head(CAPS, (struct wire_result_head){4096, true}, STR("\xfc\0\x10"));
    check_result_head(CLIENT_OPTIONAL_RESULTSET_METADATA, (struct wire_result_head){2, false},
                      STR("\2\0"));
    check_result_head(MARIADB_CLIENT_CACHE_METADATA, (struct wire_result_head){3, true},
                      STR("\3\1"));
}

static void test_local_infile_round_trip(void **state)
{
    (void)state;
    struct str name;
    struct message m;
    message_init(&m);
    wire_encode_local_infile(&m.w, STR("/data/a.csv"));
    assert_int_equal(wire_decode_local_infile(message_end(&m), &name), 0);
    assert_str_equal(name, STR("/data/a.csv"));
    assert_int_equal(wire_decode_local_infile(STR(""), &name), -1);
    message_release(&m);
}

static int decode_prepare_ok(struct str payload, void *arg)
{
    struct wire_prepare_ok p;
    return wire_decode_prepare_ok(payload, *(const uint64_t *)arg, &p);
}

static void test_prepare_ok_round_trip(void **state)
{
    (void)state;
    static const uint64_t caps[] = {CAPS, CLIENT_OPTIONAL_RESULTSET_METADATA};
    const struct wire_prepare_ok in = {
        .stmt_id = 9, .columns = 4096, .params = 65535, .warnings = 1, .has_metadata = true};
    for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
        struct wire_prepare_ok out;
        struct message m;
        uint64_t c = caps[i];
        message_init(&m);
        wire_encode_prepare_ok(&m.w, c, &in);
        const struct str payload = message_end(&m);
        assert_int_equal(wire_decode_prepare_ok(payload, c, &out), 0);
        assert_int_equal(out.stmt_id, 9);
        assert_int_equal(out.columns, 4096);
        assert_int_equal(out.params, 65535);
        assert_int_equal(out.warnings, 1);
        assert_true(out.has_metadata);
        check_truncation(payload, payload.len, decode_prepare_ok, &c);
        message_release(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ok_round_trip_with_tracks),
        cmocka_unit_test(test_ok_without_session_track_leaves_tracks_out),
        cmocka_unit_test(test_track_next_reads_every_kind),
        cmocka_unit_test(test_track_next_fails_on_truncated_block),
        cmocka_unit_test(test_err_round_trip),
        cmocka_unit_test(test_err_before_capabilities_has_no_sqlstate),
        cmocka_unit_test(test_err_message_is_cut_between_characters),
        cmocka_unit_test(test_eof_round_trip),
        cmocka_unit_test(test_row_kind_tells_rows_from_ends),
        cmocka_unit_test(test_result_head_round_trip),
        cmocka_unit_test(test_local_infile_round_trip),
        cmocka_unit_test(test_prepare_ok_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
