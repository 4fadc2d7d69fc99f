/* The list of engines that are built in. A new one is added here and in CMakeLists.txt, nowhere
 * else. */
#include "engine/blackhole/blackhole.h"
#include "engine/duckdb/duckdb_engine.h"
#include "engine/engine.h"
#include "engine/trace/trace.h"

static const struct engine_type *const builtin[] = {&duckdb_engine, &blackhole_engine,
                                                    &trace_engine};

int engine_register_all(struct diag *diag)
{
    for (size_t i = 0; i < ARRAY_SIZE(builtin); i++) {
        if (engine_find_type(str_from_cstr(builtin[i]->ops->name)) == NULL &&
            engine_register(builtin[i], diag) != 0) {
            return -1;
        }
    }
    return 0;
}
