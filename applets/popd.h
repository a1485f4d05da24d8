/*
 * popd: a POP3 server in three kinds of processes.
 *
 *	gate    binds, holds the TLS key, has passwords checked; reads no network octet
 *	net     all sessions, TLS and protocol, in one event loop, as an account of its own
 *	store   one for each session that is logged in, as the mailbox's owner; gets
 *	        typed requests (proto/pop3_reply.h) and never an octet of the network
 *
 * A password goes from net to gate, which forks a child that checks it and ends, so that no
 * hash stays; the child compares as nobody, in a box without files.  When it is right, gate starts
 *a store at one end of a socket pair and gives net the other.  Deletions happen when the client
 *says QUIT, and at no other end.
 *
 *	popd.c          options, daemon, -i
 *	popd_gate.c     the gate; popd_login.c: its logins
 *	popd_net.c      the net role; popd_session.c, popd_io.c: one session, its octets
 *	popd_store.c    the store role
 */
#ifndef LETTERBOX_APPLETS_POPD_H
#define LETTERBOX_APPLETS_POPD_H

#include <stdbool.h>
#include <stdint.h>

#include "popd_ipc.h"
#include "service/settings.h"
#include "service/signer.h"
#include "service/supervise.h"
#include "sys/loop.h"

enum {
	POPD_LISTENERS_MAX = 16,
	POPD_CHECKS_MAX = 8,    /* passwords checked at once: it takes processor time */
	POPD_WAITING_MAX = 512, /* logins waiting for that */
	POPD_SESSIONS = 2000,   /* at once, when nothing else is said */
	POPD_IDLE_S = 600,      /* RFC 1939 section 3: at least 10 minutes */
	POPD_STOP_MS = 8000,    /* a container is killed 10 s after SIGTERM */
};

/* What the command line says. */
struct popd_plan {
	struct settings settings; /* of the environment and options */
	struct popd_config config;
	struct {
		int fd;
		bool tls;
	} listeners[POPD_LISTENERS_MAX];
	size_t listener_count;
	int session;                      /* -i: the one session's socket; else -1 */
	char peer[POPD_ADDR_MAX];         /* its address */
	char pid_file[SETTINGS_PATH_MAX]; /* "": none */
	int ready_fd; /* gets one octet when the service answers, and is closed; -1: none */
};

/* Runs the gate until SIGTERM, or the end of the one session; an exit status. */
int popd_gate(struct popd_plan *plan);

/* A login on its way: waiting, being checked. */
struct popd_check {
	struct popd_check *next;
	struct popd_gate *gate;
	uint32_t id; /* of the session in net */
	char addr[POPD_ADDR_MAX];
	bool tls;
	struct buf user, password;
	struct ipc child; /* the auth child's channel, when it runs */
	bool answered;
};

struct popd_gate {
	struct popd_plan *plan;
	struct loop loop;
	struct supervise supervise;
	struct supervise_role net;
	struct tlskeys keys;
	struct signer signer;
	struct account_source accounts;
	struct popd_check *checking, *waiting, **last; /* those with a child; those without */
	size_t checks, queued;
	size_t children; /* auth children and stores not reaped yet */
	struct loop_timer reload, stopped;
	bool net_gone; /* while stopping */
	int status;
	char mem[WIRE_MAX];
	struct buf b; /* over mem: a message on its way out */
};

/* ---- popd_login.c ---- */

/* Net asks for a login; false: malformed. */
bool popd_login(struct popd_gate *g, struct wire_in *in);

/* Starts checks of those who wait, as far as there is room. */
void popd_login_next(struct popd_gate *g);

/* Net is gone: nobody waits for the outcomes any more. */
void popd_login_drop(struct popd_gate *g);

#endif
