/*
 * Wrong passwords of accounts with FAILED_LOGIN_ATTEMPTS and PASSWORD_LOCK_TIME, counted in memory:
 * as in MySQL a restart, or FLUSH PRIVILEGES, forgets them. All functions may be called from any
 * thread; the lock inside is a leaf.
 */
#ifndef CATALOG_LOGIN_BLOCKS_H
#define CATALOG_LOGIN_BLOCKS_H

#include "catalog/accounts.h"

struct login_blocks;

NODISCARD struct login_blocks *login_blocks_new(void);
void login_blocks_free(struct login_blocks *b);

/* A login with a wrong password. now_us: clock_wall_us(). Returns whether the account is blocked,
 * by this login or before. */
NODISCARD bool login_blocks_count(struct login_blocks *b, const struct account *a, int64_t now_us);
/* Is it blocked? The block ends by itself when its days have passed. out_days: how many are left,
 * begun ones included; -1 = it has no end. */
NODISCARD bool login_blocks_check(struct login_blocks *b, const struct account *a, int64_t now_us,
                                  int32_t *out_days);
/* Forgets the account's failures, and its block; id 0: all accounts'. */
void login_blocks_forget(struct login_blocks *b, uint64_t id);

#endif
