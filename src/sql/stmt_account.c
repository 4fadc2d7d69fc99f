/* Making the statements about accounts; see stmt_build.h. */
#include "sql/stmt_build.h"

struct account_name *account_copy(struct parse_ctx *ctx, const struct account_name *account)
{
    struct account_name *a = ARENA_NEW(ctx->arena, struct account_name);
    *a = *account;
    return a;
}

struct vec vec_of_user(struct parse_ctx *ctx, const struct user_spec *user)
{
    struct vec users = {0};
    VEC_PUSH(ctx, &users, struct user_spec, *user);
    return users;
}

struct vec users_of_accounts(struct parse_ctx *ctx, struct vec accounts)
{
    struct vec users = {0};
    const struct account_name *a = accounts.items;
    for (uint32_t i = 0; i < accounts.count; i++) {
        VEC_PUSH(ctx, &users, struct user_spec, ((struct user_spec){.account = a[i]}));
    }
    return users;
}

struct role_choice role_choice(enum role_mode mode, struct vec accounts)
{
    return (struct role_choice){.mode = mode, .count = accounts.count, .names = accounts.items};
}

struct number_option number_given(struct parse_ctx *ctx, const struct token *number)
{
    const uint64_t value = token_u64(ctx, number);
    return (struct number_option){.given = true, .value = (int64_t)MIN(value, (uint64_t)INT64_MAX)};
}

unsigned revoke_options(bool if_exists, bool ignore_unknown)
{
    return (if_exists ? REVOKE_IF_EXISTS : 0u) | (ignore_unknown ? REVOKE_IGNORE_UNKNOWN : 0u);
}

void build_user(struct parse_ctx *ctx, enum stmt_kind kind, struct user_stmt options,
                struct vec users)
{
    options.users = users.items;
    options.count = users.count;
    stmt_new(ctx, kind)->user = options;
}

void build_rename_user(struct parse_ctx *ctx, struct vec pairs)
{
    struct user_stmt *s = &stmt_new(ctx, STMT_RENAME_USER)->user;
    const struct account_name *a = pairs.items;
    s->count = pairs.count / 2;
    s->users = ARENA_ARRAY(ctx->arena, struct user_spec, s->count);
    s->rename_to = ARENA_ARRAY(ctx->arena, struct account_name, s->count);
    for (uint32_t i = 0; i < s->count; i++) {
        s->users[i].account = a[2 * i];
        s->rename_to[i] = a[2 * i + 1];
    }
}

/* ---- GRANT and REVOKE ---- */

/* Words in upper case with one space between them. */
static struct str privilege_name(struct parse_ctx *ctx, struct str words)
{
    char *name = arena_alloc(ctx->arena, words.len + 1);
    size_t n = 0;
    bool space = false;
    for (size_t i = 0; i < words.len; i++) {
        const char c = words.p[i];
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            space = true;
            continue;
        }
        if (space) {
            name[n++] = ' ';
            space = false;
        }
        name[n++] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    }
    name[n] = '\0';
    return str_from(name, n);
}

/* A role's name: as written, without quotes. */
static struct str role_name(const struct parse_ctx *ctx, const struct grant_item *item)
{
    if (item->role.p != NULL) {
        return item->role;
    }
    struct str s = src_text(ctx, item->words);
    if (s.len >= 2 && (s.p[0] == '`' || s.p[0] == '"')) {
        s = str_from(s.p + 1, s.len - 2);
    }
    return s;
}

static bool is_all(struct str name)
{
    return str_eq(name, STR("ALL")) || str_eq(name, STR("ALL PRIVILEGES"));
}

/* REVOKE ALL PRIVILEGES, GRANT OPTION FROM … */
static bool is_revoke_all(const struct grant_stmt *s)
{
    return s->priv_count == 2 && is_all(s->privs[0].name) &&
           str_eq(s->privs[1].name, STR("GRANT OPTION"));
}

static void grant_set_privs(struct parse_ctx *ctx, struct grant_stmt *s, struct vec items)
{
    const struct grant_item *item = items.items;
    s->priv_count = items.count;
    s->privs = ARENA_ARRAY(ctx->arena, struct priv_item, items.count);
    for (uint32_t i = 0; i < items.count; i++) {
        const struct str name = privilege_name(ctx, src_text(ctx, item[i].words));
        s->privs[i] = (struct priv_item){
            .name = is_all(name) ? STR("ALL PRIVILEGES") : name,
            .columns = item[i].columns.items,
            .column_count = item[i].columns.count,
        };
    }
}

void build_grant(struct parse_ctx *ctx, enum stmt_kind kind, struct vec items,
                 const struct grant_object *object, struct grant_tail tail)
{
    struct grant_stmt *s = &stmt_new(ctx, kind)->grant;
    const struct grant_item *item = items.items;
    grant_set_privs(ctx, s, items);
    s->revoke_all = object == NULL && is_revoke_all(s);
    s->is_role = object == NULL && !s->revoke_all;
    for (uint32_t i = 0; s->is_role && i < items.count; i++) {
        s->privs[i].name = role_name(ctx, &item[i]);
        s->privs[i].host = item[i].host.p != NULL ? item[i].host : STR("%");
    }
    if (object != NULL) {
        s->all_dbs = object->all_dbs;
        s->db_level = object->db_level;
        s->object = object->table;
    }
    s->users = tail.users.items;
    s->user_count = tail.users.count;
    s->grant_option = (tail.options & GRANT_WITH_GRANT) != 0;
    s->admin_option = (tail.options & GRANT_WITH_ADMIN) != 0;
    s->if_exists = (tail.options & REVOKE_IF_EXISTS) != 0;
    s->ignore_unknown_user = (tail.options & REVOKE_IGNORE_UNKNOWN) != 0;
}
