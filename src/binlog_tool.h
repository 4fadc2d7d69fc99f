/* `pintail binlog`: prints binary log files. */
#ifndef BINLOG_TOOL_H
#define BINLOG_TOOL_H

/*
 * Carries out `pintail binlog [--verbose] [--check] FILE...`: a line an event on standard output,
 * with --verbose a line a row too. Each file is checked as it is read: checksums, and the order of
 * events. Returns the exit status of the process: 0, 1 after a mistake in a file, 2 after one in
 * the arguments. argv[0] is "binlog".
 */
int binlog_tool(int argc, char **argv);

#endif
