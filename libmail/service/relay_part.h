/*
 * relay_part: the role "relay", all outgoing SMTP and LMTP sessions; what its files share.
 *
 *	relay.c          the process, its channel to the queue role, jobs
 *	relay_dest.c     destinations: their jobs, connections and failures
 *	relay_find.c     from host lists to addresses: MX, A, AAAA, hosts file
 *	relay_session.c  one connection: what the protocol's machine asks for
 *	relay_message.c  messages on it
 *	relay_auth.c     AUTH
 *	relay_tls.c      what rulesets say about servers
 *	relay_io.c       octets, TLS, the text of messages
 *
 * A job is one message for the recipients that share a target.  Jobs of one target wait in
 * their destination; connections take them from there, one after the other, so that one
 * that works serves many messages.  An address that failed is passed over for RELAY_DEAD_MS
 * (RELAY_SILENT_MS: it did not answer) by all messages.  Where no other is left, one that failed
 * at once and more than RELAY_AGAIN_MS ago is tried again: that costs little.
 */
#ifndef LETTERBOX_SERVICE_RELAY_PART_H
#define LETTERBOX_SERVICE_RELAY_PART_H

#include <netinet/in.h>
#include <sys/un.h>

#include "base/arena.h"
#include "base/buf.h"
#include "format/mime_seven.h"
#include "proto/smtp_client.h"
#include "proto/tls.h"
#include "service/config.h"
#include "service/dns_client.h"
#include "service/mta_ipc.h"
#include "service/settings.h"
#include "service/smarthost.h"
#include "service/tlsroots.h"
#include "sys/ipc.h"
#include "sys/loop.h"

enum {
	RELAY_SESSIONS = 200,       /* connections at once */
	RELAY_PER_DEST = 20,        /* of these to one destination */
	RELAY_OPENING = 4,          /* of these that have not been greeted yet */
	RELAY_ADDRS = 32,           /* addresses of one destination that are tried */
	RELAY_HOSTS = 256,          /* addresses whose failure is remembered */
	RELAY_DEAD_MS = 15000,      /* for so long, */
	RELAY_AGAIN_MS = 1000,      /* (so long when there is no other) */
	RELAY_SILENT_MS = 300000,   /* or so long when it did not even refuse: that costs time */
	RELAY_NO_TLS_MS = 600000,   /* and so long that TLS failed there */
	RELAY_IDLE_MS = 4000,       /* an idle connection; servers close them after 5 s at best */
	RELAY_MESSAGES = 100,       /* of one connection, where the target sets no limit */
	RELAY_FOUND_MS = 60000,     /* addresses are looked up again after this time */
	RELAY_CONNECT_S = 30,       /* per address: others wait behind it */
	RELAY_MESSAGE_S = 2 * 3600, /* a message must be through by then */
	RELAY_STOP_MS = 6000,       /* what is half done when the program ends */
	RELAY_IN_MAX = 40960,       /* input not consumed: a TLS record and a reply line */
	RELAY_OUT_MAX = 131072,     /* ciphertext or text not taken by the server */
	RELAY_OUT_LOW = 32768,      /* below this more text is read */
	RELAY_CHUNK = 16384,
	RELAY_NAME_MAX = 400, /* "host.example [address]" */
};

struct relay_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
	char name[DNS_NAME_MAX]; /* the host; for a Unix socket "localhost" */
};

struct relay_rcpt {
	struct span addr, orcpt;
	struct err err;
	uint32_t index; /* in what the queue role sent */
	uint16_t code;
	uint8_t notify;
	bool again; /* stays with its job when that is answered */
};

struct relay_job {
	struct relay_job *next;
	struct relay_dest *dest;
	struct arena arena; /* of all below */
	uint32_t number;
	int fd, header; /* the message; another header, or -1 */
	struct mta_send send;
	struct relay_rcpt *rcpts;
	uint8_t *marks;
	size_t count; /* recipients that have come and are not answered */
};

struct relay_dest {
	struct relay_dest *next;
	struct relay *relay;
	struct mta_target target; /* its texts follow the struct */
	struct relay_job *waiting, **last;
	struct relay_session *sessions;
	size_t open, opening; /* connections; those not greeted yet */
	size_t most;          /* as many as the server has been seen to take */
	struct dns_client_wait wait;
	struct loop_timer timer; /* to pump from the loop */
	struct relay_addr *addrs;
	size_t count;
	uint64_t found_ms; /* when, 0 = not yet */
	char texts[];
};

/* A remembered failure; empty when until_ms is past. */
struct relay_host {
	struct relay_addr addr;
	uint64_t until_ms, no_tls_ms;
	struct err err;
};

enum relay_state { RELAY_CONNECTING, RELAY_TALKING, RELAY_IDLE };

struct relay_session {
	struct relay_session *next; /* of the destination */
	struct relay_dest *dest;
	struct loop_watch watch;
	struct loop_timer timer;
	enum relay_state state;
	size_t at; /* which address */
	struct smtp_client_config config;
	struct smtp_client smtp;
	struct smtp_client_message message;
	struct tls_client_config tls_config;
	struct tls_session *tls;
	struct tls_names names;   /* of the server's certificate */
	const char *verify;       /* ${verify} */
	struct mime_seven *seven; /* the message goes out in 7 bits; else NULL */
	struct buf in, out, cipher;
	struct relay_job *job;
	uint64_t began_ms; /* the message, or before it the first attempt to connect */
	uint64_t progress; /* what the timer was set for last */
	uint64_t offset;   /* in the file being sent */
	uint64_t left;     /* of the message */
	int source;        /* that file */
	unsigned messages;
	bool last;     /* all addresses were tried that nothing is held against */
	bool maybe;    /* one was of no use that no ruleset refused */
	bool ready;    /* greeted, and fit for messages */
	bool spoken;   /* smtp is in use */
	bool told;     /* smtp knows why */
	bool body;     /* the message's text is wanted */
	bool texted;   /* it was, of this message */
	bool plain;    /* no TLS any more */
	bool tls_bad;  /* the handshake failed */
	bool gone;     /* the peer hung up */
	bool ending;   /* QUIT was said */
	bool judged;   /* tls_server was asked */
	bool unfit;    /* tls_clt_features gave no list of features: no TLS */
	bool refused;  /* and said no: as final as it says */
	char fallback; /* its flag c or C: whether to do without TLS if that fails; or 0 */
	uint8_t auth_step;
	struct err why; /* why the connection is given up */
	char name[RELAY_NAME_MAX];
};

struct relay {
	struct loop loop;
	struct settings settings;
	struct smarthost url;
	struct ipc queue_role;
	struct resolver resolver;
	struct dns_client dns;
	struct tlsroots roots;
	struct buf password;   /* of the settings' smart host */
	struct config *config; /* for its rulesets about servers; NULL: it has none */
	int config_fd;         /* before it is read */
	char name[CF_NAME];    /* of its file */
	struct relay_dest *dests;
	struct relay_job *coming; /* jobs whose recipients have not all come */
	struct relay_job *spare;  /* those that are over */
	struct relay_host *hosts; /* RELAY_HOSTS of them, made with the first failure */
	size_t sessions, next_host, spares;
	struct loop_timer stop;
	bool stopping;
};

/* ---- relay.c ---- */

/*
 * Tells the queue role what became of those recipients of a job that are not to be tried again.
 * False: none is left, and the job is freed.
 */
bool relay_answer(struct relay *r, struct relay_job *job, const char *remote);

/* All of them, with one outcome. */
void relay_answer_all(struct relay *r, struct relay_job *job, const struct err *e,
		      const char *remote);

/* Gives the memory of jobs that are over back. */
void relay_forget_jobs(struct relay *r);

/* ---- relay_dest.c ---- */

/* Puts the job in line. */
void relay_dest_add(struct relay *r, struct relay_job *job);

/* Has the jobs that wait taken by connections, opened where it helps. */
void relay_dest_pump(struct relay_dest *d);

/* The next job for a connection, or NULL. */
struct relay_job *relay_dest_take(struct relay_dest *d);

/* Puts a job back that a dead connection had taken. */
void relay_dest_put_back(struct relay_job *job);

/* No address answered: without a connection that works, all that waits fails with e. */
void relay_dest_fail(struct relay_dest *d, const struct err *e, const char *remote);

/* A connection is gone; the destination goes with its last job and connection. */
void relay_dest_less(struct relay_dest *d);

/* Memory of failures: NULL when nothing is held against addr. */
struct relay_host *relay_dest_host(struct relay *r, const struct relay_addr *addr);
void relay_dest_note(struct relay *r, const struct relay_addr *addr, const struct err *e, bool tls);
void relay_dest_forget(struct relay *r, const struct relay_addr *addr);

/* ---- relay_find.c ---- */

/*
 * Fills d->addrs: 0; DNS_CLIENT_PENDING, d->wait is to be awaited; else EXIT_NOHOST (*e PERM)
 * or EXIT_TEMPFAIL (*e TEMP).
 */
int relay_find(struct relay_dest *d, struct err *e);

/* "mx.example [192.0.2.1]" */
void relay_find_describe(const struct relay_addr *a, char out[RELAY_NAME_MAX]);

/* ---- relay_session.c ---- */

/* Opens a connection to the first address of d that may be tried; false: no memory. */
bool relay_session_open(struct relay_dest *d);

/* An idle connection gets the next job. */
void relay_session_wake(struct relay_session *s);

/* Goes on as far as possible with what came and could be sent; may free s. */
void relay_session_run(struct relay_session *s);

/* The program ends: gives up what the server cannot have taken yet; may free s. */
void relay_session_stop(struct relay_session *s);

/* ---- relay_message.c ---- */

/* Gives the connection the next message, or says QUIT when it has had enough, or idles. */
void relay_message_take(struct relay_session *s);

/* Notes what the machine reports of one recipient; at the end of all: answers the job. */
void relay_message_note(struct relay_session *s);
void relay_message_done(struct relay_session *s);

/* ---- relay_auth.c ---- */

/* The server offers AUTH, or has refused it: then s->why is set. */
void relay_auth_begin(struct relay_session *s);

/* Answers a challenge. */
void relay_auth_answer(struct relay_session *s);

/* ---- relay_tls.c ---- */

/* Are certificates looked at, whether or not they must be good? */
bool relay_tls_judged(const struct relay *r);

/* {server_addr} of the address that is tried. */
struct span relay_tls_addr(const struct relay_session *s);

/* try_tls, tls_clt_features: may STARTTLS be said to the host at hand? */
bool relay_tls_try(struct relay_session *s);

/* clt_features: is it passed over now?  Then *e says so. */
bool relay_tls_pass_over(const struct relay_session *s, struct err *e);

/* The handshake is over: notes and logs what came of it. */
void relay_tls_note(struct relay_session *s);

/* tls_server, once for each connection that was greeted; false: not to be used, *e says why. */
bool relay_tls_judge(struct relay_session *s, struct err *e);

/*
 * The same for a handshake that failed: false, the host must not be tried in the clear.  Option
 * TLSFallbacktoClear is consent, and so is it to have no such ruleset.
 */
bool relay_tls_judge_failure(struct relay_session *s, struct err *e);

/* tls_rcpt; false: r->err and r->code say why not. */
bool relay_tls_rcpt(const struct relay_session *s, struct relay_rcpt *r);

/* ---- relay_io.c ---- */

/* Connects to addr, without waiting; false with *e. */
bool relay_io_connect(struct relay_session *s, const struct relay_addr *addr, struct err *e);

/* A failed call or a timeout as sendmail names them: "Connection refused by mx.example." */
void relay_io_error(const struct relay_session *s, int sys, struct err *e);

/* Reads what has come. */
void relay_io_read(struct relay_session *s);

/* Sends what waits; true when nothing is left. */
bool relay_io_flush(struct relay_session *s);

/* TLS from here on; false: out of memory. */
bool relay_io_start_tls(struct relay_session *s);

/* Ciphertext that waits, as far as it is taken, and its plaintext; true: it moved. */
bool relay_io_tls(struct relay_session *s);

/* Reads text of the message into s->out; at its end writes the final dot. */
void relay_io_body(struct relay_session *s);

/* Forgets what is left of a text. */
void relay_io_end_body(struct relay_session *s);

void relay_io_close(struct relay_session *s);

#endif
