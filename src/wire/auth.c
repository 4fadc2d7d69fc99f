#include "wire/auth.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <stdlib.h>

/* Hash of two pieces one after the other. Returns 0 or -1. */
static int hash2(const EVP_MD *md, struct str a, struct str b, uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1 &&
                    EVP_DigestUpdate(ctx, a.p, a.len) == 1 &&
                    EVP_DigestUpdate(ctx, b.p, b.len) == 1 &&
                    EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    return ok ? 0 : -1;
}

static int hash1(const EVP_MD *md, struct str a, uint8_t *out)
{
    return hash2(md, a, STR_NULL, out);
}

static struct str bytes_of(const uint8_t *p, size_t len)
{
    return str_from((const char *)p, len);
}

int auth_nonce(uint8_t out[WIRE_NONCE_LEN])
{
    if (RAND_bytes(out, WIRE_NONCE_LEN) != 1) {
        return -1;
    }
    for (size_t i = 0; i < WIRE_NONCE_LEN; i++) {
        out[i] &= 0x7f;
        if (out[i] == '\0' || out[i] == '$') {
            out[i]++;
        }
    }
    return 0;
}

/*
 * Both plugins mix the same way: first hash XOR H(two pieces), where the pieces are the nonce and
 * the stored hash in the plugin's order.
 */
static int xor_with_hash(const EVP_MD *md, struct str a, struct str b, uint8_t *io)
{
    uint8_t mask[EVP_MAX_MD_SIZE];
    if (hash2(md, a, b, mask) != 0) {
        return -1;
    }
    for (int i = 0; i < EVP_MD_get_size(md); i++) {
        io[i] ^= mask[i];
    }
    mem_wipe(mask, sizeof(mask));
    return 0;
}

int auth_native_hash(struct str password, uint8_t out[AUTH_NATIVE_LEN])
{
    uint8_t first[AUTH_NATIVE_LEN];
    int rc = hash1(EVP_sha1(), password, first);
    if (rc == 0) {
        rc = hash1(EVP_sha1(), bytes_of(first, sizeof(first)), out);
    }
    mem_wipe(first, sizeof(first));
    return rc;
}

void auth_native_to_text(const uint8_t hash[AUTH_NATIVE_LEN], char out[AUTH_NATIVE_TEXT_LEN])
{
    static const char digits[] = "0123456789ABCDEF";
    out[0] = '*';
    for (size_t i = 0; i < AUTH_NATIVE_LEN; i++) {
        out[1 + 2 * i] = digits[hash[i] >> 4];
        out[2 + 2 * i] = digits[hash[i] & 15];
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char upper = (char)(c & ~0x20);
    return upper >= 'A' && upper <= 'F' ? upper - 'A' + 10 : -1;
}

int auth_native_from_text(struct str text, uint8_t out[AUTH_NATIVE_LEN])
{
    if (text.len != AUTH_NATIVE_TEXT_LEN || text.p[0] != '*') {
        return -1;
    }
    for (size_t i = 0; i < AUTH_NATIVE_LEN; i++) {
        const int high = hex_digit(text.p[1 + 2 * i]);
        const int low = hex_digit(text.p[2 + 2 * i]);
        if (high < 0 || low < 0) {
            return -1;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

int auth_native_scramble(struct str password, const uint8_t nonce[WIRE_NONCE_LEN],
                         uint8_t out[AUTH_NATIVE_LEN])
{
    uint8_t stored[AUTH_NATIVE_LEN];
    int rc = auth_native_hash(password, stored);
    if (rc == 0) {
        rc = hash1(EVP_sha1(), password, out);
    }
    if (rc == 0) {
        rc = xor_with_hash(EVP_sha1(), bytes_of(nonce, WIRE_NONCE_LEN),
                           bytes_of(stored, sizeof(stored)), out);
    }
    mem_wipe(stored, sizeof(stored));
    return rc;
}

bool auth_native_check(const uint8_t stored[AUTH_NATIVE_LEN], const uint8_t nonce[WIRE_NONCE_LEN],
                       struct str reply)
{
    if (reply.len != AUTH_NATIVE_LEN) {
        return false;
    }
    uint8_t first[AUTH_NATIVE_LEN];
    uint8_t hash[AUTH_NATIVE_LEN];
    memcpy(first, reply.p, sizeof(first));
    const bool ok = xor_with_hash(EVP_sha1(), bytes_of(nonce, WIRE_NONCE_LEN),
                                  bytes_of(stored, AUTH_NATIVE_LEN), first) == 0 &&
                    hash1(EVP_sha1(), bytes_of(first, sizeof(first)), hash) == 0 &&
                    mem_eq_const_time(hash, stored, sizeof(hash));
    mem_wipe(first, sizeof(first));
    mem_wipe(hash, sizeof(hash));
    return ok;
}

int auth_sha2_digest(struct str password, uint8_t out[AUTH_SHA2_LEN])
{
    uint8_t first[AUTH_SHA2_LEN];
    int rc = hash1(EVP_sha256(), password, first);
    if (rc == 0) {
        rc = hash1(EVP_sha256(), bytes_of(first, sizeof(first)), out);
    }
    mem_wipe(first, sizeof(first));
    return rc;
}

int auth_sha2_scramble(struct str password, const uint8_t nonce[WIRE_NONCE_LEN],
                       uint8_t out[AUTH_SHA2_LEN])
{
    uint8_t digest[AUTH_SHA2_LEN];
    int rc = auth_sha2_digest(password, digest);
    if (rc == 0) {
        rc = hash1(EVP_sha256(), password, out);
    }
    if (rc == 0) {
        rc = xor_with_hash(EVP_sha256(), bytes_of(digest, sizeof(digest)),
                           bytes_of(nonce, WIRE_NONCE_LEN), out);
    }
    mem_wipe(digest, sizeof(digest));
    return rc;
}

bool auth_sha2_check_fast(const uint8_t digest[AUTH_SHA2_LEN], const uint8_t nonce[WIRE_NONCE_LEN],
                          struct str reply)
{
    if (reply.len != AUTH_SHA2_LEN) {
        return false;
    }
    uint8_t first[AUTH_SHA2_LEN];
    uint8_t hash[AUTH_SHA2_LEN];
    memcpy(first, reply.p, sizeof(first));
    const bool ok = xor_with_hash(EVP_sha256(), bytes_of(digest, AUTH_SHA2_LEN),
                                  bytes_of(nonce, WIRE_NONCE_LEN), first) == 0 &&
                    hash1(EVP_sha256(), bytes_of(first, sizeof(first)), hash) == 0 &&
                    mem_eq_const_time(hash, digest, sizeof(hash));
    mem_wipe(first, sizeof(first));
    mem_wipe(hash, sizeof(hash));
    return ok;
}

struct auth_rsa {
    EVP_PKEY *key;
    char *public_pem; /* Owned; public_len bytes. */
    size_t public_len;
};

static EVP_PKEY *read_private_pem(struct str pem)
{
    BIO *bio = pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.len) : NULL;
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

/* Fills rsa->public_pem. Returns 0 or -1. */
static int write_public_pem(struct auth_rsa *rsa)
{
    char *data = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio != NULL && PEM_write_bio_PUBKEY(bio, rsa->key) == 1) {
        const long len = BIO_get_mem_data(bio, &data);
        rsa->public_len = len > 0 ? (size_t)len : 0;
        rsa->public_pem = malloc(rsa->public_len + 1);
    }
    if (rsa->public_pem != NULL) {
        memcpy(rsa->public_pem, data, rsa->public_len);
        rsa->public_pem[rsa->public_len] = '\0';
    }
    BIO_free(bio);
    return rsa->public_pem != NULL ? 0 : -1;
}

/* Takes over key, which may be NULL. */
static struct auth_rsa *rsa_new_with(EVP_PKEY *key)
{
    struct auth_rsa *rsa = calloc(1, sizeof(*rsa));
    if (rsa == NULL || key == NULL) {
        EVP_PKEY_free(key);
        free(rsa);
        return NULL;
    }
    rsa->key = key;
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || write_public_pem(rsa) != 0) {
        auth_rsa_free(rsa);
        return NULL;
    }
    return rsa;
}

struct auth_rsa *auth_rsa_new(void)
{
    return rsa_new_with(EVP_RSA_gen(2048));
}

struct auth_rsa *auth_rsa_new_from_pem(struct str private_pem)
{
    return rsa_new_with(read_private_pem(private_pem));
}

void auth_rsa_free(struct auth_rsa *rsa)
{
    if (rsa != NULL) {
        EVP_PKEY_free(rsa->key);
        free(rsa->public_pem);
        free(rsa);
    }
}

struct str auth_rsa_public_pem(const struct auth_rsa *rsa)
{
    return str_from(rsa->public_pem, rsa->public_len);
}

int auth_rsa_private_pem(const struct auth_rsa *rsa, struct bytebuf *out)
{
    char *data = NULL;
    BIO *bio = BIO_new(BIO_s_secmem());
    const bool ok =
        bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, rsa->key, NULL, NULL, 0, NULL, NULL) == 1;
    if (ok) {
        const long len = BIO_get_mem_data(bio, &data);
        bytebuf_put(out, data, len > 0 ? (size_t)len : 0);
    }
    BIO_free(bio);
    return ok && !out->failed ? 0 : -1;
}

static void xor_nonce(uint8_t *p, size_t len, const uint8_t nonce[WIRE_NONCE_LEN])
{
    for (size_t i = 0; i < len; i++) {
        p[i] ^= nonce[i % WIRE_NONCE_LEN];
    }
}

enum rsa_operation {
    RSA_DECRYPT,
    RSA_ENCRYPT,
};

enum {
    RSA_BYTES_MAX = 1024, /* Keys of up to 8192 bits. */
};

/* OAEP with SHA-1, as the plugin has it. out holds RSA_BYTES_MAX bytes. Returns 0 or -1. */
static int rsa_run(EVP_PKEY *key, enum rsa_operation operation, struct str in, uint8_t *out,
                   size_t *out_len)
{
    const uint8_t *bytes = (const uint8_t *)in.p;
    int rc = 0;
    *out_len = RSA_BYTES_MAX;
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_get_size(key) <= RSA_BYTES_MAX ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    if (ctx != NULL) {
        rc = operation == RSA_DECRYPT ? EVP_PKEY_decrypt_init(ctx) : EVP_PKEY_encrypt_init(ctx);
    }
    if (rc == 1) {
        rc = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING);
    }
    if (rc == 1) {
        rc = operation == RSA_DECRYPT ? EVP_PKEY_decrypt(ctx, out, out_len, bytes, in.len)
                                      : EVP_PKEY_encrypt(ctx, out, out_len, bytes, in.len);
    }
    EVP_PKEY_CTX_free(ctx);
    return rc == 1 ? 0 : -1;
}

int auth_rsa_decrypt(const struct auth_rsa *rsa, const uint8_t nonce[WIRE_NONCE_LEN],
                     struct str reply, struct bytebuf *out_password)
{
    uint8_t plain[RSA_BYTES_MAX];
    size_t len = 0;
    int rc = -1;
    if (rsa_run(rsa->key, RSA_DECRYPT, reply, plain, &len) == 0) {
        xor_nonce(plain, len, nonce);
        if (len > 0 && plain[len - 1] == '\0') {
            bytebuf_put(out_password, plain, len - 1);
            rc = out_password->failed ? -1 : 0;
        }
    }
    mem_wipe(plain, sizeof(plain));
    return rc;
}

int auth_rsa_encrypt(struct str public_pem, const uint8_t nonce[WIRE_NONCE_LEN],
                     struct str password, struct bytebuf *out)
{
    uint8_t plain[RSA_BYTES_MAX];
    uint8_t cipher[RSA_BYTES_MAX];
    size_t len = 0;
    int rc = -1;
    if (public_pem.len > INT32_MAX || password.len >= sizeof(plain)) {
        return -1;
    }
    BIO *bio = BIO_new_mem_buf(public_pem.p, (int)public_pem.len);
    EVP_PKEY *key = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
        if (password.len > 0) {
            memcpy(plain, password.p, password.len);
        }
        plain[password.len] = '\0';
        xor_nonce(plain, password.len + 1, nonce);
        rc = rsa_run(key, RSA_ENCRYPT, bytes_of(plain, password.len + 1), cipher, &len);
        mem_wipe(plain, password.len + 1);
    }
    if (rc == 0) {
        bytebuf_put(out, cipher, len);
        rc = out->failed ? -1 : 0;
    }
    EVP_PKEY_free(key);
    return rc;
}
