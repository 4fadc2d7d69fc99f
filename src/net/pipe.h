/*
 * net_pipe: two connected filters in memory, to test sessions without sockets. Both ends belong to
 * one loop; a fiber that reads from an empty pipe or writes to a full one parks.
 */
#ifndef NET_PIPE_H
#define NET_PIPE_H

#include "base/base.h"
#include "net/filter.h"

/*
 * Makes a pair. capacity: bytes that fit into each direction before the writer waits. Releasing one
 * end is the end of file of the other; its hangup callback is called like a socket's.
 */
void net_pipe_new(size_t capacity, struct net_filter **out_a, struct net_filter **out_b);

#endif
