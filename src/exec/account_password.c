/* See account_int.h: hashes, and keeping passwords out of sight. */
#include "exec/account_int.h"
#include "wire/auth.h"

/* ---- Stored forms ---- */

struct hash_job {
    struct str password;
    bool native;
    char out[AUTH_SHA2_TEXT_LEN];
    size_t len;
    int rc;
};

static void hash_step(void *arg)
{
    struct hash_job *job = arg;
    if (job->native) {
        uint8_t hash[AUTH_NATIVE_LEN];
        job->rc = auth_native_hash(job->password, hash);
        auth_native_to_text(hash, job->out);
        job->len = AUTH_NATIVE_TEXT_LEN;
        return;
    }
    uint8_t salt[AUTH_SHA2_SALT_LEN];
    job->len = AUTH_SHA2_TEXT_LEN;
    job->rc = auth_nonce(salt) != 0 ? -1 : auth_sha2_hash(job->password, salt, job->out);
}

static int hash_password(struct exec_session *x, struct account *a, struct str password)
{
    struct hash_job job = {.password = password,
                           .native = str_eq(a->plugin, STR(AUTH_NATIVE_PLUGIN))};
    if (password.len == 0) {
        a->auth_string = STR("");
        return 0;
    }
    if (exec_offload(x, OFFLOAD_CONTROL, hash_step, &job) != 0) {
        return -1;
    }
    if (job.rc != 0) {
        return diag_set(x->diag, ER_NOT_VALID_PASSWORD);
    }
    a->auth_string = arena_dup(a->arena, str_from(job.out, job.len));
    return 0;
}

static bool is_stored_form(const struct account *a, struct str s)
{
    uint8_t hash[AUTH_NATIVE_LEN];
    if (s.len == 0) {
        return true;
    }
    return str_eq(a->plugin, STR(AUTH_NATIVE_PLUGIN)) ? auth_native_from_text(s, hash) == 0
                                                      : auth_sha2_is_stored_form(s);
}

static int set_plugin(struct exec_session *x, struct account *a, struct str plugin)
{
    static const struct str known[] = {STR_INIT(AUTH_NATIVE_PLUGIN), STR_INIT(AUTH_SHA2_PLUGIN)};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (str_eq_nocase(plugin, known[i])) {
            a->plugin = known[i];
            a->auth_string = STR("");
            return 0;
        }
    }
    return diag_set(x->diag, ER_PLUGIN_IS_NOT_LOADED, arena_dup_cstr(&x->stmt_arena, plugin));
}

int account_set_password(struct exec_session *x, struct account *a, const struct user_spec *spec)
{
    if (spec->plugin.p == NULL && spec->password.p == NULL && spec->auth_string.p == NULL) {
        return 0;
    }
    if (spec->plugin.p != NULL && set_plugin(x, a, spec->plugin) != 0) {
        return -1;
    }
    if (spec->auth_string.p != NULL) {
        if (!is_stored_form(a, spec->auth_string)) {
            return diag_set(x->diag, ER_PASSWORD_FORMAT);
        }
        a->auth_string = arena_dup(a->arena, spec->auth_string);
    } else if (spec->password.p != NULL && hash_password(x, a, spec->password) != 0) {
        return -1;
    }
    a->password_expired = false;
    /* The first account comes without a password and from loopback only; with one it is like any
     * other. */
    if (a->auth_string.len > 0) {
        a->loopback_only = false;
    }
    return 0;
}

/* ---- Out of sight ---- */

static size_t find_nocase(struct str text, struct str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        if (str_eq_nocase(str_from(text.p + i, word.len), word)) {
            return i;
        }
    }
    return SIZE_MAX;
}

struct str exec_hide_secrets(struct str text, struct arena *arena)
{
    const size_t word =
        MIN(find_nocase(text, STR("identified")), find_nocase(text, STR("password")));
    if (word == SIZE_MAX) {
        return text;
    }
    /* Quotes within quotes (PREPARE), comments, a text that was cut: where the literal ends is not
     * certain. */
    size_t quote = word;
    while (quote < text.len && text.p[quote] != '\'' && text.p[quote] != '"') {
        quote++;
    }
    return quote == text.len
               ? text
               : arena_printf(arena, "%.*s'<secret>'", STR_FMT(str_from(text.p, quote)));
}
