/*
 * popd_ipc: the messages between popd's processes (base/wire.h).
 *
 *	gate -> net     CONFIG LISTENER CHAIN SIGN_FD SESSION START; LOGIN_IS
 *	net  -> gate    READY LOGIN IDLE
 *	auth -> gate    CHECKED
 *	gate -> store   BOX
 *
 * Getters check every bound and that nothing is left over; false ends the sender.  Spans are
 * borrowed from the received octets.
 */
#ifndef LETTERBOX_APPLETS_POPD_IPC_H
#define LETTERBOX_APPLETS_POPD_IPC_H

#include "base/wire.h"
#include "proto/pop3.h"
#include "service/account.h"

enum popd_type {
	POPD_CONFIG = 1, /* struct popd_config */
	POPD_LISTENER,   /* number: 1 TLS from the start; with a listening socket */
	POPD_CHAIN,      /* number: generation; with a file of the chain in DER */
	POPD_SIGN_FD,    /* with the channel for signatures (service/signer.h) */
	POPD_SESSION,    /* text: the peer's address; with its socket */
	POPD_START,      /* all is sent: close the box and work */
	POPD_READY,      /* net is at work */
	POPD_IDLE,       /* net's one session is over */
	POPD_LOGIN,      /* struct popd_login; id is the session's */
	POPD_LOGIN_IS,   /* number: enum popd_verdict; with the mailbox's socket when right */
	POPD_CHECKED,    /* struct popd_checked */
	POPD_BOX,        /* struct popd_box; with the socket of the session */
};

enum { POPD_ADDR_MAX = 46 /* INET6_ADDRSTRLEN */ };

/* What net is told about its service. */
struct popd_config {
	char host[256];
	bool require_tls;
	uint32_t max_sessions;
	uint32_t max_per_source; /* 0: no limit */
	uint32_t idle_s;
};

struct popd_login {
	char addr[POPD_ADDR_MAX];
	bool tls;
	struct span user, password;
};

/* Outcome of a login: a refusal of pop3.h, or right. */
enum popd_verdict { POPD_RIGHT = 100, POPD_REFUSALS = POP3_BUSY };

/* What the auth child found out. */
struct popd_checked {
	struct err err; /* ERR_NONE: the password is right */
	struct account account;
};

/* Whose mailbox a store is to open. */
struct popd_box {
	char user[ACCOUNT_NAME_MAX + 1];
	char mailbox[ACCOUNT_PATH_MAX], home[ACCOUNT_PATH_MAX];
	uint32_t uid, gid;
	uint32_t spool_gid; /* the group that may write beside the mailbox; UINT32_MAX: none */
};

void popd_ipc_put_config(struct buf *b, const struct popd_config *c);
bool popd_ipc_get_config(struct wire_in *in, struct popd_config *c);

void popd_ipc_put_login(struct buf *b, uint32_t id, const struct popd_login *l);
bool popd_ipc_get_login(struct wire_in *in, struct popd_login *l);

void popd_ipc_put_checked(struct buf *b, const struct popd_checked *c);
bool popd_ipc_get_checked(struct wire_in *in, struct popd_checked *c);

void popd_ipc_put_box(struct buf *b, const struct popd_box *x);
bool popd_ipc_get_box(struct wire_in *in, struct popd_box *x);

/* Messages of one number or one text (which fits into a message with its head). */
void popd_ipc_put_number(struct buf *b, enum popd_type type, uint32_t id, uint32_t v);
bool popd_ipc_get_number(struct wire_in *in, uint32_t *v);
void popd_ipc_put_text(struct buf *b, enum popd_type type, struct span text);
bool popd_ipc_get_text(struct wire_in *in, struct span *text);

#endif
