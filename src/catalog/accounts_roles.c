/*
 * Roles: accounts granted to accounts. A session works with a private copy of its account that has
 * the privileges of its active roles added, so that whoever checks privileges need not know of
 * roles.
 */
#include "catalog/accounts.h"

static bool is_named(const struct role_grant *role, struct str user, struct str host)
{
    return str_eq(role->user, user) && str_eq_nocase(role->host, host);
}

struct role_grant *account_find_role(const struct account *a, struct str user, struct str host)
{
    for (uint32_t i = 0; i < a->role_count; i++) {
        if (is_named(&a->roles[i], user, host)) {
            return &a->roles[i];
        }
    }
    return NULL;
}

/* ---- Changing ---- */

void account_add_role(struct account *a, const struct role_grant *role)
{
    struct role_grant *have = account_find_role(a, role->user, role->host);
    if (have != NULL) {
        have->admin |= role->admin;
        have->is_default |= role->is_default;
        return;
    }
    struct role_grant *grown = ARENA_ARRAY(a->arena, struct role_grant, a->role_count + 1);
    for (uint32_t i = 0; i < a->role_count; i++) {
        grown[i] = a->roles[i];
    }
    grown[a->role_count++] = (struct role_grant){.user = arena_dup(a->arena, role->user),
                                                 .host = arena_dup(a->arena, role->host),
                                                 .admin = role->admin,
                                                 .is_default = role->is_default};
    a->roles = grown;
}

void account_remove_role(struct account *a, struct str user, struct str host)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->role_count; i++) {
        if (!is_named(&a->roles[i], user, host)) {
            a->roles[kept++] = a->roles[i];
        }
    }
    a->role_count = kept;
}

/* ---- Walking from role to role ---- */

/* The accounts met, each once: grants may lead to one by several ways, but never in a circle
 * without an end. */
struct walk {
    struct accounts *accounts;
    struct account **met; /* counted */
    uint32_t count;
    uint32_t cap;
    struct arena arena;
};

static bool is_met(const struct walk *w, const struct account *a)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->met[i]->id == a->id) {
            return true;
        }
    }
    return false;
}

static void meet(struct walk *w, struct str user, struct str host)
{
    struct account *a = accounts_find(w->accounts, user, host);
    if (a == NULL || is_met(w, a)) {
        account_unref(a);
        return;
    }
    if (w->count == w->cap) {
        struct account **grown = ARENA_ARRAY(&w->arena, struct account *, (size_t)w->cap * 2 + 8);
        for (uint32_t i = 0; i < w->count; i++) {
            grown[i] = w->met[i];
        }
        w->met = grown;
        w->cap = w->cap * 2 + 8;
    }
    w->met[w->count++] = a;
}

/* From those met on, to everything granted to them. */
static void walk_on(struct walk *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const struct account *a = w->met[i];
        for (uint32_t r = 0; r < a->role_count; r++) {
            meet(w, a->roles[r].user, a->roles[r].host);
        }
    }
}

static void walk_end(struct walk *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        account_unref(w->met[i]);
    }
    arena_release(&w->arena);
}

bool accounts_has_role(struct accounts *a, struct str user, struct str host,
                       const struct role_name *role)
{
    struct walk w = {.accounts = a};
    bool found = false;
    arena_init(&w.arena, 0);
    meet(&w, user, host);
    walk_on(&w);
    for (uint32_t i = 0; i < w.count; i++) {
        found |= str_eq(w.met[i]->user, role->user) && str_eq_nocase(w.met[i]->host, role->host);
    }
    walk_end(&w);
    return found;
}

/* ---- Active roles ---- */

static void add_privileges(struct account *to, const struct account *role)
{
    to->global_privs |= role->global_privs;
    for (uint32_t i = 0; i < role->grant_count; i++) {
        const struct object_grant *g = &role->grants[i];
        if (g->privs != 0) {
            account_grant(to, g->db, g->table, STR_NULL, g->privs);
        }
        for (uint32_t c = 0; c < g->column_count; c++) {
            account_grant(to, g->db, g->table, g->columns[c].column, g->columns[c].privs);
        }
    }
}

struct account *account_with_roles(struct accounts *a, const struct account *base,
                                   const struct role_name *active, uint32_t count)
{
    struct account *made = account_clone(base);
    struct walk w = {.accounts = a};
    arena_init(&w.arena, 0);
    made->active = ARENA_ARRAY(made->arena, struct role_name, count + 1);
    made->active_count = count;
    for (uint32_t i = 0; i < count; i++) {
        made->active[i] = (struct role_name){.user = arena_dup(made->arena, active[i].user),
                                             .host = arena_dup(made->arena, active[i].host)};
        if (account_find_role(base, active[i].user, active[i].host) != NULL) {
            meet(&w, active[i].user, active[i].host);
        }
    }
    walk_on(&w);
    for (uint32_t i = 0; i < w.count; i++) {
        add_privileges(made, w.met[i]);
    }
    walk_end(&w);
    return made;
}
