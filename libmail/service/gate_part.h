/*
 * gate_part: what the files of the gate module share; see gate.h.
 *
 *	gate.c        the process: signals, requests of the roles, the end
 *	gate_setup.c  what a role is given when it starts
 *	gate_reload.c SIGHUP
 */
#ifndef LETTERBOX_SERVICE_GATE_PART_H
#define LETTERBOX_SERVICE_GATE_PART_H

#include "service/account.h"
#include "service/config.h"
#include "service/gate.h"
#include "service/mta_ipc.h"
#include "service/signer.h"
#include "service/supervise.h"

enum { GATE_SOCKETS_MAX = SETTINGS_LISTENERS_MAX + 1 };

struct gate {
	struct loop loop;
	struct supervise supervise;
	struct supervise_role smtpd, queue;
	struct settings *settings;
	const struct gate_plan *plan;
	struct account_source accounts;
	struct tlskeys keys;
	struct signer signer;
	struct loop_timer reload;
	int sockets[GATE_SOCKETS_MAX];
	size_t socket_count;
	int local;          /* the submission socket, or -1 */
	int peer;           /* an end for the queue role that is not started yet, or -1 */
	int config;         /* a file of the configuration's text */
	char name[CF_NAME]; /* where that is from */
	int session;        /* -bs: to be handed to smtpd, or -1 */
	int ready_fd;
	unsigned ready; /* roles at work */
	int status;     /* exit status */
	struct buf b;   /* for one message */
	char mem[WIRE_MAX];
};

/* The set-up callbacks of the two roles (struct supervise_role). */
void gate_setup_smtpd(struct supervise_role *r);
void gate_setup_queue(struct supervise_role *r);

/* A new channel between the two that run: the one before broke, and nobody died. */
void gate_setup_peer(struct gate *g);

/* Loads or makes the pair for STARTTLS; without one the log says that it is not offered. */
void gate_setup_keys(struct gate *g);

/* A new certificate chain for smtpd, after the files changed. */
void gate_setup_chain(struct gate *g);

/* The configuration for the queue role; before START, or a new one. */
void gate_setup_config(struct gate *g);

/*
 * New settings for the roles that run, and the new configuration.  What was bound, opened and
 * started by the old ones stays: s is made to say so.
 */
void gate_setup_again(struct gate *g, struct settings *s);

/*
 * Reads again: the environment with the files that it names, the command line, the configuration.
 * What is wrong is logged, and the old settings stay.
 */
void gate_reload(struct gate *g);

/* Tells the queue role to run: see MTA_RUN. */
void gate_setup_run(struct gate *g, uint32_t number);

#endif
