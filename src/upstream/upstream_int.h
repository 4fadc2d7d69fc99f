/* What the files of upstream share. */
#ifndef UPSTREAM_UPSTREAM_INT_H
#define UPSTREAM_UPSTREAM_INT_H

#include "upstream/upstream.h"

#include "os/os_mutex.h"

enum {
    UPSTREAM_CLOSE_US = 100 * 1000, /* Time a COM_QUIT may take. */
};

struct upstream {
    struct arena arena; /* Strings below; only added to. */
    const char *name;
    const char *host;   /* Empty with a socket. */
    const char *socket; /* Or empty. */
    bool tells_clients; /* By a PROXY header. */
    struct tls_slot *tls;
    struct os_mutex lock; /* Protects what follows; a leaf. */
    struct upstream_options o;
    struct upstream_login account;
    struct upstream_greeting greeting;
    bool has_greeting;
};

/* Deadlines of one read or write on c; UINT64_MAX without a time-out. */
NODISCARD uint64_t upstream_read_deadline(const struct upstream_conn *c);
NODISCARD uint64_t upstream_write_deadline(const struct upstream_conn *c);

/* Sends what was written into c->conn. 0, or -1 with d set and c broken. */
NODISCARD int upstream_send(struct upstream_conn *c, uint64_t deadline_us, struct diag *d);

/* Reads one packet, borrowed until the next. 0, or -1 with d set and c broken. MariaDB's reports of
 * progress are dropped. */
NODISCARD int upstream_read(struct upstream_conn *c, uint64_t deadline_us, struct str *out_payload,
                            struct diag *d);
/* The same within the read time-out, which begins when the packet has to be waited for. */
NODISCARD int upstream_read_next(struct upstream_conn *c, struct str *out_payload, struct diag *d);

/* Sets d to 2027 for a packet that is not what the protocol has at this place; breaks c. */
int upstream_malformed(struct upstream_conn *c, struct diag *d);

#endif
