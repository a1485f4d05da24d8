/*
 * popd_net: the role that holds all sessions of popd; see popd.h.
 *
 * It runs in an empty root under an account of its own and can open nothing.  A session
 * that idles costs its struct; buffers are there while octets wait, TLS from its first octet on.
 *
 * A session's flow: the client is read only when no octet of it waits and it has taken all
 * output; the store is read only when the client has taken all output.  So a client that does not
 * read stops its own store, and nobody else.
 */
#ifndef LETTERBOX_APPLETS_POPD_NET_H
#define LETTERBOX_APPLETS_POPD_NET_H

#include "popd.h"
#include "proto/pop3_reply.h"
#include "sys/ipc.h"

enum {
	POPD_IN_MAX = 20480,      /* of a session: a TLS record and a line */
	POPD_READ = 4096,         /* octets read from a client at a time */
	POPD_OUT_MAX = 160 << 10, /* what a client has not taken: what one read of a store gives */
	POPD_CHUNK = 64 << 10,    /* octets read from a store at a time */
	POPD_DELAY_MS = 2000,     /* before a login is refused */
	POPD_PAUSE_MS = 1000,     /* no accepting after descriptors or memory ran out */
	POPD_STALE_MS = 30000,    /* a session that has not logged in since makes room when full */
};

struct popd_net;

struct popd_listener {
	struct loop_watch watch;
	struct loop_timer again; /* accepting goes on */
	struct popd_net *net;
	bool tls;
};

enum popd_end { POPD_OPEN, POPD_QUIT, POPD_HANGUP, POPD_TIMEOUT, POPD_BROKEN, POPD_SHUTDOWN };

struct popd_session {
	struct popd_session *prev, *next;
	struct popd_net *net;
	struct loop_watch client, store; /* their fds are -1 when not watched */
	int client_fd, store_fd;         /* -1: none */
	struct loop_timer timer;
	struct pop3 pop;
	struct pop3_answers answers;
	struct tls_session *tls;
	struct signer_chain *chain;
	struct buf in, out, cipher; /* input not used; output not taken; ciphertext not fed */
	struct buf asked;           /* requests that the store has not taken */
	uint32_t id;
	uint64_t source; /* hash of the address */
	uint64_t started_ms;
	uint64_t octets;   /* sent in answers of the store */
	enum popd_end end; /* what ended it, for the log; POPD_OPEN: nothing yet */
	bool tls_first;    /* TLS begins with the first octet */
	bool delayed;      /* a refusal waits for the timer */
	bool eof;          /* the client has said all */
	bool closing;      /* ends when all output is taken */
	bool logged_in;
	uint8_t refusal; /* enum pop3_refusal, while delayed */
	char addr[POPD_ADDR_MAX];
};

struct popd_net {
	struct loop loop;
	struct popd_config settings;
	struct pop3_config config; /* for sessions */
	struct ipc gate;
	struct popd_listener listeners[POPD_LISTENERS_MAX];
	size_t listener_count;
	struct popd_session *first, *last; /* in order of arrival */
	size_t open;
	uint32_t next_id;
	struct signer_chain *chain; /* NULL: no TLS */
	int sign_fd;
	char *chunk; /* POPD_CHUNK octets, for what comes from a store */
	bool one_shot, stopping;
};

/* ---- popd_net.c ---- */

/* A session is gone: ends the role when it was what it waited for. */
void popd_net_check_idle(struct popd_net *n);

/* Sends the user's name and password to gate. */
void popd_net_login(struct popd_session *s);

/* ---- popd_session.c ---- */

/* A new connection; takes over fd. */
void popd_session_open(struct popd_net *n, int fd, bool tls_first, const char *addr,
		       uint64_t source);

/* Gate's answer to a login; takes over fd (-1: none). */
void popd_session_login(struct popd_session *s, uint32_t verdict, int fd);

/* Ends the session for a reason of ours, with a word to the client where it may hear it. */
void popd_session_shut(struct popd_session *s, enum popd_end why);

/* ---- popd_io.c ---- */

enum popd_io { POPD_IO_IDLE, POPD_IO_MOVED, POPD_IO_BROKEN };

/* Reads from the client into in or cipher. */
enum popd_io popd_io_receive(struct popd_session *s);

/* Ciphertext that waits to plaintext, and the handshake. */
enum popd_io popd_io_decrypt(struct popd_session *s);

/* Sends what waits, as far as the client takes it. */
enum popd_io popd_io_flush(struct popd_session *s);

/* Is there anything that the client has not taken? */
bool popd_io_pending(const struct popd_session *s);

/* Sends text now if nothing waits, and keeps the rest of it. */
bool popd_io_send(struct popd_session *s, const struct span *texts, size_t n);

/* From here on the connection is TLS; false without memory. */
bool popd_io_start_tls(struct popd_session *s);

#endif
