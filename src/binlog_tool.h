/* `pintail binlog`: prints binary logs. */
#ifndef BINLOG_TOOL_H
#define BINLOG_TOOL_H

/*
 * Carries out `pintail binlog [OPTION...] FILE...` or `pintail binlog --host HOST [OPTION...]`: a
 * line an event on standard output, with --verbose a line a row too. What is read is checked:
 * checksums, and the order of events. Returns the exit status of the process: 0, 1 after a mistake
 * in what was read, 2 after one in the arguments. argv[0] is "binlog".
 */
int binlog_tool(int argc, char **argv);

#endif
