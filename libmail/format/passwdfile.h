/*
 * passwdfile: users in Dovecot's passwd-file format, which passwd(5) is a part of.
 *
 *	user:{SCHEME}secret:uid:gid:gecos:home:shell:extra fields
 *
 * Fields at the end may be missing.  A secret without a scheme is a crypt(3) hash.  Extra fields
 * are words "key=value" or "key", separated by blanks; the last field may hold ':'.  Empty lines
 * and lines that begin with '#' are skipped.  Results are spans into the file.
 */
#ifndef LETTERBOX_FORMAT_PASSWDFILE_H
#define LETTERBOX_FORMAT_PASSWDFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum {
	PASSWDFILE_USER_MAX = 128,  /* of a name, domain included: it becomes part of file names */
	PASSWDFILE_LINE_MAX = 4096, /* of one line */
};

struct passwdfile_entry {
	struct span user;
	struct span scheme; /* "SHA512-CRYPT"; "CRYPT" where none is written */
	struct span secret; /* behind the scheme; empty: nobody can log in */
	uint32_t uid, gid;  /* when has_uid, has_gid */
	bool has_uid, has_gid;
	bool locked; /* secret "x", "*", "!..." or empty: matches no password */
	struct span gecos, home, shell, extra;
	struct span mailbox; /* userdb_mail= or mail= of extra, or empty */
};

enum passwdfile_result {
	PASSWDFILE_FOUND,
	PASSWDFILE_ABSENT, /* no such user */
	PASSWDFILE_BAD,    /* its line is malformed; e says how */
};

/*
 * A name fit to look up and to build file names from: letters, digits, "._+=%@&~-" and UTF-8, at
 * most PASSWDFILE_USER_MAX, no '-' or '.' first, no "..".
 */
bool passwdfile_is_user(struct span user);

/*
 * One line, without line end.  False, with a reason in e (class PERM), for a bad name, number or
 * scheme, a control octet or a line past the maximum.
 */
bool passwdfile_parse(struct span line, struct passwdfile_entry *out, struct err *e);

/*
 * The first line of this user (octet for octet).  A malformed line of somebody else is passed
 * over: one wrong line must not lock everybody out.  e names the line's number.
 */
enum passwdfile_result passwdfile_find(struct span file, struct span user,
				       struct passwdfile_entry *out, struct err *e);

/*
 * The next line that holds an entry; *line counts from 1 (start with 0).  False at the end.
 * Check the line itself with passwdfile_parse.
 */
bool passwdfile_next(struct span *file, unsigned *line, struct span *out);

/* The value of a word of the extra field; empty for a word without "=".  False when absent. */
bool passwdfile_extra(const struct passwdfile_entry *entry, struct span key, struct span *value);

#endif
