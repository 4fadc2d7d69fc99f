/*
 * What the files of account statements share.
 *
 *   account.c           CREATE, ALTER, DROP, RENAME USER, SET PASSWORD
 *   account_grant.c     GRANT, REVOKE
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

/* Puts plugin and authentication string into an account being made, hashing on an offload thread.
 * Returns 0, or -1 with diag (1524, 1827). */
NODISCARD int account_set_password(struct exec_session *x, struct account *a,
                                   const struct user_spec *spec);

#endif
