/*
 * The arithmetic of mysql_native_password and caching_sha2_password, for both sides. No I/O, no
 * memory kept; intermediate secrets are wiped, comparisons take constant time. Thread-safe.
 *
 *   native  stored  SHA1(SHA1(password)), as text '*' and 40 hex digits
 *           reply   SHA1(password) XOR SHA1(nonce + SHA1(SHA1(password)))
 *   sha2    stored  '$A$005$', 20 bytes of salt, 43 characters of SHA-crypt with 5000 rounds
 *           cached  SHA256(SHA256(password)), which a fast login is checked against
 *           reply   SHA256(password) XOR SHA256(SHA256(SHA256(password)) + nonce)
 *           full    the password and a NUL: as they are over TLS, else XORed with the
 *                   nonce and encrypted with RSA-OAEP
 *
 * An empty password is an empty reply and an empty stored hash in both. Costly: auth_sha2_hash(),
 * auth_sha2_check_password() (milliseconds), auth_rsa_decrypt() (a millisecond), auth_rsa_new() (up
 * to a second): for the offload pool.
 *
 * Sources: MySQL source documentation, "Authentication Methods" and the caching_sha2_password
 * section; U. Drepper, "Unix crypt using SHA-256 and SHA-512"; RFC 8017 (OAEP).
 */
#ifndef WIRE_AUTH_H
#define WIRE_AUTH_H

#include "base/base.h"
#include "base/bytebuf.h"
#include "base/str.h"
#include "wire/proto.h"

enum {
    AUTH_NATIVE_LEN = 20,      /* Stored hash and reply. */
    AUTH_NATIVE_TEXT_LEN = 41, /* '*' and hex digits. */
    AUTH_SHA2_LEN = 32,        /* Cached digest and reply. */
    AUTH_SHA2_SALT_LEN = 20,
    AUTH_SHA2_TEXT_LEN = 70, /* Stored form. */
};

#define AUTH_NATIVE_PLUGIN "mysql_native_password"
#define AUTH_SHA2_PLUGIN   "caching_sha2_password"
#define AUTH_CLEAR_PLUGIN  "mysql_clear_password"

/* A nonce (or salt) for a handshake: random bytes 1..127 other than '$'. Returns 0, or -1 when the
 * system gives no randomness. */
NODISCARD int auth_nonce(uint8_t out[WIRE_NONCE_LEN]);

/* The stored hash of a password. Returns 0, or -1 when hashing is not available (never in
 * practice). */
NODISCARD int auth_native_hash(struct str password, uint8_t out[AUTH_NATIVE_LEN]);

/* The stored hash as text, without a NUL, and back (upper or lower case). auth_native_from_text()
 * returns -1 when the text is not of that form. */
void auth_native_to_text(const uint8_t hash[AUTH_NATIVE_LEN], char out[AUTH_NATIVE_TEXT_LEN]);
NODISCARD int auth_native_from_text(struct str text, uint8_t out[AUTH_NATIVE_LEN]);

/* Client: the reply to a nonce. Returns 0 or -1 as above. */
NODISCARD int auth_native_scramble(struct str password, const uint8_t nonce[WIRE_NONCE_LEN],
                                   uint8_t out[AUTH_NATIVE_LEN]);

/* Server: is the reply right? A reply of another length is not. */
NODISCARD bool auth_native_check(const uint8_t stored[AUTH_NATIVE_LEN],
                                 const uint8_t nonce[WIRE_NONCE_LEN], struct str reply);

/* SHA256(SHA256(password)), to be kept after a full login so that the next is fast. */
NODISCARD int auth_sha2_digest(struct str password, uint8_t out[AUTH_SHA2_LEN]);

/* Client: the reply to a nonce. */
NODISCARD int auth_sha2_scramble(struct str password, const uint8_t nonce[WIRE_NONCE_LEN],
                                 uint8_t out[AUTH_SHA2_LEN]);

/* Server: is the reply to a nonce right, by the cached digest? */
NODISCARD bool auth_sha2_check_fast(const uint8_t digest[AUTH_SHA2_LEN],
                                    const uint8_t nonce[WIRE_NONCE_LEN], struct str reply);

/*
 * The stored form of a password with this salt (use auth_nonce() for a new one) and 5000 rounds, as
 * MySQL 8 makes it. The password is at most 256 bytes; -1 beyond.
 */
NODISCARD int auth_sha2_hash(struct str password, const uint8_t salt[AUTH_SHA2_SALT_LEN],
                             char out[AUTH_SHA2_TEXT_LEN]);

/*
 * Server: is this the password of the stored form? Other counts of rounds are read, too (MySQL 9.7
 * makes 00A, 10000). False for a stored form that is not one.
 */
NODISCARD bool auth_sha2_check_password(struct str stored, struct str password);

/* Is s of the form that auth_sha2_hash() gives? */
NODISCARD bool auth_sha2_is_stored_form(struct str s);

/* An RSA key pair of the server. Immutable once made: threads may share it. */
struct auth_rsa;

/* A new pair (2048 bits), or the one of a private key in PEM form. NULL on failure. */
NODISCARD struct auth_rsa *auth_rsa_new(void);
NODISCARD struct auth_rsa *auth_rsa_new_from_pem(struct str private_pem);
void auth_rsa_free(struct auth_rsa *rsa);

/* The public key in PEM form, as AuthMoreData carries it; lives as long as the pair. */
NODISCARD struct str auth_rsa_public_pem(const struct auth_rsa *rsa);

/* The private key in PEM form appended to out, to be stored. Returns 0 or -1. */
NODISCARD int auth_rsa_private_pem(const struct auth_rsa *rsa, struct bytebuf *out);

/*
 * Server: decrypts a password reply and appends the password, without its NUL, to out_password,
 * which the caller wipes. Returns -1 when the reply is not an encrypted password.
 */
NODISCARD int auth_rsa_decrypt(const struct auth_rsa *rsa, const uint8_t nonce[WIRE_NONCE_LEN],
                               struct str reply, struct bytebuf *out_password);

/* Client: encrypts a password with the server's public key in PEM form and appends it to out.
 * Returns 0 or -1. */
NODISCARD int auth_rsa_encrypt(struct str public_pem, const uint8_t nonce[WIRE_NONCE_LEN],
                               struct str password, struct bytebuf *out);

#endif
