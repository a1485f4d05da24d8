/*
 * smtpd: the role that holds all inbound SMTP sessions in one event loop.
 *
 * It runs as the mail account, chrooted into the queue directory, and can open nothing
 * but queue files.  What it may not decide it asks: queue about addresses, gate for
 * delivery agents and TLS signatures.  This header is what the files of the role share;
 * the rest of the program uses smtpd_main only.
 *
 *	smtpd.c          set-up, the answers of other roles
 *	smtpd_config.c   settings for the protocol machine
 *	smtpd_accept.c   who may connect
 *	smtpd_session.c  one connection: the order of things, timeouts
 *	smtpd_greet.c    the greeting and the pause before it
 *	smtpd_io.c       octets out, TLS
 *	smtpd_ask.c      questions to the queue role
 *	smtpd_macros.c   what rulesets may look at
 *	smtpd_event.c    what the protocol machine asks: policy, replies
 *	smtpd_known.c    answers that are still fresh
 *	smtpd_store.c    one message: gathered, spilled to a queue file, committed
 *	smtpd_fast.c     its way into local mailboxes
 *	smtpd_spare.c    memory of sessions and messages
 */
#ifndef LETTERBOX_SERVICE_SMTPD_H
#define LETTERBOX_SERVICE_SMTPD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "format/submit.h"
#include "proto/smtp_server.h"
#include "proto/tls.h"
#include "service/agents.h"
#include "service/mta_ipc.h"
#include "service/queue.h"
#include "service/settings.h"
#include "service/signer.h"
#include "sys/commit.h"
#include "sys/ipc.h"
#include "sys/loop.h"

enum {
	SMTPD_FAST_MAX = 8,    /* recipients that the local fast path serves */
	SMTPD_CHUNK = 32768,   /* octets read from a body at a time, one buffer for all sessions */
	SMTPD_IN_STEP = 2048,  /* octets of commands read at a time */
	SMTPD_IN_MAX = 40960,  /* pipelined input of one session: a TLS record and a line */
	SMTPD_OUT_STEP = 4096, /* replies that wait for the client: then no more commands are run */
	SMTPD_OUT_MAX = 16384, /* the same with the reply to the last command, an AUTH challenge */
	SMTPD_RATES = 256,     /* sources whose rate is remembered */
	SMTPD_ENVELOPES_MAX = 16 << 20, /* octets of recipients in memory, of all sessions */
	SMTPD_PAUSE_MS = 1000,          /* no accepting after descriptors or memory ran out */
	/*
	 * A short message is gathered in memory and has a file only when it must be queued: for
	 * local mail that saves making and removing one.  So many of so many octets, all sessions
	 * together; the others have a file from the start.
	 */
	SMTPD_HELD_OCTETS = MTA_TEXT_MAX,
	SMTPD_HELD_MAX = 64,
	SMTPD_SPARE_MS = 2000, /* memory that nobody used for so long is given back */
	SMTPD_SPARE_INPUTS = 16,
	SMTPD_TOLD_MAX = 2048,
	SMTPD_ALONE_MS = 1000, /* without the queue role, before gate is asked for it */
	SMTPD_KNOWN = 64,      /* answers that are remembered in bursts of mail ... */
	SMTPD_KNOWN_MS = 250,  /* ... so long */
};

struct smtpd_listener {
	struct loop_watch watch;
	struct loop_timer again; /* accepting goes on */
	struct smtpd *d;
	enum mta_listener kind;
	char name[16];
};

struct smtpd_rate {
	uint64_t source;   /* hash of the address */
	uint64_t since_ms; /* its minute began */
	uint32_t count;
};

/* Memory that is not in use now (smtpd_spare.c). */
struct smtpd_spare {
	struct loop_timer timer;
	struct smtpd_session *sessions;
	struct smtpd_store *stores; /* with memory for a message */
	size_t nsessions;
	size_t held; /* messages' memory there is, in use or not */
	struct buf inputs[SMTPD_SPARE_INPUTS];
	size_t ninputs;
};

struct smtpd {
	struct loop loop;
	struct settings settings;
	struct span filtered; /* the answer to all clients, where a mail filter is missing */
	struct ipc gate, queue_role;
	struct queue queue;
	struct agents agents;
	struct commit_pool *pool;
	struct smtp_server_config config[2]; /* by enum mta_listener */
	struct smtpd_listener listeners[SETTINGS_LISTENERS_MAX + 1];
	size_t listener_count;
	struct smtpd_session **sessions; /* by slot */
	size_t slots, open;
	size_t orphans;   /* messages whose client has gone and that are still being stored */
	size_t envelopes; /* octets in rcpts of all sessions */
	uint16_t generation;
	struct smtpd_rate *rates;
	struct signer_chain *chain; /* the one in force, or NULL: no TLS */
	int sign_fd;
	char *chunk;     /* SMTPD_CHUNK octets, made when first needed */
	struct buf text; /* filtered message octets on their way to a store */
	struct buf told; /* ids that the queue role is to hear of in this turn */
	char told_mem[SMTPD_TOLD_MAX];
	struct loop_timer tell, alone;
	uint64_t unique;   /* of the next id */
	uint64_t space_ms; /* when it was looked how much space there is */
	uint64_t space;    /* octets, 0 = not known */
	struct smtpd_spare spare;
	struct smtpd_known *known[SMTPD_KNOWN];
	bool one_shot; /* ends with its last session */
	bool stopping;
};

/* A recipient of the transaction that the fast path could serve. */
struct smtpd_local {
	char user[128];
	struct buf addr;
};

struct smtpd_session {
	struct smtpd *d;
	struct smtpd_session *spare; /* the next one, when it is not in use */
	struct loop_watch watch;
	struct loop_timer timer;
	struct smtp_server smtp;
	struct tls_session *tls;
	struct signer_chain *chain; /* of tls */
	struct buf in, out, cipher; /* input not consumed; replies; ciphertext not taken */
	size_t slot;
	size_t consumed; /* octets of in that are done with once the answer is given */
	uint32_t id;     /* for questions to other roles: generation and slot */
	uint32_t uid;    /* of a local caller, UINT32_MAX else */
	uint64_t source; /* hash of the address */
	uint64_t started_ms, message_ms; /* when it began; when its message did */
	enum mta_listener kind;
	enum mta_type asked;       /* what the queue role was asked last */
	bool asked_open;           /* and has not answered */
	struct smtpd_known *known; /* the question, for smtpd_known_learn */
	bool connecting;           /* a verdict on the client itself is awaited, or its pause */
	uint32_t pause_ms;         /* before the greeting; 0: not now */
	bool named;                /* macros says who the client is */
	bool at_data;              /* the verdict asked for is on DATA */
	bool checking;             /* the message is there, and its header is being judged */
	bool in_body, closing, gone, want_tls, broken;
	char addr[64];    /* "192.0.2.1", "IPv6:...", "" local */
	char client[384]; /* text of the HELO reply: "[192.0.2.1]" or "root@localhost" */
	char listener[16];
	char features[MTA_FEATURES_MAX + 1]; /* letters of srv_features */
	struct buf refusal;                  /* of all commands */
	struct buf macros;                   /* of the client, from the queue role */
	/* the transaction */
	struct buf mail_macros; /* of the sender, from the queue role */
	uint8_t fate;           /* enum mta_fate */
	unsigned bad_rcpts;
	struct buf sender; /* as accepted; "" null */
	struct buf rcpts;  /* queue file records */
	struct buf locals; /* "user\0address\0" each, while all are local */
	unsigned nrcpts, nlocals;
	enum smtp_body body;
	char ret;
	struct buf envid;
	struct smtpd_store *store;
};

/* One message from DATA to its answer; outlives its session when the client hangs up. */
struct smtpd_store {
	struct smtpd *d;
	struct smtpd_session *session; /* NULL when gone */
	char id[QUEUE_ID_MAX];
	struct smtpd_store *spare; /* the next one, when it is not in use */
	char *held;                /* SMTPD_HELD_OCTETS for envelope and message, or NULL */
	size_t held_len;
	struct queue_writer w; /* the file; fd -1: not made */
	struct submit filter;
	struct buf from, date, message_id; /* fields to be added */
	struct commit_job commit;
	struct buf sender, locals;              /* copies of the session's */
	struct agents_job jobs[SMTPD_FAST_MAX]; /* one for each recipient, if all are local */
	unsigned njobs, waiting;
	size_t head;     /* octets of the envelope */
	size_t own;      /* of the envelope and the fields that we put in front */
	uint64_t octets; /* of envelope and message so far */
};

int smtpd_main(int argc, char **argv);

/* ---- smtpd.c ---- */

/* Ends the role, or tells gate, when it was only there for what is done now. */
void smtpd_check_idle(struct smtpd *d);

/* ---- smtpd_config.c ---- */

/* After settings changed. */
void smtpd_configure(struct smtpd *d);

/* ---- smtpd_accept.c ---- */

/* A listening socket is ready (struct loop_watch). */
void smtpd_accept_ready(struct loop_watch *w, uint32_t events);

/* How many sessions the source has, and how many it began in this minute. */
void smtpd_accept_count(const struct smtpd *d, uint64_t source, unsigned *open, unsigned *rate);

/* The same for all sources together. */
unsigned smtpd_accept_total(const struct smtpd *d);

/* What PrivacyOptions changes in the protocol. */
void smtpd_accept_policy(uint32_t privacy, struct smtp_server_config *c);

/* ---- smtpd_io.c ---- */

/* Sends what waits, as far as the client takes it; true when nothing is left. */
bool smtpd_io_flush(struct smtpd_session *s);

/* After 220: the rest of the connection is TLS. */
void smtpd_io_start_tls(struct smtpd_session *s);

/* Ciphertext that waits, as far as it is taken, and the plaintext it gives; true: it moved. */
bool smtpd_io_tls(struct smtpd_session *s);

/* ---- smtpd_session.c ---- */

/*
 * A new connection, l NULL: handed over by gate; takes over fd.  Says 421 and closes when there
 * are too many.
 */
void smtpd_session_open(struct smtpd *d, int fd, enum mta_listener kind,
			const struct smtpd_listener *l, const char *addr, uint64_t source,
			uint32_t uid);

/* After an answer came: goes on with the input that waits. */
void smtpd_session_resume(struct smtpd_session *s);

/* Ends it from our side with 421, or at once. */
void smtpd_session_shut(struct smtpd_session *s, const char *status, const char *text);
void smtpd_session_free(struct smtpd_session *s);

/* The session that id names, or NULL when it is gone. */
struct smtpd_session *smtpd_session_find(struct smtpd *d, uint32_t id);

/* ---- smtpd_greet.c ---- */

/* Greets; the client may talk now.  early: it talked before, and is refused. */
void smtpd_greet_client(struct smtpd_session *s, bool early);

/* Has it wait for the greeting; what it says meanwhile is early. */
void smtpd_greet_pause(struct smtpd_session *s, uint32_t ms);

/* Has the client that waits talked, or gone?  Then it was greeted accordingly. */
bool smtpd_greet_early(struct smtpd_session *s);

/* ---- smtpd_ask.c ---- */

/* Asks for a verdict on arg; smtpd_event_verdict follows, at once when nobody can be asked. */
void smtpd_ask(struct smtpd_session *s, enum mta_type type, struct span arg);

/* Asks whether the client may connect; false: there is nothing to ask. */
bool smtpd_ask_connect(struct smtpd_session *s);
void smtpd_ask_connected(struct smtpd_session *s, const struct mta_verdict *v);

/* Asks tls_client when TLS runs. */
void smtpd_ask_tls(struct smtpd_session *s);

/* Asks a check of enum route_check with its argument; false: the configuration has none. */
bool smtpd_ask_check(struct smtpd_session *s, unsigned which, struct span arg);

/* Asks about the header of the session's message; false: there is nothing to ask. */
bool smtpd_ask_message(struct smtpd_session *s);

/* ---- smtpd_macros.c ---- */

/* Puts those that stay as they are for the session into s->macros. */
void smtpd_macros_begin(struct smtpd_session *s, const struct smtpd_listener *l);

/* Appends all that rulesets may want to know besides the addresses. */
void smtpd_macros_put(const struct smtpd_session *s, struct buf *b);

/* ---- smtpd_event.c ---- */

/* Handles one event of the machine; false: an answer is awaited, stop feeding. */
bool smtpd_event(struct smtpd_session *s, enum smtp_server_event ev);

/* The verdict of the queue role on the MAIL or RCPT that waits. */
void smtpd_event_verdict(struct smtpd_session *s, const struct mta_verdict *v);

/* Forgets the transaction. */
void smtpd_event_reset(struct smtpd_session *s);

/* ---- smtpd_store.c ---- */

/* Makes the queue file with envelope and Received: field; fails as the disk does. */
bool smtpd_store_begin(struct smtpd_session *s, struct err *e);

/* Message octets, and the writing out of what was gathered (each chunk's end). */
void smtpd_store_text(struct smtpd_store *st, struct span text);
void smtpd_store_flush(struct smtpd_store *st);

/* The end of the text: what is left goes to the file.  False: it was refused, and answered. */
bool smtpd_store_gather(struct smtpd_store *st);

/* The file of the message, made now if it has none; -1: it cannot be. */
int smtpd_store_file(struct smtpd_store *st);

/* Then delivers or commits; answers the session when that is done. */
void smtpd_store_end(struct smtpd_store *st);

/* Has the message wait in the queue until somebody releases it. */
void smtpd_store_hold(struct smtpd_store *st);

/* Drops the message. */
void smtpd_store_drop(struct smtpd_store *st);

/*
 * Tells the queue role of what was committed in this turn (struct loop_timer tell); when that is
 * nothing, to look for itself.
 */
void smtpd_store_tell(struct loop_timer *t);

/* Puts it into the queue and answers then; its recipients with a finished job are marked done. */
void smtpd_store_commit(struct smtpd_store *st);

/* It is safe, or e says why not: tells the session, if it is still there, from the loop. */
void smtpd_store_finish(struct smtpd_store *st, const struct err *e);

/* ---- smtpd_known.c ---- */

/*
 * Looks whether the queue role has just said yes to the same question several times: true, and
 * its verdict (borrowed until the next question).  Else the question is kept for _learn.
 */
bool smtpd_known_verdict(struct smtpd_session *s, const struct buf *question,
			 struct mta_verdict *v);

/* What was asked last got this answer (the message's fields). */
void smtpd_known_learn(struct smtpd_session *s, struct span answer, const struct mta_verdict *v);

/* Forgets all of them: the queue role is a new one. */
void smtpd_known_forget(struct smtpd *d);

/* ---- smtpd_spare.c ---- */

/* A new session in a slot of its own, empty but for its bufs; NULL without memory. */
struct smtpd_session *smtpd_spare_session(struct smtpd *d);

/* Takes it out of its slot.  Its descriptor, timer, TLS and store are gone already. */
void smtpd_spare_keep_session(struct smtpd_session *s);

/* Memory for s->in, if there is some; and back, with whatever is in it forgotten. */
void smtpd_spare_input(struct smtpd_session *s);
void smtpd_spare_keep_input(struct smtpd_session *s);

/* An empty store; held is NULL when all sessions together hold enough. */
struct smtpd_store *smtpd_spare_store(struct smtpd *d);
void smtpd_spare_keep_store(struct smtpd_store *st);

/* Empties b; keeps its memory if it is small. */
void smtpd_spare_empty(struct buf *b);

/* Gives all of it back (struct loop_timer). */
void smtpd_spare_trim(struct loop_timer *t);

/* ---- smtpd_fast.c ---- */

/* Makes jobs if all recipients are local and the settings allow it; without memory, none. */
void smtpd_fast_plan(struct smtpd_store *st, const struct smtpd_session *s);

/* Hands the message to the agents; what they cannot take now is committed. */
void smtpd_fast_deliver(struct smtpd_store *st);

#endif
