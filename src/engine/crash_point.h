/*
 * Named points at which a test kills the process, on each side of every durable write. A point does
 * nothing unless the environment variable PINTAIL_CRASH_POINT names it when crash_points_arm() is
 * called: "name", or "name:3" for the fourth time that it is passed.
 */
#ifndef ENGINE_CRASH_POINT_H
#define ENGINE_CRASH_POINT_H

/* Reads the variable; engines call it when they are opened. */
void crash_points_arm(void);

/* Ends the process with SIGKILL when the point is armed. Any thread. */
void crash_point(const char *name);

#endif
