/* Password plugins: both sides against each other and against hashes that real servers stored. */
#include "wire_test.h"

#include "wire/auth.h"

#define PASSWORD STR("pintail")

static void test_nonce_has_no_nul_and_no_dollar(void **state)
{
    (void)state;
    uint8_t nonce[WIRE_NONCE_LEN];
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(auth_nonce(nonce), 0);
        for (size_t j = 0; j < sizeof(nonce); j++) {
            assert_true(nonce[j] > 0 && nonce[j] < 128 && nonce[j] != '$');
        }
    }
}

static void test_native_hash_is_the_servers(void **state)
{
    (void)state;
    uint8_t hash[AUTH_NATIVE_LEN];
    uint8_t back[AUTH_NATIVE_LEN];
    char text[AUTH_NATIVE_TEXT_LEN];
    assert_int_equal(auth_native_hash(PASSWORD, hash), 0);
    auth_native_to_text(hash, text);
    assert_memory_equal(text, "*CCA70B878831E49C6B0F638292519509E7291255", sizeof(text));
    assert_int_equal(auth_native_from_text(str_from(text, sizeof(text)), back), 0);
    assert_memory_equal(back, hash, sizeof(hash));
    assert_int_equal(auth_native_from_text(STR("*12"), back), -1);
    text[7] = 'g';
    assert_int_equal(auth_native_from_text(str_from(text, sizeof(text)), back), -1);
}

static void test_native_reply_is_checked(void **state)
{
    (void)state;
    uint8_t nonce[WIRE_NONCE_LEN];
    uint8_t stored[AUTH_NATIVE_LEN];
    uint8_t reply[AUTH_NATIVE_LEN];
    assert_int_equal(auth_nonce(nonce), 0);
    assert_int_equal(auth_native_hash(PASSWORD, stored), 0);
    assert_int_equal(auth_native_scramble(PASSWORD, nonce, reply), 0);
    const struct str s = str_from((const char *)reply, sizeof(reply));
    assert_true(auth_native_check(stored, nonce, s));
    assert_false(auth_native_check(stored, nonce, str_from(s.p, s.len - 1)));
    nonce[3] ^= 1;
    assert_false(auth_native_check(stored, nonce, s));
    assert_int_equal(auth_native_scramble(STR("Pintail"), nonce, reply), 0);
    assert_false(auth_native_check(stored, nonce, s));
}

static void test_sha2_fast_reply_is_checked(void **state)
{
    (void)state;
    uint8_t nonce[WIRE_NONCE_LEN];
    uint8_t digest[AUTH_SHA2_LEN];
    uint8_t reply[AUTH_SHA2_LEN];
    assert_int_equal(auth_nonce(nonce), 0);
    assert_int_equal(auth_sha2_digest(PASSWORD, digest), 0);
    assert_int_equal(auth_sha2_scramble(PASSWORD, nonce, reply), 0);
    const struct str s = str_from((const char *)reply, sizeof(reply));
    assert_true(auth_sha2_check_fast(digest, nonce, s));
    assert_false(auth_sha2_check_fast(digest, nonce, str_from(s.p, 20)));
    reply[31] ^= 0x80;
    assert_false(auth_sha2_check_fast(digest, nonce, s));
}

/* The scrambles of a fixed nonce, from a separate implementation of the published formulas. */
static void test_scrambles_of_a_known_nonce(void **state)
{
    (void)state;
    static const uint8_t nonce[WIRE_NONCE_LEN] = "abcdefghijklmnopqrst";
    uint8_t native[AUTH_NATIVE_LEN];
    uint8_t sha2[AUTH_SHA2_LEN];
    assert_int_equal(auth_native_scramble(PASSWORD, nonce, native), 0);
    assert_memory_equal(native, "\256\240\254B-0\204\330l\026\335Y\034\266\222%\227\244fo",
                        sizeof(native));
    assert_int_equal(auth_sha2_scramble(PASSWORD, nonce, sha2), 0);
    assert_memory_equal(
        sha2, "]\000(\230t&g\304>\023kA\334\227\337\244P\252y\037S\005`.4%\221\003\242\315\224\341",
        sizeof(sha2));
}

/* authentication_string as MySQL 9.7 stored it. */
static const struct {
    struct str password;
    struct str stored;
} stored_forms[] = {
    {STR_INIT("pintail"),
     STR_INIT(
         "$A$00A$@ed\025_S0B\002Ig86QCt\033e\022%jmVygmBeHqUjdkqtL8say3q5eZzJZKB4.u/532.y9b8")},
    {STR_INIT("a much longer pass-phrase, of more than thirty-two bytes: \xc3\xa4\xc3\xb6\xc3\xbc"),
     STR_INIT(
         "$A$00A$\007C\014\014JLblQd{_h\006\022\003\0201^zm1gXFIecUDt.mTye9fZjntZmswCmsJd7TjnSJyFnSA4")},
};

static void test_sha2_stored_form_of_mysql_is_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(stored_forms); i++) {
        assert_true(auth_sha2_check_password(stored_forms[i].stored, stored_forms[i].password));
        assert_false(auth_sha2_check_password(stored_forms[i].stored, STR("pintai")));
        assert_false(auth_sha2_check_password(stored_forms[i].stored, STR("")));
    }
}

static void test_sha2_hash_makes_a_stored_form(void **state)
{
    (void)state;
    uint8_t salt[AUTH_SHA2_SALT_LEN];
    char text[AUTH_SHA2_TEXT_LEN];
    char long_password[257] = {0};
    assert_int_equal(auth_nonce(salt), 0);
    assert_int_equal(auth_sha2_hash(PASSWORD, salt, text), 0);
    const struct str stored = str_from(text, sizeof(text));
    assert_true(auth_sha2_is_stored_form(stored));
    assert_true(auth_sha2_check_password(stored, PASSWORD));
    assert_false(auth_sha2_check_password(str_from(text, sizeof(text) - 1), PASSWORD));
    assert_int_equal(auth_sha2_hash(str_from(long_password, 257), salt, text), -1);
    assert_int_equal(auth_sha2_hash(str_from(long_password, 256), salt, text), 0);
}

static void test_rsa_round_trip(void **state)
{
    (void)state;
    static const uint8_t nonce[WIRE_NONCE_LEN] = "abcdefghijklmnopqrst";
    struct auth_rsa *made = auth_rsa_new();
    struct bytebuf pem;
    struct bytebuf reply;
    struct bytebuf password;
    bytebuf_init(&pem, 10000);
    bytebuf_init(&reply, 10000);
    bytebuf_init(&password, 10000);
    assert_non_null(made);
    assert_int_equal(auth_rsa_private_pem(made, &pem), 0);
    struct auth_rsa *loaded = auth_rsa_new_from_pem(bytebuf_str(&pem));
    assert_non_null(loaded);
    assert_str_equal(auth_rsa_public_pem(made), auth_rsa_public_pem(loaded));
    assert_true(str_starts_with(auth_rsa_public_pem(made), STR("-----BEGIN PUBLIC KEY-----\n")));

    assert_int_equal(auth_rsa_encrypt(auth_rsa_public_pem(made), nonce, PASSWORD, &reply), 0);
    assert_int_equal(reply.len, 256);
    assert_int_equal(auth_rsa_decrypt(loaded, nonce, bytebuf_str(&reply), &password), 0);
    assert_str_equal(bytebuf_str(&password), PASSWORD);

    reply.p[100] ^= 1;
    assert_int_equal(auth_rsa_decrypt(loaded, nonce, bytebuf_str(&reply), &password), -1);
    assert_int_equal(auth_rsa_decrypt(loaded, nonce, STR("short"), &password), -1);
    assert_null(auth_rsa_new_from_pem(STR("not a key")));
    assert_int_equal(auth_rsa_encrypt(STR("not a key"), nonce, PASSWORD, &reply), -1);
    auth_rsa_free(made);
    auth_rsa_free(loaded);
    bytebuf_release(&pem);
    bytebuf_release(&reply);
    bytebuf_release(&password);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nonce_has_no_nul_and_no_dollar),
        cmocka_unit_test(test_native_hash_is_the_servers),
        cmocka_unit_test(test_native_reply_is_checked),
        cmocka_unit_test(test_sha2_fast_reply_is_checked),
        cmocka_unit_test(test_scrambles_of_a_known_nonce),
        cmocka_unit_test(test_sha2_stored_form_of_mysql_is_checked),
        cmocka_unit_test(test_sha2_hash_makes_a_stored_form),
        cmocka_unit_test(test_rsa_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
