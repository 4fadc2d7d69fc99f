/*
 * The stored form of caching_sha2_password: SHA-crypt with SHA-256 and a salt of 20
 * bytes where crypt(3) knows at most 16, which is why it is written out here. Source: U. Drepper,
 * "Unix crypt using SHA-256 and SHA-512", steps 1 to 22, with MySQL's header '$A$005$' (rounds
 * divided by 1000, three hexadecimal digits).
 */
#include "wire/auth.h"

#include <openssl/evp.h>

enum {
    ROUNDS_UNIT = 1000,
    ROUNDS_MIN = 5, /* Units. */
    HEADER_LEN = 7,
    HASH_TEXT_LEN = 43,
    PASSWORD_MAX = 256, /* Longest password MySQL takes. */
};

static const struct str default_header = STR_INIT("$A$005$");

/* One run of SHA-crypt; the digest fails for good once a step has failed. */
struct sha_crypt {
    EVP_MD *md;
    EVP_MD_CTX *ctx;
    bool failed;
    uint8_t a[AUTH_SHA2_LEN];      /* The digest that the rounds turn over. */
    uint8_t p[PASSWORD_MAX];       /* Sequence P, as long as the password. */
    uint8_t s[AUTH_SHA2_SALT_LEN]; /* Sequence S, as long as the salt. */
    size_t p_len;
};

static void digest_begin(struct sha_crypt *c)
{
    c->failed |= EVP_DigestInit_ex(c->ctx, c->md, NULL) != 1;
}

static void digest_add(struct sha_crypt *c, const void *bytes, size_t len)
{
    c->failed |= EVP_DigestUpdate(c->ctx, bytes, len) != 1;
}

static void digest_end(struct sha_crypt *c, uint8_t out[AUTH_SHA2_LEN])
{
    c->failed |= EVP_DigestFinal_ex(c->ctx, out, NULL) != 1;
}

/* Repeats a digest over len bytes of out. */
static void spread(uint8_t *out, size_t len, const uint8_t digest[AUTH_SHA2_LEN])
{
    for (size_t i = 0; i < len; i++) {
        out[i] = digest[i % AUTH_SHA2_LEN];
    }
}

/* Steps 1 to 12: digest A from password, salt, and digest B. */
static void make_digest_a(struct sha_crypt *c, struct str password, const uint8_t *salt)
{
    uint8_t b[AUTH_SHA2_LEN];
    digest_begin(c);
    digest_add(c, password.p, password.len);
    digest_add(c, salt, AUTH_SHA2_SALT_LEN);
    digest_add(c, password.p, password.len);
    digest_end(c, b);

    digest_begin(c);
    digest_add(c, password.p, password.len);
    digest_add(c, salt, AUTH_SHA2_SALT_LEN);
    for (size_t left = password.len; left > 0;) {
        const size_t piece = MIN(left, sizeof(b));
        digest_add(c, b, piece);
        left -= piece;
    }
    for (size_t bits = password.len; bits > 0; bits >>= 1) {
        if (bits & 1) {
            digest_add(c, b, sizeof(b));
        } else {
            digest_add(c, password.p, password.len);
        }
    }
    digest_end(c, c->a);
    mem_wipe(b, sizeof(b));
}

/* Steps 13 to 20: the sequences P and S. */
static void make_sequences(struct sha_crypt *c, struct str password, const uint8_t *salt)
{
    uint8_t digest[AUTH_SHA2_LEN];
    digest_begin(c);
    for (size_t i = 0; i < password.len; i++) {
        digest_add(c, password.p, password.len);
    }
    digest_end(c, digest);
    c->p_len = password.len;
    spread(c->p, c->p_len, digest);

    digest_begin(c);
    for (size_t i = 0; i < 16u + c->a[0]; i++) {
        digest_add(c, salt, AUTH_SHA2_SALT_LEN);
    }
    digest_end(c, digest);
    spread(c->s, sizeof(c->s), digest);
    mem_wipe(digest, sizeof(digest));
}

/* Step 21. */
static void run_rounds(struct sha_crypt *c, unsigned rounds)
{
    for (unsigned i = 0; i < rounds && !c->failed; i++) {
        digest_begin(c);
        if (i % 2 != 0) {
            digest_add(c, c->p, c->p_len);
        } else {
            digest_add(c, c->a, sizeof(c->a));
        }
        if (i % 3 != 0) {
            digest_add(c, c->s, sizeof(c->s));
        }
        if (i % 7 != 0) {
            digest_add(c, c->p, c->p_len);
        }
        if (i % 2 != 0) {
            digest_add(c, c->a, sizeof(c->a));
        } else {
            digest_add(c, c->p, c->p_len);
        }
        digest_end(c, c->a);
    }
}

/* Step 22: the digest in the order of the specification, as base 64 of crypt(3), 43 characters. */
static void print_digest(const uint8_t digest[AUTH_SHA2_LEN], char out[HASH_TEXT_LEN])
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t n = 0;
    for (size_t group = 0; group < 10; group++) {
        /* The byte triples are (0,10,20), (21,1,11), (12,22,2), …: each turns the one before and
         * adds one. */
        const size_t first = group % 3 == 0 ? group : group % 3 == 1 ? 20 + group : 10 + group;
        const size_t second = first < 20 ? first + 10 : first - 20;
        const size_t third = second < 20 ? second + 10 : second - 20;
        uint32_t bits =
            (uint32_t)digest[first] << 16 | (uint32_t)digest[second] << 8 | digest[third];
        for (unsigned i = 0; i < 4; i++) {
            out[n++] = digits[bits & 63];
            bits >>= 6;
        }
    }
    uint32_t bits = (uint32_t)digest[31] << 8 | digest[30];
    while (n < HASH_TEXT_LEN) {
        out[n++] = digits[bits & 63];
        bits >>= 6;
    }
}

/* Value of an upper case hexadecimal digit, or -1. */
static int digit_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The rounds that a header asks for, or 0 when it is not a header. */
static unsigned header_rounds(const char *header)
{
    const int a = digit_value(header[3]);
    const int b = digit_value(header[4]);
    const int c = digit_value(header[5]);
    if (memcmp(header, default_header.p, 3) != 0 || header[6] != '$' || a < 0 || b < 0 || c < 0) {
        return 0;
    }
    const unsigned units = (unsigned)(a << 8 | b << 4 | c);
    return units >= ROUNDS_MIN ? units * ROUNDS_UNIT : 0;
}

/* out starts with a header; fills in the rest. Returns 0 or -1. */
static int hash_password(struct str password, const uint8_t *salt, char *out)
{
    if (password.len > PASSWORD_MAX) {
        return -1;
    }
    struct sha_crypt c = {.md = EVP_MD_fetch(NULL, "SHA256", NULL), .ctx = EVP_MD_CTX_new()};
    c.failed = c.md == NULL || c.ctx == NULL;
    if (!c.failed) {
        make_digest_a(&c, password, salt);
        make_sequences(&c, password, salt);
        run_rounds(&c, header_rounds(out));
    }
    memcpy(out + HEADER_LEN, salt, AUTH_SHA2_SALT_LEN);
    print_digest(c.a, out + HEADER_LEN + AUTH_SHA2_SALT_LEN);
    const bool failed = c.failed;
    EVP_MD_CTX_free(c.ctx);
    EVP_MD_free(c.md);
    mem_wipe(&c, sizeof(c));
    return failed ? -1 : 0;
}

int auth_sha2_hash(struct str password, const uint8_t salt[AUTH_SHA2_SALT_LEN],
                   char out[AUTH_SHA2_TEXT_LEN])
{
    memcpy(out, default_header.p, HEADER_LEN);
    return hash_password(password, salt, out);
}

bool auth_sha2_is_stored_form(struct str s)
{
    return s.len == AUTH_SHA2_TEXT_LEN && header_rounds(s.p) != 0;
}

bool auth_sha2_check_password(struct str stored, struct str password)
{
    char computed[AUTH_SHA2_TEXT_LEN];
    if (!auth_sha2_is_stored_form(stored)) {
        return false;
    }
    memcpy(computed, stored.p, HEADER_LEN);
    const bool ok =
        hash_password(password, (const uint8_t *)stored.p + HEADER_LEN, computed) == 0 &&
        mem_eq_const_time(computed, stored.p, sizeof(computed));
    mem_wipe(computed, sizeof(computed));
    return ok;
}
