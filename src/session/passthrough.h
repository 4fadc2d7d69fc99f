/*
 * Passthrough: sessions whose statements the upstream answers. The session's fiber runs a relay
 * (relay/relay.h); what Pintail itself has to do with a command is decided here, before it is sent:
 *
 *   COM_QUIT, COM_CHANGE_USER           the session's end, another account
 *   KILL n                              when n is a session of ours
 *   SHOW PINTAIL …                      answered here
 *   pintail_route = column              reads of the copy: route.h
 *   everything else                     goes on as it came
 */
#ifndef SESSION_PASSTHROUGH_H
#define SESSION_PASSTHROUGH_H

#include "upstream/upstream.h"

#include "session/session_int.h"
#include "wire/handshake.h"

struct passthrough; /* of a session; passthrough.c */

/* Completes the greeting with what the upstream is. Returns 0, or -1 with x.diag set: the upstream
 * has never been reached. */
NODISCARD int passthrough_greeting(struct session *s, struct wire_handshake *h);

/* The capabilities of the upstream that a relay can carry. */
NODISCARD uint64_t passthrough_capabilities(uint64_t upstream);

/* Has the client log in upstream; on success its OK is encoded. 0, or -1 with x.diag set (or the
 * client gone). */
NODISCARD int passthrough_login(struct session *s, const struct wire_login *login);

/* Relays until the session ends. */
void passthrough_loop(struct session *s);

/* ---- For route.c ---- */

/* A connection with the session's settings. 0, or -1 with x.diag set. */
NODISCARD int passthrough_attach(struct session *s, struct upstream_conn **out);

/* Sends a command, whole, upstream after all; its reply is relayed. */
void passthrough_forward(struct session *s, struct str payload);

/* May the session have tables of its own, made by CREATE TEMPORARY TABLE or in a procedure? */
NODISCARD bool passthrough_hides_tables(const struct session *s);

/* Text of a statement without the blanks and comments before it; "/ *!" is no comment. */
NODISCARD struct str passthrough_skip_blanks(struct str text);

/* Does the text begin with these two words, or the first, if second is empty? */
NODISCARD bool passthrough_begins_with(struct str text, struct str first, struct str second);

/* ---- The end ---- */

/* Gives the upstream connection back. NULL-safe. */
void passthrough_free(struct session *s);

#endif
