/*
 * What the files of account statements share.
 *
 *   account.c           CREATE, ALTER, DROP, RENAME USER, SET PASSWORD
 *   account_grant.c     GRANT, REVOKE
 *   account_role.c      roles: CREATE, DROP, GRANT, REVOKE, SET ROLE, SET DEFAULT ROLE
 *   account_plan.c      carrying out: storing in the engine, publishing after the commit
 *   account_password.c  hashes, and keeping passwords out of sight
 *
 * A statement takes the writer lock, makes a plan of changed copies of accounts, and carries it out
 * in one engine transaction: all of it or nothing.
 */
#ifndef EXEC_ACCOUNT_INT_H
#define EXEC_ACCOUNT_INT_H

#include "exec/exec_int.h"

struct account_change {
    struct account_change *next;
    uint64_t id;
    struct account *after; /* owned until published; NULL = the account goes */
};

struct account_plan {
    struct account_change *first;
    struct account_change **last;
};

void account_plan_init(struct account_plan *plan);
/* Takes over `after`; NULL drops the account of that id. */
void account_plan_add(struct exec_session *x, struct account_plan *plan, uint64_t id,
                      struct account *after);
/* The copy of an account that the plan already changes, or NULL. */
NODISCARD struct account *account_plan_find(const struct account_plan *plan, uint64_t id);
/* Gives back what was not carried out. */
void account_plan_drop(struct account_plan *plan);
/* Stores, commits, publishes. Returns 0, or -1 with diag, everything rolled back. */
NODISCARD int account_plan_run(struct exec_session *x, struct account_plan *plan);

/* 'user'@'host' for messages. */
NODISCARD struct str account_quoted(struct exec_session *x, const struct account_name *name);
/* The name with CURRENT_USER put in. */
NODISCARD struct account_name account_named(const struct exec_session *x,
                                            const struct account_name *name);
/* A copy to be changed of the account of that name: the plan's own, or a new one that the plan
 * takes over. NULL = no such account. */
NODISCARD struct account *account_edit(struct exec_session *x, struct account_plan *plan,
                                       const struct account_name *name);
/* Sets 1396: the operation failed for these accounts. MySQL adds why. Returns -1. */
int account_failed(struct exec_session *x, const char *operation, struct str names,
                   const char *why);

/* Adds the name to a list of those that failed: "'a'@'%','b'@'%'"; p NULL = none so far. */
void account_list_name(struct exec_session *x, struct str *names, const struct account_name *name);
/* Is the name short enough? 1470. */
NODISCARD int account_check_name(struct exec_session *x, const struct account_name *name);
/* Has an account that name, or will it have it when the plan is carried out? */
NODISCARD bool account_is_taken(struct exec_session *x, const struct account_plan *plan,
                                const struct account_name *name);
/* A new account without a password, which the plan owns. */
struct account *account_create(struct exec_session *x, struct account_plan *plan,
                               const struct account_name *name);
/* Drops the statement's accounts, and their grants as roles. Returns 0, or -1 with diag (1396 for
 * `operation`). */
NODISCARD int account_drop_all(struct exec_session *x, const struct user_stmt *s,
                               const char *operation);

/* ---- Roles ---- */

/* Takes the account, as a role, from all who have it. */
void account_forget_role(struct exec_session *x, struct account_plan *plan,
                         const struct account *a);
/* Is it granted to anyone? */
NODISCARD bool account_is_role(struct exec_session *x, const struct account_name *name);
/* Makes the chosen roles of an account being changed its default ones. Returns 0, or -1 with diag
 * (3530: one of them is not granted to it). */
NODISCARD int account_set_default_roles(struct exec_session *x, struct account *a,
                                        const struct role_choice *choice);
/* Grants an account being made the roles listed, as default roles. 3523. */
NODISCARD int account_give_default_roles(struct exec_session *x, struct account *a,
                                         const struct role_choice *choice);
/* A copy of the account with the chosen roles active, counted; NULL with diag (3530). */
NODISCARD struct account *account_choose_roles(struct exec_session *x, const struct account *a,
                                               const struct role_choice *choice);
/* GRANT or REVOKE of roles. Returns 0, or -1 with diag (1227, 3523, 4027). */
NODISCARD int account_change_roles(struct exec_session *x, const struct grant_stmt *s, bool grant);

/* Puts plugin and authentication string into an account being made, hashing on an offload thread.
 * Returns 0, or -1 with diag (1524, 1827). */
NODISCARD int account_set_password(struct exec_session *x, struct account *a,
                                   const struct user_spec *spec);

#endif
