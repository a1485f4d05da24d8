/*
 * cfgen_from_part: what the files of cfgen_from share; see cf/cfgen_from.h.
 */
#ifndef LETTERBOX_CF_CFGEN_FROM_PART_H
#define LETTERBOX_CF_CFGEN_FROM_PART_H

#include "cf/cfgen_from.h"

/* Formats, a bit each: a key may mean the same in several. */
enum { SSMTP = 1, MSMTP = 2, DMA = 4, NULLMAILER = 8, POSTFIX = 16 };

/* What becomes of a value. */
enum act {
	COPY,        /* the variable's value as it is */
	HOST,        /* of the relay: HOST, HOST:PORT, [HOST]:PORT */
	PORT,        /* of the relay */
	USER,        /* for AUTH */
	STARTTLS,    /* a switch: TLS is wanted */
	SMTPS,       /* a switch: TLS from the start */
	STARTTLS_NO, /* a switch that, off, means TLS from the start */
	TLS_LEVEL,   /* postfix: encrypt and above mean TLS is wanted */
	NULLCLIENT,  /* a switch without value */
	REMOTE,      /* nullmailer: HOST [smtp] [--port=...] */
	DOMAINS,     /* postfix names, $mydomain and the like in them */
	NETWORKS,    /* CIDR to the first parts of addresses */
	FILE_OF,     /* hash:/path to /path, several */
	LISTENERS,   /* all, loopback-only, addresses */
	MILTER,      /* inet:host:port to inet:port@host */
	NOTHING,     /* holds here anyway, or is nobody's loss */
};

/* A key of some formats, what is done with its value, and the variable that it becomes. */
struct cfgen_from_row {
	unsigned char kinds, act;
	const char *key, *variable;
};

/* Takes the next word off; blanks, commas and line ends divide. */
struct span cfgen_from_word(struct span *s);

/* Appends what the row's variable is to be, or nothing; false: there is no equivalent. */
bool cfgen_from_value(const struct cfgen_from_row *row, struct span v, struct buf *value);

#endif
