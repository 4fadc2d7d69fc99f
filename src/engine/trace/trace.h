/*
 * trace: wraps any engine and logs its calls, with their outcome and time. For finding out what a
 * layer above does, and for running the contract suite through a second implementation of every
 * callback.
 */
#ifndef ENGINE_TRACE_TRACE_H
#define ENGINE_TRACE_TRACE_H

#include "base/log.h"
#include "engine/engine.h"

struct trace_config {
    const struct engine_type *inner; /* What to open; */
    const void *inner_config;        /* with what; */
    enum log_level level;            /* and how loudly. */
};

extern const struct engine_type trace_engine;

#endif
