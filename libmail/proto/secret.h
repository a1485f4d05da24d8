/*
 * secret: passwords against what is stored of them; no libc is asked.
 *
 * Debian's musl has no crypt(3), and others differ in what theirs knows, so these are done here:
 * crypt strings $1$ (MD5), $5$ and $6$ (SHA-2, with rounds=), $2a$ $2b$ $2y$ (bcrypt), and
 * SCRAM-SHA-256 (RFC 5802, 7677) in Dovecot's form "ITERATIONS,SALT,STOREDKEY,SERVERKEY", base64.
 * Pure; slow by design: tens of milliseconds.  Memory with secrets is wiped.
 */
#ifndef LETTERBOX_PROTO_SECRET_H
#define LETTERBOX_PROTO_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	SECRET_CRYPT_MAX = 160,    /* octets of a crypt string: $6$rounds=999999999$ + 16 + 86 */
	SECRET_PASSWORD_MAX = 255, /* octets; longer ones fit nothing */
	SECRET_BCRYPT_COST = 16,   /* the most that is done: some ten seconds */
};

enum secret_verdict {
	SECRET_FITS,
	SECRET_DIFFERS,
	SECRET_UNKNOWN, /* of a kind not known here, or damaged */
};

/* Equality that takes the same time wherever the difference is; lengths may show. */
bool secret_equal(struct span a, struct span b);

/* stored is a crypt string. */
enum secret_verdict secret_fits_crypt(struct span stored, struct span password);

/* stored is what stands behind {SCRAM-SHA-256}. */
enum secret_verdict secret_fits_scram(struct span stored, struct span password);

/*
 * Appends the crypt string that setting (a crypt string, or its beginning up to the salt)
 * makes of password; false, with nothing appended, for a setting that is not known.
 */
bool secret_crypt(struct span setting, struct span password, struct buf *out);

/* The parts, for secret.c: setting behind "$1$", "$5$" or "$6$"; and a whole "$2.$" one. */
bool secret_md5_crypt(struct span setting, struct span password, struct buf *out);
bool secret_sha_crypt(struct span setting, struct span password, bool wide, struct buf *out);
bool secret_bcrypt(struct span setting, struct span password, struct buf *out);

#endif
