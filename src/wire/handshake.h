/*
 * Messages of the connection phase, and COM_CHANGE_USER, which repeats it. Each is a struct with an
 * encode and a decode function; strings of decoded structs borrow from the payload. Decoders return
 * -1 for a malformed payload and say no more: the caller answers ER_HANDSHAKE_ERROR (connection
 * phase) or ER_MALFORMED_PACKET.
 *
 * Sources: MySQL source documentation, "Connection Phase Packets" and "COM_CHANGE_USER"; MariaDB
 * knowledge base, "Connecting" for the extended capabilities.
 */
#ifndef WIRE_HANDSHAKE_H
#define WIRE_HANDSHAKE_H

#include "base/base.h"
#include "base/str.h"
#include "wire/pkt_reader.h"
#include "wire/pkt_writer.h"
#include "wire/proto.h"

/* Protocol::HandshakeV10, the server's greeting. */
struct wire_handshake {
    struct str server_version;
    uint32_t connection_id;
    uint8_t nonce[WIRE_NONCE_LEN];
    uint64_t capabilities; /* Bits above 31 are sent only without CLIENT_LONG_PASSWORD (MariaDB). */
    uint8_t collation;     /* Low byte of the server's default collation. */
    uint16_t status;
    struct str auth_plugin; /* Sent with CLIENT_PLUGIN_AUTH. */
};

void wire_encode_handshake(struct pkt_writer *w, const struct wire_handshake *h);
NODISCARD int wire_decode_handshake(struct str payload, struct wire_handshake *out);

/* Protocol::HandshakeResponse41, the client's answer. */
struct wire_login {
    uint64_t capabilities; /* The client's, not yet cut down to what the server offered. */
    uint32_t max_packet;   /* Largest packet the client takes. */
    uint8_t collation;
    struct str user;
    struct str auth_data;
    struct str database;    /* Empty: none. */
    struct str auth_plugin; /* Empty: not sent. */
    struct str attrs;   /* Connection attributes, to be walked with wire_attr_next(); checked. */
    uint8_t zstd_level; /* 0: not sent. */
};

enum wire_login_result {
    WIRE_LOGIN_OK,
    WIRE_LOGIN_SSL, /* The short form that asks for TLS: only capabilities, max_packet, collation
                       are set. */
    WIRE_LOGIN_OLD, /* The protocol before 4.1 (HandshakeResponse320), which is not spoken:
                       ER_NOT_SUPPORTED_AUTH_MODE. */
    WIRE_LOGIN_MALFORMED,
};

/*
 * Encoding writes the fields that login->capabilities announces. When the auth data is longer than
 * 255 bytes CLIENT_PLUGIN_AUTH_LENENC must be among them.
 */
void wire_encode_login(struct pkt_writer *w, const struct wire_login *login);
void wire_encode_ssl_request(struct pkt_writer *w, const struct wire_login *login);

/* Decodes either form. offered: what the server announced; a flag the server did not offer is not
 * honoured. */
NODISCARD enum wire_login_result wire_decode_login(struct str payload, uint64_t offered,
                                                   struct wire_login *out);

/* Starts a walk over attributes, then returns false at the end. */
NODISCARD bool wire_attr_next(struct pkt_reader *attrs, struct str *out_key, struct str *out_value);

/* COM_CHANGE_USER, the command byte included. */
struct wire_change_user {
    struct str user;
    struct str auth_data;
    struct str database;
    uint16_t collation; /* 0: not sent. */
    struct str auth_plugin;
    struct str attrs;
};

void wire_encode_change_user(struct pkt_writer *w, uint64_t capabilities,
                             const struct wire_change_user *c);
NODISCARD int wire_decode_change_user(struct str payload, uint64_t capabilities,
                                      struct wire_change_user *out);

/* Protocol::AuthSwitchRequest. On the wire a nonce is followed by a NUL, which encoding adds and
 * decoding drops. */
struct wire_auth_switch {
    struct str plugin;
    struct str data;
};

void wire_encode_auth_switch(struct pkt_writer *w, const struct wire_auth_switch *s);
NODISCARD int wire_decode_auth_switch(struct str payload, struct wire_auth_switch *out);

/* First data byte of AuthMoreData in caching_sha2_password, and the client's one-byte requests. */
enum wire_sha2_byte {
    WIRE_SHA2_REQUEST_PUBLIC_KEY = 0x02, /* Client: send me the RSA key. */
    WIRE_SHA2_FAST_OK = 0x03,            /* Server: the scramble was right, OK follows. */
    WIRE_SHA2_FULL = 0x04,               /* Server: send the password. */
};

/* Protocol::AuthMoreData: the mark 0x01 and the data (a wire_sha2_byte, or a public key in PEM
 * form). */
void wire_encode_auth_more(struct pkt_writer *w, struct str data);
NODISCARD int wire_decode_auth_more(struct str payload, struct str *out_data);

#endif
