#include "wire/command.h"

enum {
    TYPE_UNSIGNED = 0x80, /* Second byte of a parameter's type. */
};

/* A list of parameters as COM_QUERY and COM_STMT_EXECUTE carry it. */
struct param_list {
    struct wire_param *params;
    size_t count;
    size_t typed;          /* The first ones have types from before and may be long data. */
    const bool *long_data; /* Of the first `typed`, or NULL. */
    bool has_types; /* Types are in the packet (encoding), or known from before (decoding). */
    bool has_names;
};

static void put_type(struct pkt_writer *w, struct wire_value_type type)
{
    pkt_put_u8(w, type.type);
    pkt_put_u8(w, type.is_unsigned ? TYPE_UNSIGNED : 0);
}

static struct wire_value_type get_type(struct pkt_reader *r)
{
    const uint8_t type = pkt_get_u8(r);
    return (struct wire_value_type){.type = type,
                                    .is_unsigned = (pkt_get_u8(r) & TYPE_UNSIGNED) != 0};
}

static void put_params(struct pkt_writer *w, const struct param_list *l)
{
    const size_t bitmap_len = wire_param_bitmap_len(l->count);
    pkt_put_zero(w, bitmap_len);
    if (!w->buf->failed) {
        char *bitmap = w->buf->p + w->buf->len - bitmap_len;
        for (size_t i = 0; i < l->count; i++) {
            const int is_null = l->params[i].value.kind == WIRE_VALUE_NULL;
            bitmap[i / 8] = (char)(bitmap[i / 8] | is_null << i % 8);
        }
    }
    pkt_put_u8(w, l->has_types);
    for (size_t i = 0; l->has_types && i < l->count; i++) {
        put_type(w, l->params[i].type);
        if (l->has_names) {
            pkt_put_lenenc_str(w, l->params[i].name);
        }
    }
    for (size_t i = 0; i < l->count; i++) {
        wire_put_value(w, &l->params[i].value);
    }
}

static void get_param_types(struct pkt_reader *r, const struct param_list *l)
{
    for (size_t i = 0; i < l->count && !pkt_reader_failed(r); i++) {
        l->params[i].type = get_type(r);
        if (l->has_names) {
            l->params[i].name = pkt_get_lenenc_str(r);
        }
    }
}

/* Long data wins over the NULL bit: that is the order in which servers look. */
static void get_param_values(struct pkt_reader *r, const struct param_list *l, struct str bitmap)
{
    for (size_t i = 0; i < l->count && !pkt_reader_failed(r); i++) {
        struct wire_param *p = &l->params[i];
        if (i < l->typed && l->long_data != NULL && l->long_data[i]) {
            p->value = (struct wire_value){.kind = WIRE_VALUE_LONG_DATA, .type = p->type.type};
        } else if ((uint8_t)bitmap.p[i / 8] & 1u << i % 8) {
            p->value = (struct wire_value){.kind = WIRE_VALUE_NULL, .type = p->type.type};
        } else {
            wire_get_value(r, p->type.type, p->type.is_unsigned, &p->value);
        }
    }
}

/* l->count parameters, for which there is room in l->params. Sets l->has_types when the packet
 * brought types. */
static void get_params(struct pkt_reader *r, struct param_list *l)
{
    const struct str bitmap = pkt_get_bytes(r, wire_param_bitmap_len(l->count));
    const bool brings_types = pkt_get_u8(r) == 1;
    if (brings_types) {
        get_param_types(r, l);
        l->has_types = true;
    } else if (!l->has_types || l->count > l->typed) {
        pkt_reader_fail(r);
    }
    if (!pkt_reader_failed(r)) {
        get_param_values(r, l, bitmap);
    }
}

/* Zeroed room for count parameters; fails the reader when there are too many. NULL then, and for 0.
 */
static struct wire_param *alloc_params(struct pkt_reader *r, struct arena *a, uint64_t count)
{
    if (pkt_reader_failed(r) || count == 0) {
        return NULL;
    }
    struct wire_param *params = NULL;
    if (count <= WIRE_MAX_PARAMS && pkt_reader_left(r) > count / 8) {
        params = arena_try_alloc(a, (size_t)count * sizeof(*params));
    }
    if (params == NULL) {
        pkt_reader_fail(r);
        return NULL;
    }
    memset(params, 0, (size_t)count * sizeof(*params));
    return params;
}

void wire_encode_query(struct pkt_writer *w, uint64_t capabilities, const struct wire_query *q)
{
    pkt_put_u8(w, COM_QUERY);
    if (capabilities & CLIENT_QUERY_ATTRIBUTES) {
        pkt_put_lenenc(w, q->attr_count);
        pkt_put_lenenc(w, 1); /* Sets of parameters. */
        if (q->attr_count > 0) {
            put_params(w, &(struct param_list){.params = q->attrs,
                                               .count = q->attr_count,
                                               .has_types = true,
                                               .has_names = true});
        }
    }
    pkt_put_str(w, q->sql);
}

int wire_decode_query(struct str payload, uint64_t capabilities, struct arena *a,
                      struct wire_query *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    *out = (struct wire_query){0};
    if (pkt_get_u8(&r) != COM_QUERY) {
        return -1;
    }
    if (capabilities & CLIENT_QUERY_ATTRIBUTES) {
        const uint64_t count = pkt_get_lenenc(&r);
        pkt_get_lenenc(&r);
        out->attrs = alloc_params(&r, a, count);
        if (out->attrs != NULL) {
            out->attr_count = (size_t)count;
            struct param_list l = {
                .params = out->attrs, .count = out->attr_count, .has_names = true};
            get_params(&r, &l);
        }
    }
    out->sql = pkt_get_rest(&r);
    return pkt_reader_ok(&r) ? 0 : -1;
}

/*
 * Does the packet say how many parameters it has? The documentation is right in this: with the
 * capability, always if the statement has any, else if the flag says so. Names are then sent too.
 */
static bool has_count(uint64_t capabilities, const struct wire_execute *e)
{
    return (capabilities & CLIENT_QUERY_ATTRIBUTES) != 0 &&
           (e->param_count > 0 || (e->flags & WIRE_PARAMETER_COUNT_AVAILABLE) != 0);
}

void wire_encode_execute(struct pkt_writer *w, uint64_t capabilities, const struct wire_execute *e)
{
    const bool counted = has_count(capabilities, e);
    const size_t count = counted ? e->total_count : e->param_count;
    pkt_put_u8(w, COM_STMT_EXECUTE);
    pkt_put_u32(w, e->stmt_id);
    pkt_put_u8(w, e->flags);
    pkt_put_u32(w, e->iterations);
    if (counted) {
        pkt_put_lenenc(w, count);
    }
    if (count > 0) {
        put_params(w, &(struct param_list){.params = e->params,
                                           .count = count,
                                           .has_types = e->has_types,
                                           .has_names = counted});
    }
}

int wire_decode_execute(struct str payload, struct wire_execute *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    *out = (struct wire_execute){0};
    const uint8_t command = pkt_get_u8(&r);
    out->stmt_id = pkt_get_u32(&r);
    out->flags = pkt_get_u8(&r);
    out->iterations = pkt_get_u32(&r);
    out->rest = pkt_get_rest(&r);
    return pkt_reader_ok(&r) && command == COM_STMT_EXECUTE ? 0 : -1;
}

int wire_decode_execute_params(struct wire_execute *e, uint64_t capabilities, struct arena *a)
{
    struct pkt_reader r;
    pkt_reader_init(&r, e->rest);
    const bool counted = has_count(capabilities, e);
    const uint64_t count = counted ? pkt_get_lenenc(&r) : e->param_count;
    e->params = NULL;
    e->total_count = 0;
    if (count < e->param_count) {
        return -1;
    }
    e->params = alloc_params(&r, a, count);
    if (e->params == NULL) {
        return pkt_reader_failed(&r) ? -1 : 0;
    }
    e->total_count = (size_t)count;
    for (size_t i = 0; e->has_types && i < e->param_count; i++) {
        e->params[i].type = e->types[i];
    }
    struct param_list l = {.params = e->params,
                           .count = e->total_count,
                           .typed = e->param_count,
                           .long_data = e->long_data,
                           .has_types = e->has_types,
                           .has_names = counted};
    get_params(&r, &l);
    if (!pkt_reader_ok(&r)) {
        return -1;
    }
    for (size_t i = 0; i < e->param_count; i++) {
        e->types[i] = e->params[i].type;
    }
    e->has_types = true;
    return 0;
}

void wire_encode_bulk(struct pkt_writer *w, const struct wire_bulk *b)
{
    pkt_put_u8(w, MARIADB_COM_STMT_BULK_EXECUTE);
    pkt_put_u32(w, b->stmt_id);
    pkt_put_u16(w, b->flags);
    for (size_t i = 0; (b->flags & WIRE_BULK_SENDS_TYPES) != 0 && i < b->param_count; i++) {
        put_type(w, b->types[i]);
    }
    pkt_put_str(w, b->rows);
}

int wire_decode_bulk(struct str payload, struct wire_bulk *b)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t command = pkt_get_u8(&r);
    b->stmt_id = pkt_get_u32(&r);
    b->flags = pkt_get_u16(&r);
    for (size_t i = 0; (b->flags & WIRE_BULK_SENDS_TYPES) != 0 && i < b->param_count; i++) {
        b->types[i] = get_type(&r);
    }
    b->rows = pkt_get_rest(&r);
    return pkt_reader_ok(&r) && command == MARIADB_COM_STMT_BULK_EXECUTE ? 0 : -1;
}

void wire_encode_fetch(struct pkt_writer *w, const struct wire_fetch *f)
{
    pkt_put_u8(w, COM_STMT_FETCH);
    pkt_put_u32(w, f->stmt_id);
    pkt_put_u32(w, f->rows);
}

int wire_decode_fetch(struct str payload, struct wire_fetch *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t command = pkt_get_u8(&r);
    out->stmt_id = pkt_get_u32(&r);
    out->rows = pkt_get_u32(&r);
    return pkt_reader_ok(&r) && command == COM_STMT_FETCH ? 0 : -1;
}

void wire_encode_long_data(struct pkt_writer *w, const struct wire_long_data *l)
{
    pkt_put_u8(w, COM_STMT_SEND_LONG_DATA);
    pkt_put_u32(w, l->stmt_id);
    pkt_put_u16(w, l->param);
    pkt_put_str(w, l->data);
}

int wire_decode_long_data(struct str payload, struct wire_long_data *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t command = pkt_get_u8(&r);
    out->stmt_id = pkt_get_u32(&r);
    out->param = pkt_get_u16(&r);
    out->data = pkt_get_rest(&r);
    return pkt_reader_ok(&r) && command == COM_STMT_SEND_LONG_DATA ? 0 : -1;
}

void wire_encode_field_list(struct pkt_writer *w, const struct wire_field_list *f)
{
    pkt_put_u8(w, COM_FIELD_LIST);
    pkt_put_nul_str(w, f->table);
    pkt_put_str(w, f->pattern);
}

int wire_decode_field_list(struct str payload, struct wire_field_list *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t command = pkt_get_u8(&r);
    out->table = pkt_get_nul_str(&r);
    out->pattern = pkt_get_nul_or_rest(&r);
    return pkt_reader_ok(&r) && command == COM_FIELD_LIST ? 0 : -1;
}

void wire_encode_simple(struct pkt_writer *w, enum wire_command command)
{
    pkt_put_u8(w, (uint8_t)command);
}

void wire_encode_text_command(struct pkt_writer *w, enum wire_command command, struct str text)
{
    pkt_put_u8(w, (uint8_t)command);
    pkt_put_str(w, text);
}

void wire_encode_u32_command(struct pkt_writer *w, enum wire_command command, uint32_t arg)
{
    pkt_put_u8(w, (uint8_t)command);
    pkt_put_u32(w, arg);
}

int wire_decode_u32_command(struct str payload, uint32_t *out_arg)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    pkt_skip(&r, 1);
    *out_arg = pkt_get_u32(&r);
    return pkt_reader_ok(&r) ? 0 : -1;
}

void wire_encode_set_option(struct pkt_writer *w, enum wire_set_option option)
{
    pkt_put_u8(w, COM_SET_OPTION);
    pkt_put_u16(w, (uint16_t)option);
}

int wire_decode_set_option(struct str payload, uint16_t *out_option)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t command = pkt_get_u8(&r);
    *out_option = pkt_get_u16(&r);
    return pkt_reader_ok(&r) && command == COM_SET_OPTION ? 0 : -1;
}

/* A string with its length in one byte; longer ones are cut. */
static void put_short_str(struct pkt_writer *w, struct str s)
{
    s.len = MIN(s.len, (size_t)UINT8_MAX);
    pkt_put_u8(w, (uint8_t)s.len);
    pkt_put_str(w, s);
}

void wire_encode_register_replica(struct pkt_writer *w, const struct wire_register_replica *r)
{
    pkt_put_u8(w, COM_REGISTER_REPLICA);
    pkt_put_u32(w, r->server_id);
    put_short_str(w, r->host);
    put_short_str(w, r->user);
    put_short_str(w, r->password);
    pkt_put_u16(w, r->port);
    pkt_put_u32(w, r->rank);
    pkt_put_u32(w, r->source_id);
}

int wire_decode_register_replica(struct str payload, struct wire_register_replica *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t command = pkt_get_u8(&r);
    out->server_id = pkt_get_u32(&r);
    out->host = pkt_get_bytes(&r, pkt_get_u8(&r));
    out->user = pkt_get_bytes(&r, pkt_get_u8(&r));
    out->password = pkt_get_bytes(&r, pkt_get_u8(&r));
    out->port = pkt_get_u16(&r);
    out->rank = pkt_get_u32(&r);
    out->source_id = pkt_get_u32(&r);
    return pkt_reader_ok(&r) && command == COM_REGISTER_REPLICA ? 0 : -1;
}

void wire_encode_binlog_dump(struct pkt_writer *w, const struct wire_binlog_dump *dump)
{
    pkt_put_u8(w, COM_BINLOG_DUMP);
    pkt_put_u32(w, dump->position);
    pkt_put_u16(w, dump->flags);
    pkt_put_u32(w, dump->server_id);
    pkt_put_str(w, dump->file);
}

int wire_decode_binlog_dump(struct str payload, struct wire_binlog_dump *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t command = pkt_get_u8(&r);
    out->position = pkt_get_u32(&r);
    out->flags = pkt_get_u16(&r);
    out->server_id = pkt_get_u32(&r);
    out->file = pkt_get_rest(&r);
    return pkt_reader_ok(&r) && command == COM_BINLOG_DUMP ? 0 : -1;
}

void wire_encode_binlog_dump_gtid(struct pkt_writer *w, const struct wire_binlog_dump_gtid *dump)
{
    pkt_put_u8(w, COM_BINLOG_DUMP_GTID);
    pkt_put_u16(w, dump->flags);
    pkt_put_u32(w, dump->server_id);
    pkt_put_u32(w, (uint32_t)dump->file.len);
    pkt_put_str(w, dump->file);
    pkt_put_u64(w, dump->position);
    pkt_put_u32(w, (uint32_t)dump->gtid_set.len);
    pkt_put_str(w, dump->gtid_set);
}

int wire_decode_binlog_dump_gtid(struct str payload, struct wire_binlog_dump_gtid *out)
{
    struct pkt_reader r;
    pkt_reader_init(&r, payload);
    const uint8_t command = pkt_get_u8(&r);
    out->flags = pkt_get_u16(&r);
    out->server_id = pkt_get_u32(&r);
    out->file = pkt_get_bytes(&r, pkt_get_u32(&r));
    out->position = pkt_get_u64(&r);
    out->gtid_set = pkt_get_bytes(&r, pkt_get_u32(&r));
    return pkt_reader_ok(&r) && command == COM_BINLOG_DUMP_GTID ? 0 : -1;
}

const char *wire_command_name(uint8_t command)
{
    static const char *const names[COM_COUNT] = {
        [COM_SLEEP] = "Sleep",
        [COM_QUIT] = "Quit",
        [COM_INIT_DB] = "Init DB",
        [COM_QUERY] = "Query",
        [COM_FIELD_LIST] = "Field List",
        [COM_CREATE_DB] = "Create DB",
        [COM_DROP_DB] = "Drop DB",
        [COM_REFRESH] = "Refresh",
        [COM_SHUTDOWN] = "Shutdown",
        [COM_STATISTICS] = "Statistics",
        [COM_PROCESS_INFO] = "Processlist",
        [COM_CONNECT] = "Connect",
        [COM_PROCESS_KILL] = "Kill",
        [COM_DEBUG] = "Debug",
        [COM_PING] = "Ping",
        [COM_TIME] = "Time",
        [COM_DELAYED_INSERT] = "Delayed insert",
        [COM_CHANGE_USER] = "Change user",
        [COM_BINLOG_DUMP] = "Binlog Dump",
        [COM_TABLE_DUMP] = "Table Dump",
        [COM_CONNECT_OUT] = "Connect Out",
        [COM_REGISTER_REPLICA] = "Register Replica",
        [COM_STMT_PREPARE] = "Prepare",
        [COM_STMT_EXECUTE] = "Execute",
        [COM_STMT_SEND_LONG_DATA] = "Long Data",
        [COM_STMT_CLOSE] = "Close stmt",
        [COM_STMT_RESET] = "Reset stmt",
        [COM_SET_OPTION] = "Set option",
        [COM_STMT_FETCH] = "Fetch",
        [COM_DAEMON] = "Daemon",
        [COM_BINLOG_DUMP_GTID] = "Binlog Dump GTID",
        [COM_RESET_CONNECTION] = "Reset Connection",
        [COM_CLONE] = "clone",
        [COM_SUBSCRIBE_GROUP_REPLICATION] = "Group Replication Data Stream subscription",
    };
    return command < COM_COUNT ? names[command] : NULL;
}
