/* fuzz: relay upstream net wire os base */
/*
 * A whole relay between a client and an upstream that say anything. Byte 0: the capabilities of
 * both; byte 1: bytes a read gives; bytes 2-3: how much of the rest is the client's; bytes 4-5: how
 * much of that it sends at once, the other when it has heard something; then what the client sends,
 * and what the upstream sends. Runs without a fiber, as nothing ever waits.
 */
#include "../unit/relay/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    HEADER_LEN = 6,
};

static const uint64_t all = CLIENT_PROTOCOL_41 | CLIENT_TRANSACTIONS | CLIENT_PLUGIN_AUTH;

/* What each of the two may lack, by the bits of byte 0. */
static const uint64_t choices[4] = {CLIENT_DEPRECATE_EOF, CLIENT_SESSION_TRACK,
                                    CLIENT_OPTIONAL_RESULTSET_METADATA,
                                    MARIADB_CLIENT_CACHE_METADATA};

static uint64_t capabilities(unsigned bits)
{
    uint64_t c = all;
    for (unsigned i = 0; i < ARRAY_SIZE(choices); i++) {
        c |= (bits >> i & 1) != 0 ? choices[i] : 0;
    }
    return c;
}

struct owner {
    size_t commands, replies;
};

static enum relay_verdict on_command(void *arg, struct relay *r, struct relay_command *c)
{
    struct owner *o = arg;
    (void)r;
    o->commands++;
    c->token = o->commands;
    return c->command == COM_QUIT ? RELAY_STOP : RELAY_FORWARD;
}

static void on_replied(void *arg, struct relay *r, const struct relay_reply *reply)
{
    struct owner *o = arg;
    (void)r;
    o->replies++;
    if (reply->token > o->commands || o->replies > o->commands) {
        abort(); /* a reply to nothing */
    }
}

static uint32_t on_prepared(void *arg, struct relay *r, const struct wire_prepare_ok *p)
{
    (void)arg;
    (void)r;
    return p->stmt_id + 1;
}

static bool on_tracked(void *arg, const struct wire_track *t)
{
    (void)arg;
    return (t->type & 1) == 0;
}

static const struct relay_hooks hooks = {
    .command = on_command, .replied = on_replied, .prepared = on_prepared, .tracked = on_tracked};

/* Runs to the end; then an error is put in where the relay says that one can be. */
static void relay_all(struct relay *r, struct diag *d)
{
    enum relay_end end = RELAY_RELEASE;
    while (end == RELAY_RELEASE) {
        end = relay_run(r, UINT64_MAX, d);
    }
    if (end == RELAY_UPSTREAM_GONE && relay_can_report(r)) {
        pkt_begin(&r->client->w);
        wire_encode_err(&r->client->w, r->client_capabilities, &(struct wire_err){.code = 2013});
        (void)!pkt_end(&r->client->w);
        (void)!conn_flush(r->client, CONN_FOREVER, d);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct upstream *upstream;
    struct diag d;
    struct conn client;
    struct upstream_conn up = {.upstream = NULL};
    struct bytebuf to_client, to_upstream;
    struct owner owner = {0};
    struct relay r;
    if (size < HEADER_LEN) {
        return 0;
    }
    diag_init(&d);
    if (upstream == NULL) {
        upstream = upstream_new(&(struct upstream_options){.host = STR("fuzz"), .port = 1}, &d);
    }
    const struct str rest = str_from((const char *)data + HEADER_LEN, size - HEADER_LEN);
    const size_t cut = MIN((size_t)data[2] | (size_t)data[3] << 8, rest.len);
    const size_t first = MIN((size_t)data[4] | (size_t)data[5] << 8, cut);
    bytebuf_init(&to_client, SIZE_MAX);
    bytebuf_init(&to_upstream, SIZE_MAX);
    struct script *c = script_new(&to_client);
    struct script *u = script_new(&to_upstream);
    script_add(c, str_from(rest.p, first), 0);
    script_add(c, str_from(rest.p + first, cut - first), 1);
    script_add(u, str_from(rest.p + cut, rest.len - cut), 0);
    c->read_max = u->read_max = (size_t)1 + data[1] * 16u;
    conn_init_over(&client, &c->f, (size_t)64 << 20);
    conn_init_over(&up.conn, &u->f, (size_t)64 << 20);
    up.upstream = upstream;
    up.capabilities = capabilities(data[0] >> 4);
    up.kind = (data[0] & 0x80) != 0 ? UPSTREAM_MARIADB : UPSTREAM_MYSQL;
    relay_init(&r, &client, capabilities(data[0] & 15u), &hooks, &owner);
    relay_set_upstream(&r, &up);
    relay_all(&r, &d);
    conn_release(&client);
    conn_release(&up.conn);
    bytebuf_release(&to_client);
    bytebuf_release(&to_upstream);
    diag_release(&d);
    return 0;
}
