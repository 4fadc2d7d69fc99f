/*
 * rlist: intrusive doubly linked ring. A node is embedded in the object; a head is a node that is
 * linked to itself when the list is empty.
 */
#ifndef BASE_RLIST_H
#define BASE_RLIST_H

#include "base/base.h"

struct rlist {
    struct rlist *prev;
    struct rlist *next;
};

static inline void rlist_init(struct rlist *head)
{
    head->prev = head;
    head->next = head;
}

static inline bool rlist_is_empty(const struct rlist *head)
{
    return head->next == head;
}

/* Links node as the last of the list. */
static inline void rlist_push(struct rlist *head, struct rlist *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Unlinks node; harmless on a node that rlist_init() or rlist_del() left linked to itself. */
static inline void rlist_del(struct rlist *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    rlist_init(node);
}

/* Unlinks and returns the first node, or NULL when the list is empty. */
static inline struct rlist *rlist_shift(struct rlist *head)
{
    struct rlist *node = head->next;
    if (node == head) {
        return NULL;
    }
    rlist_del(node);
    return node;
}

#define RLIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

/* `it` walks the nodes; the body may not unlink it. */
#define rlist_foreach(it, head) for (struct rlist *it = (head)->next; it != (head); it = it->next)

/* The body may unlink `it`. */
#define rlist_foreach_safe(it, head)                                                               \
    for (struct rlist *it = (head)->next, *it##_next = it->next; it != (head);                     \
         it = it##_next, it##_next = it->next)

#endif
