/*
 * blackhole: takes every row and keeps none, as MySQL's engine of that name. The smallest complete
 * engine, to start another one from; also what a server without storage needs in tests of the
 * layers above.
 */
#ifndef ENGINE_BLACKHOLE_BLACKHOLE_H
#define ENGINE_BLACKHOLE_BLACKHOLE_H

#include "engine/engine.h"

/* Its config is NULL. */
extern const struct engine_type blackhole_engine;

#endif
